//! The losses of a run as JSON lines: `losses.jsonl`, one line a step and one an evaluation.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;

use crate::{
    error::{Result, TrainError},
    files,
};

/// The fields of a line that are no figures.
const STEP: &str = "step";
const KIND: &str = "kind";

/// What the figure of the same name as a line's kind was called before its name was another.
const OLD_KIND_FIGURE: &str = "thing";

/// Named figures of one step, such as `loss`. None has the name of another field of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<(String, f64)>);

impl Figures {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a figure behind those before.
    ///
    /// # Panics
    /// If a line has a field of this name: no log could be read again.
    pub fn push(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        assert!(![STEP, KIND].contains(&name.as_str()), "`{name}` is a field of every line");
        self.0.push((name, value));
    }

    /// With one more.
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Self {
        self.push(name, value);
        self
    }

    /// With all of `others` behind.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// A figure by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Steps done, this one included.
    pub step: u64,
    /// `train` or `evaluation`.
    pub kind: Kind,
    /// `loss`, `learning_rate` ... by name; in JSON they stand beside the other fields.
    pub figures: Figures,
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
        Self { step, kind, figures }
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name)
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(STEP, &self.step)?;
        map.serialize_entry(KIND, &self.kind)?;
        for (name, value) in &self.figures.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line of the log")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let (mut step, mut kind, mut figures) = (None, None, Figures::new());
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    match name.as_str() {
                        STEP => step = Some(serde_json::from_value(value).map_err(de::Error::custom)?),
                        // Evaluations of text encoders had a figure of this name once, behind the field.
                        KIND if value.is_number() => figures.push(OLD_KIND_FIGURE, number(&value)),
                        KIND => kind = Some(serde_json::from_value(value).map_err(de::Error::custom)?),
                        _ => figures.push(name, number(&value)),
                    }
                }
                let step = step.ok_or_else(|| de::Error::missing_field(STEP))?;
                let kind = kind.ok_or_else(|| de::Error::missing_field(KIND))?;
                Ok(Line { step, kind, figures })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// What is no number, as JSON has no infinite or undefined ones, was none.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// The open log of a run.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens `output/losses.jsonl` after `step` steps: what an interrupted run wrote beyond its
    /// checkpoint is dropped, as those steps are done again.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(output: &Path, step: u64) -> Result<Self> {
        let path = Self::path(output);
        // The text is kept as it is: numbers need not survive parsing and printing to the last bit. So is what cannot
        // be read.
        let is_kept = |line: &Option<Line>| line.as_ref().is_none_or(|line| line.step <= step);
        let lines = lines(&path)?.into_iter().filter(|(_, line)| is_kept(line));
        let kept: String = lines.map(|(text, _)| text + "\n").collect();
        files::write_text(&path, &kept)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(TrainError::io(&path))?;
        Ok(Self { path, file })
    }

    fn path(output: &Path) -> PathBuf {
        output.join("losses.jsonl")
    }

    /// Appends a line in one write; it can be followed.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let text = serde_json::to_string(line).map_err(TrainError::json(&self.path))? + "\n";
        self.file.write_all(text.as_bytes()).map_err(TrainError::io(&self.path))
    }
}

/// All lines of the log in `output` that can be read; none if there is no log. The others are counted aloud.
///
/// # Errors
/// A file that cannot be read.
pub fn read(output: &Path) -> Result<Vec<Line>> {
    let path = Log::path(output);
    let lines = lines(&path)?;
    let all = lines.len();
    let read: Vec<Line> = lines.into_iter().filter_map(|(_, line)| line).collect();
    if read.len() < all {
        ::log::warn!(
            "{}: {} of {all} lines cannot be read and are left out",
            path.display(),
            all - read.len()
        );
    }
    Ok(read)
}

/// Lines as text and as what they say, if they can be read. A killed run may have left its last line half written: its
/// step is done again.
fn lines(path: &Path) -> Result<Vec<(String, Option<Line>)>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = fs::read(path).map_err(TrainError::io(path))?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    Ok(whole.map(|line| (line.to_owned(), serde_json::from_str(line).ok())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_drops_steps_after_the_checkpoint_and_half_lines() {
        let folder = tempfile::tempdir().unwrap();
        let line = |step| Line::new(step, Kind::Train, Figures::new().with("loss", 0.5 / step as f64));
        let mut log = Log::open(folder.path(), 0).unwrap();
        (1..=4).for_each(|step| log.write(&line(step)).unwrap());
        log.file.write_all(br#"{"step":5,"kind":"tr"#).unwrap();
        assert_eq!(read(folder.path()).unwrap().len(), 4);
        Log::open(folder.path(), 3).unwrap().write(&line(4)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [line(1), line(2), line(3), line(4)]);
        assert_eq!(line(4).figure("loss"), Some(0.125));
    }

    #[test]
    fn a_line_is_flat_json_with_each_name_once() {
        let figures = Figures::new().with("loss", 0.25).and(Figures::new().with("loss_at_0.5", f64::NAN));
        let line = Line::new(7, Kind::Evaluation, figures);
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(text, r#"{"step":7,"kind":"evaluation","loss":0.25,"loss_at_0.5":null}"#);
        let read: Line = serde_json::from_str(&text).unwrap();
        assert_eq!((read.step, read.kind, read.figure("loss")), (7, Kind::Evaluation, Some(0.25)));
        assert!(read.figure("loss_at_0.5").is_some_and(f64::is_nan));
    }

    #[test]
    #[should_panic = "`kind` is a field of every line"]
    fn no_figure_has_the_name_of_a_field() {
        Figures::new().push("kind", 0.5);
    }

    #[test]
    fn logs_in_which_a_figure_was_called_kind_are_read_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = Log::path(folder.path());
        let old = r#"{"step":2,"kind":"evaluation","held_out_loss":5.5,"kind":0.125,"colour":0.25}"#;
        let text = format!("{{\"step\":1,\"kind\":\"train\",\"loss\":1.5}}\nnot JSON\n{old}\n");
        fs::write(&path, &text).unwrap();
        let lines = read(folder.path()).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].kind, Kind::Evaluation);
        assert_eq!((lines[1].figure("thing"), lines[1].figure("colour")), (Some(0.125), Some(0.25)));
        Log::open(folder.path(), 2).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "nothing is lost");
    }
}
