//! Positions in every sampler of a rectified flow: what is known stays, what is partly made anew is made from its own noise,
//! and the others do not notice.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor};
use diffusion::{Levels, Noise, Sampler, Schedule, Spacing, Step, sample_euler, sample_unipc, unobserved};

/// Of four frames: known, anew, half anew, known.
const LEVELS: [f32; 4] = [0.0, 1.0, 0.5, 0.0];
const FLOWS: [Sampler; 2] = [Sampler::Euler, Sampler::UniPc];

/// A model that looks at every frame by itself.
fn velocity(x: Tensor<5>, step: Step) -> Tensor<5> {
    x * (0.3 * step.sigma) - 0.2
}

fn sample(
    sampler: Sampler,
    denoise: impl FnMut(Tensor<5>, Step) -> Result<Tensor<5>, Infallible>,
    start: Tensor<5>,
    schedule: &Schedule,
) -> Vec<f32> {
    let made = match sampler {
        Sampler::Euler => sample_euler(denoise, start, schedule, unobserved),
        _ => sample_unipc(denoise, start, schedule, unobserved),
    };
    made.unwrap().into_data().try_to_vec().unwrap()
}

fn host(x: &Tensor<5>) -> Vec<f32> {
    x.to_data().try_to_vec().unwrap()
}

#[test]
fn what_is_known_stays_and_the_others_do_not_notice() {
    let device = Device::flex();
    let [x_0, noise] = [3, 4].map(|seed| Noise::new(seed).tensor::<5>([1, 1, 4, 1, 1], &device));
    let levels = Levels::of_frames(&LEVELS, [1, 1]);
    let (data, drawn) = (host(&x_0), host(&noise));
    for sampler in FLOWS {
        let whole = Spacing::of(sampler, 8, 3.0).schedule().unwrap();
        let schedule = levels.schedule(&whole);
        assert_eq!(schedule, whole);
        let prediction = sampler.prediction();
        let model = |x: Tensor<5>, step: Step| {
            let seen = host(&x);
            assert!(seen[0] == data[0] && seen[3] == data[3], "{sampler} shows noise in a known frame");
            if step.sigma > 0.5 {
                let half = (data[2] + drawn[2]) / 2.0;
                assert!((seen[2] - half).abs() < 1e-6, "{sampler} at {}: {} {half}", step.sigma, seen[2]);
            }
            Ok::<_, Infallible>(velocity(x, step))
        };
        let held = levels.hold(x_0.clone(), noise.clone(), prediction.denoiser(model));
        let start = levels.start(x_0.clone(), noise.clone(), &schedule);
        let held = sample(sampler, held, start, &schedule);
        let free = prediction.denoiser(|x: Tensor<5>, step| Ok(velocity(x, step)));
        let free = sample(sampler, free, noise.clone(), &schedule);
        for (frame, expected) in [(0, data[0]), (1, free[1]), (3, data[3])] {
            assert!((held[frame] - expected).abs() < 1e-5, "{sampler}: frame {frame} is {}", held[frame]);
        }
        assert!((held[2] - free[2]).abs() > 1e-3 && (held[2] - data[2]).abs() > 1e-3);
    }
}

#[test]
fn what_is_partly_made_anew_is_as_if_one_began_there() {
    let device = Device::flex();
    let [x_0, noise] = [5, 6].map(|seed| Noise::new(seed).tensor::<5>([1, 2, 2, 1, 1], &device));
    let half = Levels::of_frames(&[0.5, 0.5], [1, 1]);
    for sampler in FLOWS {
        let whole = Spacing::of(sampler, 8, 3.0).schedule().unwrap();
        let schedule = half.schedule(&whole);
        assert_eq!(schedule.start(), (0.5, 0.5));
        assert!(schedule.num_steps() < whole.num_steps());
        assert_eq!(schedule.timesteps()[0], 500.0);
        let free = || sampler.prediction().denoiser(|x: Tensor<5>, step| Ok(velocity(x, step)));
        let start = half.start(x_0.clone(), noise.clone(), &schedule);
        let held = half.hold(x_0.clone(), noise.clone(), free());
        let [held, plain] =
            [sample(sampler, held, start.clone(), &schedule), sample(sampler, free(), start, &schedule)];
        assert_eq!(held, plain);
        assert!(host(&x_0).iter().zip(&held).all(|(known, made)| (known - made).abs() > 1e-3));
    }
}

#[test]
fn with_nothing_known_samplers_are_as_they_are() {
    let device = Device::flex();
    let noise = Noise::new(6).tensor::<5>([1, 2, 2, 1, 1], &device);
    let levels = Levels::anew([2, 1, 1]);
    let schedule = Spacing::of(Sampler::UniPc, 5, 3.0).schedule().unwrap();
    let free = || Sampler::UniPc.prediction().denoiser(|x: Tensor<5>, step| Ok(velocity(x, step)));
    let held = levels.hold(noise.zeros_like(), noise.clone(), free());
    let start = levels.start(noise.zeros_like(), noise.clone(), &schedule);
    assert_eq!(
        sample(Sampler::UniPc, held, start, &schedule),
        sample(Sampler::UniPc, free(), noise, &schedule)
    );
}
