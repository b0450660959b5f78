//! Where tensors come from: one safetensors file, several shards, or bytes in memory.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use half::{bf16, f16, slice::HalfFloatSliceExt, vec::HalfBitsVecExt};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Deserialize;

use crate::{Error, Result};

/// As in the safetensors crate: a longer header is not one.
const LONGEST_HEADER: u64 = 100_000_000;

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A safetensors file of which only the header has been read.
struct Shard<'a> {
    name: PathBuf,
    reader: Box<dyn ReadSeek + 'a>,
    metadata: Metadata,
    data_start: u64,
}

/// The tensors of a checkpoint, read one by one.
pub(super) struct Source<'a> {
    /// What an error about the whole checkpoint names.
    pub name: PathBuf,
    shards: Vec<Shard<'a>>,
    /// Key to shard.
    keys: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl Source<'static> {
    /// Opens a safetensors file, a shard index, or the one of the two that a model's folder holds.
    pub fn open(path: &Path, stem: &str) -> Result<Self> {
        if path.is_dir() {
            let single = path.join(format!("{stem}.safetensors"));
            let index = path.join(format!("{stem}.safetensors.index.json"));
            return match (single.is_file(), index.is_file()) {
                (true, _) => Self::file(&single),
                (false, true) => Self::index(&index),
                (false, false) => Err(Error::NoWeights {
                    folder: path.to_owned(),
                    expected: format!("`{stem}.safetensors` or `{stem}.safetensors.index.json`"),
                }),
            };
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
        let text = fs::read_to_string(path).map_err(|source| io(path, "read", source))?;
        let index: ShardIndex =
            serde_json::from_str(&text).map_err(|source| Error::Json { path: path.to_owned(), source })?;
        let mut names = index.weight_map.values().cloned().collect::<Vec<_>>();
        names.sort();
        names.dedup();
        let folder = path.parent().unwrap_or(Path::new(""));
        let shards = names.iter().map(|name| open_shard(&folder.join(name))).collect::<Result<Vec<_>>>()?;
        let source = Source::gather(path.to_owned(), shards)?;
        for (key, shard) in &index.weight_map {
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
        Ok(Self { name, shards, keys })
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

    /// The values of `key`, which must be one of [`keys`](Self::keys).
    pub fn read(&mut self, key: &str) -> Result<Vec<f32>> {
        self.shards[self.keys[key]].read(key)
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

    fn read(&mut self, key: &str) -> Result<Vec<f32>> {
        let TensorInfo { dtype, data_offsets: (start, end), .. } =
            self.metadata.info(key).expect("a key of this shard");
        let mut bytes = vec![0; end - start];
        self.reader
            .seek(SeekFrom::Start(self.data_start + *start as u64))
            .and_then(|_| self.reader.read_exact(&mut bytes))
            .map_err(|source| io(&self.name, "read", source))?;
        match dtype {
            Dtype::F32 => {
                Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
            }
            Dtype::BF16 => Ok(halves(&bytes).reinterpret_into::<bf16>().to_f32_vec()),
            Dtype::F16 => Ok(halves(&bytes).reinterpret_into::<f16>().to_f32_vec()),
            other => Err(Error::Dtype {
                file: self.name.clone(),
                tensor: key.to_owned(),
                found: format!("{other:?}"),
            }),
        }
    }
}

fn halves(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
}

fn io(path: &Path, action: &'static str, source: std::io::Error) -> Error {
    Error::Io { path: path.to_owned(), action, source }
}
