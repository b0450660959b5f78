//! Reading what others have made: never more than a stated size, never waiting for what may not come.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    path::Path,
};

use crate::{Error, Result};

/// Opens a file on a disk for reading. A pipe or a device, which may never end or never begin, is refused.
///
/// # Errors
/// What is no file on a disk, or cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    let open = || -> io::Result<File> {
        // Opening alone can do things to a device, so ask first; and again, as names can change in between.
        refuse_special(&fs::metadata(path)?)?;
        let file = open_without_waiting(path)?;
        refuse_special(&file.metadata()?)?;
        Ok(file)
    };
    open().map_err(unreadable(path))
}

/// All of a file of at most `most` bytes. It may be a pipe (`/dev/stdin`, too), as long as that has a writer.
///
/// # Errors
/// A file that cannot be read or is larger.
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = open_without_waiting(path).map_err(unreadable(path))?;
    #[cfg(unix)]
    {
        // It is open: whoever writes into it may now take their time.
        let blocking = rustix::fs::OFlags::empty();
        rustix::fs::fcntl_setfl(&file, blocking).map_err(|error| unreadable(path)(error.into()))?;
    }
    read_within(file, path, most)
}

/// All that `file`, opened at `path`, holds, if that is no more than `most` bytes.
///
/// # Errors
/// A file that cannot be read or is larger.
pub fn read_within(file: File, path: &Path, most: u64) -> Result<Vec<u8>> {
    let too_large = || Error::TooLarge { path: path.into(), most };
    if file.metadata().map_err(unreadable(path))?.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable(path))?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// For `map_err` of what reads the file at `path`.
pub fn unreadable(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Unreadable { path: path.into(), source }
}

fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    options.read(true).open(path)
}

fn refuse_special(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is a pipe or a device; copy its bytes to a file first",
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    fn pipe(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn what_may_never_end_is_not_opened_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for (path, named) in [
            (pipe(folder.path()), "pipe"),
            ("/dev/zero".into(), "device"),
            (folder.path().to_owned(), "folder"),
            (folder.path().join("none"), "none"),
        ] {
            let message = open(&path).unwrap_err().to_string();
            assert!(message.contains(named) && message.contains(&path.display().to_string()), "{message}");
        }
    }

    #[test]
    fn reading_ends_at_the_bound_and_waits_for_no_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        for path in [&path, Path::new("/dev/zero")] {
            let message = read_bounded(path, 4).unwrap_err().to_string();
            assert!(message.contains("4 bytes"), "{message}");
        }
        let pipe = pipe(folder.path());
        assert_eq!(read_bounded(&pipe, 5).unwrap(), b"", "nobody writes");
        // A reader that stays lets the writer open the pipe at once; its bytes are waited for.
        let _reader = open_without_waiting(&pipe).unwrap();
        let mut writer = OpenOptions::new().write(true).open(&pipe).unwrap();
        let written = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            writer.write_all(b"123")
        });
        assert_eq!(read_bounded(&pipe, 5).unwrap(), b"123");
        written.join().unwrap().unwrap();
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let message = read_bounded(Path::new("/dev/zero"), 1 << 20).unwrap_err().to_string();
        assert!(message.contains("larger than 1048576 bytes"), "{message}");
    }
}
