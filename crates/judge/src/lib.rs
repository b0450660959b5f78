//! How well a clip shows what its prompt says.
//!
//! ```text
//! clip ── recogniser ──> what is seen in each cell of each frame (kind, colour, size, place, motion)
//!      ── tracks ──────> which things there are, and where each is over time
//!      ── events ──────> what each of them does
//! prompt ── claims ───> what has to be seen; a verdict compares the two, claim by claim
//! ```

#![forbid(unsafe_code)]

pub mod closeup;
pub mod degrade;
pub mod drift;
mod error;
pub mod events;
mod judge;
pub mod lessons;
mod linear;
pub mod look;
pub mod measures;
pub mod physics;
pub mod prompts;
pub mod recogniser;
pub mod report;
mod tally;
mod tensors;
pub mod tracks;
pub mod verdict;

pub use error::{Error, Result};
pub use judge::{Judge, claims_of, claims_of_truth};
pub use tally::Tally;
