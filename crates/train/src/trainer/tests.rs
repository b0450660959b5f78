//! The loop on a toy: a linear map is learnt from noisy pairs.

use burn::tensor::Device;
use nn::Linear;
use tempfile::TempDir;

use super::*;
use crate::{
    fingerprint::Inputs,
    log,
    observer::StopsAfter,
    random::{Purpose, noise},
};

struct Toy {
    /// The batch whose loss is not a number, or whose drawing asks for a stop.
    poison: Option<u64>,
}

const INPUTS: usize = 6;
const OUTPUTS: usize = 3;

fn truth() -> Tensor<2> {
    noise(9, Purpose::Sample, 0).tensor([OUTPUTS, INPUTS], &Device::flex())
}

impl Objective for Toy {
    type Model = Linear;
    const NAME: &'static str = "toy";

    fn loss(&self, model: &Linear, moment: Moment) -> Result<(Tensor<1>, Figures)> {
        let mut noise = noise(moment.seed, Purpose::Batch, moment.batch);
        let x: Tensor<2> = noise.tensor([16, INPUTS], &Device::flex());
        let y = nn::linear(x.clone(), truth(), None) + noise.tensor([16, OUTPUTS], &Device::flex()) * 0.01;
        let loss = (model.forward(x) - y).square().mean();
        let loss = if self.poison == Some(moment.batch) { loss * f64::NAN } else { loss };
        Ok((loss, Figures::new().with("progress", moment.progress)))
    }

    fn evaluate(&self, model: &Linear) -> Result<Figures> {
        let error = (model.weight.dense() - truth()).square().mean();
        Ok(Figures::new().with("error", f64::from(parameters::to_scalar(error)?)))
    }

    fn sample(&self, _: &Linear, path: &Path) -> Result<()> {
        fs::write(path, "a picture").map_err(TrainError::io(path))
    }

    fn export(&self, model: &Linear, folder: &Path) -> Result<()> {
        crate::files::write_json(&folder.join("toy.json"), &parameters::gather(model)?)
    }

    fn read(&self, folder: &Path) -> Result<Linear> {
        let values: Vec<f32> = crate::files::read_json(&folder.join("toy.json"))?;
        Ok(parameters::scatter(model(), &values))
    }
}

fn model() -> Linear {
    Linear::new(INPUTS, OUTPUTS, true, &Device::flex().autodiff())
}

fn args(output: &TempDir, steps: u64) -> RunArgs {
    RunArgs {
        output: output.path().into(),
        steps,
        learning_rate: 0.05,
        warmup_steps: 5,
        accumulate: 2,
        ema_decay: 0.9,
        evaluate_every: 10,
        sample_every: 20,
        checkpoint_every: 10,
        ..RunArgs::default()
    }
}

fn settings(args: &RunArgs) -> RunSettings {
    RunSettings::new(args, Inputs::new()).unwrap()
}

fn run(args: &RunArgs) -> Result<Outcome> {
    train(&Toy { poison: None }, model(), args, &settings(args), &())
}

#[test]
fn it_learns_and_leaves_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&args(&folder, 200)).unwrap();
    assert_eq!((outcome.step, outcome.stopped), (200, false));
    let lines = log::read(folder.path()).unwrap();
    let losses: Vec<f64> = lines.iter().filter_map(|line| line.figure("loss")).collect();
    assert_eq!(losses.len(), 200);
    assert!(losses[199] < 0.01 * losses[0], "{} {}", losses[0], losses[199]);
    let errors: Vec<f64> = lines.iter().filter_map(|line| line.figure("error")).collect();
    assert!(errors.len() == 20 && errors[19] < 1e-3, "{errors:?}");
    for path in ["curve.png", "toy.json", "samples/step-00000200.png", "checkpoints/step-00000200"] {
        assert!(folder.path().join(path).exists(), "{path}");
    }
    assert_eq!(checkpoint::list(folder.path()).unwrap().len(), 2);
}

#[test]
fn a_resumed_run_repeats_an_uninterrupted_one_bit_for_bit() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&args(&whole, 60)).unwrap();

    // The second run dies after its step 37: it is done again from step 30.
    let poisoned = Toy { poison: Some(2 * 37) };
    let args = args(&parts, 60);
    let error = train(&poisoned, model(), &args, &settings(&args), &()).unwrap_err().to_string();
    assert!(error.contains("step 38") && error.contains("step-00000030"), "{error}");
    let again = RunArgs { resume: true, ..args };
    run(&again).unwrap();

    for name in ["losses.jsonl", "toy.json", "checkpoints/step-00000060/state.safetensors"] {
        let bytes = |folder: &TempDir| fs::read(folder.path().join(name)).unwrap();
        assert!(bytes(&whole) == bytes(&parts), "{name}");
    }
}

