//! Data on disk: rendered clips and stills, later their latents, each with captions.
//!
//! ```text
//! DIR/{clips,stills,validation}/{items.jsonl, data.bin}
//! ```

mod pixels;
mod rendered;
mod shape;
mod store;
mod whole;

pub use pixels::{BYTES_PER_PIXEL, Crop, cut, to_clips, to_tensor};
pub use rendered::{DataArgs, Drawn, Recipe, check_whole, contents, make, recipe};
pub use shape::{ClipShape, ParseShapeError};
pub use store::{Item, Store, StoreWriter, count, items};
pub use whole::Plan;

/// A part of a data set, which is a folder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// Clips to train on.
    Clips,
    /// Single frames to train on.
    Stills,
    /// Clips of the held-out split.
    Validation,
}

impl Subset {
    /// Every subset.
    pub const ALL: [Self; 3] = [Self::Clips, Self::Stills, Self::Validation];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clips => "clips",
            Self::Stills => "stills",
            Self::Validation => "validation",
        }
    }
}
