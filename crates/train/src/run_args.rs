//! The flags of every training run.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Result, TrainError},
    fingerprint::Inputs,
    number_format::NumberFormat,
    optim::AdamWConfig,
    schedule::LearningRate,
    setting,
};

/// How long, how fast, and where to.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunArgs {
    /// Folder of the run: losses, samples, checkpoints, and the model as diffusers folders
    #[arg(long, default_value_os_t = Self::default().output)]
    pub output: PathBuf,
    /// Steps of the whole run
    #[arg(long, default_value_t = Self::default().steps)]
    pub steps: u64,
    /// Minutes of the whole run, in place of --steps: schedules then follow the clock, so that no
    /// two such runs are alike
    #[arg(long)]
    pub minutes: Option<f64>,
    /// Highest learning rate
    #[arg(long, default_value_t = Self::default().learning_rate)]
    pub learning_rate: f64,
    /// Steps over which the learning rate rises
    #[arg(long, default_value_t = Self::default().warmup_steps)]
    pub warmup_steps: u64,
    /// Learning rate at the end of the cosine, as a share of the highest
    #[arg(long, default_value_t = Self::default().final_learning_rate_share)]
    pub final_learning_rate_share: f64,
    /// AdamW's decay of the gradients' mean
    #[arg(long, default_value_t = Self::default().beta1)]
    pub beta1: f64,
    /// AdamW's decay of the squared gradients' mean
    #[arg(long, default_value_t = Self::default().beta2)]
    pub beta2: f64,
    /// Decoupled weight decay of matrices and kernels
    #[arg(long, default_value_t = Self::default().weight_decay)]
    pub weight_decay: f64,
    /// Move the matrices in the middle of the model by Muon, and the rest by AdamW
    #[arg(long)]
    #[serde(default)]
    pub muon: bool,
    /// Longest gradient; longer ones are scaled down
    #[arg(long, default_value_t = Self::default().max_grad_norm)]
    pub max_grad_norm: f64,
    /// Batches whose gradients make one step
    #[arg(long, default_value_t = Self::default().accumulate)]
    pub accumulate: usize,
    /// Share of the averaged weights kept each step
    #[arg(long, default_value_t = Self::default().ema_decay)]
    pub ema_decay: f64,
    /// Seed of the first weights and of every draw
    #[arg(long, default_value_t = Self::default().seed)]
    pub seed: u64,
    /// Steps between evaluations on held-out data; 0: never
    #[arg(long, default_value_t = Self::default().evaluate_every)]
    pub evaluate_every: u64,
    /// Steps between pictures of samples; 0: never
    #[arg(long, default_value_t = Self::default().sample_every)]
    pub sample_every: u64,
    /// Steps between checkpoints
    #[arg(long, default_value_t = Self::default().checkpoint_every)]
    pub checkpoint_every: u64,
    /// Number format of matrix products, attention and convolutions; weights, sums and the optimiser
    /// are always f32
    #[arg(long, default_value_t = Self::default().precision)]
    pub precision: NumberFormat,
    /// Continue the run in --output from its newest checkpoint
    #[arg(long)]
    pub resume: bool,
    /// Start from the averaged weights of another run's folder, or from a folder of diffusers parts;
    /// can be repeated, and what several have is the last one's; parameters of another shape start anew
    /// and are named
    #[arg(long, conflicts_with = "resume")]
    pub init_from: Vec<PathBuf>,
    /// With --init-from: parameters in whose names this occurs start anew all the same; can be repeated
    #[arg(long, value_name = "NAME", requires = "init_from")]
    #[serde(default)]
    pub anew: Vec<String>,
}

impl Default for RunArgs {
    fn default() -> Self {
        Self {
            output: "kinora-run".into(),
            steps: 10_000,
            minutes: None,
            learning_rate: 1e-3,
            warmup_steps: 100,
            final_learning_rate_share: 0.05,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.01,
            muon: false,
            max_grad_norm: 1.0,
            accumulate: 1,
            ema_decay: 0.999,
            seed: 0,
            evaluate_every: 500,
            sample_every: 1000,
            checkpoint_every: 500,
            precision: NumberFormat::Bf16,
            resume: false,
            init_from: Vec::new(),
            anew: Vec::new(),
        }
    }
}

/// Settings that may change when a run is resumed: how long it lasts and what it shows.
pub const FREE_ON_RESUME: [&str; 11] = [
    "output",
    "allow_partial",
    "steps",
    "minutes",
    "evaluate_every",
    "sample_every",
    "checkpoint_every",
    "resume",
    "init_from",
    "anew",
    "planner",
];

