//! Bytes that wait on the disk.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::{Error, Result, nameless, target::Target, unwritable};

/// Bytes that wait on the disk until they are read back once, in a file without a name: the system
/// removes it, whatever happens to the program.
#[derive(Debug)]
pub struct Spool {
    /// The result, for errors.
    path: PathBuf,
    file: BufWriter<File>,
}

impl Spool {
    /// Beside the file that `path` leads to, where the result will need the room too; in the system's temporary
    /// folder if that is a pipe or a device.
    ///
    /// # Errors
    /// A folder that is missing or refuses files.
    pub fn beside(path: &Path) -> Result<Self> {
        let file = Target::of(path).and_then(|target| nameless::create(&target.folder()));
        Ok(Self { path: path.into(), file: BufWriter::new(file.map_err(unwritable(path))?) })
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
    ///
    /// # Errors
    /// Bytes that do not come back in chunks of that size, or what `each` answers.
    pub fn for_each_chunk<E: From<Error>>(
        self,
        size: usize,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_comes_back_in_chunks() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::beside(&folder.path().join("a")).unwrap();
        (0..5_u8).for_each(|i| spool.append(&[i; 3]).unwrap());
        let mut seen = Vec::new();
        spool
            .for_each_chunk(3, |chunk| {
                seen.push(chunk.to_vec());
                Ok::<_, Error>(())
            })
            .unwrap();
        assert_eq!(seen, (0..5).map(|i| vec![i; 3]).collect::<Vec<_>>());
    }
}
