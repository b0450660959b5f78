//! From a checkpoint into a model.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};

use nn::{Pack, Packing, WeightSource};

use super::{Checkpoint, Parameter, parameters, source::Source};
use crate::{Error, Result};

/// Fills `module` from a model's folder, a safetensors file or a shard index.
///
/// Fails if any parameter is missing, any tensor is unused, any shape differs, or any value is not finite.
pub fn load<M: Checkpoint>(module: M, path: &Path) -> Result<M> {
    load_from(module, Source::open::<M>(path, None)?)
}

/// Fills `module` from the bytes of a safetensors file; `name` is what errors call it.
pub fn load_bytes<M: Checkpoint>(module: M, name: &str, bytes: &[u8]) -> Result<M> {
    load_from(module, Source::bytes(name, bytes)?)
}

/// Fills `module` from weights that have been opened.
pub fn load_from<M: Checkpoint>(module: M, mut source: Source<'_>) -> Result<M> {
    let keys = match_keys::<M>(&parameters(&module), &mut source)?;
    fill(module, keys, source)
}

/// [`load_from`], and what can be packed is packed as it is read: besides the packed weights no more than one tensor is
/// in memory. The result is that of [`load_from`] and [`Pack::pack`].
pub fn load_packed<M: Checkpoint + Pack>(
    mut module: M,
    mut source: Source<'_>,
    packing: Packing,
) -> Result<M> {
    let parameters = parameters(&module);
    let keys = match_keys::<M>(&parameters, &mut source)?;
    let paths = parameters.into_iter().map(|parameter| parameter.path).zip(keys.clone()).collect();
    module.pack_from(packing, "", &mut Packed { paths, source: &mut source })?;
    fill(module, keys, source)
}

/// A checkpoint by the paths of the model's parameters.
struct Packed<'a, 'b> {
    paths: HashMap<String, String>,
    source: &'a mut Source<'b>,
}

impl WeightSource for Packed<'_, '_> {
    type Error = Error;

    fn values(&mut self, path: &str) -> Result<Vec<f32>> {
        self.source.read(&self.paths[path])
    }
}

/// Fills the parameters that are not packed, whose keys are in the order of all.
fn fill<M: Module>(module: M, keys: Vec<String>, source: Source<'_>) -> Result<M> {
    let mut loader = Loader { keys: keys.into_iter(), source, failed: None };
    let module = module.map(&mut loader);
    match loader.failed {
        Some(error) => Err(error),
        None => Ok(module),
    }
}

/// The key in `source` of every parameter, in the parameters' order.
fn match_keys<M: Checkpoint>(parameters: &[Parameter], source: &mut Source<'_>) -> Result<Vec<String>> {
    let mut unused = source.keys().map(str::to_owned).collect::<BTreeSet<_>>();
    let mut keys = Vec::with_capacity(parameters.len());
    let mut missing = Vec::new();
    for parameter in parameters {
        let mut names = vec![parameter.key.as_str()];
        names.extend(M::copies(&parameter.key));
        names.retain(|name| unused.remove(*name));
        let Some((&key, copies)) = names.split_first() else {
            missing.push(parameter);
            continue;
        };
        check_shape(parameter, key, source)?;
        for copy in copies {
            check_copy(key, copy, source)?;
        }
        keys.push(key.to_owned());
    }
    if let Some(first) = missing.first() {
        return Err(Error::MissingTensor {
            file: source.name().to_owned(),
            tensor: first.key.clone(),
            expected: first.shape.clone(),
            missing: missing.len(),
        });
    }
    match unused.first().and_then(|key| Some((key, source.find(key)?))) {
        Some((key, (file, shape))) => Err(Error::UnusedTensor {
            file: file.to_owned(),
            tensor: key.clone(),
            found: shape.to_vec(),
            unused: unused.len(),
        }),
        None => Ok(keys),
    }
}

fn check_shape(parameter: &Parameter, key: &str, source: &Source<'_>) -> Result<()> {
    match source.find(key) {
        Some((file, shape)) if shape != parameter.shape => Err(Error::Shape {
            file: file.to_owned(),
            tensor: key.to_owned(),
            expected: parameter.shape.clone(),
            found: shape.to_vec(),
        }),
        _ => Ok(()),
    }
}

fn check_copy(key: &str, copy: &str, source: &mut Source<'_>) -> Result<()> {
    if source.read(key)? == source.read(copy)? {
        return Ok(());
    }
    Err(Error::TiedDiffer {
        file: source.find(copy).map_or(source.name().to_owned(), |(file, _)| file.to_owned()),
        tensor: key.to_owned(),
        copy: copy.to_owned(),
    })
}

/// Visits the parameters in the order of `keys`; after a failure the rest stay as they are.
struct Loader<'a> {
    keys: std::vec::IntoIter<String>,
    source: Source<'a>,
    failed: Option<Error>,
}

impl ModuleMapper for Loader<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        let key = self.keys.next().expect("a key for every parameter");
        if param.lazy_shape().num_elements() == 0 {
            return param; // packed already
        }
        match self.source.read(&key) {
            Ok(values) => {
                let data = TensorData::new(values, param.lazy_shape());
                let tensor = Tensor::from_data(data, &param.lazy_device());
                let id = param.id;
                param.transform_for_load(tensor, id)
            }
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }
}
