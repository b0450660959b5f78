//! What a reconstruction is judged by.

use burn::tensor::Tensor;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{error::Result, setting};

/// The weight of each part of the loss.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossWeights {
    /// Weight of the mean absolute error
    #[arg(long, default_value_t = Self::default().l1_weight)]
    pub l1_weight: f64,
    /// Weight of the mean squared error
    #[arg(long, default_value_t = Self::default().mse_weight)]
    pub mse_weight: f64,
    /// Weight of the absolute error of differences between neighbours in space and time
    #[arg(long, default_value_t = Self::default().gradient_weight)]
    pub gradient_weight: f64,
    /// How much more than others pixels count in the absolute and the squared error that change by a tenth or more from
    /// the frame before
    #[arg(long, default_value_t = Self::default().motion_weight)]
    #[serde(default)]
    pub motion_weight: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self { l1_weight: 0.2, mse_weight: 5.0, gradient_weight: 0.08, motion_weight: 3.0 }
    }
}

impl LossWeights {
    /// Checks each weight by itself, and that the picture counts at all.
    ///
    /// # Errors
    /// The first weight that makes no sense.
    pub(super) fn check(&self) -> Result<()> {
        let Self { l1_weight, mse_weight, gradient_weight, motion_weight } = *self;
        setting::not_negative("--l1-weight", l1_weight)?;
        setting::not_negative("--mse-weight", mse_weight)?;
        setting::not_negative("--gradient-weight", gradient_weight)?;
        setting::not_negative("--motion-weight", motion_weight)?;
        let of_picture = l1_weight + mse_weight + gradient_weight;
        setting::require(
            "--l1-weight, --mse-weight and --gradient-weight",
            "one above 0",
            0,
            of_picture > 0.0,
        )
    }
}

/// The loss of `video` rebuilt as `rebuilt`, both `[batch, 3, frames, height, width]`; and the mean
/// squared error alone.
pub fn reconstruction_loss(
    video: Tensor<5>,
    rebuilt: Tensor<5>,
    weights: &LossWeights,
) -> (Tensor<1>, Tensor<1>) {
    let counts = (weights.motion_weight > 0.0)
        .then(|| (change(video.clone()) / MOVES).clamp_max(1.0) * weights.motion_weight + 1.0);
    let error = rebuilt - video;
    let squared = error.clone().square();
    let mse = squared.clone().mean();
    let weighted = |error: Tensor<5>| match &counts {
        Some(counts) => (error * counts.clone()).mean(),
        None => error.mean(),
    };
    let mut loss = weighted(error.clone().abs()) * weights.l1_weight + weighted(squared) * weights.mse_weight;
    if weights.gradient_weight > 0.0 {
        loss = loss + neighbour_differences(error) * weights.gradient_weight;
    }
    (loss, mse)
}

/// The change from which on a pixel moves: a tenth of the range from -1 to 1.
const MOVES: f64 = 0.2;

/// How much each pixel of `video` differs from the frame before, a mean over the channels: `[batch, 1, frames, height,
/// width]`, 0 in the first frame.
fn change(video: Tensor<5>) -> Tensor<5> {
    let [batch, _, frames, height, width] = video.dims();
    let first = Tensor::zeros([batch, 1, 1, height, width], &video.device());
    if frames == 1 {
        return first;
    }
    let difference = video.clone().narrow(2, 1, frames - 1) - video.narrow(2, 0, frames - 1);
    Tensor::cat(vec![first, difference.abs().mean_dim(1)], 2)
}

/// Sum of the squared errors `error` over the channels of what moves in `video`, and how many values these are.
pub(super) fn moving_error(video: Tensor<5>, error: Tensor<5>) -> [Tensor<1>; 2] {
    let channels = error.dims()[1];
    let moves = change(video).greater_elem(MOVES).float();
    [(error.sum_dim(1) * moves.clone()).sum(), moves.sum() * channels as f64]
}

/// Mean absolute difference between neighbours, summed over time, rows and columns. Of an error, it
/// is the error of edges and of motion.
fn neighbour_differences(x: Tensor<5>) -> Tensor<1> {
    let mut sum = Tensor::zeros([1], &x.device());
    for dim in 2..5 {
        let len = x.dims()[dim];
        if len > 1 {
            let difference = x.clone().narrow(dim, 1, len - 1) - x.clone().narrow(dim, 0, len - 1);
            sum = sum + difference.abs().mean();
        }
    }
    sum
}

/// Peak signal-to-noise ratio in dB of a mean squared error between values within -1 and 1.
pub fn psnr(mse: f64) -> f64 {
    10.0 * (4.0 / mse).log10()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::parameters::to_scalar;

    #[test]
    fn each_part_by_hand() {
        let device = Device::flex();
        let video = Tensor::<5>::zeros([1, 1, 1, 1, 4], &device);
        let rebuilt = Tensor::<1>::from_floats([0.0, 0.5, 0.5, -0.5], &device).reshape([1, 1, 1, 1, 4]);
        let part = |l1_weight, mse_weight, gradient_weight| {
            let weights = LossWeights { l1_weight, mse_weight, gradient_weight, motion_weight: 0.0 };
            let (loss, mse) = reconstruction_loss(video.clone(), rebuilt.clone(), &weights);
            assert_eq!(to_scalar(mse).unwrap(), 0.1875);
            to_scalar(loss).unwrap()
        };
        assert_eq!(part(1.0, 0.0, 0.0), 0.375);
        assert_eq!(part(0.0, 2.0, 0.0), 0.375);
        assert_eq!(part(0.0, 0.0, 1.0), 0.5); // (0.5 + 0 + 1) / 3
        assert!((psnr(4e-3) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn what_moves_counts_more_and_is_measured_apart() {
        let device = Device::flex();
        // Two frames of three pixels: one stays, one changes by half of what counts whole, one by more.
        let video =
            Tensor::<1>::from_floats([0.0, 0.0, 0.0, 0.0, 0.1, 0.6], &device).reshape([1, 1, 2, 1, 3]);
        let rebuilt = video.clone() + 0.5;
        let weights =
            LossWeights { l1_weight: 0.0, mse_weight: 1.0, motion_weight: 3.0, gradient_weight: 0.0 };
        let (loss, mse) = reconstruction_loss(video.clone(), rebuilt.clone(), &weights);
        assert_eq!(to_scalar(mse).unwrap(), 0.25);
        let expected = 0.25 * (4.0 + 2.5 + 4.0) / 6.0;
        assert!((to_scalar(loss).unwrap() - expected).abs() < 1e-6);
        let [sum, count] = moving_error(video.clone(), (rebuilt - video).square());
        assert_eq!([sum, count].map(|value| to_scalar(value).unwrap()), [0.25, 1.0]);
    }
}
