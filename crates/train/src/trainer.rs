//! The loop of every training: gradients, AdamW, averaged weights, logs, samples, checkpoints.
//!
//! ```text
//! for each step:  loss of --accumulate batches -> gradients -> clip -> AdamW -> EMA -> losses.jsonl
//! now and then:   evaluate (held-out) · sample (samples/*.png) · checkpoint, curve.png, model folders
//! ```
//!
//! All randomness is drawn from (seed, step), so a resumed run repeats an uninterrupted one bit for
//! bit. Only with `--minutes` does the clock have a say.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    checkpoint::{self, RunState},
    curve,
    error::{Result, TrainError},
    initial::{self, Growth, Parameters},
    lock::Lock,
    log::{Figures, Kind, Line, Log},
    observer::{Observer, Progress},
    optim::{AdamW, LrScale, clip_factor, global_norm},
    parameters::{self, Entry},
    run_args::{FREE_ON_RESUME, RunArgs, RunSettings},
};
use burn::{module::Module, tensor::Tensor};

/// Where a run stands when a batch is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The seed of the run.
    pub seed: u64,
    /// Batches drawn before this one: the index of its randomness.
    pub batch: u64,
    /// The share of the run that is done, 0 to 1.
    pub progress: f64,
}

/// What is trained.
pub trait Objective {
    /// The module that holds all trained parameters.
    type Model: Module;

    /// A word for the progress line.
    const NAME: &'static str;

    /// The loss of one batch, and figures to log beside it.
    ///
    /// # Errors
    /// Data that cannot be read.
    fn loss(&self, model: &Self::Model, moment: Moment) -> Result<(Tensor<1>, Figures)>;

    /// How far a step moves a parameter; `name` is its path in the model.
    fn lr_scale(&self, name: &str) -> LrScale {
        let _ = name;
        LrScale::Absolute
    }

    /// Whether a parameter is a matrix in the middle of the model, which `--muon` can move: not of what goes in, nor of what
    /// comes out.
    fn is_hidden(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// How a parameter of this name and shape grows out of a smaller model's.
    fn growth(&self, name: &str, shape: &[usize]) -> Growth {
        let _ = name;
        Growth { grid: shape.to_vec(), beside: None }
    }

    /// Makes another model's parameters, found in `folder`, such as this one's can grow out of.
    ///
    /// # Errors
    /// A model for which that cannot be.
    fn adapt(&self, other: &mut Parameters, folder: &Path) -> Result<()> {
        let _ = (other, folder);
        Ok(())
    }

    /// Figures on held-out data; the same data and draws each time.
    ///
    /// # Errors
    /// Data that cannot be read.
    fn evaluate(&self, model: &Self::Model) -> Result<Figures>;

    /// Writes a picture of what the model can do.
    ///
    /// # Errors
    /// A path that cannot be written.
    fn sample(&self, model: &Self::Model, path: &Path) -> Result<()>;

    /// Writes the model as diffusers folders into `folder`.
    ///
    /// # Errors
    /// A path that cannot be written.
    fn export(&self, model: &Self::Model, folder: &Path) -> Result<()>;

    /// The model in diffusers folders in `folder`, whatever its sizes.
    ///
    /// # Errors
    /// Parts that are missing or do not fit their configuration.
    fn read(&self, folder: &Path) -> Result<Self::Model>;
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Steps done.
    pub step: u64,
    /// Whether a stop was asked for before the end.
    pub stopped: bool,
    /// The last checkpoint.
    pub checkpoint: PathBuf,
}

impl Outcome {
    /// Fails if the run was stopped before its end.
    ///
    /// # Errors
    /// [`TrainError::Stopped`].
    pub fn whole(self) -> Result<()> {
        if !self.stopped {
            return Ok(());
        }
        let at = format!("step {}, saved in {}", self.step, self.checkpoint.display());
        Err(TrainError::Stopped { at, advice: "continue with --resume".into() })
    }
}

/// Trains `model` by `objective`, from its present weights or from a checkpoint.
///
/// `settings` are kept in the checkpoints.
///
/// # Errors
/// Settings that make no sense or differ from the resumed run's, a folder that another process trains in, files that
/// cannot be written, a loss that is not finite.
pub fn train<O: Objective>(
    objective: &O,
    model: O::Model,
    args: &RunArgs,
    settings: &RunSettings,
    observer: &dyn Observer,
) -> Result<Outcome> {
    args.check()?;
    Run::start(objective, model, args, settings)?.finish(observer)
}

struct Run<'a, O: Objective> {
    objective: &'a O,
    model: O::Model,
    args: &'a RunArgs,
    settings: &'a RunSettings,
    entries: Vec<Entry>,
    state: RunState,
    log: Log,
    _lock: Lock,
}

