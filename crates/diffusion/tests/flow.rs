//! The flow samplers on data with a closed form: Gaussian data has a known velocity and a known path.

use std::convert::Infallible;
use std::ops::ControlFlow;

use burn::tensor::{DType, Device, Tensor, TensorData};
use diffusion::{Schedule, Step, flow_interpolate, from_velocity, sample_euler, sample_unipc, unobserved};

const MEAN: f64 = 0.7;
const STD: f64 = 0.4;

/// Standard deviation of `x_t`.
fn spread(sigma: f64) -> f64 {
    ((1.0 - sigma).powi(2) * STD.powi(2) + sigma.powi(2)).sqrt()
}

/// `E[noise - x_0 | x_t]` for data from `N(MEAN, STD²)`.
fn velocity<const D: usize>(x: Tensor<D>, step: Step) -> Result<Tensor<D>, Infallible> {
    let (alpha, sigma) = (step.alpha, step.sigma);
    let z = (x - alpha * MEAN) / spread(sigma);
    Ok(z * ((sigma - alpha * STD.powi(2)) / spread(sigma)) - MEAN)
}

/// The ODE keeps the quantile: `(x_t - alpha MEAN) / spread` is constant along a path.
fn path(z: f64, sigma: f64) -> f64 {
    (1.0 - sigma) * MEAN + z * spread(sigma)
}

fn doubles(values: Vec<f64>) -> Tensor<1> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), (&Device::flex(), DType::F64))
}

/// Steps even in log(alpha / sigma), in which UniPC is a polynomial method.
fn even_in_log_snr(num_steps: usize, from: f64, to: f64) -> Schedule {
    let logit = |sigma: f64| (sigma / (1.0 - sigma)).ln();
    let sigmas = (0..=num_steps).map(|i| {
        let x = logit(from) + (logit(to) - logit(from)) * i as f64 / num_steps as f64;
        1.0 / (1.0 + (-x).exp())
    });
    Schedule::flow(sigmas.collect()).unwrap()
}

type AfterStep<'a> = &'a mut dyn FnMut(Step, Tensor<1>) -> ControlFlow<Infallible, Tensor<1>>;
type SampleFlow = fn(Tensor<1>, &Schedule, AfterStep<'_>) -> Tensor<1>;

fn euler(x: Tensor<1>, schedule: &Schedule, after_step: AfterStep<'_>) -> Tensor<1> {
    sample_euler(from_velocity(velocity), x, schedule, after_step).unwrap()
}

fn unipc(x: Tensor<1>, schedule: &Schedule, after_step: AfterStep<'_>) -> Tensor<1> {
    sample_unipc(from_velocity(velocity), x, schedule, after_step).unwrap()
}

/// Largest distance from the paths of a few quantiles, before the last step: there UniPC changes to order 1.
fn error(sample: SampleFlow, num_steps: usize) -> f64 {
    let quantiles = [-2.0, -0.5, 1.0, 2.5];
    let schedule = even_in_log_snr(num_steps, 0.95, 0.05);
    let start = schedule.start().1;
    let mut error = f64::NAN;
    sample(doubles(quantiles.map(|z| path(z, start)).to_vec()), &schedule, &mut |step, x| {
        if step.index + 2 == step.num_steps {
            let x = x.to_data().try_to_vec::<f64>().unwrap();
            let off = x.iter().zip(quantiles).map(|(x, z)| (x - path(z, step.sigma_next)).abs());
            error = off.fold(0.0, f64::max);
        }
        ControlFlow::Continue(x)
    });
    error
}

fn order(sample: SampleFlow) -> f64 {
    let [coarse, fine] = [64, 256].map(|num_steps| error(sample, num_steps));
    (coarse / fine).log2() / 2.0
}

#[test]
fn euler_is_of_first_order() {
    let order = order(euler);
    assert!((0.9..1.1).contains(&order), "order {order}");
}

/// The predictor is of order 2, and the corrector adds one (Zhao et al. 2023, section 3.2).
#[test]
fn unipc_is_of_third_order_inside() {
    let order = order(unipc);
    assert!((2.8..3.2).contains(&order), "order {order}");
}

#[test]
fn unipc_needs_fewer_steps() {
    let [few, many] = [error(unipc, 12), error(euler, 100)];
    assert!(few < many, "UniPC in 12 steps is off by {few:e}, Euler in 100 by {many:e}");
}

/// Whole schedules, from noise to data: the last step to sigma 0 alone costs about `sigma² / (2 STD²)` of the spread.
#[test]
fn both_carry_noise_to_the_data_distribution() {
    let quantiles = [-2.0, -1.0, 0.0, 1.0, 2.0];
    for (sample, schedule) in [
        (euler as SampleFlow, Schedule::flow_euler(400, 3.0).unwrap()),
        (unipc, Schedule::flow_unipc(100, 3.0).unwrap()),
    ] {
        let x = sample(doubles(quantiles.to_vec()), &schedule, &mut unobserved);
        for (x, z) in x.into_data().try_to_vec::<f64>().unwrap().into_iter().zip(quantiles) {
            let expected = MEAN + STD * z;
            assert!((x - expected).abs() < 0.01, "{x}, not {expected}");
        }
    }
}

/// At sigma 1 the log-SNR is infinite; nothing that depends on it may become NaN.
#[test]
fn unipc_starts_from_pure_noise() {
    let [exact, below] = [1.0, 1.0 - 1e-9].map(|first| {
        let schedule = Schedule::flow(vec![first, 0.8, 0.5, 0.2, 0.0]).unwrap();
        unipc(doubles(vec![0.8]), &schedule, &mut unobserved).into_scalar::<f64>()
    });
    assert!((exact - below).abs() < 0.01, "{exact} from sigma 1, {below} from just below");
}

#[test]
fn after_step_sees_every_step_and_can_stop() {
    let schedule = Schedule::flow_unipc(10, 1.0).unwrap();
    let mut seen = Vec::new();
    let stopped = sample_unipc(
        from_velocity(|x, step| velocity(x, step).map_err(|never| -> &str { match never {} })),
        doubles(vec![0.1]),
        &schedule,
        |step, x| {
            seen.push(step.index);
            if step.index == 3 { ControlFlow::Break("cancelled") } else { ControlFlow::Continue(x) }
        },
    );
    assert_eq!(stopped.err(), Some("cancelled"));
    assert_eq!(seen, [0, 1, 2, 3]);
}

/// SDEdit: data noised to a level in the middle follows the rest of the schedule back to the same data.
#[test]
fn the_rest_of_a_schedule_leads_on_from_its_level() {
    let rest = Schedule::flow_unipc(40, 3.0).unwrap().skip(15);
    let (alpha, sigma) = rest.start();
    assert_eq!(alpha, 1.0 - sigma);
    let quantile = 1.3;
    let noise = (path(quantile, sigma) - alpha * MEAN) / sigma;
    let x = flow_interpolate(doubles(vec![MEAN]), doubles(vec![noise]), doubles(vec![sigma]));
    let end = unipc(x, &rest, &mut unobserved).into_scalar::<f64>();
    assert!((end - path(quantile, 0.0)).abs() < 1e-3, "{end}");
}
