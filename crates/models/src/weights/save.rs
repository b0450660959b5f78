//! From a model into a checkpoint.

use std::{collections::HashMap, fs, path::Path};

use burn::{
    module::{ModuleVisitor, Param},
    tensor::Tensor,
};
use half::{bf16, slice::HalfFloatSliceExt};
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::{Checkpoint, parameters};
use crate::{Error, ModelConfig, Result};

/// The number format of saved weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 4 bytes a weight, exact.
    F32,
    /// 2 bytes a weight, rounded to 8 significant bits.
    Bf16,
}

/// Writes the weights of `module` into the file `path`, atomically.
///
/// `metadata` is put into the file's header, beside the `format` that diffusers asks for.
pub fn save<M: Checkpoint>(
    module: &M,
    path: &Path,
    precision: Precision,
    metadata: &HashMap<String, String>,
) -> Result<()> {
    Ok(disk::write_atomically(path, &to_bytes(module, path, precision, metadata)?)?)
}

/// Writes `config.json` and the weights into `folder`, which is made if need be.
pub fn save_folder<M: Checkpoint, C: ModelConfig>(
    module: &M,
    config: &C,
    folder: &Path,
    precision: Precision,
    metadata: &HashMap<String, String>,
) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| Error::Io {
        path: folder.to_owned(),
        action: "create the folder",
        source,
    })?;
    save(module, &folder.join(format!("{}.safetensors", M::NAMING.stem)), precision, metadata)?;
    config.save(folder)
}

/// The bytes of the safetensors file that [`save`] writes; `name` is what errors call it.
pub fn to_bytes<M: Checkpoint>(
    module: &M,
    name: &Path,
    precision: Precision,
    metadata: &HashMap<String, String>,
) -> Result<Vec<u8>> {
    let parameters = parameters(module);
    let mut writer = Writer { precision, tensors: Vec::with_capacity(parameters.len()) };
    module.visit(&mut writer);
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::Bf16 => Dtype::BF16,
    };
    let unwritable = |error: safetensors::SafeTensorError| Error::Io {
        path: name.to_owned(),
        action: "serialise the weights",
        source: std::io::Error::other(error),
    };
    let views = parameters
        .iter()
        .zip(&writer.tensors)
        .map(|(parameter, bytes)| {
            Ok((&parameter.key, TensorView::new(dtype, parameter.shape.clone(), bytes)?))
        })
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(unwritable)?;
    let mut header = metadata.clone();
    header.insert("format".to_owned(), "pt".to_owned());
    serialize(views, Some(header)).map_err(unwritable)
}

/// Collects the parameters' bytes in the order of [`parameters`].
struct Writer {
    precision: Precision,
    tensors: Vec<Vec<u8>>,
}

impl ModuleVisitor for Writer {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values =
            param.val().into_data().convert::<f32>().try_into_vec::<f32>().expect("converted to f32");
        self.tensors.push(match self.precision {
            Precision::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Precision::Bf16 => {
                let mut rounded = vec![bf16::ZERO; values.len()];
                rounded.convert_from_f32_slice(&values);
                rounded.iter().flat_map(|value| value.to_le_bytes()).collect()
            }
        });
    }
}
