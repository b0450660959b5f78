//! What the variance of the data alone tells of the velocity (Karras et al. 2022, "Elucidating the design space of
//! diffusion-based generative models", section 5, for rectified flow and channel by channel).
//!
//! Of a channel with the standard deviation `s`, the best linear guess of `noise - x_0` is `skip * x_t`, and what it leaves has
//! the standard deviation `out`:
//!
//! ```text
//! variance of x_t   d    = (1 - t)² s² + t²
//!                   skip = (t - (1 - t) s²) / d
//!                   out  = s / sqrt(d)
//! velocity               = skip x_t + out (answer + gate x_t / sqrt(t² + s² / 16))
//! ```
//!
//! Answer and gate are what the network says. Data is not alike everywhere: in a clear sky all that a fine channel shows is
//! noise, and a gate says so with one number, whatever the noise is. So the noise need not go through the network, whose
//! tokens may be no wider than what they are to answer.

use burn::tensor::{Device, Tensor, TensorData};

/// Timesteps go up to this.
const NOISE: f64 = 1000.0;
/// Noise of this share of the data is as good as none for a gate.
const FINEST: f64 = 0.25;

/// The velocity. `output` is what the network says of `latents`, `[batch, channels, frames, height, width]`: twice as many
/// channels, first the answers and then the gates. Where no guess is added, gates do not count.
///
/// `timestep`, `[batch, groups]`, has one for the clip, for each of its frames, or for each token of the `grid` of
/// tokens. `data_std` has the standard deviation of each channel, none where the network answers the velocity itself.
pub(super) fn velocity(
    latents: Tensor<5>,
    output: Tensor<5>,
    timestep: Tensor<2>,
    grid: [usize; 3],
    data_std: &[Option<f64>],
) -> Tensor<5> {
    let device = latents.device();
    let channel = |of: fn(f64) -> f64, otherwise: f64| -> Tensor<5> {
        let values: Vec<f32> = data_std.iter().map(|std| std.map_or(otherwise, of) as f32).collect();
        of_channels(values, &device)
    };
    let (std, variance) = (channel(|std| std, 0.0), channel(|std| std * std, 0.0));
    let (is, is_not) = (channel(|_| 1.0, 0.0), channel(|_| 0.0, 1.0));
    let t = by_position(timestep / NOISE, grid, latents.dims());
    let rest = t.clone().neg() + 1.0;
    let d = rest.clone().square() * variance.clone() + t.clone().square() + is_not.clone();
    let skip = is.clone() * (t.clone() - rest * variance.clone()) / d.clone();
    let out = std / d.sqrt() + is_not.clone();
    let unit = is / (t.square() + variance * (FINEST * FINEST) + is_not).sqrt();
    let channels = data_std.len();
    let [answer, gate] = [0, channels].map(|start| output.clone().narrow(1, start, channels));
    skip * latents.clone() + out * (answer + gate * unit * latents)
}

/// `[1, channels, 1, 1, 1]`
fn of_channels(values: Vec<f32>, device: &Device) -> Tensor<5> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [1, count, 1, 1, 1]), device)
}

