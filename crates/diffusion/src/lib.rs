//! Diffusion processes and their samplers: short functions over a `denoise` closure.
//!
//! ```text
//! schedule/    which noise levels are visited: rectified flow with shift, DDPM's linear betas
//! samplers/    sample_euler, sample_unipc (rectified flow); sample_ddpm, sample_ddim
//! prediction   what models answer (velocity, eps), as the data that samplers ask for
//! levels       how far each position of a clip is made anew
//! timeline     the same for training: which frames are known, and how noisy the others are
//! guidance     classifier-free guidance, a wrapper that is again a `denoise`
//! process      the way forward, for training: x_0 and noise to x_t, and which t to train on
//! noise        Gaussian noise from a seed, the same bits on every machine
//! ```
//!
//! Every process here is Gaussian, `x_t = alpha x_0 + sigma noise`, and every sampler walks the [`Step`]s of a
//! [`Schedule`] of such levels with the same loop. A sampler knows neither the model (it is given `denoise`) nor a
//! random generator (it is given `noise`); what happens between steps (progress, cancelling) is the caller's
//! `after_step`.

#![forbid(unsafe_code)]

mod error;
mod guidance;
mod levels;
mod noise;
mod prediction;
mod process;
mod samplers;
mod schedule;
mod timeline;

pub use error::{Error, Result};
pub use guidance::{classifier_free_guidance, is_guided};
pub use levels::Levels;
pub use noise::Noise;
pub use prediction::{Prediction, from_eps, from_velocity};
pub use process::{TimestepSampler, add_noise, flow_interpolate, flow_velocity};
pub use samplers::{
    Sampler, UnknownSampler, Variance, sample_ddim, sample_ddpm, sample_euler, sample_unipc, unobserved,
};
pub use schedule::{
    BetaSchedule, NUM_TRAIN_TIMESTEPS, Schedule, SchedulerConfig, Spacing, Step, shift_sigma,
};
pub use timeline::Timeline;
