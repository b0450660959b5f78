//! A video in the making.

use std::{ops::ControlFlow, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Input, Size};

/// What is to be made, and where.
#[derive(Debug)]
pub struct Work<'a> {
    /// What [`resolve`](super::Maker::resolve) returned.
    pub request: &'a Value,
    /// The files that it is made of.
    pub inputs: &'a [Input],
    /// A folder of the job's own for what survives a kill. It is empty at first, and deleted when the job is done.
    pub state: &'a Path,
    /// The file to write: it ends in `.mp4`, or in `.png` for a picture.
    pub output: &'a Path,
}

/// Who is told of what happens.
pub trait Observer {
    /// A step is done. `Break` asks to stop, with [`Kind::Cancelled`](super::Kind::Cancelled).
    fn progress(&mut self, progress: Progress<'_>) -> ControlFlow<()>;

    /// A frame is written.
    fn frame(&mut self, frame: Frame<'_>);
}

/// How far the work is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress<'a> {
    /// The part of the work: `text`, `denoise`, `decode`.
    pub stage: &'a str,
    /// Steps of it that are done.
    pub step: u64,
    /// Steps of it in all.
    pub total: u64,
    /// How much of all the work is done, 0 to 1.
    pub done: f64,
    /// What can be seen of it already.
    pub preview: Option<Preview>,
}

/// A small picture of what is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// One frame of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// From 0.
    pub index: u64,
    /// Pixels.
    pub size: Size,
    /// `[height, width, 3]`, sRGB values 0 to 255.
    pub rgb: &'a [u8],
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Seconds that each part took, by its name.
    pub timings: Vec<(String, f64)>,
    /// What was found out in the making, in words.
    pub notes: Vec<String>,
}

/// What a file says of where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Credential {
    /// Which mark it is.
    #[serde(rename = "type")]
    pub kind: SignalKind,
    /// Whether it is there.
    pub outcome: Outcome,
    /// Whether it can be believed; only of C2PA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_state: Option<Validation>,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What made the file.
    pub model: Option<String>,
    /// When, as RFC 3339 writes it.
    pub generated_at: Option<String>,
}

/// Marks of where a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignalKind {
    /// A signed manifest.
    C2pa,
    /// A mark within the pixels.
    Synthid,
}

/// Whether a mark is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is.
    Detected,
    /// It is not, or cannot be read.
    NotDetected,
}

/// Whether a manifest can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// It fits the file, and the signer is known.
    Trusted,
    /// It fits the file.
    Valid,
    /// It does not fit the file.
    Invalid,
    /// There is none.
    NotPresent,
}
