//! 3-D convolution over `[batch, channels, frames, height, width]`, forward and backward.
//!
//! An implicit matrix product: nothing is unfolded. The input is copied once into a zero-padded
//! bf16 form in which sixteen neighbouring outputs of a row read sixteen neighbouring values for
//! every tap, so that the product runs on it directly. A 2-D convolution is one of a single frame.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod pack;
pub mod scalar;
#[cfg(test)]
mod tests;

use crate::{Isa, isa};

/// The shape of a convolution; triples are `[frames, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3d {
    /// Samples.
    pub batch: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Size of the input.
    pub size: [usize; 3],
    /// Size of the kernel.
    pub kernel: [usize; 3],
    /// Step between outputs, at least 1.
    pub stride: [usize; 3],
    /// Zeros before the input, less than the kernel's size.
    pub front: [usize; 3],
    /// Zeros behind the input, less than the kernel's size.
    pub back: [usize; 3],
}

impl Conv3d {
    /// The size of the output.
    ///
    /// # Panics
    /// If the kernel is larger than the padded input or the padding not less than the kernel.
    pub fn output_size(&self) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let padded = self.size[axis] + self.front[axis] + self.back[axis];
            let kernel = self.kernel[axis];
            assert!(
                self.front[axis] < kernel && self.back[axis] < kernel && padded >= kernel,
                "{self:?}: a kernel must exceed its padding and fit into the padded input"
            );
            (padded - kernel) / self.stride[axis] + 1
        })
    }

    /// Values of the input.
    ///
    /// # Panics
    /// If the number does not fit.
    pub fn input_len(&self) -> usize {
        let [frames, height, width] = self.size;
        product([self.batch, self.inputs, frames, height, width])
    }

    /// Values of the weights, `[outputs, inputs, kernel..]`.
    ///
    /// # Panics
    /// If the number does not fit.
    pub fn weight_len(&self) -> usize {
        let [kt, kh, kw] = self.kernel;
        product([self.outputs, self.inputs, kt, kh, kw])
    }

    /// Values of the output.
    ///
    /// # Panics
    /// If the number does not fit, or as [`Self::output_size`].
    pub fn output_len(&self) -> usize {
        let [frames, height, width] = self.output_size();
        product([self.batch, self.outputs, frames, height, width])
    }

    fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    fn check(&self, x: usize, weight: usize, y: usize) {
        let sizes = [&self.size, &self.kernel, &self.stride];
        assert!(
            self.inputs > 0 && self.outputs > 0 && sizes.iter().all(|size| !size.contains(&0)),
            "{self:?}: every size but the batch must be at least 1"
        );
        assert_eq!(x, self.input_len(), "input of {self:?}");
        assert_eq!(weight, self.weight_len(), "weights of {self:?}");
        assert_eq!(y, self.output_len(), "output of {self:?}");
    }
}

/// The product of sizes; the fast paths trust that slices are as long as it says.
fn product(sizes: [usize; 5]) -> usize {
    sizes.into_iter().try_fold(1usize, usize::checked_mul).expect("the sizes of a convolution fit in memory")
}

/// `y = x * weight + bias`; inputs are rounded to bf16, sums are f32.
///
/// # Panics
/// If a slice has not the length that the shape asks for.
pub fn conv3d(shape: &Conv3d, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    shape.check(x.len(), weight.len(), y.len());
    assert!(bias.is_none_or(|bias| bias.len() == shape.outputs));
    match isa() {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => avx512::forward(shape, x, weight, bias, y),
        _ => scalar::conv3d(shape, x, weight, bias, y),
    }
}

/// The gradient by the input: a convolution of `dy`, spread by the stride, with the weights
/// mirrored and their channels exchanged.
///
/// # Panics
/// If a slice has not the length that the shape asks for.
pub fn conv3d_backward_input(shape: &Conv3d, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    shape.check(dx.len(), weight.len(), dy.len());
    match isa() {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => avx512::backward_input(shape, dy, weight, dx),
        _ => scalar::backward_input(shape, dy, weight, dx),
    }
}

/// The gradients by the weights and the bias.
///
/// # Panics
/// If a slice has not the length that the shape asks for.
pub fn conv3d_backward_weight(
    shape: &Conv3d,
    x: &[f32],
    dy: &[f32],
    d_weight: &mut [f32],
    d_bias: &mut [f32],
) {
    shape.check(x.len(), d_weight.len(), dy.len());
    assert_eq!(d_bias.len(), shape.outputs);
    match isa() {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => avx512::backward_weight(shape, x, dy, d_weight),
        _ => scalar::backward_weight(shape, x, dy, d_weight),
    }
    let positions: usize = shape.output_size().iter().product();
    for (channel, sum) in d_bias.iter_mut().enumerate() {
        *sum = (0..shape.batch)
            .map(|sample| {
                crate::lanes::sum(&dy[(sample * shape.outputs + channel) * positions..][..positions], |d| d)
            })
            .sum();
    }
}
