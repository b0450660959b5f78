//! Where tensors come from: one safetensors file, several shards, or bytes in memory.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Cursor, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;

use nn::Stored;

use super::{
    Naming, files,
    format::{Format, not_finite},
};
use crate::{Error, Result};

/// As in the safetensors crate: a longer header is not one.
const LONGEST_HEADER: u64 = 100_000_000;

/// Far more than the index of the largest model has.
const LONGEST_INDEX: u64 = 64 << 20;

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A safetensors file of which only the header has been read.
struct Shard<'a> {
    name: PathBuf,
    reader: Box<dyn ReadSeek + 'a>,
    metadata: Metadata,
    data_start: u64,
}

/// The tensors of a checkpoint, of which only the headers are read at first.
pub struct Source<'a> {
    name: PathBuf,
    shards: Vec<Shard<'a>>,
    /// Key to shard.
    keys: BTreeMap<String, usize>,
    /// The bytes that were read last: their memory serves for the next ones.
    bytes: Vec<u8>,
}

/// The shard of every tensor, from the text of an index.
///
/// # Errors
/// Text that is no index.
pub fn shard_index(text: &[u8]) -> serde_json::Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct ShardIndex {
        weight_map: BTreeMap<String, String>,
    }
    Ok(serde_json::from_slice::<ShardIndex>(text)?.weight_map)
}

impl Source<'static> {
    /// Opens weights: a safetensors file, an index of shards, or a part's folder with one of the two; see
    /// [`find`](files::find).
    ///
    /// # Errors
    /// Files that are missing or damaged.
    pub fn open(path: &Path, naming: Naming, variant: Option<&str>) -> Result<Self> {
        if path.is_dir() {
            return Self::open(&files::find(path, naming, variant)?, naming, None);
        }
        if path.extension().is_some_and(|extension| extension == "json") {
            return Self::index(path);
        }
        Self::file(path)
    }

    fn file(path: &Path) -> Result<Self> {
        Source::gather(path.to_owned(), vec![open_shard(path)?])
    }

    fn index(path: &Path) -> Result<Self> {
        let text = disk::read_bounded(path, LONGEST_INDEX)?;
        let index = shard_index(&text).map_err(|source| Error::Json { path: path.to_owned(), source })?;
        let mut names = index.values().cloned().collect::<Vec<_>>();
        names.sort();
        names.dedup();
        let folder = path.parent().unwrap_or(Path::new(""));
        let shards = names.iter().map(|name| open_shard(&folder.join(name))).collect::<Result<Vec<_>>>()?;
        let source = Source::gather(path.to_owned(), shards)?;
        for (key, shard) in &index {
            if source.keys.get(key).map(|&at| &names[at]) != Some(shard) {
                return Err(Error::Unreadable {
                    file: folder.join(shard),
                    reason: format!(
                        "the index {} says that it holds `{key}`, which it does not",
                        path.display()
                    ),
                });
            }
        }
        Ok(source)
    }
}

impl<'a> Source<'a> {
    /// A safetensors file in memory; `name` is what errors call it.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn bytes(name: &str, bytes: &'a [u8]) -> Result<Self> {
        let name = PathBuf::from(name);
        let shard = Shard::new(name.clone(), Box::new(Cursor::new(bytes)), bytes.len() as u64)?;
        Self::gather(name, vec![shard])
    }

    fn gather(name: PathBuf, shards: Vec<Shard<'a>>) -> Result<Self> {
        let mut keys = BTreeMap::new();
        for (at, shard) in shards.iter().enumerate() {
            for key in shard.metadata.offset_keys() {
                if let Some(before) = keys.insert(key.clone(), at) {
                    return Err(Error::Unreadable {
                        file: shard.name.clone(),
                        reason: format!("tensor `{key}` is also in {}", shards[before].name.display()),
                    });
                }
            }
        }
        Ok(Self { name, shards, keys, bytes: Vec::new() })
    }

    /// What an error about all of the weights names: the file, or the index.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The files that are read: the index, if there is one, and those that hold tensors.
    pub fn files(&self) -> Vec<&Path> {
        let shards = self.shards.iter().map(|shard| shard.name.as_path()).filter(|&name| name != self.name);
        std::iter::once(self.name.as_path()).chain(shards).collect()
    }

    /// How many numbers all tensors hold together.
    ///
    /// # Errors
    /// [`Error::Dtype`] for a number format that is not read.
    pub fn num_values(&self) -> Result<u64> {
        self.shards.iter().map(Shard::num_values).sum()
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// The file that holds `key`, and the shape of the tensor in it.
    pub fn find(&self, key: &str) -> Option<(&Path, &[usize])> {
        let shard = &self.shards[*self.keys.get(key)?];
        let info = shard.metadata.info(key)?;
        Some((&shard.name, &info.shape))
    }

    /// Hands on the values of `key`, which must be one of [`keys`](Self::keys), in row-major order and in the format in
    /// which they are stored.
    ///
    /// # Errors
    /// A file that cannot be read, or a value that is infinite or undefined.
    pub fn read<R>(&mut self, key: &str, take: impl FnOnce(Stored<'_>) -> R) -> Result<R> {
        let len = self.len(key);
        self.read_part(key, 0..len, take)
    }

    /// [`read`](Self::read) of those in `range`, which ends within them.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_part<R>(
        &mut self,
        key: &str,
        range: Range<usize>,
        take: impl FnOnce(Stored<'_>) -> R,
    ) -> Result<R> {
        let Self { shards, keys, bytes, .. } = self;
        let shard = &mut shards[keys[key]];
        let format = shard.read(key, range.clone(), bytes)?;
        let stored = format.stored(bytes);
        match not_finite(stored) {
            Some((at, value)) => Err(shard.not_finite(key, range.start + at, value)),
            None => Ok(take(stored)),
        }
    }

    /// How many values `key` has; 0 if there is no such key.
    pub fn len(&self, key: &str) -> usize {
        self.find(key).map_or(0, |(_, shape)| shape.iter().product())
    }
}

fn open_shard(path: &Path) -> Result<Shard<'static>> {
    let file = File::open(path).map_err(|source| io(path, "open", source))?;
    let len = file.metadata().map_err(|source| io(path, "read", source))?.len();
    Shard::new(path.to_owned(), Box::new(file), len)
}

