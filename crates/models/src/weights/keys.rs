//! Which key of a checkpoint belongs to which parameter.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::Tensor,
};

use super::Naming;

/// A model that has a published checkpoint format.
///
/// Modules are laid out so that a parameter's path *is* its key; [`key`](Self::key) states the
/// exceptions.
pub trait Checkpoint: Module {
    /// How its files are called.
    const NAMING: Naming;

    /// What some versions of the upstream library write before every key, and others do not.
    const PREFIX: &'static str = "";

    /// The key in a checkpoint of the parameter at `path` (names joined by dots).
    fn key(&self, path: &str) -> String;

    /// Other keys under which a checkpoint may hold the same tensor (tied weights).
    fn copies(_key: &str) -> &'static [&'static str] {
        &[]
    }
}

/// One parameter of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The names that lead to it in the model, joined by dots.
    pub path: String,
    /// Its key in a checkpoint.
    pub key: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// All parameters in the order in which burn visits and maps them.
pub fn parameters<M: Checkpoint>(module: &M) -> Vec<Parameter> {
    let mut lister = Lister { path: Path::default(), found: Vec::new() };
    module.visit(&mut lister);
    let found = lister.found.into_iter();
    found.map(|(path, shape)| Parameter { key: module.key(&path), path, shape }).collect()
}

/// The names of the modules that a visitor stands in.
#[derive(Debug, Default)]
pub(super) struct Path(Vec<String>);

impl From<&str> for Path {
    fn from(joined: &str) -> Self {
        Self(if joined.is_empty() { Vec::new() } else { vec![joined.to_owned()] })
    }
}

impl Path {
    pub fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub fn exit(&mut self) {
        self.0.pop();
    }

    pub fn joined(&self) -> String {
        self.0.join(".")
    }
}

struct Lister {
    path: Path,
    found: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((self.path.joined(), param.lazy_shape().to_vec()));
    }
}
