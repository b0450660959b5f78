//! Training of Kinora's models: data sets, objectives, and the loop that they share.
//!
//! ```text
//! kinora train data      scenes of `world` -> clips, stills and captions on disk
//! kinora train vae       crops of them -> the video autoencoder
//! kinora train latents   every clip and still, encoded once
//! kinora train text      captions of the world -> the text encoder
//! kinora train judge     its scenes without end -> what the judge finds things with
//! kinora train samples   what a model makes of prompts, and what the judge says of it
//! kinora train denoiser  latents and captions -> transformer and text encoder, jointly
//! ```
//!
//! What comes out are diffusers folders. `trainer` is the loop; `vae`, `text` and `denoiser` are the
//! objectives; everything else serves them.

#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod command;
mod cross_entropy;
pub mod curve;
pub mod dataset;
pub mod denoiser;
pub mod error;
pub mod files;
pub mod fingerprint;
pub mod initial;
pub mod judge;
pub mod latents;
mod linear_algebra;
pub mod lock;
pub mod log;
mod memory;
pub mod number_format;
pub mod observer;
pub mod optim;
pub mod parameters;
pub mod planner;
pub mod random;
pub mod run_args;
pub mod samples;
pub mod schedule;
mod setting;
pub mod text;
pub mod timeline;
pub mod tokenizer;
mod tracks;
pub mod trainer;
pub mod vae;

pub use command::{TrainCommand, run};
pub use error::{Result, TrainError};
