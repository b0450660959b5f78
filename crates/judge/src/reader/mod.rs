//! What each thing is and does, and how the clip is filmed: a small network over tracks, and a rule that makes events of
//! its answers.
//!
//! The network is told the [recogniser](crate::recogniser)'s traits of the cells that show a thing, where the thing is, and
//! how the background drifts. Both networks learn together.

mod channels;
mod decode;
mod features;
mod network;
mod over_time;
mod read;

pub use channels::{deed, shot, thing};
use features::{CAMERA_FEATURES, FEATURES, SHOT_FEATURES, camera_features, features, shot_features};
pub use network::{Reader, Said, Told};
pub use read::{Reading, read};
