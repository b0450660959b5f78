//! DDPM (Ho et al. 2020) from nothing on a mixture of Gaussians in the plane: train, sample, draw.
//!
//! ```text
//! cargo run --release -p kinora-diffusion --example ddpm -- ddpm.png
//! ```
//!
//! The picture shows data, noise and samples side by side; see docs/ddpm.md.

use std::convert::Infallible;
use std::error::Error;
use std::f32::consts::TAU;
use std::time::Instant;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData, activation::silu};
use diffusion::{BetaSchedule, NUM_TRAIN_TIMESTEPS, Noise, Variance, from_eps, sample_ddpm, unobserved};
use image::{Rgb, RgbImage};

const SEED: u64 = 0;
const BATCH: usize = 256;
const TRAIN_STEPS: usize = 6_000;
const LEARNING_RATE: f64 = 3e-3;
const NUM_SAMPLES: usize = 4_000;

/// The mixture: weight, mean and standard deviation of each component.
const COMPONENTS: [(f32, [f32; 2], f32); 4] =
    [(0.4, [-1.2, -0.6], 0.20), (0.3, [1.1, -0.9], 0.25), (0.2, [0.9, 1.1], 0.15), (0.1, [-0.8, 1.2], 0.10)];

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: ddpm OUTPUT.png")?;
    let device = Device::flex();
    let betas = BetaSchedule::linear();

    let start = Instant::now();
    let model = train(&betas, &device.clone().autodiff());
    println!("trained {TRAIN_STEPS} steps in {:.1} s", start.elapsed().as_secs_f32());

    let start = Instant::now();
    let mut noise = Noise::stream(SEED, 1);
    let mut draw = || noise.tensor([NUM_SAMPLES, 2], &device);
    let latents = draw();
    let samples = sample_ddpm(
        from_eps(|x: Tensor<2>, step| {
            Ok::<_, Infallible>(model.forward(x, &[step.timestep as usize; NUM_SAMPLES]))
        }),
        latents.clone(),
        &betas.schedule(NUM_TRAIN_TIMESTEPS)?,
        Variance::BetaTilde,
        |_| draw(),
        unobserved,
    )?;
    println!("sampled {NUM_SAMPLES} points in {:.1} s", start.elapsed().as_secs_f32());

    let data = points(draw_data(NUM_SAMPLES, &mut Noise::stream(SEED, 2), &device))?;
    let samples = points(samples)?;
    report(&samples);
    plot(&[&data, &points(latents)?, &samples]).save(&path)?;
    println!("data, noise and samples are drawn in {path}");
    Ok(())
}

/// The network that predicts eps: an MLP on the point and a Fourier embedding of the timestep.
#[derive(Module, Debug)]
struct Mlp {
    input: Linear,
    hidden: Vec<Linear>,
    output: Linear,
}

impl Mlp {
    const FREQUENCIES: usize = 8;
    const WIDTH: usize = 96;

    fn new(device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        Self {
            input: linear(2 + 2 * Self::FREQUENCIES, Self::WIDTH),
            hidden: (0..2).map(|_| linear(Self::WIDTH, Self::WIDTH)).collect(),
            output: linear(Self::WIDTH, 2),
        }
    }

    /// `x` is `[batch, 2]`, one timestep for each row.
    fn forward(&self, x: Tensor<2>, timesteps: &[usize]) -> Tensor<2> {
        let embedding = Tensor::from_data(embed(timesteps), &x.device());
        let x = silu(self.input.forward(Tensor::cat(vec![x, embedding], 1)));
        let x = self.hidden.iter().fold(x, |x, layer| silu(layer.forward(x.clone())) + x);
        self.output.forward(x)
    }
}

/// Sines and cosines of the timestep at half, one, two ... periods over the schedule: `[batch, 2 FREQUENCIES]`.
fn embed(timesteps: &[usize]) -> TensorData {
    let embedding = timesteps.iter().flat_map(|&t| {
        let t = t as f32 / NUM_TRAIN_TIMESTEPS as f32;
        (0..Mlp::FREQUENCIES).flat_map(move |k| {
            let angle = 0.25 * TAU * t * (1_u32 << k) as f32;
            [angle.sin(), angle.cos()]
        })
    });
    TensorData::new(embedding.collect::<Vec<_>>(), [timesteps.len(), 2 * Mlp::FREQUENCIES])
}

