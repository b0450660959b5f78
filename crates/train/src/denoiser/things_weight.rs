//! How much more things count than what is around them.

use burn::tensor::Tensor;

/// Things that take up this share of a frame count as much more as is asked for, whatever the evenness.
const TYPICAL: f64 = 0.1;
/// Things that take up less than this count as those that do: what is hardly seen is not worth a whole clip.
const LEAST: f64 = 0.01;

/// See `--things-weight` and `--things-evenness`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThingsWeight {
    pub weight: f64,
    pub evenness: f64,
}

impl ThingsWeight {
    /// What each latent counts, by the share of it that things take up; both `[batch, 1, frames, height, width]`.
    pub fn weights(self, shares: Tensor<5>) -> Tensor<5> {
        let [batch, _, frames, height, width] = shares.dims();
        let taken_up: Tensor<3> = shares.clone().reshape([batch, frames, height * width]).mean_dim(2);
        let more = (taken_up.clamp_min(LEAST) / TYPICAL).powf_scalar(-self.evenness) * self.weight;
        shares * more.reshape([batch, 1, frames, 1, 1]) + 1.0
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::parameters::to_vec;

    /// Of ten latents of each of three frames, one, four and none show things.
    #[test]
    fn small_things_count_as_much_as_large_ones() {
        let of = |count: usize| (0..10).map(move |at| if at < count { 1.0 } else { 0.0 });
        let shares: Vec<f32> = of(1).chain(of(4)).chain(of(0)).collect();
        let shares = Tensor::from_data(TensorData::new(shares, [1, 1, 3, 2, 5]), &Device::flex());
        let sums = |evenness| {
            let weights = to_vec(ThingsWeight { weight: 4.0, evenness }.weights(shares.clone())).unwrap();
            weights.chunks_exact(10).map(|frame| frame.iter().map(|of| of - 1.0).sum()).collect::<Vec<f32>>()
        };
        for (evenness, expected) in [(0.0, [4.0, 16.0, 0.0]), (0.5, [4.0, 8.0, 0.0]), (1.0, [4.0, 4.0, 0.0])]
        {
            let found = sums(evenness);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{evenness}: {found:?}");
        }
    }
}
