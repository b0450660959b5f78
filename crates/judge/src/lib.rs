//! How well a clip shows what its prompt says.
//!
//! ```text
//! clip ── recogniser ──> what is seen in each cell of each frame, and features of cells and frames
//!      ── tracks ──────> which things there are, and where each is over time
//!      ── reader ──────> what each of them is and does, where and when that is, how the camera moves
//! prompt ── claims ───> what has to be seen; a verdict compares the two, claim by claim
//! ```

#![forbid(unsafe_code)]

mod background;
pub mod camera;
pub mod degrade;
pub mod drift;
mod error;
mod judge;
pub mod lessons;
mod linear;
pub mod look;
pub mod measures;
pub mod mirror;
mod network;
pub mod physics;
pub mod prompts;
pub mod reader;
pub mod recogniser;
pub mod report;
pub mod suite;
mod tally;
mod tensors;
pub mod tracks;
pub mod verdict;

pub use error::{Error, Result};
pub use judge::{Judge, claims_of, scene_of_truth};
pub use network::Network;
pub use tally::Tally;
