//! Agreement with diffusers' schedulers, step by step. `goldens/schedulers.py` makes the numbers.

use std::convert::Infallible;
use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::{
    BetaSchedule, Sampler, Schedule, SchedulerConfig, Step, from_eps, from_velocity, sample_ddim,
    sample_ddpm, sample_euler, sample_unipc,
};
use serde::Deserialize;

/// Of the largest magnitude in the state, for trajectories that both sides compute in single precision.
const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Goldens {
    start: Vec<f32>,
    alphas_cumprod: std::collections::BTreeMap<usize, f64>,
    flow: Vec<Case>,
    ddpm: Vec<Case>,
    ddim: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: SchedulerConfig,
    steps: usize,
    timesteps: Vec<f32>,
    #[serde(default)]
    sigmas: Vec<f32>,
    #[serde(default)]
    eta: f64,
    /// Latents after each step.
    states: Vec<Vec<f32>>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../goldens/schedulers.json")).unwrap()
}

fn tensor(values: Vec<f32>) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, [1, 2, 1, 2]), &Device::flex())
}

// The toy models of goldens/schedulers.py.

fn velocity(x: Tensor<4>, step: Step) -> Result<Tensor<4>, Infallible> {
    Ok(x.clone() * (0.8 * step.timestep / 1000.0) - (x * 2.0).cos() * 0.6)
}

fn epsilon(x: Tensor<4>, step: Step) -> Result<Tensor<4>, Infallible> {
    Ok(x.tanh() * 0.9 + 0.2 * step.timestep / 1000.0)
}

fn noise(step: Step) -> Tensor<4> {
    tensor((0..4).map(|i| (i as f32 + 3.0 * step.index as f32 + 1.0).sin()).collect())
}

type AfterStep<'a> = &'a mut dyn FnMut(Step, Tensor<4>) -> ControlFlow<Infallible, Tensor<4>>;

fn check(case: &Case, start: &[f32], sample: impl Fn(Tensor<4>, &Schedule, AfterStep<'_>)) {
    let name = format!("{}, {} steps", case.config.to_json(), case.steps);
    let schedule = case.config.schedule(case.steps).unwrap();
    assert_eq!(schedule.timesteps().iter().map(|&t| t as f32).collect::<Vec<_>>(), case.timesteps, "{name}");

    let mut states = Vec::new();
    sample(tensor(start.to_vec()), &schedule, &mut |_, x| {
        states.push(x.to_data().try_to_vec::<f32>().unwrap());
        ControlFlow::Continue(x)
    });
    assert_eq!(states.len(), case.states.len(), "{name}");
    for (i, (found, expected)) in states.iter().zip(&case.states).enumerate() {
        let scale = expected.iter().fold(0.0_f32, |scale, x| scale.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs() / scale;
            assert!(error <= TOLERANCE, "step {i}: {found}, not {expected} (relative {error:e}): {name}");
        }
    }
}

#[test]
fn flow_samplers_match_bit_for_bit_in_schedule_and_closely_in_trajectory() {
    let goldens = goldens();
    for case in &goldens.flow {
        let schedule = case.config.schedule(case.steps).unwrap();
        let sigmas = schedule.sigmas().map(|sigma| sigma as f32).collect::<Vec<_>>();
        assert_eq!(sigmas, case.sigmas, "{}", case.config.to_json());
        check(case, &goldens.start, |x, schedule, after_step| {
            match case.config.sampler().unwrap() {
                Sampler::Euler => sample_euler(from_velocity(velocity), x, schedule, after_step),
                Sampler::UniPc => sample_unipc(from_velocity(velocity), x, schedule, after_step),
                other => panic!("{other} among the flow samplers"),
            }
            .unwrap();
        });
    }
    assert_eq!(goldens.flow.len(), 2 * 4 * 6);
}

#[test]
fn ddpm_matches_for_both_variances() {
    let goldens = goldens();
    for case in &goldens.ddpm {
        check(case, &goldens.start, |x, schedule, after_step| {
            sample_ddpm(from_eps(epsilon), x, schedule, case.config.variance().unwrap(), noise, after_step)
                .unwrap();
        });
    }
    assert_eq!(goldens.ddpm.len(), 4);
}

#[test]
fn ddim_matches_from_deterministic_to_ancestral() {
    let goldens = goldens();
    for case in &goldens.ddim {
        check(case, &goldens.start, |x, schedule, after_step| {
            sample_ddim(from_eps(epsilon), x, schedule, case.eta, noise, after_step).unwrap();
        });
    }
    assert_eq!(goldens.ddim.len(), 6);
}

#[test]
fn alphas_cumprod_match() {
    let betas = BetaSchedule::linear();
    for (t, expected) in goldens().alphas_cumprod {
        // diffusers multiplies a thousand factors in single precision.
        let error = (betas.alphas_cumprod()[t] / expected - 1.0).abs();
        assert!(error < 1e-5, "at {t}: relative {error:e}");
    }
}