/// `[batch, groups]` as something that goes with `[batch, channels, frames, height, width]`.
fn by_position(
    t: Tensor<2>,
    [rows, h, w]: [usize; 3],
    [batch, _, frames, height, width]: [usize; 5],
) -> Tensor<5> {
    let [_, groups] = t.dims();
    if groups == 1 {
        return t.reshape([batch, 1, 1, 1, 1]);
    }
    // One for each frame of tokens, or for each token: for all that these are made of.
    let [h, w] = if groups == rows { [1, 1] } else { [h, w] };
    let [tall, wide] = if groups == rows { [1, 1] } else { [height / h, width / w] };
    t.reshape([batch, rows, 1, h, 1, w, 1]).expand([batch, rows, frames / rows, h, tall, w, wide]).reshape([
        batch,
        1,
        frames,
        h * tall,
        w * wide,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The velocity of latents of 1 where the network says this.
    fn said(answer: f32, gate: f32, std: Option<f64>, t: f64) -> f64 {
        let device = Device::flex();
        let output = Tensor::from_data(TensorData::new(vec![answer, gate], [1, 2, 1, 1, 1]), &device);
        let timestep = Tensor::full([1, 1], 1000.0 * t as f32, &device);
        let x = Tensor::ones([1; 5], &device);
        f64::from(velocity(x, output, timestep, [1; 3], &[std]).into_scalar::<f32>())
    }

    /// `skip` and `out` as the network's answers 0 and 1 show them.
    fn of(std: Option<f64>, t: f64) -> [f64; 2] {
        let skip = said(0.0, 0.0, std, t);
        [skip, said(1.0, 0.0, std, t) - skip]
    }

    #[test]
    fn a_gate_can_say_that_all_is_noise() {
        for t in [0.05, 0.3, 0.7] {
            let s = 0.4_f64;
            let d = (1.0 - t) * (1.0 - t) * s * s + t * t;
            let gate = (1.0 - t) * s * (t * t + s * s / 16.0).sqrt() / (t * d.sqrt());
            // Where the data is 0, the noise is x_t / t.
            assert!((said(0.0, gate as f32, Some(s), t) - 1.0 / t).abs() < 1e-3 / t, "{t}");
        }
        assert_eq!(said(0.5, 7.0, None, 0.3), 0.5);
    }

    #[test]
    fn the_guess_is_the_best_linear_one_and_what_is_left_is_as_large_as_it_says() {
        for std in [0.05, 0.5, 1.0, 2.0] {
            for t in [0.02, 0.3, 0.7, 1.0] {
                let [skip, out] = of(Some(std), t);
                // Of independent data and noise: E[v x_t] = t - (1 - t) s², E[x_t²] = d, E[v²] = 1 + s².
                let (s2, rest) = (std * std, 1.0 - t);
                let (with, d) = (t - rest * s2, rest * rest * s2 + t * t);
                assert!((skip - with / d).abs() < 1e-4 * (1.0 + skip.abs()), "{std} {t}: {skip}");
                let left = 1.0 + s2 - with * with / d;
                assert!((out - left.sqrt()).abs() < 2e-3, "{std} {t}: {out} {}", left.sqrt());
            }
        }
        assert_eq!(of(None, 0.3), [0.0, 1.0]);
        assert_eq!(of(None, 0.0), [0.0, 1.0]);
    }

    #[test]
    fn each_frame_and_each_token_has_its_own() {
        let device = Device::flex();
        let zeros = || Tensor::<5>::zeros([1, 2, 2, 4, 2], &device);
        let ones = || Tensor::<5>::ones([1, 1, 2, 4, 2], &device);
        let std = [Some(0.5)];
        let skips = |timestep: Vec<f32>| {
            let count = timestep.len();
            let timestep = Tensor::from_data(TensorData::new(timestep, [1, count]), &device);
            let answer = velocity(ones(), zeros(), timestep, [2, 2, 1], &std);
            answer.into_data().try_into_vec::<f32>().unwrap()
        };
        let skip = |t: f64| of(std[0], t)[0] as f32;
        let of_frames = skips(vec![0.0, 600.0]);
        assert!(of_frames[..8].iter().all(|&x| (x - skip(0.0)).abs() < 1e-5));
        assert!(of_frames[8..].iter().all(|&x| (x - skip(0.6)).abs() < 1e-5));
        let of_tokens = skips(vec![100.0, 200.0, 300.0, 400.0]);
        for (at, x) in of_tokens.iter().enumerate() {
            let token = [0.1, 0.2, 0.3, 0.4][at / 4];
            assert!((x - skip(token)).abs() < 1e-5, "{at}");
        }
    }
}
