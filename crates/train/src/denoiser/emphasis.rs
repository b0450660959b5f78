//! How much more things count than what is around them, and what is around them where it rains or snows.

use burn::tensor::Tensor;

/// Things that take up this share of a frame count as much more as is asked for, whatever the evenness.
const TYPICAL: f64 = 0.1;
/// Things that take up less than this count as those that do: what is hardly seen is not worth a whole clip.
const LEAST: f64 = 0.01;

/// See `--things-weight`, `--things-evenness` and `--weather-weight`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Emphasis {
    pub things: f64,
    pub evenness: f64,
    pub weather: f64,
}

impl Emphasis {
    /// Whether anything counts more than anything else.
    pub fn is_any(self) -> bool {
        self.things > 0.0 || self.weather > 0.0
    }

    /// What each latent counts, by the share of it that things take up, both `[batch, 1, frames, height, width]`, and by whether
    /// something falls from the sky, 1 or 0, `[batch, 1, 1, 1, 1]`.
    pub fn weights(self, shares: Tensor<5>, falling: Tensor<5>) -> Tensor<5> {
        let [batch, _, frames, height, width] = shares.dims();
        let taken_up: Tensor<3> = shares.clone().reshape([batch, frames, height * width]).mean_dim(2);
        let more = (taken_up.clamp_min(LEAST) / TYPICAL).powf_scalar(-self.evenness) * self.things;
        let around = (shares.clone().neg() + 1.0) * falling * self.weather;
        shares * more.reshape([batch, 1, frames, 1, 1]) + around + 1.0
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
        let fair = Tensor::zeros([1; 5], &Device::flex());
        let sums = |evenness| {
            let emphasis = Emphasis { things: 4.0, evenness, weather: 3.0 };
            let weights = to_vec(emphasis.weights(shares.clone(), fair.clone())).unwrap();
            weights.chunks_exact(10).map(|frame| frame.iter().map(|of| of - 1.0).sum()).collect::<Vec<f32>>()
        };
        for (evenness, expected) in [(0.0, [4.0, 16.0, 0.0]), (0.5, [4.0, 8.0, 0.0]), (1.0, [4.0, 4.0, 0.0])]
        {
            let found = sums(evenness);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{evenness}: {found:?}");
        }
    }

    #[test]
    fn rain_counts_around_things() {
        let shares = TensorData::new(vec![1.0_f32, 0.25, 0.0, 0.0, 1.0, 0.25, 0.0, 0.0], [2, 1, 1, 2, 2]);
        let shares = Tensor::from_data(shares, &Device::flex());
        let falling =
            Tensor::from_data(TensorData::new(vec![1.0_f32, 0.0], [2, 1, 1, 1, 1]), &Device::flex());
        let emphasis = Emphasis { things: 4.0, evenness: 0.0, weather: 2.0 };
        let weights = to_vec(emphasis.weights(shares, falling)).unwrap();
        assert_eq!(weights, [5.0, 3.5, 3.0, 3.0, 5.0, 2.0, 1.0, 1.0]);
    }
}
