//! What a thing does.

use glam::Vec3;
use serde::{Deserialize, Serialize};

/// What a thing does, without where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stays where it is.
    Rests,
    /// Rolls on the ground.
    Rolls,
    /// Slides on the ground, slowed down by friction.
    Slides,
    /// Drives on its wheels.
    Drives,
    /// Walks on its legs.
    Walks,
    /// Flies at about constant height.
    Flies,
    /// Floats on water, with or without a direction.
    Floats,
    /// Falls from above and stays on the ground.
    Falls,
    /// Falls and bounces off the ground again and again.
    Bounces,
    /// Jumps up by itself, again and again.
    Jumps,
    /// Turns about its vertical axis.
    Spins,
    /// Moves into another thing and pushes it.
    CollidesWith,
    /// Passes behind another thing and comes out again on the other side.
    PassesBehind,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 13] = [
        Action::Rests,
        Action::Rolls,
        Action::Slides,
        Action::Drives,
        Action::Walks,
        Action::Flies,
        Action::Floats,
        Action::Falls,
        Action::Bounces,
        Action::Jumps,
        Action::Spins,
        Action::CollidesWith,
        Action::PassesBehind,
    ];

    /// Whether the action takes the thing in a [`Direction`].
    pub fn travels(self) -> bool {
        use Action::*;
        matches!(self, Rolls | Slides | Drives | Walks | Flies | Floats)
    }

    /// Whether the action needs another thing.
    pub fn needs_other(self) -> bool {
        matches!(self, Action::CollidesWith | Action::PassesBehind)
    }

    /// Whether the thing drops from a height.
    pub fn drops(self) -> bool {
        matches!(self, Action::Falls | Action::Bounces)
    }
}

/// Where to, as the viewer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the left of the frame.
    Left,
    /// To the right of the frame.
    Right,
    /// Towards the camera.
    Towards,
    /// Away from the camera.
    Away,
}

impl Direction {
    /// Every direction.
    pub const ALL: [Direction; 4] = [Direction::Left, Direction::Right, Direction::Towards, Direction::Away];

    /// What it is in a mirror: left is right.
    pub fn mirrored(self) -> Self {
        match self {
            Direction::Left | Direction::Right => self.opposite(),
            Direction::Towards | Direction::Away => self,
        }
    }

    /// The unit vector in the world: +x is right, +z is towards the camera.
    pub fn vector(self) -> Vec3 {
        match self {
            Direction::Left => Vec3::NEG_X,
            Direction::Right => Vec3::X,
            Direction::Towards => Vec3::Z,
            Direction::Away => Vec3::NEG_Z,
        }
    }

    /// The direction back.
    pub fn opposite(self) -> Direction {
        match self {
            Direction::Left => Direction::Right,
            Direction::Right => Direction::Left,
            Direction::Towards => Direction::Away,
            Direction::Away => Direction::Towards,
        }
    }
}

/// One thing that the main thing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// What it does.
    pub action: Action,
    /// Where to, for actions that travel, and the way it comes from for those with another thing.
    pub direction: Option<Direction>,
}

impl Event {
    /// An action in place.
    pub fn of(action: Action) -> Self {
        Self { action, direction: None }
    }

    /// An action in a direction.
    pub fn towards(action: Action, direction: Direction) -> Self {
        Self { action, direction: Some(direction) }
    }

    /// What it is in a mirror: left is right.
    pub fn mirrored(self) -> Self {
        Self { direction: self.direction.map(Direction::mirrored), ..self }
    }
}
