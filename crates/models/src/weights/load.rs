//! From a checkpoint into a model.

use std::collections::{BTreeSet, HashMap};

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};

use nn::{Pack, Packing, Stored, WeightSource};

use super::{
    Checkpoint, Parameter,
    keys::{Path, parameters},
    source::Source,
};
use crate::{Error, Result};

/// Fills `module` from a model's folder, a safetensors file or a shard index.
///
/// Fails if any parameter is missing, any tensor is unused, any shape differs, or any value is not finite.
pub fn load<M: Checkpoint>(module: M, path: &std::path::Path) -> Result<M> {
    load_from(module, Source::open(path, M::NAMING, None)?)
}

/// Fills `module` from the bytes of a safetensors file; `name` is what errors call it.
pub fn load_bytes<M: Checkpoint>(module: M, name: &str, bytes: &[u8]) -> Result<M> {
    load_from(module, Source::bytes(name, bytes)?)
}

/// Fills `module` from weights that have been opened.
pub fn load_from<M: Checkpoint>(module: M, source: Source<'_>) -> Result<M> {
    Weights::of(&module, source)?.fill(module, "")
}

/// [`load_from`], and what can be packed is packed as it is read: besides the packed weights no more than one tensor is
/// in memory. The result is that of [`load_from`] and [`Pack::pack`].
pub fn load_packed<M: Checkpoint + Pack>(module: M, source: Source<'_>, packing: Packing) -> Result<M> {
    Weights::of(&module, source)?.fill_packed(module, "", packing)
}

/// A checkpoint by the paths of a model's parameters, to fill the model part by part.
pub struct Weights<'a> {
    /// The key of each path.
    keys: HashMap<String, String>,
    source: Source<'a>,
}

impl<'a> Weights<'a> {
    /// Those of `module`.
    ///
    /// Fails if any parameter is missing, any tensor is unused, or any shape differs.
    pub fn of<M: Checkpoint>(module: &M, mut source: Source<'a>) -> Result<Self> {
        let parameters = parameters(module);
        let keys = match_keys::<M>(&parameters, &mut source)?;
        let paths = parameters.into_iter().map(|parameter| parameter.path);
        Ok(Self { keys: paths.zip(keys).collect(), source })
    }

    /// Fills the part of the model at `path`, but for what is packed in it.
    pub fn fill<P: Module>(&mut self, part: P, path: &str) -> Result<P> {
        let mut loader = Loader { path: Path::from(path), weights: self, failed: None };
        let part = part.map(&mut loader);
        match loader.failed {
            Some(error) => Err(error),
            None => Ok(part),
        }
    }

    /// [`fill`](Self::fill), with what can be packed packed.
    pub fn fill_packed<P: Module + Pack>(&mut self, mut part: P, path: &str, packing: Packing) -> Result<P> {
        part.pack_from(packing, path, self)?;
        self.fill(part, path)
    }

    /// [`fill_packed`](Self::fill_packed) if a packing is asked for, [`fill`](Self::fill) otherwise.
    pub fn fill_as<P: Module + Pack>(&mut self, part: P, path: &str, packing: Option<Packing>) -> Result<P> {
        match packing {
            Some(packing) => self.fill_packed(part, path, packing),
            None => self.fill(part, path),
        }
    }

    /// Reads what belongs to the part of the model at `path` and drops it: what is wrong with it is told, although it
    /// is not needed.
    pub fn check(&mut self, path: &str) -> Result<()> {
        let is_inside = |name: &&String| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        let mut keys = self.keys.iter().filter(|(name, _)| is_inside(name)).map(|(_, key)| key);
        keys.try_for_each(|key| self.source.read(key, |_| ()))
    }

    /// Rows of a matrix `[rows, features]`, in the order asked for: `[number, features]`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn rows(&mut self, path: &str, rows: &[usize], features: usize) -> Result<Vec<f32>> {
        let key = &self.keys[path];
        let mut values = Vec::with_capacity(rows.len() * features);
        for row in rows {
            let range = row * features..(row + 1) * features;
            self.source.read_part(key, range, |row| values.extend(row.to_f32()))?;
        }
        Ok(values)
    }
}

impl WeightSource for Weights<'_> {
    type Error = Error;

    fn values<R>(&mut self, path: &str, take: impl FnOnce(Stored<'_>) -> R) -> Result<R> {
        self.source.read(&self.keys[path], take)
    }
}

/// The key in `source` of every parameter, in the parameters' order.
fn match_keys<M: Checkpoint>(parameters: &[Parameter], source: &mut Source<'_>) -> Result<Vec<String>> {
    let mut unused = source.keys().map(str::to_owned).collect::<BTreeSet<_>>();
    let mut keys = Vec::with_capacity(parameters.len());
    let mut missing = Vec::new();
    for parameter in parameters {
        let prefixed = format!("{}{}", M::PREFIX, parameter.key);
        let mut names = vec![parameter.key.as_str()];
        names.extend(M::copies(&parameter.key));
        names.push(&prefixed);
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
    /// Values that are compared at a time: tied tensors are the largest of all.
    const PIECE: usize = 1 << 20;
    let len = source.len(key);
    for start in (0..len).step_by(PIECE) {
        let range = start..(start + PIECE).min(len);
        let one = source.read_part(key, range.clone(), |values| values.to_f32())?;
        if one != source.read_part(copy, range, |values| values.to_f32())? {
            return Err(Error::TiedDiffer {
                file: source.find(copy).map_or(source.name().to_owned(), |(file, _)| file.to_owned()),
                tensor: key.to_owned(),
                copy: copy.to_owned(),
            });
        }
    }
    Ok(())
}

/// Visits the parameters of a part; after a failure the rest stay as they are.
struct Loader<'a, 'b> {
    path: Path,
    weights: &'a mut Weights<'b>,
    failed: Option<Error>,
}

impl ModuleMapper for Loader<'_, '_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        match self.weights.values(&self.path.joined(), |values| values.to_f32()) {
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
