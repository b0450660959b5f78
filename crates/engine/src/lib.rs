//! Text to video: the library that people call.
//!
//! ```text
//! Session ── open ──► Pipeline
//! VideoRequest ── Pipeline::plan ──► Plan ── Pipeline::stream ──► frames ── VideoWriter ──► file
//!                                              │
//!      text: prompt ─ tokenizer ─ text encoder ─► context
//!      for each window of the timeline:
//!          encode: what is there of its frames ─ autoencoder ─► latents
//!          denoise: noise, latents ─ sampler over the denoiser, guided ─► latents
//!          decode: latents ─ autoencoder, one latent frame after the other ─► frames
//! ```
//!
//! A [`VideoRequest`] is what a user asks for, by flags or as JSON; a [`Plan`] is that request checked against a
//! model, with every value that was left open filled in. A [`Session`] is a device, a [`Pipeline`] a model that was
//! opened on it. Models are diffusers folders, or the one that is embedded in the program. [`Pipeline::generate`] gives
//! a short [`Video`] in memory.
//!
//! ```no_run
//! # fn main() -> engine::Result<()> {
//! use std::ops::ControlFlow;
//!
//! let request = engine::VideoRequest { prompt: "a red ball bounces".into(), ..Default::default() };
//! let output = engine::Output::for_path("ball.mp4".as_ref())?;
//! let files = engine::ModelFiles::of(&request);
//! let pipeline = engine::Session::cpu().open(&files, request.precision)?;
//! let plan = pipeline.plan(&request)?;
//! plan.check_memory()?;
//! let mut file = output.begin(plan.shape(), &pipeline.provenance(&plan)?)?;
//! let mut show = |progress: engine::Progress| {
//!     println!("{} {}/{}", progress.stage, progress.step, progress.total);
//!     ControlFlow::Continue(())
//! };
//! pipeline.stream(&plan, &mut |frame| file.push(frame), &mut show)?;
//! file.finish()
//! # }
//! ```

#![forbid(unsafe_code)]

mod cache;
mod calm;
mod canvas;
mod carried;
mod continuity;
mod denoise;
mod error;
mod estimate;
mod finite;
mod hand_over;
mod memory;
mod model;
mod noise;
mod output;
mod parts;
mod pipeline;
mod plan;
mod planner;
mod precision;
mod preview;
mod progress;
mod reading;
mod reel;
mod request;
mod session;
pub mod shown;
mod size;
mod state;
mod steady;
mod tasks;
mod tensor_file;
mod text;
mod timeline;
mod tracked;
mod video;
mod video_writer;
mod warning;

pub use error::{Error, Kind, Result};
pub use estimate::TimePlan;
pub use memory::{Lighter, MemoryPlan, gib};
pub use model::{Expert, ModelFiles, ModelInfo, NativeClip, NumValues, Prompts};
pub use models::tracks::{Place, Pose, Track};
pub use output::{Output, Summary, summary};
pub use pipeline::Pipeline;
pub use plan::Plan;
pub use planner::{KnownTracks, Planner, track_code};
pub use precision::Precision;
pub use progress::{Observer, Preview, Progress, Stage, Timings, unobserved};
pub use reading::Reading;
pub use request::VideoRequest;
pub use session::Session;
pub use size::{ParseSizeError, Size};
pub use state::State;
pub use tasks::Side;
pub use text::parse_tokenizer;
pub use timeline::{At, Camera, Edge, Known, ParseCameraError, ParseRegionError, Region, Span, View};
pub use tracked::Eyes;
pub use video::{Video, to_bytes};
pub use video_writer::VideoWriter;
pub use warning::Warning;
