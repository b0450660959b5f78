//! Everything that a run needs to continue exactly, in a folder that appears whole:
//! `checkpoints/step-00001000/{run.json, state.safetensors}`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Result, TrainError},
    files,
    fingerprint::Inputs,
    initial::Parameters,
    optim::{AdamW, Ema},
    parameters::Entry,
    run_args::RunSettings,
};

/// How many checkpoints of a run stay on disk.
const KEPT: usize = 2;

/// The state of a run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// Steps done.
    pub step: u64,
    /// Seconds of training done, without interruptions.
    pub seconds: f64,
    /// The weights that are trained.
    pub weights: Vec<f32>,
    /// The optimiser with its moments.
    pub adamw: AdamW,
    /// The averaged weights.
    pub ema: Ema,
}

/// `run.json`: what the numbers in `state.safetensors` belong to.
#[derive(Serialize, Deserialize)]
struct RunFile {
    step: u64,
    seconds: f64,
    settings: Value,
    /// Of the contents that it was trained on; older checkpoints do not say.
    #[serde(default)]
    inputs: Option<Inputs>,
    parameters: Vec<Entry>,
}

impl RunState {
    /// A run before its first step.
    pub fn new(weights: Vec<f32>, adamw: AdamW, ema_decay: f64) -> Self {
        let ema = Ema::new(weights.clone(), ema_decay);
        Self { step: 0, seconds: 0.0, weights, adamw, ema }
    }

    /// In the order of [`LISTS`].
    fn lists(&self) -> [&Vec<f32>; 4] {
        [&self.weights, &self.adamw.exp_avg, &self.adamw.exp_avg_sq, &self.ema.weights]
    }

    fn lists_mut(&mut self) -> [&mut Vec<f32>; 4] {
        [&mut self.weights, &mut self.adamw.exp_avg, &mut self.adamw.exp_avg_sq, &mut self.ema.weights]
    }

    /// The first of its lists that holds a number that is none, with that number.
    pub fn not_finite(&self) -> Option<(&'static str, f64)> {
        let first = |values: &[f32]| values.iter().copied().find(|value| !value.is_finite());
        LISTS.into_iter().zip(self.lists()).find_map(|(name, values)| Some((name, f64::from(first(values)?))))
    }
}

/// What the lists of a [`RunState`] are called in a checkpoint.
const LISTS: [&str; 4] = ["weights", "exp_avg", "exp_avg_sq", "ema"];

/// The checkpoints of the run in `output`.
fn folder(output: &Path) -> PathBuf {
    output.join("checkpoints")
}

/// The run's checkpoints, oldest first; half-written ones are not among them.
///
/// # Errors
/// A folder that cannot be read.
pub fn list(output: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let folder = folder(output);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(TrainError::io(&folder))? {
        let path = entry.map_err(TrainError::io(&folder))?.path();
        let step = path.file_name().and_then(|name| name.to_str()?.strip_prefix("step-")?.parse().ok());
        found.extend(step.map(|step| (step, path)));
    }
    found.sort();
    Ok(found)
}

/// Writes `output/checkpoints/step-N` in one piece and removes all but the newest two. What has more steps comes
/// from a run that was resumed from before it, and goes too.
///
/// # Errors
/// A folder that cannot be written.
pub fn save(output: &Path, state: &RunState, settings: &RunSettings, entries: &[Entry]) -> Result<PathBuf> {
    let path = folder(output).join(format!("step-{:08}", state.step));
    files::write_folder(&path, |part| {
        let run = RunFile {
            step: state.step,
            seconds: state.seconds,
            settings: settings.flags.clone(),
            inputs: Some(settings.inputs.clone()),
            parameters: entries.to_vec(),
        };
        files::write_json(&part.join(RUN), &run)?;
        let mut lists = LISTS.into_iter().zip(state.lists().map(Vec::as_slice));
        let lists: [_; 4] = std::array::from_fn(|_| lists.next().expect("a name for each list"));
        files::write_lists(&part.join(STATE), &lists)
    })?;
    let (done, undone): (Vec<_>, Vec<_>) =
        list(output)?.into_iter().partition(|(step, _)| *step <= state.step);
    let old = &done[..done.len().saturating_sub(KEPT)];
    for (_, path) in old.iter().chain(&undone) {
        fs::remove_dir_all(path).map_err(TrainError::io(path))?;
    }
    Ok(path)
}

