//! Tensors in safetensors files: the noise that a run starts from, and frames as they are.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use disk::{AtomicFile, Spool};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::{Error, Result};

/// The longest description of a file's tensors that is read: a record of the making with every letter escaped, or
/// tens of thousands of tensors.
const MAX_HEADER_BYTES: u64 = 2 * media::MAX_RECORD_BYTES as u64;

/// The largest tensor that is read; the noise of the longest clip that can be made is smaller.
const MAX_TENSOR_BYTES: usize = media::Clip::MAX_BYTES;

/// A tensor of f32 in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values<const D: usize> {
    pub values: Vec<f32>,
    pub shape: [usize; D],
}

/// Reads the tensor `name`, and nothing else of the file.
pub(crate) fn read<const D: usize>(path: &Path, name: &str) -> Result<Values<D>> {
    let malformed = |expected: String, found: String| Error::Malformed {
        path: path.to_owned(),
        what: format!("tensor `{name}`"),
        expected,
        found,
    };
    let Header { metadata, mut file, data_start } = Header::read(path)?;
    let tensor = metadata
        .info(name)
        .ok_or_else(|| malformed("to be in the file".into(), format!("only {}", names(&metadata))))?;
    if tensor.dtype != Dtype::F32 {
        return Err(malformed("numbers of type F32".into(), format!("{:?}", tensor.dtype)));
    }
    let shape = <[usize; D]>::try_from(tensor.shape.as_slice())
        .map_err(|_| malformed(format!("{D} dimensions"), format!("shape {:?}", tensor.shape)))?;
    let (start, end) = tensor.data_offsets;
    let len = end - start;
    if len > MAX_TENSOR_BYTES {
        return Err(malformed(format!("at most {MAX_TENSOR_BYTES} bytes"), format!("{len}")));
    }
    let mut bytes = vec![0; len];
    file.seek(SeekFrom::Start(data_start + start as u64))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(disk::unreadable(path))?;
    let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(Values { values, shape })
}

/// The names of a file's tensors, as far as they fit a message.
fn names(metadata: &Metadata) -> String {
    const SHOWN: usize = 8;
    let names = metadata.offset_keys();
    let shown = format!("{:?}", &names[..names.len().min(SHOWN)]);
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// What a file says of its tensors. Their values are not read.
#[derive(Debug)]
pub(crate) struct Header {
    pub metadata: Metadata,
    file: File,
    data_start: u64,
}

impl Header {
    /// Fails unless `path` is a safetensors file that is as long as its header says.
    pub fn read(path: &Path) -> Result<Self> {
        let malformed = |found: String| Error::Malformed {
            path: path.to_owned(),
            what: "header".into(),
            expected: "that of a safetensors file".into(),
            found,
        };
        let unreadable = disk::unreadable(path);
        let mut file = disk::open(path)?;
        let file_len = file.metadata().map_err(&unreadable)?.len();
        let mut len = [0; 8];
        if file_len < len.len() as u64 {
            return Err(malformed(format!("only {file_len} bytes")));
        }
        file.read_exact(&mut len).map_err(&unreadable)?;
        let len = u64::from_le_bytes(len);
        if len > MAX_HEADER_BYTES {
            return Err(malformed(format!("{len} bytes of it, more than {MAX_HEADER_BYTES}")));
        }
        let data_start = size_of::<u64>() as u64 + len;
        if data_start > file_len {
            return Err(malformed(format!("{len} bytes of it announced in a file of {file_len}")));
        }
        let mut header = vec![0; len as usize];
        file.read_exact(&mut header).map_err(&unreadable)?;
        // Checks that the tensors' places follow each other and fit their shapes.
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| malformed(error.to_string()))?;
        let data_len = metadata.data_len() as u64;
        if file_len - data_start != data_len {
            let found = format!("{data_len} bytes of values announced and {} there", file_len - data_start);
            return Err(malformed(format!("{found}; the file may be cut short")));
        }
        Ok(Self { metadata, file, data_start })
    }
}

/// A file with one tensor of f32 that comes piece by piece.
#[derive(Debug)]
pub(crate) struct TensorWriter {
    path: PathBuf,
    name: &'static str,
    shape: Vec<usize>,
    metadata: HashMap<String, String>,
    file: AtomicFile,
    values: Spool,
    /// Values so far.
    len: usize,
}

impl TensorWriter {
    pub fn begin(
        path: &Path,
        name: &'static str,
        shape: Vec<usize>,
        metadata: HashMap<String, String>,
    ) -> Result<Self> {
        let (file, values) = (AtomicFile::create(path)?, Spool::beside(path)?);
        Ok(Self { path: path.to_owned(), name, shape, metadata, file, values, len: 0 })
    }

    /// Adds the next values in row-major order.
    pub fn push(&mut self, values: &[f32]) -> Result<()> {
        self.len += values.len();
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        Ok(self.values.append(&bytes)?)
    }

    /// Puts the file in its place, unless values are missing or too many.
    pub fn finish(self) -> Result<()> {
        let malformed = |found: String| Error::Malformed {
            path: self.path.clone(),
            what: format!("tensor `{}`", self.name),
            expected: format!("shape {:?}", self.shape),
            found,
        };
        let len = self.shape.iter().product::<usize>();
        if self.len != len {
            return Err(malformed(format!("{} values", self.len)));
        }
        let data_offsets = (0, len * size_of::<f32>());
        let info = TensorInfo { dtype: Dtype::F32, shape: self.shape.clone(), data_offsets };
        let header = models::weights::header(vec![(self.name.to_owned(), info)], Some(self.metadata))
            .map_err(|error| malformed(error.to_string()))?;
        let mut file = self.file;
        file.append(&header)?;
        file.append_spool(self.values)?;
        Ok(file.commit()?)
    }
}
