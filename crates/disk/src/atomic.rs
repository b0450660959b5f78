//! Files that appear whole or not at all.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{Error, Result, Spool, folder_of, nameless, target::Target, unwritable};

/// Writes `bytes` to what `path` leads to, as [`AtomicFile`] does: a reader never sees half a file, and a failure
/// leaves what was there before.
///
/// # Errors
/// As for [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.append(bytes)?;
    file.commit()
}

/// [`write_atomically`] of what only the file's owner may read, such as a key.
///
/// # Errors
/// As for [`write_atomically`].
pub fn write_privately(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    #[cfg(unix)]
    {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.file.get_ref().set_permissions(private).map_err(unwritable(path))?;
    }
    file.append(bytes)?;
    file.commit()
}

/// A file that has no name until it is complete, and is gone if it is dropped before or the program is killed.
///
/// A path through symbolic links leads to the file at their end, and the links stay. A named pipe or a device gets the
/// complete file at the end, as a stream.
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<File>,
    /// Where the bytes go in the end, if that is no file.
    stream: Option<File>,
}

impl AtomicFile {
    /// Begins a file that will be at `path`. If that is a named pipe, this waits for its reader.
    ///
    /// # Errors
    /// A folder that is missing or refuses the file, or a path that leads to what must not be replaced: a folder, a
    /// socket, a disk, a file that is read-only (also for root) or protected by the system.
    pub fn create(path: &Path) -> Result<Self> {
        let create = || -> io::Result<Self> {
            let target = Target::of(path)?;
            if let Target::File(_) = target {
                nameless::sweep(&target.folder());
            }
            let file = BufWriter::new(nameless::create(&target.folder())?);
            Ok(Self { path: path.into(), file, stream: target.open_stream()? })
        };
        create().map_err(unwritable(path))
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
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
    /// A full disk, which leaves nothing; or a `path` that has come to refuse the file, which is then kept under
    /// another name: see [`Error::Misplaced`].
    pub fn commit(self) -> Result<()> {
        let Self { path, file, stream } = self;
        let complete = || -> io::Result<File> {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            if stream.is_none() {
                file.sync_all()?;
            }
            Ok(file)
        };
        let mut file = complete().map_err(unwritable(&path))?;
        let folder = if stream.is_some() { None } else { Some(folder_of(&path)) };
        let put = match stream {
            Some(mut stream) => send(&mut file, &mut stream),
            None => put(&mut file, &path),
        };
        put.map_err(|source| match nameless::keep(&mut file, &path, folder.as_slice()) {
            Ok(kept) => Error::Misplaced { path: path.clone(), kept, source },
            Err(_) => Error::Unwritable { path: path.clone(), source },
        })
    }
}

fn send(file: &mut File, stream: &mut File) -> io::Result<()> {
    file.rewind()?;
    io::copy(file, stream)?;
    stream.flush()
}

/// Asks once more where `path` leads: hours may lie between the beginning and the end.
fn put(file: &mut File, path: &Path) -> io::Result<()> {
    match Target::of(path)? {
        Target::File(end) => nameless::put(file, &end),
        Target::Stream(_) => Err(io::Error::other("it has become a pipe or a device")),
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

// What was written can be read again and changed until it is complete.
impl Read for AtomicFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.flush()?;
        self.file.get_mut().read(bytes)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Whether a later [`write_atomically`] to `path` can succeed, tried with empty files that are gone again when this
/// returns. A named pipe is not opened, as its reader would take that for the end.
///
/// # Errors
/// As for [`AtomicFile::create`] and [`AtomicFile::commit`].
pub fn check_folder_writable(path: &Path) -> Result<()> {
    let check = || match Target::of(path)? {
        Target::File(end) => {
            nameless::sweep(folder_of(&end));
            nameless::try_put(&end)
        }
        stream @ Target::Stream(_) => nameless::create(&stream.folder()).map(drop),
    };
    check().map_err(unwritable(path))
}

#[cfg(test)]
mod tests;