const RUN: &str = "run.json";
const STATE: &str = "state.safetensors";

/// Fills `state` with the newest whole checkpoint of `output`.
///
/// `settings` must equal those that the checkpoint was made with, but for the flags in `free` and for those that point
/// to inputs, whose contents count.
///
/// # Errors
/// No checkpoint, other settings or inputs, or another model's parameters.
pub fn resume(
    output: &Path,
    state: &mut RunState,
    settings: &RunSettings,
    free: &[&str],
    entries: &[Entry],
) -> Result<PathBuf> {
    let (path, run, lists) = newest(output, "drop --resume to start the run")?;
    if let Some((flag, expected, found)) = settings.differs_from(&run.settings, free) {
        let (expected, found) = (expected.to_string(), found.to_string());
        return Err(TrainError::ResumeMismatch { path, flag, expected, found });
    }
    match &run.inputs {
        Some(inputs) => {
            let mut now = settings.inputs.iter();
            if let Some((flag, _)) = now.find(|(flag, contents)| inputs.get(*flag) != Some(contents)) {
                return Err(TrainError::OtherInput { path, flag: flag.clone() });
            }
        }
        None => log::warn!("{} does not say what it was trained on: taken on trust", path.display()),
    }
    check_parameters(&path, &run, entries)?;
    for (values, found) in state.lists_mut().into_iter().zip(lists) {
        *values = found;
    }
    state.step = run.step;
    state.seconds = run.seconds;
    Ok(path)
}

/// The averaged weights in the newest whole checkpoint of `output`.
///
/// # Errors
/// No checkpoint that is whole.
pub fn averaged(output: &Path) -> Result<Parameters> {
    let (_, run, [.., values]) = newest(output, "train the model first")?;
    Ok(Parameters { entries: run.parameters, values })
}

/// The settings that the newest whole checkpoint of `output` was made with.
///
/// # Errors
/// No checkpoint that is whole.
pub fn settings(output: &Path) -> Result<Value> {
    Ok(newest(output, "train the model first")?.1.settings)
}

/// The newest whole checkpoint before `step`, in whose numbers nothing is infinite or undefined.
///
/// # Errors
/// A folder that cannot be read.
pub fn last_good(output: &Path, step: u64) -> Result<Option<PathBuf>> {
    let before = list(output)?.into_iter().rev().filter(|(at, _)| *at < step);
    Ok(before.map(|(_, path)| path).find(|path| read(path).is_ok()))
}

/// In the order of [`LISTS`].
type Lists = [Vec<f32>; 4];

/// The newest checkpoint that is whole; those that are not are named.
fn newest(output: &Path, advice: &str) -> Result<(PathBuf, RunFile, Lists)> {
    let mut broken = None;
    for (_, path) in list(output)?.into_iter().rev() {
        match read(&path) {
            Ok((run, lists)) => {
                if broken.is_some() {
                    log::warn!("takes {}, which is whole", path.display());
                }
                return Ok((path, run, lists));
            }
            Err(error) => {
                log::warn!("leaves out a checkpoint: {error}");
                broken = broken.or(Some(error));
            }
        }
    }
    let (what, advice) = ("run with a checkpoint", advice.to_owned());
    Err(broken.unwrap_or_else(|| TrainError::Missing { what, path: output.into(), advice }))
}