#[test]
fn runs_are_not_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    let first = args(&folder, 10);
    run(&first).unwrap();
    assert!(matches!(run(&first), Err(TrainError::RunExists { .. })));
    let other = RunArgs { seed: 1, resume: true, ..first.clone() };
    assert!(run(&other).unwrap_err().to_string().contains("seed = 0, not 1"));
    // More steps are no other run.
    let longer = RunArgs { steps: 20, resume: true, ..first.clone() };
    assert_eq!(run(&longer).unwrap().step, 20);

    let fresh = tempfile::tempdir().unwrap();
    let started = RunArgs { output: fresh.path().into(), init_from: vec![first.output], ..args(&fresh, 1) };
    run(&started).unwrap();
    let loss = |folder: &TempDir| log::read(folder.path()).unwrap()[0].figure("loss").unwrap();
    assert!(loss(&fresh) < 0.9 * loss(&folder));

    // What the run exported, without its checkpoints, does as well.
    let (exported, third) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::copy(folder.path().join("toy.json"), exported.path().join("toy.json")).unwrap();
    let started = RunArgs { init_from: vec![exported.path().into()], ..args(&third, 1) };
    run(&started).unwrap();
    assert!(loss(&third) < 0.9 * loss(&folder));
}

#[test]
fn the_clock_bounds_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let args = RunArgs { minutes: Some(1.0 / 60.0), ..args(&folder, 1) };
    let outcome = run(&args).unwrap();
    assert!(outcome.step > 1 && !outcome.stopped);
    let lines = log::read(folder.path()).unwrap();
    let rates: Vec<f64> = lines.iter().filter_map(|line| line.figure("learning_rate")).collect();
    let last = rates[rates.len() - 1];
    let highest = rates.iter().copied().fold(0.0, f64::max);
    assert!(last < 0.5 * highest, "the schedule follows the clock down: {last} {highest}");
}

#[test]
fn settings_are_checked_and_flattened() {
    let folder = tempfile::tempdir().unwrap();
    for (bad, flag) in [
        (RunArgs { learning_rate: 0.0, ..args(&folder, 1) }, "--learning-rate"),
        (RunArgs { accumulate: 0, ..args(&folder, 1) }, "--accumulate"),
        (RunArgs { ema_decay: 1.0, ..args(&folder, 1) }, "--ema-decay"),
        (RunArgs { minutes: Some(-1.0), ..args(&folder, 1) }, "--minutes"),
    ] {
        assert!(run(&bad).unwrap_err().to_string().starts_with(flag));
    }
    // Every flag by its name, also of those in groups.
    let flags = RunSettings::new(&crate::denoiser::DenoiserArgs::default(), Inputs::new()).unwrap().flags;
    for flag in ["num_layers", "text_dim", "seed", "learning_rate"] {
        assert!(flags[flag].is_number(), "{flag} in {flags}");
    }
}

#[test]
fn a_run_that_is_stopped_says_so_and_goes_on() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&args(&whole, 30)).unwrap();
    let first = args(&parts, 30);
    let stops = StopsAfter(17.into());
    let outcome = train(&Toy { poison: None }, model(), &first, &settings(&first), &stops).unwrap();
    assert_eq!((outcome.step, outcome.stopped), (17, true));
    let message = outcome.whole().unwrap_err().to_string();
    assert!(message.contains("step 17") && message.contains("--resume"), "{message}");
    run(&RunArgs { resume: true, ..first }).unwrap().whole().unwrap();
    for name in ["losses.jsonl", "toy.json"] {
        let bytes = |folder: &TempDir| fs::read(folder.path().join(name)).unwrap();
        assert!(bytes(&whole) == bytes(&parts), "{name}");
    }
}

#[test]
fn a_run_that_diverges_is_not_called_good() {
    let folder = tempfile::tempdir().unwrap();
    let good = RunArgs { checkpoint_every: 5, ..args(&folder, 10) };
    run(&good).unwrap();
    // From there at a rate with which no weight stays finite; every step is saved if it can be.
    let next = tempfile::tempdir().unwrap();
    let wild = RunArgs {
        output: next.path().into(),
        learning_rate: 1e38,
        warmup_steps: 0,
        checkpoint_every: 1,
        init_from: vec![good.output],
        ..args(&next, 10)
    };
    let message = run(&wild).unwrap_err().to_string();
    assert!(message.contains("there is no good checkpoint"), "{message}");
    for (step, path) in checkpoint::list(next.path()).unwrap() {
        let bytes = fs::read(path.join("state.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        for (name, tensor) in tensors.iter() {
            let values = crate::files::from_bytes(tensor.data());
            assert!(values.iter().all(|value| value.is_finite()), "{name} of step {step}");
        }
    }
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let args = args(&folder, 10);
    let lock = Lock::hold(folder.path()).unwrap();
    assert!(matches!(run(&args), Err(TrainError::InUse { .. })));
    drop(lock);
    run(&args).unwrap();
}
