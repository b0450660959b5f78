//! Tensors in safetensors files: the noise that a run starts from, and frames as they are.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use media::{AtomicFile, Spool};
use safetensors::{
    SafeTensors,
    tensor::{Dtype, Metadata, TensorInfo},
};

use crate::{Error, Result};

/// A tensor of f32 in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values<const D: usize> {
    pub values: Vec<f32>,
    pub shape: [usize; D],
}

/// Reads the tensor `name`.
pub(crate) fn read<const D: usize>(path: &Path, name: &str) -> Result<Values<D>> {
    let malformed = |expected: String, found: String| Error::Malformed {
        path: path.to_owned(),
        what: format!("tensor `{name}`"),
        expected,
        found,
    };
    let bytes = fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| malformed("a safetensors file".into(), error.to_string()))?;
    let tensor = file
        .tensor(name)
        .map_err(|_| malformed("to be in the file".into(), format!("only {:?}", file.names())))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(malformed("numbers of type F32".into(), format!("{:?}", tensor.dtype())));
    }
    let shape = <[usize; D]>::try_from(tensor.shape())
        .map_err(|_| malformed(format!("{D} dimensions"), format!("shape {:?}", tensor.shape())))?;
    let values =
        tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(Values { values, shape })
}

/// A file with one tensor of f32 that comes piece by piece.
#[derive(Debug)]
pub(crate) struct TensorWriter {
    path: PathBuf,
    name: &'static str,
    shape: Vec<usize>,
    metadata: HashMap<String, String>,
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
        Ok(Self { path: path.to_owned(), name, shape, metadata, values: Spool::beside(path)?, len: 0 })
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
        let header = Metadata::new(Some(self.metadata), vec![(self.name.to_owned(), info)])
            .map_err(|error| malformed(error.to_string()))?;
        let mut header = serde_json::to_vec(&header).map_err(|error| malformed(error.to_string()))?;
        header.resize(header.len().next_multiple_of(8), b' '); // values are aligned
        let mut file = AtomicFile::create(&self.path)?;
        file.append(&(header.len() as u64).to_le_bytes())?;
        file.append(&header)?;
        file.append_spool(self.values)?;
        Ok(file.commit()?)
    }
}
