//! One writer for each folder.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    process,
};

use crate::error::{Result, TrainError};

/// The right to write into a folder. It ends with the process, however that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// The file that a writer locks.
    pub(crate) const NAME: &str = ".lock";

    /// Makes the folder if need be, and takes the right to write into it.
    ///
    /// # Errors
    /// [`TrainError::InUse`] while another process has it, or a folder that cannot be written.
    pub fn hold(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        let path = folder.join(Self::NAME);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(TrainError::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // For the message alone: the holder may not have written it yet.
                let _ = file.read_to_string(&mut holder);
                let by = match holder.trim() {
                    "" => "another process".into(),
                    id => format!("process {id}"),
                };
                return Err(TrainError::InUse { path: folder.into(), by });
            }
            // Some network file systems have no locks; a folder there is as safe as it was.
            Err(TryLockError::Error(_)) => return Ok(Self { _file: file }),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", process::id()))
            .map_err(TrainError::io(&path))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("run");
        let lock = Lock::hold(&inner).unwrap();
        let message = Lock::hold(&inner).unwrap_err().to_string();
        assert!(message.contains(&format!("process {}", process::id())), "{message}");
        assert!(message.contains("run") && message.contains("--output"), "{message}");
        drop(lock);
        Lock::hold(&inner).unwrap();
    }
}