impl RunArgs {
    /// Checks each setting by itself.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        setting::positive("--learning-rate", self.learning_rate)?;
        setting::positive("--max-grad-norm", self.max_grad_norm)?;
        setting::count("--steps", self.steps)?;
        setting::positive("--minutes", self.minutes.unwrap_or(1.0))?;
        setting::count("--accumulate", self.accumulate as u64)?;
        setting::count("--checkpoint-every", self.checkpoint_every)?;
        setting::part("--beta1", self.beta1)?;
        setting::part("--beta2", self.beta2)?;
        setting::part("--ema-decay", self.ema_decay)?;
        setting::not_negative("--weight-decay", self.weight_decay)?;
        setting::share("--final-learning-rate-share", self.final_learning_rate_share)
    }

    /// Whether there are weights to begin with.
    pub fn has_weights(&self) -> bool {
        self.resume || !self.init_from.is_empty()
    }

    /// The optimiser's part.
    pub fn adamw(&self) -> AdamWConfig {
        AdamWConfig { beta1: self.beta1, beta2: self.beta2, epsilon: 1e-8, weight_decay: self.weight_decay }
    }

    /// The learning rate's part.
    pub fn schedule(&self) -> LearningRate {
        LearningRate {
            peak: self.learning_rate,
            warmup_steps: self.warmup_steps,
            final_share: self.final_learning_rate_share,
        }
    }

    /// The share of the run that is done.
    pub fn progress(&self, step: u64, seconds: f64) -> f64 {
        match self.minutes {
            Some(minutes) => (seconds / (60.0 * minutes)).min(1.0),
            None => (step as f64 / self.steps as f64).min(1.0),
        }
    }
}

/// What makes a run the one that it is.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSettings {
    /// Every flag by its name.
    pub flags: Value,
    /// What they are where none is given: what runs from before a flag existed had.
    pub defaults: Value,
    /// What the flags that point to inputs point to.
    pub inputs: Inputs,
}

impl RunSettings {
    /// Of a command's arguments.
    ///
    /// # Errors
    /// Never for this crate's arguments, which are plain records.
    pub fn new<T: Serialize + Default>(args: &T, inputs: Inputs) -> Result<Self> {
        let record =
            |args: &T| serde_json::to_value(args).map_err(TrainError::part("recording the settings"));
        Ok(Self { flags: record(args)?, defaults: record(&T::default())?, inputs })
    }

    /// The first flag, but for those in `free` and those of inputs, that a run with the flags `other` had otherwise:
    /// its name, and its values there and here.
    pub fn differs_from(&self, other: &Value, free: &[&str]) -> Option<(String, Value, Value)> {
        let counts = |flag: &str| !free.contains(&flag) && !self.inputs.contains_key(flag);
        let mut flags = self.flags.as_object().into_iter().flatten().filter(|(flag, _)| counts(flag));
        flags.find_map(|(flag, found)| {
            let expected = other.get(flag).unwrap_or(&self.defaults[flag]);
            // Through text, as what was read from a file: parsing may change a number's last bit.
            let as_read: Value = serde_json::from_str(&found.to_string()).unwrap_or_default();
            let differs = *expected != *found && *expected != as_read;
            differs.then(|| (flag.clone(), expected.clone(), found.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_make_no_sense_are_named() {
        RunArgs { weight_decay: 0.0, final_learning_rate_share: 1.0, ..RunArgs::default() }.check().unwrap();
        for value in [-0.5, 1.5, f64::NAN, f64::INFINITY] {
            let args = RunArgs { final_learning_rate_share: value, ..RunArgs::default() };
            let message = args.check().unwrap_err().to_string();
            assert!(message.contains("--final-learning-rate-share"), "{message}");
            let decay = RunArgs { weight_decay: value, ..RunArgs::default() }.check();
            assert_eq!(decay.is_ok(), value == 1.5, "{value}");
        }
    }

    #[test]
    fn a_flag_that_a_run_did_not_have_yet_was_at_its_default() {
        let settings = |args: &RunArgs| RunSettings::new(args, Inputs::new()).unwrap();
        let args = RunArgs::default();
        let mut old = settings(&args).flags;
        old.as_object_mut().unwrap().remove("seed");
        assert_eq!(settings(&args).differs_from(&old, &FREE_ON_RESUME), None);
        let other = RunArgs { seed: 7, steps: 1, ..args };
        let differs = settings(&other).differs_from(&old, &FREE_ON_RESUME);
        assert_eq!(differs, Some(("seed".to_owned(), 0.into(), 7.into())));
    }
}
