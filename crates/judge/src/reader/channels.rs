//! What each channel of the reader's answers says.

use world::{Action, CameraMove, Colour, Direction, Ground, Kind, Size, TimeOfDay, Weather};

use crate::recogniser::Channels;

/// What a thing is, from one frame.
pub mod thing {
    use super::{Channels, Colour, Kind, Size};

    /// Logits of the kinds, and of a thing of no clear kind.
    pub const KIND: Channels = Channels::first(Kind::ALL.len() + 1);
    /// Logits of the colours.
    pub const COLOUR: Channels = KIND.then(Colour::ALL.len());
    /// Logits of the sizes.
    pub const SIZE: Channels = COLOUR.then(Size::ALL.len());
    /// How it moves, as [`Motion`](crate::lessons::Motion) has it: velocity (3), spin (3), height, stride, wings; each in its
    /// unit of [`MOTION_UNITS`]. Only asked in training, so that the traits tell motions apart.
    pub const MOTION: Channels = SIZE.then(MOTION_UNITS.len());
    /// Of each frame.
    pub const ALL: usize = MOTION.end();

    /// m/s three times, rad/s three times, m, rad², share.
    pub const MOTION_UNITS: [f32; 9] = [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 1.0, 0.2, 1.0];
}

/// What a thing does, from the whole clip.
pub mod deed {
    use super::{Action, Channels, Direction};

    /// Logits of the actions.
    pub const ACTION: Channels = Channels::first(Action::ALL.len());
    /// Logits of no direction, and of each.
    pub const DIRECTION: Channels = ACTION.then(Direction::ALL.len() + 1);
    /// Of each frame.
    pub const ALL: usize = DIRECTION.end();
}

/// Where and when, and how it is filmed, from the whole clip.
pub mod shot {
    use super::{CameraMove, Channels, Ground, TimeOfDay, Weather};

    /// Logits of the grounds.
    pub const GROUND: Channels = Channels::first(Ground::ALL.len());
    /// Logits of the times of day.
    pub const TIME_OF_DAY: Channels = GROUND.then(TimeOfDay::ALL.len());
    /// Logits of the weathers.
    pub const WEATHER: Channels = TIME_OF_DAY.then(Weather::ALL.len());
    /// Logits of the camera moves.
    pub const CAMERA: Channels = WEATHER.then(CameraMove::ALL.len());
    /// Of each frame.
    pub const ALL: usize = CAMERA.end();
}