impl<'a, O: Objective> Run<'a, O> {
    fn start(
        objective: &'a O,
        model: O::Model,
        args: &'a RunArgs,
        settings: &'a RunSettings,
    ) -> Result<Self> {
        let output = &args.output;
        let lock = Lock::hold(output)?;
        let entries = parameters::entries(&model);
        let mut first = Parameters { entries: entries.clone(), values: parameters::gather(&model)? };
        let mut anew: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        for folder in &args.init_from {
            let mut other = initial::of_folder(folder, |folder| objective.read(folder))?;
            objective.adapt(&mut other, folder)?;
            let growth = |entry: &Entry| objective.growth(&entry.name, &entry.shape);
            let left = first.take_over(&other, folder, &args.anew, growth)?;
            anew.retain(|name| left.contains(name));
        }
        if !args.init_from.is_empty() {
            first.begin_as_nothing(&anew, |entry| objective.growth(&entry.name, &entry.shape).beside);
        }
        if !args.init_from.is_empty() {
            initial::grouped(&anew, &entries).iter().for_each(|what| log::info!("{what} starts anew"));
        }
        let adamw = AdamW::new(args.adamw(), &entries, |entry| match objective.lr_scale(&entry.name) {
            LrScale::Absolute if args.muon && entry.decays() && objective.is_hidden(&entry.name) => {
                LrScale::Orthogonal
            }
            other => other,
        });
        let mut state = RunState::new(first.values, adamw, args.ema_decay);
        if args.resume {
            checkpoint::resume(output, &mut state, settings, &FREE_ON_RESUME, &entries)?;
        } else if !checkpoint::list(output)?.is_empty() {
            return Err(TrainError::RunExists { path: output.clone() });
        }
        let model = parameters::scatter(model, &state.weights);
        let log = Log::open(output, state.step)?;
        Ok(Self { objective, model, args, settings, entries, state, log, _lock: lock })
    }

    fn finish(mut self, observer: &dyn Observer) -> Result<Outcome> {
        log::info!(
            "{} trains {:.2} M parameters from step {} in {}",
            O::NAME,
            self.state.weights.len() as f64 / 1e6,
            self.state.step,
            self.args.output.display()
        );
        let (mut checkpointed, mut smooth_loss, mut speed) = (None, f64::NAN, f64::NAN);
        while self.progress() < 1.0 && !observer.stopped() {
            let start = Instant::now();
            let loss = self.step()?;
            let seconds = start.elapsed().as_secs_f64();
            self.state.seconds += seconds;
            let blend = |old: f64, new: f64| if old.is_nan() { new } else { 0.98 * old + 0.02 * new };
            (smooth_loss, speed) = (blend(smooth_loss, loss), blend(speed, 1.0 / seconds));
            let step = self.state.step;
            let due = |every: u64| every > 0 && step.is_multiple_of(every);
            if due(self.args.evaluate_every) {
                self.evaluate()?;
            }
            if due(self.args.sample_every) {
                self.sample()?;
            }
            if due(self.args.checkpoint_every) {
                checkpointed = Some((step, self.checkpoint()?));
            }
            let state = format!("step {step}  loss {smooth_loss:.4}  {speed:.2} steps/s");
            observer.progress(Progress { name: O::NAME, done: self.progress(), state: &state });
        }
        let step = self.state.step;
        let checkpoint = match checkpointed {
            Some((at, path)) if at == step => path,
            _ => self.checkpoint()?,
        };
        log::info!("{} stands at step {step}: {}", O::NAME, checkpoint.display());
        Ok(Outcome { step, stopped: self.progress() < 1.0, checkpoint })
    }

