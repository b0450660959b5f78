//! Where the gradient by the weights reads: a row for each input channel and tap, a line for each row of each output frame.

use super::{
    plane::{Geometry, Plane},
    shape::Conv3d,
};

/// The input of a convolution as `[channel][padded frame]` of planes, and places in a sample of it.
pub(super) struct Lines {
    pub geometry: Geometry,
    pub plane: Plane,
    /// Frames of an input channel. Here those of the padding are there too: every tap runs over all positions.
    pub padded: usize,
    /// Where each row, `[input channel][tap]`, begins in a sample.
    pub offsets: Vec<usize>,
    /// How far behind the inputs of each line begin.
    pub starts: Vec<usize>,
}

impl Lines {
    pub fn new(shape: &Conv3d) -> Self {
        let (geometry, taps) = (shape.geometry(), shape.taps());
        let plane = Plane::new(&geometry);
        let [frames, height, _] = geometry.output;
        let padded = (frames - 1) * shape.stride[0] + shape.kernel[0];
        let [_, kh, kw] = shape.kernel;
        let offset = |row: usize| {
            let (ci, tap) = (row / taps, row % taps);
            (ci * padded + tap / (kh * kw)) * plane.len()
                + tap / kw % kh * plane.row_len()
                + plane.column_tap(tap % kw)
        };
        let start = |line: usize| {
            let (t, h) = (line / height, line % height);
            t * shape.stride[0] * plane.len() + h * shape.stride[1] * plane.row_len()
        };
        let offsets = (0..shape.inputs * taps).map(offset).collect();
        let starts = (0..frames * height).map(start).collect();
        Self { geometry, plane, padded, offsets, starts }
    }

    /// Values of a sample of so many input channels.
    pub fn sample_len(&self, inputs: usize) -> usize {
        inputs * self.padded * self.plane.len()
    }
}
