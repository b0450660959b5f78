//! The losses of a run as JSON lines: `losses.jsonl`, one line a step and one an evaluation.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// Named figures of one step.
pub type Figures = Vec<(String, f64)>;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Steps done, this one included.
    pub step: u64,
    /// `train` or `evaluation`.
    pub kind: Kind,
    /// `loss`, `learning_rate` ... by name.
    #[serde(flatten)]
    pub figures: serde_json::Map<String, serde_json::Value>,
}

/// What a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A training step.
    Train,
    /// An evaluation on held-out data, with averaged weights.
    Evaluation,
}

impl Line {
    /// A line of these figures.
    pub fn new(step: u64, kind: Kind, figures: Figures) -> Self {
        let figures = figures.into_iter().map(|(name, value)| (name, value.into())).collect();
        Self { step, kind, figures }
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name)?.as_f64()
    }
}

/// The open log of a run.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Log {
    /// Opens `output/losses.jsonl` after `step` steps: what an interrupted run wrote beyond its
    /// checkpoint is dropped, as those steps are done again.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn open(output: &Path, step: u64) -> Result<Self> {
        let path = Self::path(output);
        // The text is kept as it is: numbers need not survive parsing and printing to the last bit.
        let kept: Vec<String> = whole_lines(&path)?
            .into_iter()
            .filter(|(_, line)| line.step <= step)
            .map(|(text, _)| text + "\n")
            .collect();
        let file = File::create(&path).map_err(TrainError::io(&path))?;
        let mut log = Self { path, file: BufWriter::new(file) };
        log.write_text(&kept.concat())?;
        Ok(log)
    }

    fn path(output: &Path) -> PathBuf {
        output.join("losses.jsonl")
    }

    /// Appends a line; it reaches the disk now, so that it can be followed.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let text = serde_json::to_string(line).map_err(TrainError::json(&self.path))?;
        self.write_text(&(text + "\n"))
    }

    fn write_text(&mut self, text: &str) -> Result<()> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(TrainError::io(&self.path))
    }
}

/// All whole lines of the log in `output`; none if there is no log.
///
/// # Errors
/// A file that cannot be read.
pub fn read(output: &Path) -> Result<Vec<Line>> {
    Ok(whole_lines(&Log::path(output))?.into_iter().map(|(_, line)| line).collect())
}

/// Lines as text and as what they say.
fn whole_lines(path: &Path) -> Result<Vec<(String, Line)>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let file = BufReader::new(File::open(path).map_err(TrainError::io(path))?);
    let mut lines = Vec::new();
    for text in file.lines() {
        let text = text.map_err(TrainError::io(path))?;
        // A killed run may have left its last line half written: the step is done again.
        if let Ok(line) = serde_json::from_str(&text) {
            lines.push((text, line));
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_drops_steps_after_the_checkpoint_and_half_lines() {
        let folder = tempfile::tempdir().unwrap();
        let line = |step| Line::new(step, Kind::Train, vec![("loss".into(), 0.5 / step as f64)]);
        let mut log = Log::open(folder.path(), 0).unwrap();
        (1..=4).for_each(|step| log.write(&line(step)).unwrap());
        log.write_text(r#"{"step":5,"kind":"tr"#).unwrap();
        assert_eq!(read(folder.path()).unwrap().len(), 4);
        Log::open(folder.path(), 3).unwrap().write(&line(4)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [line(1), line(2), line(3), line(4)]);
        assert_eq!(line(4).figure("loss"), Some(0.125));
    }
}