    fn progress(&self) -> f64 {
        self.args.progress(self.state.step, self.state.seconds)
    }

    /// One step of the optimiser; its loss.
    fn step(&mut self) -> Result<f64> {
        let (args, progress) = (self.args, self.progress());
        let share = 1.0 / args.accumulate as f32;
        let mut gradients = vec![0.0; self.state.weights.len()];
        let (mut loss, mut figures) = (0.0, Figures::new());
        for batch in 0..args.accumulate as u64 {
            let batch = self.state.step * args.accumulate as u64 + batch;
            let moment = Moment { seed: args.seed, batch, progress };
            let (batch_loss, batch_figures) =
                args.precision.scope(|| self.objective.loss(&self.model, moment))?;
            let mut batch_gradients = batch_loss.backward();
            parameters::add_gradients(&self.model, &mut batch_gradients, share, &mut gradients)?;
            loss += parameters::to_scalar(batch_loss)? * share;
            figures = batch_figures;
        }
        let norm = global_norm(&gradients);
        self.check_finite("the loss", f64::from(loss))?;
        self.check_finite("the norm of the gradients", norm)?;

        let learning_rate = args.schedule().at(self.state.step, progress);
        let state = &mut self.state;
        state.step += 1;
        let clip = clip_factor(norm, args.max_grad_norm);
        state.adamw.step(&mut state.weights, &gradients, clip, learning_rate, state.step);
        state.ema.update(&state.weights, state.step);
        self.model = parameters::scatter(self.model.clone(), &state.weights);

        let line = Figures::new()
            .with("loss", f64::from(loss))
            .with("learning_rate", learning_rate)
            .with("grad_norm", norm)
            .and(figures);
        self.log.write(&Line::new(state.step, Kind::Train, line))?;
        Ok(f64::from(loss))
    }

    fn check_finite(&self, what: &'static str, value: f64) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        // A checkpoint of this very step holds the weights that gave such a value.
        let kept = match checkpoint::last_good(&self.args.output, self.state.step)? {
            Some(path) => format!("the last good checkpoint is {}", path.display()),
            None => "there is no good checkpoint yet".into(),
        };
        Err(TrainError::NotFinite { step: self.state.step + 1, what, value, kept })
    }

    /// The model with averaged weights, free of gradients.
    fn averaged(&self) -> O::Model {
        parameters::scatter(self.model.valid(), &self.state.ema.weights)
    }

    fn evaluate(&mut self) -> Result<()> {
        let model = self.averaged();
        let figures = self.args.precision.scope(|| self.objective.evaluate(&model))?;
        self.log.write(&Line::new(self.state.step, Kind::Evaluation, figures))
    }

    fn sample(&self) -> Result<()> {
        let folder = self.args.output.join("samples");
        fs::create_dir_all(&folder).map_err(TrainError::io(&folder))?;
        let path = folder.join(format!("step-{:08}.png", self.state.step));
        let model = self.averaged();
        self.args.precision.scope(|| self.objective.sample(&model, &path))
    }

    fn checkpoint(&self) -> Result<PathBuf> {
        if let Some((what, value)) = self.state.not_finite() {
            self.check_finite(what, value)?;
        }
        let path = checkpoint::save(&self.args.output, &self.state, self.settings, &self.entries)?;
        curve::draw(&self.args.output)?;
        self.objective.export(&self.averaged(), &self.args.output)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests;
