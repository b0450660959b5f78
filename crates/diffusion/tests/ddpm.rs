//! DDPM and DDIM where everything is known: the forward chain, and a Gaussian mixture with its ideal eps.

use std::convert::Infallible;

use burn::tensor::{DType, Device, Tensor, TensorData, activation::softmax};
use diffusion::{BetaSchedule, Noise, Step, Variance, from_eps, sample_ddim, sample_ddpm, unobserved};

/// The chain is linear, so its mean and variance follow each link exactly: no sampling, no tolerance but rounding.
#[test]
fn closed_form_equals_the_iterated_chain() {
    let betas = BetaSchedule::linear();
    let double =
        |x: f64| Tensor::<1>::from_data(TensorData::new(vec![x], [1]), (&Device::flex(), DType::F64));
    let (mut mean, mut variance) = (double(1.0), 0.0);
    for t in 0..betas.betas().len() {
        mean = betas.q_step(mean, double(0.0), t);
        let fresh = betas.q_step(double(0.0), double(1.0), t).into_scalar::<f64>();
        variance = (1.0 - betas.betas()[t]) * variance + fresh.powi(2);

        let alpha = betas.q_sample(double(1.0), double(0.0), &[t]).into_scalar::<f64>();
        let sigma = betas.q_sample(double(0.0), double(1.0), &[t]).into_scalar::<f64>();
        assert!((mean.clone().into_scalar::<f64>() / alpha - 1.0).abs() < 1e-12, "mean at {t}");
        assert!((variance / sigma.powi(2) - 1.0).abs() < 1e-12, "variance at {t}");
    }
}

/// The same with draws: a thousand links of the chain, each with its own noise, against one draw of the closed form.
#[test]
fn draws_of_the_chain_have_the_moments_of_the_closed_form() {
    let (device, betas, count) = (Device::flex(), BetaSchedule::linear(), 20_000);
    let mut noise = Noise::new(1);
    let mut x = Tensor::<1>::full([count], 3.0, &device);
    for t in 0..=200 {
        x = betas.q_step(x, noise.tensor([count], &device), t);
        if [0, 50, 200].contains(&t) {
            let (mean, variance) =
                (x.clone().mean().into_scalar::<f32>(), x.clone().var(0).into_scalar::<f32>());
            let (alpha, sigma) = betas.level(t);
            // Four standard errors.
            let error = sigma * 4.0 / (count as f64).sqrt();
            assert!((f64::from(mean) - 3.0 * alpha).abs() < error, "mean {mean} at {t}");
            let error = sigma.powi(2) * 4.0 * (2.0 / count as f64).sqrt();
            assert!((f64::from(variance) - sigma.powi(2)).abs() < error, "variance {variance} at {t}");
        }
    }
}

const WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];
const MEANS: [[f64; 2]; 3] = [[-1.5, 0.0], [1.0, 1.0], [1.0, -1.5]];
const STDS: [f64; 3] = [0.3, 0.35, 0.25];
const COUNT: usize = 8_000;

/// `E[noise | x_t]` for the mixture, whose marginals are mixtures with means `alpha m` and variances
/// `alpha² s² + sigma²`.
fn ideal_eps(x: Tensor<2>, step: Step) -> Result<Tensor<2>, Infallible> {
    let (mut logits, mut pulls) = (Vec::new(), Vec::new());
    for ((weight, mean), std) in WEIGHTS.into_iter().zip(MEANS).zip(STDS) {
        let variance = (step.alpha * std).powi(2) + step.sigma.powi(2);
        let mean = Tensor::<2>::from_floats([mean.map(|m| (m * step.alpha) as f32)], &x.device());
        let offset = x.clone() - mean;
        logits
            .push(offset.clone().powf_scalar(2.0).sum_dim(1) * (-0.5 / variance) + (weight / variance).ln());
        pulls.push(offset * (step.sigma / variance));
    }
    let responsibilities = softmax(Tensor::cat(logits, 1), 1);
    Ok(pulls
        .into_iter()
        .enumerate()
        .map(|(k, pull)| pull * responsibilities.clone().narrow(1, k, 1))
        .reduce(|sum, pull| sum + pull)
        .unwrap())
}

/// Sorts samples to their nearest mean, then compares weight, mean and covariance of each component. The tolerances
/// hold the spread of a sample of this size (about 0.01) and what the steps' finite length costs in variance.
fn assert_mixture(samples: Tensor<2>, name: &str) {
    let samples = samples.into_data().try_to_vec::<f32>().unwrap();
    let mut members = vec![Vec::new(); MEANS.len()];
    for x in samples.chunks(2).map(|x| [f64::from(x[0]), f64::from(x[1])]) {
        let distance = |mean: [f64; 2]| (x[0] - mean[0]).powi(2) + (x[1] - mean[1]).powi(2);
        let nearest = (0..MEANS.len()).min_by(|&a, &b| distance(MEANS[a]).total_cmp(&distance(MEANS[b])));
        members[nearest.unwrap()].push(x);
    }
    for (k, members) in members.iter().enumerate() {
        let average =
            |f: &dyn Fn(&[f64; 2]) -> f64| members.iter().map(f).sum::<f64>() / members.len() as f64;
        let weight = members.len() as f64 / COUNT as f64;
        assert!((weight - WEIGHTS[k]).abs() < 0.02, "{name}: weight {weight} of component {k}");
        let mean = [average(&|x| x[0]), average(&|x| x[1])];
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            assert!((mean[i] - MEANS[k][i]).abs() < 0.02, "{name}: mean {mean:?} of component {k}");
            let covariance = average(&|x| (x[i] - mean[i]) * (x[j] - mean[j])) / STDS[k].powi(2);
            let expected = if i == j { 1.0 } else { 0.0 };
            assert!((covariance - expected).abs() < 0.15, "{name}: {covariance} × std², component {k}");
        }
    }
}

fn start(noise: &mut Noise) -> Tensor<2> {
    noise.tensor([COUNT, 2], &Device::flex())
}

#[test]
fn ddpm_recovers_the_mixture() {
    let schedule = BetaSchedule::linear().schedule(1000).unwrap();
    for variance in [Variance::BetaTilde, Variance::Beta] {
        let mut noise = Noise::new(11);
        let x = start(&mut noise);
        let samples =
            sample_ddpm(from_eps(ideal_eps), x, &schedule, variance, |_| start(&mut noise), unobserved)
                .unwrap();
        assert_mixture(samples, &format!("{variance:?}"));
    }
}

#[test]
fn ddim_recovers_the_mixture_in_a_quarter_of_the_steps() {
    let schedule = BetaSchedule::linear().schedule(250).unwrap();
    let mut noise = Noise::new(12);
    let x = start(&mut noise);
    let without_noise = |step: Step| panic!("asked for noise at step {}", step.index);
    let samples = sample_ddim(from_eps(ideal_eps), x, &schedule, 0.0, without_noise, unobserved).unwrap();
    assert_mixture(samples, "eta 0");
}
