//! A request with nothing left open.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Size;

/// A request that can be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What [`make`](super::Maker::make) needs, in the engine's own words. It holds no paths.
    pub request: Value,
    /// The size of the file that the client gets.
    pub size: Size,
    /// Frames of the file; 1 for a picture.
    pub num_frames: u64,
    /// Frames a second of the file.
    pub fps: f64,
    /// Length of the file in seconds. Of an extension: all of it, the source too.
    pub seconds: f64,
    /// What the client may expect and will not get, in words: "made at 128x128, delivered at 720x1280".
    pub notes: Vec<String>,
    /// The seed that it is made with: with it the same request gives the same file.
    pub seed: u64,
    /// What it takes.
    pub estimate: Estimate,
}

/// About how much something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Seconds of work.
    pub seconds: f64,
    /// Bytes of memory.
    pub bytes: u64,
}