impl<'a> Shard<'a> {
    fn new(name: PathBuf, mut reader: Box<dyn ReadSeek + 'a>, len: u64) -> Result<Self> {
        let unreadable = |reason: String| Error::Unreadable { file: name.clone(), reason };
        if len < 8 {
            return Err(unreadable(format!("{len} bytes are too few for a header")));
        }
        let read = |source| io(&name, "read", source);
        let mut header_len = [0; 8];
        reader.read_exact(&mut header_len).map_err(read)?;
        let header_len = u64::from_le_bytes(header_len);
        if header_len > (len - 8).min(LONGEST_HEADER) {
            return Err(unreadable(format!("its header should have {header_len} bytes, the file has {len}")));
        }
        let mut header = vec![0; header_len as usize];
        reader.read_exact(&mut header).map_err(read)?;
        let metadata =
            serde_json::from_slice::<Metadata>(&header).map_err(|error| unreadable(error.to_string()))?;
        let data_start = 8 + header_len;
        let expected = data_start + metadata.data_len() as u64;
        if len != expected {
            return Err(unreadable(format!("expected {expected} bytes, found {len}")));
        }
        Ok(Self { name, reader, metadata, data_start })
    }

    fn num_values(&self) -> Result<u64> {
        let mut sum = 0;
        for key in self.metadata.offset_keys() {
            let TensorInfo { shape, .. } = self.metadata.info(&key).expect("a key of this shard");
            self.format(&key)?;
            // Every tensor lies in the file, so that the sum is less than its bytes.
            sum += shape.iter().product::<usize>() as u64;
        }
        Ok(sum)
    }

    fn format(&self, key: &str) -> Result<Format> {
        let TensorInfo { dtype, .. } = self.metadata.info(key).expect("a key of this shard");
        Format::of(*dtype).ok_or_else(|| Error::Dtype {
            file: self.name.clone(),
            tensor: key.to_owned(),
            found: format!("{dtype:?}"),
        })
    }

    /// Fills `bytes` with the values of `key` in `range`.
    fn read(&mut self, key: &str, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<Format> {
        let format = self.format(key)?;
        let (start, _) = self.metadata.info(key).expect("a key of this shard").data_offsets;
        let start = self.data_start + (start + range.start * format.bytes()) as u64;
        let count = range.len() * format.bytes();
        bytes.clear();
        let read = self.reader.seek(SeekFrom::Start(start)).and_then(|_| {
            bytes.reserve(count);
            // Not filled with zeros first, as a slice would have to be.
            (&mut self.reader).take(count as u64).read_to_end(bytes)
        });
        match read {
            Ok(found) if found == count => Ok(format),
            Ok(_) => Err(io(&self.name, "read", std::io::ErrorKind::UnexpectedEof.into())),
            Err(source) => Err(io(&self.name, "read", source)),
        }
    }

    fn not_finite(&self, key: &str, at: usize, value: f32) -> Error {
        let shape = self.metadata.info(key).map_or(&[][..], |info| &info.shape);
        Error::NotFinite {
            file: self.name.clone(),
            tensor: key.to_owned(),
            position: position(at, shape),
            value,
        }
    }
}

/// The index along each axis of the `at`-th value in row-major order.
fn position(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut position = shape.iter().rev().map(|&size| (at % size, at /= size).0).collect::<Vec<_>>();
    position.reverse();
    position
}

fn io(path: &Path, action: &'static str, source: std::io::Error) -> Error {
    Error::Io { path: path.to_owned(), action, source }
}
