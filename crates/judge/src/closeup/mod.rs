//! A network that looks closely: at a small window around each thing, and at each frame as a whole.
//!
//! The recogniser finds things; what they are and how they turn shows better in a window that they fill. Both halves are
//! plain convolutions with ReLU; `training/judge/network.py` has the same network with batch norms, which are folded
//! into the convolutions when its weights are exported.

mod answers;
mod crop;
mod refine;

pub use answers::{Answers, FrameAnswers};
pub use crop::{Window, crop};
pub use refine::refine;

use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use models::weights::{Checkpoint, Naming, Precedence};
use nn::{Conv2d, Linear};

use crate::recogniser::{place, pool};

/// Pixels along each side of a window.
pub const WINDOW: usize = 40;
/// Numbers about where a window is.
pub const WHERE: usize = 3;
/// Features of a frame that windows are told of.
const CONTEXT: usize = 96;
/// Channels and strides of the layers over whole frames, and over windows.
const FRAME: [(usize, usize); 5] = [(24, 2), (48, 2), (64, 2), (96, 2), (96, 1)];
const CLOSE: [(usize, usize); 6] = [(24, 1), (48, 2), (96, 2), (96, 1), (128, 2), (128, 1)];
/// Three frames of three colours.
const INPUTS: usize = 9;

/// Convolutions, a hidden layer and the answers.
#[derive(Module, Debug)]
struct Half {
    layers: Vec<Conv2d>,
    hidden: Linear,
    out: Linear,
}

impl Half {
    fn new(layers: &[(usize, usize)], hidden: [usize; 2], answers: usize, device: &Device) -> Self {
        let mut inputs = INPUTS;
        let layers = layers.iter().map(|&(outputs, stride)| {
            let layer = Conv2d::new([inputs, outputs], 3, stride, [1, 1], device);
            inputs = outputs;
            layer
        });
        Self {
            layers: layers.collect(),
            hidden: Linear::new(hidden[0], hidden[1], true, device),
            out: Linear::new(hidden[1], answers, true, device),
        }
    }

    fn through(&self, x: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(x, |x, layer| relu(layer.forward(x)))
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct CloseUp {
    frame: Half,
    window: Half,
}

impl CloseUp {
    /// A network of zeros; a file fills it.
    pub fn new(device: &Device) -> Self {
        let (frame, close) = (FRAME[FRAME.len() - 1].0, CLOSE[CLOSE.len() - 1].0);
        Self {
            frame: Half::new(&FRAME, [5 * frame, CONTEXT], place::ALL, device),
            window: Half::new(&CLOSE, [2 * close + WHERE + CONTEXT, 192], answers::ALL, device),
        }
    }

    /// Three frames, `[frames, 9, height, width]` from -1 to 1: two before, the frame, two behind. Features for windows,
    /// `[frames, CONTEXT]`, and logits as [`FrameAnswers`] reads them.
    pub fn frames(&self, x: Tensor<4>) -> (Tensor<2>, Tensor<2>) {
        let x = self.frame.through(x);
        let [_, _, height, width] = x.dims();
        let (top, left) = (height / 2, width / 2);
        let part = |rows: (usize, usize), columns: (usize, usize)| {
            pool(x.clone().narrow(2, rows.0, rows.1 - rows.0).narrow(3, columns.0, columns.1 - columns.0))
        };
        let mut pooled = vec![pool(x.clone())];
        for rows in [(0, top), (top, height)] {
            for columns in [(0, left), (left, width)] {
                pooled.push(part(rows, columns));
            }
        }
        let context = relu(self.frame.hidden.forward(Tensor::cat(pooled, 1)));
        (context.clone(), self.frame.out.forward(context))
    }

    /// Windows of three frames, `[windows, 9, WINDOW, WINDOW]`: one before, the frame, one behind; where each is,
    /// `[windows, WHERE]`, and the features of its frame. Logits as [`Answers`] reads them.
    pub fn windows(&self, x: Tensor<4>, place: Tensor<2>, context: Tensor<2>) -> Tensor<2> {
        let x = self.window.through(x);
        let [windows, channels, height, width] = x.dims();
        let most =
            x.clone().reshape([windows, channels, height * width]).max_dim(2).reshape([windows, channels]);
        let told = Tensor::cat(vec![pool(x), most, place, context], 1);
        self.window.out.forward(relu(self.window.hidden.forward(told)))
    }
}

impl Checkpoint for CloseUp {
    const NAMING: Naming = Naming { stem: "closeup", precedence: Precedence::Single };

    fn key(&self, path: &str) -> String {
        path.to_owned()
    }
}
