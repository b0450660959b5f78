//! What each channel of the recogniser's cells says.

use world::{Colour, Kind, Size};

/// Consecutive channels about one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// The first of them.
    pub start: usize,
    /// How many.
    pub len: usize,
}

impl Channels {
    pub(crate) const fn first(len: usize) -> Self {
        Self { start: 0, len }
    }

    pub(crate) const fn then(self, len: usize) -> Self {
        Self { start: self.end(), len }
    }

    /// The one behind the last.
    pub const fn end(self) -> usize {
        self.start + self.len
    }
}

/// The class of a cell that shows no thing.
pub const NOTHING: usize = 0;
/// The class of the first kind; the others follow in their order.
pub const FIRST_KIND: usize = 1;
/// The class of a thing that shows no kind clearly: blurred, torn, melted.
pub const UNCLEAR: usize = FIRST_KIND + Kind::ALL.len();

/// What a cell of 4 pixels shows in a frame.
pub mod seen {
    use super::{Channels, Colour, Size, UNCLEAR};

    /// Pixels along each side of a cell.
    pub const CELL: usize = 4;
    /// Logits of nothing, each kind, and a thing of no clear kind.
    pub const KIND: Channels = Channels::first(UNCLEAR + 1);
    /// Logits of the colours of the thing there.
    pub const COLOUR: Channels = KIND.then(Colour::ALL.len());
    /// Logits of the sizes of the thing there.
    pub const SIZE: Channels = COLOUR.then(Size::ALL.len());
    /// From the middle of the cell to the middle of the thing's box, in units of [`CENTRE_UNIT`] pixels: x, y.
    pub const CENTRE: Channels = SIZE.then(2);
    /// Width and height of the thing's whole box, in units of [`EXTENT_UNIT`] pixels.
    pub const EXTENT: Channels = CENTRE.then(2);
    /// The natural logarithm of the distance from the camera to the thing's middle over [`DISTANCE_UNIT`] metres.
    pub const DISTANCE: Channels = EXTENT.then(1);
    /// Of each cell.
    pub const ALL: usize = DISTANCE.end();

    /// Pixels.
    pub const CENTRE_UNIT: f32 = 16.0;
    /// Pixels.
    pub const EXTENT_UNIT: f32 = 32.0;
    /// Metres.
    pub const DISTANCE_UNIT: f32 = 5.0;
}
