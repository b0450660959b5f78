//! Files that appear whole or not at all.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use crate::{Error, Result};

/// Writes `bytes` to a temporary file beside `path` and renames it into place, so that a reader
/// never sees half a file and a failure leaves what was there before.
///
/// # Errors
/// A folder that is missing or refuses the file, or a full disk.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.append(bytes)?;
    file.commit()
}

/// A file that has another name until it is complete, and is gone if it is dropped before.
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Begins a file that will be at `path`.
    ///
    /// # Errors
    /// A folder that is missing or refuses the file.
    pub fn create(path: &Path) -> Result<Self> {
        let file = temporary_beside(path).map_err(unwritable(path))?;
        Ok(Self { path: path.into(), file: BufWriter::new(file) })
    }

    /// Where it will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `bytes` behind those before.
    ///
    /// # Errors
    /// A full disk.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(unwritable(&self.path))
    }

    /// Writes all that waits in `spool`.
    ///
    /// # Errors
    /// A full disk.
    pub fn append_spool(&mut self, spool: Spool) -> Result<()> {
        io::copy(&mut spool.into_reader()?, &mut self.file).map(drop).map_err(unwritable(&self.path))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// A full disk, or a `path` that has become a folder.
    pub fn commit(self) -> Result<()> {
        let Self { path, file } = self;
        let commit = || -> io::Result<()> {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        commit().map_err(unwritable(&path))
    }
}

impl std::fmt::Debug for AtomicFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AtomicFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Bytes that wait on the disk until they are read back once, in a file without a name: the system
/// removes it, whatever happens to the program.
#[derive(Debug)]
pub struct Spool {
    /// The result, for errors.
    path: PathBuf,
    file: BufWriter<File>,
}

impl Spool {
    /// Beside `path`, where the result will need the room too.
    ///
    /// # Errors
    /// A folder that is missing or refuses files.
    pub fn beside(path: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder_of(path)).map_err(unwritable(path))?;
        Ok(Self { path: path.into(), file: BufWriter::new(file) })
    }

    /// Writes `bytes` behind those before.
    ///
    /// # Errors
    /// A full disk.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(unwritable(&self.path))
    }

    /// All of it, from its first byte on.
    pub(crate) fn into_reader(self) -> Result<BufReader<File>> {
        let Self { path, file } = self;
        let rewind = || -> io::Result<File> {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok(file)
        };
        rewind().map(BufReader::new).map_err(unwritable(&path))
    }

    /// Calls `each` with every `size` bytes in turn.
    pub(crate) fn for_each_chunk(self, size: usize, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let path = self.path.clone();
        let mut reader = self.into_reader()?;
        let mut chunk = vec![0; size];
        while !reader.fill_buf().map_err(unwritable(&path))?.is_empty() {
            reader.read_exact(&mut chunk).map_err(unwritable(&path))?;
            each(&chunk)?;
        }
        Ok(())
    }
}

/// For `map_err`.
fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Unwritable { path: path.into(), source }
}

/// Whether a later [`write_atomically`] to `path` can succeed, tried with an empty temporary file
/// that is gone again when this returns.
///
/// # Errors
/// A folder that is missing or refuses files, or a `path` that is itself a folder.
pub fn check_folder_writable(path: &Path) -> Result<()> {
    temporary_beside(path).map(drop).map_err(unwritable(path))
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let mut builder = Builder::new();
    builder.prefix(".kinora-").suffix(".part");
    // Temporary files are private by default; a result is as readable as any file its owner makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn replaces_the_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.bin");
        write_atomically(&path, b"old").unwrap();
        check_folder_writable(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["clip.bin"]);
    }

    #[test]
    fn failure_names_the_path_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("taken.mp4");
        fs::create_dir(&occupied).unwrap();
        let missing = folder.path().join("no/such/folder/clip.mp4");
        for path in [&occupied, &missing] {
            for result in [write_atomically(path, b"x"), check_folder_writable(path)] {
                let message = result.unwrap_err().to_string();
                assert!(message.contains(&path.display().to_string()), "{message}");
            }
        }
        assert_eq!(names(folder.path()), ["taken.mp4"]);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.bin");
        let mut spool = Spool::beside(&path).unwrap();
        spool.append(b"waits").unwrap();
        assert!(names(folder.path()).is_empty(), "a spool has no name");
        let mut file = AtomicFile::create(&path).unwrap();
        file.append(b"half").unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
        let mut file = AtomicFile::create(&path).unwrap();
        file.append(b"it ").unwrap();
        file.append_spool(spool).unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"it waits");
    }

    #[test]
    fn a_spool_comes_back_in_chunks() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::beside(&folder.path().join("a")).unwrap();
        (0..5_u8).for_each(|i| spool.append(&[i; 3]).unwrap());
        let mut seen = Vec::new();
        spool
            .for_each_chunk(3, |chunk| {
                seen.push(chunk.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, (0..5).map(|i| vec![i; 3]).collect::<Vec<_>>());
    }

    #[cfg(unix)]
    #[test]
    fn results_are_not_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomically(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
