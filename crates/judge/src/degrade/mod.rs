//! What spoils pictures and clips: to teach the recogniser what it must not recognise, and to see that the judge
//! notices.

mod clip;
mod compress;
mod picture;
mod warp;

pub use clip::{ClipFault, spoil};
pub use compress::compress;
pub(crate) use picture::LUMA;
pub use picture::{Picture, luma};
pub use warp::Warp;
