//! Known frames in every sampler: they stay as they are, and the others do not notice.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor};
use diffusion::{
    Noise, Prediction, Sampler, Schedule, Spacing, Step, Timeline, Variance, sample_ddim, sample_ddpm,
    sample_euler, sample_unipc, unobserved,
};

const FRAMES: usize = 4;

/// A model that looks at every frame by itself and must see known ones clean.
fn output(x: Tensor<5>, step: Step) -> Tensor<5> {
    x * (0.3 * step.sigma) - 0.2
}

fn sample(
    sampler: Sampler,
    denoise: impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>, Infallible>,
    start: Tensor<5>,
    schedule: &Schedule,
) -> Vec<f32> {
    let mut noise = Noise::stream(5, 1);
    let (shape, device) = (start.dims(), start.device());
    let fresh = |_: Step| noise.tensor(shape, &device);
    let made = match sampler {
        Sampler::Euler => sample_euler(denoise, start, schedule, unobserved),
        Sampler::UniPc => sample_unipc(denoise, start, schedule, unobserved),
        Sampler::Ddpm => sample_ddpm(denoise, start, schedule, Variance::BetaTilde, fresh, unobserved),
        Sampler::Ddim => sample_ddim(denoise, start, schedule, 0.5, fresh, unobserved),
    };
    made.unwrap().into_data().try_to_vec().unwrap()
}

#[test]
fn known_frames_stay_in_every_sampler_and_the_others_do_not_notice() {
    let device = Device::flex();
    let shape = [1, 1, FRAMES, 1, 1];
    let [data, start] = [3, 4].map(|seed| Noise::new(seed).tensor::<5>(shape, &device));
    let timeline = Timeline::known(vec![true, false, false, true], 1000.0);
    let is_clean = |x: &Tensor<5>| {
        let off = (x.clone() - data.clone()).abs().into_data().try_to_vec::<f32>().unwrap();
        off[0] == 0.0 && off[FRAMES - 1] == 0.0
    };
    for sampler in Sampler::ALL {
        let schedule = Spacing::of(sampler, 8, 3.0).schedule().unwrap();
        let prediction = sampler.prediction();
        let model = |x: Tensor<5>, step| {
            assert!(is_clean(&x), "{sampler} shows the model noise in a known frame");
            Ok::<_, Infallible>(output(x, step))
        };
        let held = timeline.hold(data.clone(), prediction.denoiser(model));
        let held = sample(sampler, held, start.clone(), &schedule);
        let free = prediction.denoiser(|x: Tensor<5>, step| Ok(output(x, step)));
        let free = sample(sampler, free, start.clone(), &schedule);
        let known = data.to_data().try_to_vec::<f32>().unwrap();
        for frame in 0..FRAMES {
            let expected = if timeline.known[frame] { known[frame] } else { free[frame] };
            let error = (held[frame] - expected).abs();
            assert!(error < 1e-5, "{sampler}: frame {frame} is {}, not {expected}", held[frame]);
        }
    }
    assert_eq!(Sampler::UniPc.prediction(), Prediction::Velocity);
}
