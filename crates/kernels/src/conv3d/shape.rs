//! The shape of a convolution, and the sizes that follow from it.

use super::{plane::Geometry, weights::Filter};

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
    /// Whether every pixel of the input stands for a square of four, which the kernel meets one by one.
    pub doubled: bool,
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
            let padded = self.repeat()[axis] * self.size[axis] + self.front[axis] + self.back[axis];
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

    pub(super) fn filter(&self) -> Filter {
        Filter { outputs: self.outputs, inputs: self.inputs, kernel: self.kernel }
    }

    pub(super) fn geometry(&self) -> Geometry {
        Geometry {
            size: self.size,
            front: self.front,
            spread: [1; 3],
            repeat: self.repeat(),
            kernel: self.kernel,
            stride: self.stride,
            output: self.output_size(),
        }
    }

    /// How often an index of the input is met, one after the other.
    pub(super) fn repeat(&self) -> [usize; 3] {
        if self.doubled { [1, 2, 2] } else { [1; 3] }
    }

    pub(super) fn taps(&self) -> usize {
        self.filter().taps()
    }

    pub(super) fn check(&self, x: usize, weight: usize, y: usize) {
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
