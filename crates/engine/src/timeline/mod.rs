//! The timeline of a video: what of it is known, what is to be made, and what is seen when.
//!
//! One mechanism for every task. A request says which stills and clips are where in the video ([`Known`]), how much of each is
//! made anew, and where; everything else is made from noise. Frames become latents, each with a level (see
//! [`diffusion::Levels`]), in windows no longer than the model can make at once, each of which sees the end of what is there.

mod camera;
mod given;
mod known;
mod layout;
mod lens;
mod motion;
mod scenes;
mod windows;

pub use camera::{Camera, ParseCameraError};
pub use known::{At, Edge, Known, ParseRegionError, Region, Span};
pub use lens::View;

pub(crate) use given::Given;
pub(crate) use known::lossy;
pub(crate) use layout::{Frame, Layout, Placed, size_of};
pub(crate) use lens::Lens;
pub(crate) use scenes::scenes;
pub(crate) use windows::Window;

/// How many frames there are in so many seconds, and which frame is shown then; saturates.
pub(crate) fn frames_in(seconds: f64, fps: f64) -> usize {
    (seconds * fps).round() as usize
}
