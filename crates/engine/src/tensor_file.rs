//! Tensors in safetensors files: the noise that a run starts from, and frames as they are.

use std::{collections::HashMap, fs, path::Path};

use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView, serialize},
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

/// The bytes of a file with one tensor and some text about it.
pub(crate) fn to_bytes(
    name: &str,
    values: &[f32],
    shape: &[usize],
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let data = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &data)?;
    serialize([(name, view)], Some(metadata))
}