/// Reads a checkpoint and fails unless all of it is there and every number is finite.
fn read(path: &Path) -> Result<(RunFile, Lists)> {
    let run: RunFile = files::read_json(&path.join(RUN))?;
    let len = run.parameters.iter().map(Entry::len).sum::<usize>();
    let file = path.join(STATE);
    let mismatch = |what: &str, expected: String, found: String| {
        Err(TrainError::Mismatch { path: file.clone(), what: what.into(), expected, found })
    };
    let bytes = fs::read(&file).map_err(TrainError::io(&file))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(TrainError::part(file.display().to_string()))?;
    let mut lists = Lists::default();
    for (name, values) in LISTS.into_iter().zip(&mut lists) {
        let tensor = tensors.tensor(name).map_err(TrainError::part(file.display().to_string()))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != [len] {
            let found = format!("{:?} {:?}", tensor.dtype(), tensor.shape());
            return mismatch(name, format!("F32 [{len}]"), found);
        }
        *values = files::from_bytes(tensor.data());
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return mismatch(name, "finite numbers".into(), value.to_string());
        }
    }
    Ok((run, lists))
}

/// Fails unless a checkpoint is of a model with these parameters.
fn check_parameters(path: &Path, run: &RunFile, entries: &[Entry]) -> Result<()> {
    let mismatch = |what: &str, expected: String, found: String| {
        Err(TrainError::Mismatch { path: path.join(STATE), what: what.into(), expected, found })
    };
    if let Some((expected, found)) = entries.iter().zip(&run.parameters).find(|(a, b)| a != b) {
        return mismatch("parameters", format!("{expected:?}"), format!("{found:?}"));
    }
    if entries.len() != run.parameters.len() {
        let found = run.parameters.len().to_string();
        return mismatch("number of parameters", entries.len().to_string(), found);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::optim::{AdamWConfig, LrScale};

    const ADAMW: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.0 };

    fn settings_of(flags: Value) -> RunSettings {
        RunSettings { flags, defaults: json!({}), inputs: Inputs::new() }
    }

    fn entries(len: usize) -> Vec<Entry> {
        vec![Entry { name: "linear.weight".into(), shape: vec![1, len] }]
    }

    fn state(step: u64) -> RunState {
        let mut state =
            RunState::new(vec![0.5; 3], AdamW::new(ADAMW, &entries(3), |_| LrScale::Absolute), 0.99);
        state.adamw.step(&mut state.weights, &[1.0, -2.0, 3.0], 1.0, 0.1, 1);
        state.ema.update(&state.weights, 1);
        RunState { step, seconds: 1.5, ..state }
    }

    #[test]
    fn everything_comes_back_and_two_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_of(json!({ "seed": 1, "steps": 10 }));
        for step in [1, 2, 3] {
            save(folder.path(), &state(step), &settings, &entries(3)).unwrap();
        }
        let steps: Vec<u64> = list(folder.path()).unwrap().iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [2, 3]);
        let mut resumed =
            RunState::new(vec![0.0; 3], AdamW::new(ADAMW, &entries(3), |_| LrScale::Absolute), 0.99);
        let longer = settings_of(json!({ "seed": 1, "steps": 20 }));
        resume(folder.path(), &mut resumed, &longer, &["steps"], &entries(3)).unwrap();
        assert_eq!(resumed, state(3));
        let averaged = averaged(folder.path()).unwrap();
        assert_eq!((averaged.entries, averaged.values), (entries(3), state(3).ema.weights));
    }

    #[test]
    fn a_half_written_checkpoint_is_not_seen() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &state(4), &settings_of(json!({})), &entries(3)).unwrap();
        let half = folder.path().join("checkpoints/step-00000005.part");
        fs::create_dir(&half).unwrap();
        fs::write(half.join("run.json"), "{").unwrap();
        let mut resumed = state(0);
        resume(folder.path(), &mut resumed, &settings_of(json!({})), &[], &entries(3)).unwrap();
        assert_eq!(resumed.step, 4);
    }

    #[test]
    fn other_settings_and_other_models_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |settings: RunSettings, len: usize| {
            let mut state =
                RunState::new(vec![0.0; len], AdamW::new(ADAMW, &entries(len), |_| LrScale::Absolute), 0.99);
            resume(folder.path(), &mut state, &settings, &[], &entries(len)).unwrap_err().to_string()
        };
        assert!(error(settings_of(json!({})), 3).contains("--resume"));
        save(folder.path(), &state(1), &settings_of(json!({ "seed": 1 })), &entries(3)).unwrap();
        let message = error(settings_of(json!({ "seed": 2 })), 3);
        assert!(message.contains("seed = 1, not 2") && message.contains("--init-from"), "{message}");
        let message = error(settings_of(json!({ "seed": 1 })), 4);
        assert!(message.contains("linear.weight"), "{message}");
    }

    /// A run with checkpoints at steps 1 and 2, and what resuming it gives after `damage` to the newer.
    fn resumed_after(damage: impl Fn(&Path)) -> Result<u64> {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_of(json!({}));
        for step in [1, 2] {
            save(folder.path(), &state(step), &settings, &entries(3)).unwrap();
        }
        damage(&folder.path().join("checkpoints/step-00000002"));
        let mut resumed = state(0);
        resume(folder.path(), &mut resumed, &settings, &[], &entries(3))?;
        assert_eq!(averaged(folder.path()).unwrap().values, resumed.ema.weights);
        // Going on replaces what was left out.
        let step = resumed.step;
        resumed.step = step + 1;
        save(folder.path(), &resumed, &settings, &entries(3)).unwrap();
        assert_eq!(
            last_good(folder.path(), u64::MAX).unwrap().unwrap(),
            list(folder.path()).unwrap().pop().unwrap().1
        );
        Ok(step)
    }

    #[test]
    fn the_newest_whole_checkpoint_is_taken() {
        assert_eq!(resumed_after(|_| ()).unwrap(), 2);
        for file in [RUN, STATE] {
            let cut = |path: &Path, len: usize| {
                let bytes = fs::read(path.join(file)).unwrap();
                fs::write(path.join(file), &bytes[..len.min(bytes.len())]).unwrap();
            };
            for len in [0, 7, 40] {
                assert_eq!(resumed_after(|path| cut(path, len)).unwrap(), 1, "{file} cut to {len} bytes");
            }
            assert_eq!(resumed_after(|path| fs::remove_file(path.join(file)).unwrap()).unwrap(), 1);
        }
        let empty = |path: &Path| {
            fs::remove_dir_all(path).unwrap();
            fs::create_dir(path).unwrap();
        };
        assert_eq!(resumed_after(empty).unwrap(), 1);
        let poisoned = |path: &Path| {
            let path = path.join(STATE);
            let mut bytes = fs::read(&path).unwrap();
            let end = bytes.len();
            bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
            fs::write(path, bytes).unwrap();
        };
        assert_eq!(resumed_after(poisoned).unwrap(), 1);
        let all = |path: &Path| {
            for step in [1, 2] {
                fs::write(path.with_file_name(format!("step-{step:08}")).join(RUN), "").unwrap();
            }
        };
        let message = resumed_after(all).unwrap_err().to_string();
        assert!(message.contains("step-00000002") && message.contains(RUN), "{message}");
    }

    #[test]
    fn contents_of_inputs_count_and_their_names_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let settings = |data: &str, contents: &str| RunSettings {
            flags: json!({ "data": data, "seed": 1 }),
            defaults: json!({}),
            inputs: Inputs::from([("data".to_owned(), contents.to_owned())]),
        };
        save(folder.path(), &state(1), &settings("d", "one"), &entries(3)).unwrap();
        let resume = |settings| resume(folder.path(), &mut state(0), &settings, &[], &entries(3));
        resume(settings("./d", "one")).unwrap();
        let message = resume(settings("d", "another")).unwrap_err().to_string();
        assert!(message.contains("--data") && message.contains("other contents"), "{message}");
        // Checkpoints from before contents were recorded.
        let path = folder.path().join("checkpoints/step-00000001").join(RUN);
        let mut run: Value = files::read_json(&path).unwrap();
        run.as_object_mut().unwrap().remove("inputs");
        files::write_json(&path, &run).unwrap();
        resume(settings("e", "another")).unwrap();
    }
}
