//! Recorded outputs of diffusers and transformers (`goldens/`), for the tests.

use std::{collections::HashMap, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::{SafeTensors, tensor::TensorView};
use serde::de::DeserializeOwned;

use crate::weights::{Checkpoint, load_bytes};

/// The largest difference allowed, relative to the largest recorded value, in f32.
const TOLERANCE: f32 = 1e-4;

/// One file of `goldens/`.
pub struct Golden {
    name: &'static str,
    bytes: Vec<u8>,
}

impl Golden {
    pub fn open(name: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("goldens/{name}.safetensors"));
        Self { name, bytes: std::fs::read(path).expect("a golden") }
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("a golden is a safetensors file")
    }

    /// A value of the metadata.
    pub fn metadata<T: DeserializeOwned>(&self, key: &str) -> T {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).expect("metadata");
        let values = metadata.metadata().clone().expect("metadata");
        serde_json::from_str(&values[key]).expect("the metadata parses")
    }

    /// The keys below `prefix`, sorted.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let mut keys = self
            .tensors()
            .names()
            .into_iter()
            .filter_map(|name| Some(name.strip_prefix(prefix)?.to_owned()))
            .collect::<Vec<_>>();
        keys.sort();
        keys
    }

    /// A safetensors file of the tensors below `prefix`.
    pub fn checkpoint(&self, prefix: &str) -> Vec<u8> {
        let tensors = self.tensors();
        let views = self.keys(prefix).into_iter().map(|key| {
            let view = tensors.tensor(&format!("{prefix}{key}")).expect("a listed tensor");
            (key, TensorView::new(view.dtype(), view.shape().to_vec(), view.data()).expect("a valid view"))
        });
        safetensors::serialize(views, None).expect("serialisable")
    }

    /// `model` with the weights below `prefix`.
    pub fn fill<M: Checkpoint>(&self, model: M, prefix: &str) -> M {
        load_bytes(model, self.name, &self.checkpoint(prefix)).expect("the weights of the golden")
    }

    fn words(&self, key: &str) -> (Vec<usize>, Vec<[u8; 4]>) {
        let tensors = self.tensors();
        let view = tensors.tensor(key).unwrap_or_else(|_| panic!("{}: no tensor {key}", self.name));
        let words = view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect();
        (view.shape().to_vec(), words)
    }

    /// A tensor of f32.
    pub fn tensor<const D: usize>(&self, key: &str) -> Tensor<D> {
        let (shape, words) = self.words(key);
        let values = words.into_iter().map(f32::from_le_bytes).collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// The values of a tensor of 32-bit integers.
    pub fn integers(&self, key: &str) -> Vec<i32> {
        self.words(key).1.into_iter().map(i32::from_le_bytes).collect()
    }

    /// Fails unless `found` is the recorded tensor, up to the tolerance.
    pub fn assert_close<const D: usize>(&self, key: &str, found: Tensor<D>) {
        let error = self.error(key, found);
        println!("{:>14} {key:<24} {error:.1e}", self.name);
        assert!(error <= TOLERANCE, "{} {key}: relative error {error:e}", self.name);
    }

    fn error<const D: usize>(&self, key: &str, found: Tensor<D>) -> f32 {
        let expected = self.tensor::<D>(key);
        assert_eq!(found.dims(), expected.dims(), "{} {key}: shape", self.name);
        let scale = expected.clone().abs().max().into_scalar::<f32>();
        (found - expected).abs().max().into_scalar::<f32>() / scale
    }
}

/// Fails unless saving `model` gives the keys of the golden, and loading it the same values.
pub fn assert_round_trip<M: Checkpoint>(golden: &Golden, model: &M, empty: M) {
    use crate::weights::{Precision, load, parameters, save, to_bytes};

    let mut keys = parameters(model).into_iter().map(|parameter| parameter.key).collect::<Vec<_>>();
    keys.sort();
    assert_eq!(keys, golden.keys("model."), "{}: the keys of a checkpoint", golden.name);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(format!("{}.safetensors", M::NAMING.stem));
    let metadata = HashMap::from([("step".to_owned(), "7".to_owned())]);
    save(model, &path, Precision::F32, &metadata).expect("saved");
    let again = load(empty, folder.path()).expect("loaded");
    let bytes = |model: &M| to_bytes(model, &path, Precision::F32, &metadata).expect("serialised");
    assert_eq!(bytes(&again), bytes(model), "{}: save and load", golden.name);
}