/// Algorithm 1 with the simple objective (eq. 14): eps at a random timestep, mean squared error.
fn train(betas: &BetaSchedule, device: &Device) -> Mlp {
    let mut noise = Noise::new(SEED);
    device.seed(SEED); // for the initial weights
    let mut model = Mlp::new(device);
    let mut optimizer = AdamConfig::new().init();
    let mut loss_sum = 0.0;
    for step in 1..=TRAIN_STEPS {
        let x_0 = draw_data(BATCH, &mut noise, device);
        let eps = noise.tensor([BATCH, 2], device);
        let timesteps =
            (0..BATCH).map(|_| (noise.uniform() * NUM_TRAIN_TIMESTEPS as f64) as usize).collect::<Vec<_>>();
        let x_t = betas.q_sample(x_0, eps.clone(), &timesteps);
        let loss = (model.forward(x_t, &timesteps) - eps).powf_scalar(2.0).mean();

        let grads = GradientsParams::from_grads(loss.backward(), &model);
        let decay = 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / TRAIN_STEPS as f64).cos());
        model = optimizer.step(LEARNING_RATE * decay, model, grads);

        loss_sum += loss.into_scalar::<f32>();
        if step % 1000 == 0 {
            println!("step {step}: loss {:.4}", loss_sum / 1000.0);
            loss_sum = 0.0;
        }
    }
    model.valid()
}

/// Points of the mixture, `[count, 2]`.
fn draw_data(count: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
    let mut values = Vec::with_capacity(2 * count);
    for _ in 0..count {
        let mut left = noise.uniform() as f32;
        let chosen = COMPONENTS.iter().position(|(weight, ..)| {
            left -= weight;
            left < 0.0
        });
        let (_, mean, std) = COMPONENTS[chosen.unwrap_or(COMPONENTS.len() - 1)];
        values.extend(mean.map(|m| m + std * noise.sample() as f32));
    }
    Tensor::from_data(TensorData::new(values, [count, 2]), device)
}

fn points(x: Tensor<2>) -> Result<Vec<[f32; 2]>, Box<dyn Error>> {
    let values = x.into_data().try_to_vec::<f32>()?;
    Ok(values.chunks_exact(2).map(|point| [point[0], point[1]]).collect())
}

/// Prints weight and mean of each component, from the samples nearest to it.
fn report(samples: &[[f32; 2]]) {
    let distance = |x: &[f32; 2], mean: [f32; 2]| (x[0] - mean[0]).powi(2) + (x[1] - mean[1]).powi(2);
    let nearest = |x: &[f32; 2]| {
        COMPONENTS
            .iter()
            .map(|&(_, mean, _)| distance(x, mean))
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let assigned = samples.iter().filter_map(|x| Some((nearest(x)?.0, x))).collect::<Vec<_>>();
    println!("component  weight: true, found   mean: true, found               std: true, found");
    for (k, (weight, mean, std)) in COMPONENTS.into_iter().enumerate() {
        let members =
            assigned.iter().filter(|(nearest, _)| *nearest == k).map(|(_, x)| *x).collect::<Vec<_>>();
        let count = members.len() as f32;
        let found = [0, 1].map(|i| members.iter().map(|x| x[i]).sum::<f32>() / count);
        let variance = members.iter().map(|x| distance(x, found)).sum::<f32>() / (2.0 * count);
        println!(
            "{k:9}          {weight:.2}, {:.3}   ({:5.2}, {:5.2}), ({:5.2}, {:5.2})         {std:.2}, {:.3}",
            count / samples.len() as f32,
            mean[0],
            mean[1],
            found[0],
            found[1],
            variance.sqrt(),
        );
    }
}

/// One square panel for each set of points, over -3 to 3 in both directions; each point darkens its pixels.
fn plot(panels: &[&[[f32; 2]]]) -> RgbImage {
    const SIZE: u32 = 360;
    const GAP: u32 = 12;
    const REACH: f32 = 3.0;
    const INK: [Rgb<u8>; 3] = [Rgb([31, 90, 166]), Rgb([90, 90, 90]), Rgb([196, 78, 20])];

    let mut image = RgbImage::from_pixel(panels.len() as u32 * (SIZE + GAP) - GAP, SIZE, Rgb([255; 3]));
    for (panel, points) in panels.iter().enumerate() {
        let left = panel as u32 * (SIZE + GAP);
        for gap in left + SIZE..(left + SIZE + GAP).min(image.width()) {
            (0..SIZE).for_each(|y| image.put_pixel(gap, y, Rgb([200; 3])));
        }
        for [x, y] in points.iter() {
            let pixel = |value: f32| ((value / REACH + 1.0) * 0.5 * SIZE as f32) as i64;
            let (column, row) = (pixel(*x), pixel(-*y));
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (column, row) = (column + dx, row + dy);
                if (0..i64::from(SIZE)).contains(&column) && (0..i64::from(SIZE)).contains(&row) {
                    let under = image.get_pixel_mut(left + column as u32, row as u32);
                    for (under, ink) in under.0.iter_mut().zip(INK[panel % INK.len()].0) {
                        *under = ((u16::from(*under) * 2 + u16::from(ink)) / 3) as u8;
                    }
                }
            }
        }
    }
    image
}
