//! Files that appear whole or not at all.

use std::{io, io::Write, path::Path};

use tempfile::{Builder, NamedTempFile};

use crate::{Error, Result};

/// Writes `bytes` to a temporary file beside `path` and renames it into place, so that a reader
/// never sees half a file and a failure leaves what was there before.
///
/// # Errors
/// A folder that is missing or refuses the file, or a full disk.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut file = temporary_beside(path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| Error::Unwritable { path: path.into(), source })
}

/// Whether a later [`write_atomically`] to `path` can succeed, tried with an empty temporary file
/// that is gone again when this returns.
///
/// # Errors
/// A folder that is missing or refuses files, or a `path` that is itself a folder.
pub fn check_folder_writable(path: &Path) -> Result<()> {
    temporary_beside(path).map(drop).map_err(|source| Error::Unwritable { path: path.into(), source })
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".kinora-").suffix(".part");
    // Temporary files are private by default; a result is as readable as any file its owner makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
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
