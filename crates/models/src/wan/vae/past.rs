//! What the layers have seen of a clip that comes a few frames at a time.

use std::collections::HashMap;

use burn::{
    module::ParamId,
    tensor::{FloatDType, Tensor},
};
use nn::{CausalConv3d, ChannelRmsNorm};

/// Values of the tensor that a late scale of a stream works on at once: 16 MiB in f32. Scales of
/// larger frames take them one by one.
pub(super) const PIECE_VALUES: usize = 1 << 22;

/// The frames in front of those to come, for each temporal convolution.
///
/// diffusers' `feat_cache`. A clip in one piece is a stream that ends with its first piece: it has
/// no past and leaves none.
#[derive(Clone, Debug)]
pub(super) struct Past {
    stream: Option<Stream>,
    begun: bool,
}

#[derive(Clone, Debug)]
struct Stream {
    /// The number format in which frames are kept.
    kept: FloatDType,
    /// The last frames that a layer has seen, the latest last, by the layer.
    frames: HashMap<ParamId, Vec<Tensor<5>>>,
    piece_values: usize,
}

impl Past {
    /// Of a clip in one piece.
    pub fn of_whole_clip() -> Self {
        Self { stream: None, begun: false }
    }

    /// Of a clip that comes bit by bit, from its first frame on.
    pub fn of_stream(kept: FloatDType) -> Self {
        let stream = Stream { kept, frames: HashMap::new(), piece_values: PIECE_VALUES };
        Self { stream: Some(stream), begun: false }
    }

    /// Whether the next frame is the first of the clip.
    pub fn at_start(&self) -> bool {
        !self.begun
    }

    /// What comes next follows on what was seen.
    pub fn advance(&mut self) {
        self.begun = true;
    }

    /// `norm`, SiLU and `conv`, which keeps the number of frames, over `x` `[batch, in, frames, height, width]`.
    pub fn silu_conv(&mut self, norm: &ChannelRmsNorm<4>, conv: &CausalConv3d, x: Tensor<5>) -> Tensor<5> {
        // What is kept for the next frame is what the convolution reads now: no copy in f32 beside it.
        self.conv(conv, norm.forward_silu(x, conv.reads_bf16()))
    }

    /// `conv`, which keeps the number of frames, over `x` `[batch, in, frames, height, width]` and
    /// the frames before it; zeros stand before the clip.
    pub fn conv(&mut self, conv: &CausalConv3d, x: Tensor<5>) -> Tensor<5> {
        let [time, ..] = conv.kernel();
        let x = if conv.reads_bf16() { x.cast(FloatDType::BF16) } else { x };
        let past = self.exchange(conv, &x, time - 1);
        conv.forward_after(time - 1 - past.len(), past, x)
    }

    /// The last frames, at most `keep`, that `layer` has seen, each `[batch, in, 1, height, width]` in the format in
    /// which they are kept; `x` follows on them.
    pub fn exchange(&mut self, layer: &CausalConv3d, x: &Tensor<5>, keep: usize) -> Vec<Tensor<5>> {
        let Some(stream) = self.stream.as_mut().filter(|_| keep > 0) else { return Vec::new() };
        let kept = stream.frames.entry(layer.id()).or_default();
        let past = kept.clone();
        let frames = x.dims()[2];
        if frames == 1 {
            kept.push(x.clone().cast(stream.kept)); // `x` itself, if it is in that format
        } else {
            let new = frames.saturating_sub(keep)..frames;
            kept.extend(new.map(|at| copied(x.clone().narrow(2, at, 1)).cast(stream.kept)));
        }
        kept.drain(..kept.len().saturating_sub(keep));
        past
    }

    /// `x` as pieces of few enough frames for the memory, if what works on them makes `growth` times as many values;
    /// whole, if the clip is in one piece.
    pub fn pieces(&self, x: Tensor<5>, growth: usize) -> Vec<Tensor<5>> {
        let Some(stream) = &self.stream else { return vec![x] };
        let [batch, channels, frames, height, width] = x.dims();
        let most = (stream.piece_values / (growth * batch * channels * height * width).max(1)).max(1);
        (0..frames).step_by(most).map(|at| x.clone().narrow(2, at, most.min(frames - at))).collect()
    }
}

/// A frame among others, alone in memory: a view would hold the others too.
fn copied(frame: Tensor<5>) -> Tensor<5> {
    let dims = frame.dims();
    frame.flatten::<1>(0, 4).reshape(dims)
}

/// What became of [`pieces`](Past::pieces), one behind the other in time.
pub(super) fn joined(mut pieces: Vec<Tensor<5>>) -> Tensor<5> {
    // `cat` copies even a single tensor.
    if pieces.len() == 1 { pieces.remove(0) } else { Tensor::cat(pieces, 2) }
}

#[cfg(test)]
impl Past {
    /// The same, with one frame in a piece.
    pub fn in_single_frames(mut self) -> Self {
        self.stream.iter_mut().for_each(|stream| stream.piece_values = 1);
        self
    }

    /// Values that are kept.
    pub fn kept_values(&self) -> usize {
        let kept = self.stream.iter().flat_map(|stream| stream.frames.values().flatten());
        kept.map(|frame| frame.dims().iter().product::<usize>()).sum()
    }
}
