//! The networks of the judge as one module: they learn together, and are one file.

use burn::{module::Module, tensor::Device};
use models::{
    init::{self, Start},
    weights::{Checkpoint, Naming, Precedence},
};

use crate::{reader::Reader, recogniser::Recogniser};

/// All that the judge sees with.
#[derive(Module, Debug)]
pub struct Network {
    /// Finds things.
    pub recogniser: Recogniser,
    /// Says what they are and do.
    pub reader: Reader,
}

/// The layers that answer, and those that end a residual branch: they begin as nothing.
const START_AS_NOTHING: [&str; 7] =
    ["recogniser.cells", "reader.is", "reader.does", "reader.shot", "reader.moves", ".conv2", ".time"];

impl Network {
    /// A network of zeros; [`init_weights`](Self::init_weights) or a file fills it.
    pub fn new(device: &Device) -> Self {
        Self { recogniser: Recogniser::new(device), reader: Reader::new(device) }
    }

    /// First weights: PyTorch's start, but residual branches begin as nothing and so do the answers.
    pub fn init_weights(self, seed: u64) -> Self {
        let fan_ins = init::fan_ins(&self);
        init::fill(self, seed, |key, _| match key.rsplit_once('.') {
            Some((_, "gamma")) => Start::Constant(1.0),
            Some((layer, _)) if START_AS_NOTHING.iter().any(|end| layer.ends_with(end)) => {
                Start::Constant(0.0)
            }
            Some((layer, _)) => Start::torch_default(fan_ins[layer]),
            None => Start::Constant(0.0),
        })
    }
}

impl Checkpoint for Network {
    const NAMING: Naming = Naming { stem: "judge", precedence: Precedence::Single };

    fn key(&self, path: &str) -> String {
        path.to_owned()
    }
}
