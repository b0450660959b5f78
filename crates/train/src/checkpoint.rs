//! Everything that a run needs to continue exactly, in a folder that appears whole:
//! `checkpoints/step-00001000/{run.json, state.safetensors}`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Result, TrainError},
    files,
    initial::Parameters,
    optim::{AdamW, Ema},
    parameters::Entry,
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
    parameters: Vec<Entry>,
}

impl RunState {
    /// A run before its first step.
    pub fn new(weights: Vec<f32>, adamw: AdamW, ema_decay: f64) -> Self {
        let ema = Ema::new(weights.clone(), ema_decay);
        Self { step: 0, seconds: 0.0, weights, adamw, ema }
    }

    fn lists(&self) -> [(&'static str, &Vec<f32>); 4] {
        [
            ("weights", &self.weights),
            ("exp_avg", &self.adamw.exp_avg),
            ("exp_avg_sq", &self.adamw.exp_avg_sq),
            ("ema", &self.ema.weights),
        ]
    }

    fn lists_mut(&mut self) -> [(&'static str, &mut Vec<f32>); 4] {
        [
            ("weights", &mut self.weights),
            ("exp_avg", &mut self.adamw.exp_avg),
            ("exp_avg_sq", &mut self.adamw.exp_avg_sq),
            ("ema", &mut self.ema.weights),
        ]
    }
}

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

/// Writes `output/checkpoints/step-N` in one piece and removes all but the newest two.
///
/// # Errors
/// A folder that cannot be written.
pub fn save(output: &Path, state: &RunState, settings: &Value, entries: &[Entry]) -> Result<PathBuf> {
    let path = folder(output).join(format!("step-{:08}", state.step));
    files::write_folder(&path, |part| {
        let run = RunFile {
            step: state.step,
            seconds: state.seconds,
            settings: settings.clone(),
            parameters: entries.to_vec(),
        };
        files::write_json(&part.join("run.json"), &run)?;
        let lists = state.lists().map(|(name, values)| (name, files::to_bytes(values)));
        let views = lists
            .iter()
            .map(|(name, bytes)| Ok((*name, TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes)?)))
            .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(TrainError::part("packing a checkpoint"))?;
        safetensors::serialize_to_file(views, None, &part.join("state.safetensors"))
            .map_err(TrainError::part(format!("writing {}", part.display())))
    })?;
    let all = list(output)?;
    for (_, old) in &all[..all.len().saturating_sub(KEPT)] {
        fs::remove_dir_all(old).map_err(TrainError::io(old))?;
    }
    Ok(path)
}

/// Fills `state` with the newest checkpoint of `output`.
///
/// `settings` must equal those that the checkpoint was made with, but for the names in `free`.
///
/// # Errors
/// No checkpoint, other settings, or another model's parameters.
pub fn resume(
    output: &Path,
    state: &mut RunState,
    settings: &Value,
    free: &[&str],
    entries: &[Entry],
) -> Result<PathBuf> {
    let (path, run) = newest(output, "drop --resume to start the run")?;
    // Through text, as the checkpoint's own: parsing may change a number's last bit.
    let settings: Value =
        serde_json::from_str(&settings.to_string()).map_err(TrainError::part("comparing the settings"))?;
    for (flag, found) in settings.as_object().into_iter().flatten() {
        let expected = &run.settings[flag];
        if expected != found && !free.contains(&flag.as_str()) {
            let (expected, found) = (expected.to_string(), found.to_string());
            return Err(TrainError::ResumeMismatch { path, flag: flag.clone(), expected, found });
        }
    }
    read_lists(&path, &run, entries, &mut state.lists_mut())?;
    state.step = run.step;
    state.seconds = run.seconds;
    Ok(path)
}

/// The averaged weights in the newest checkpoint of `output`.
///
/// # Errors
/// No checkpoint, or one that is not whole.
pub fn averaged(output: &Path) -> Result<Parameters> {
    let (path, run) = newest(output, "train the model first")?;
    let mut values = vec![0.0; run.parameters.iter().map(Entry::len).sum()];
    read_lists(&path, &run, &run.parameters, &mut [("ema", &mut values)])?;
    Ok(Parameters { entries: run.parameters, values })
}

/// The settings that the newest checkpoint of `output` was made with.
///
/// # Errors
/// No checkpoint.
pub fn settings(output: &Path) -> Result<Value> {
    Ok(newest(output, "train the model first")?.1.settings)
}

fn newest(output: &Path, advice: &str) -> Result<(PathBuf, RunFile)> {
    let Some((_, path)) = list(output)?.pop() else {
        let (what, advice) = ("run with a checkpoint", advice.to_owned());
        return Err(TrainError::Missing { what, path: output.into(), advice });
    };
    let run = files::read_json(&path.join("run.json"))?;
    Ok((path, run))
}

fn read_lists(
    path: &Path,
    run: &RunFile,
    entries: &[Entry],
    lists: &mut [(&'static str, &mut Vec<f32>)],
) -> Result<()> {
    let file = path.join("state.safetensors");
    let mismatch = |what: &str, expected: String, found: String| {
        Err(TrainError::Mismatch { path: file.clone(), what: what.into(), expected, found })
    };
    if let Some((expected, found)) = entries.iter().zip(&run.parameters).find(|(a, b)| a != b) {
        return mismatch("parameters", format!("{expected:?}"), format!("{found:?}"));
    }
    if entries.len() != run.parameters.len() {
        let found = run.parameters.len().to_string();
        return mismatch("number of parameters", entries.len().to_string(), found);
    }
    let bytes = fs::read(&file).map_err(TrainError::io(&file))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(TrainError::part(file.display().to_string()))?;
    for (name, values) in lists {
        let tensor = tensors.tensor(name).map_err(TrainError::part(file.display().to_string()))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != [values.len()] {
            let found = format!("{:?} {:?}", tensor.dtype(), tensor.shape());
            return mismatch(name, format!("F32 [{}]", values.len()), found);
        }
        **values = files::from_bytes(tensor.data());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::optim::{AdamWConfig, Pace};

    const ADAMW: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.0 };

    fn entries(len: usize) -> Vec<Entry> {
        vec![Entry { name: "linear.weight".into(), shape: vec![1, len] }]
    }

    fn state(step: u64) -> RunState {
        let mut state = RunState::new(vec![0.5; 3], AdamW::new(ADAMW, &entries(3), |_| Pace::Absolute), 0.99);
        state.adamw.step(&mut state.weights, &[1.0, -2.0, 3.0], 1.0, 0.1, 1);
        state.ema.update(&state.weights, 1);
        RunState { step, seconds: 1.5, ..state }
    }

    #[test]
    fn everything_comes_back_and_two_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let settings = json!({ "seed": 1, "steps": 10 });
        for step in [1, 2, 3] {
            save(folder.path(), &state(step), &settings, &entries(3)).unwrap();
        }
        let steps: Vec<u64> = list(folder.path()).unwrap().iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [2, 3]);
        let mut resumed =
            RunState::new(vec![0.0; 3], AdamW::new(ADAMW, &entries(3), |_| Pace::Absolute), 0.99);
        let longer = json!({ "seed": 1, "steps": 20 });
        resume(folder.path(), &mut resumed, &longer, &["steps"], &entries(3)).unwrap();
        assert_eq!(resumed, state(3));
        let averaged = averaged(folder.path()).unwrap();
        assert_eq!((averaged.entries, averaged.values), (entries(3), state(3).ema.weights));
    }

    #[test]
    fn a_half_written_checkpoint_is_not_seen() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &state(4), &json!({}), &entries(3)).unwrap();
        let half = folder.path().join("checkpoints/step-00000005.part");
        fs::create_dir(&half).unwrap();
        fs::write(half.join("run.json"), "{").unwrap();
        let mut resumed = state(0);
        resume(folder.path(), &mut resumed, &json!({}), &[], &entries(3)).unwrap();
        assert_eq!(resumed.step, 4);
    }

    #[test]
    fn other_settings_and_other_models_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |settings: Value, len: usize| {
            let mut state =
                RunState::new(vec![0.0; len], AdamW::new(ADAMW, &entries(len), |_| Pace::Absolute), 0.99);
            resume(folder.path(), &mut state, &settings, &[], &entries(len)).unwrap_err().to_string()
        };
        assert!(error(json!({}), 3).contains("--resume"));
        save(folder.path(), &state(1), &json!({ "seed": 1 }), &entries(3)).unwrap();
        let message = error(json!({ "seed": 2 }), 3);
        assert!(message.contains("seed = 1, not 2") && message.contains("--init-from"), "{message}");
        let message = error(json!({ "seed": 1 }), 4);
        assert!(message.contains("linear.weight"), "{message}");
    }
}
