//! What a thing is: its kind, its colour and its size.

use glam::Vec3;
use serde::{Deserialize, Serialize};

use crate::event::Action;

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A sphere with one broad band, so that rolling shows.
    Ball,
    /// A cube.
    Cube,
    /// A cone that stands on its base.
    Cone,
    /// A cylinder with stripes along its side, so that rolling shows.
    Cylinder,
    /// A car with four wheels; the body has the colour.
    Car,
    /// A house with a gable roof; the walls have the colour.
    House,
    /// A tree; the crown has the colour.
    Tree,
    /// A sailing boat; the hull has the colour.
    Boat,
    /// A bird.
    Bird,
    /// A dog.
    Dog,
    /// A robot; head and body have the colour.
    Robot,
    /// A person; the clothes have the colour.
    Person,
    /// An aeroplane.
    Plane,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 13] = [
        Kind::Ball,
        Kind::Cube,
        Kind::Cone,
        Kind::Cylinder,
        Kind::Car,
        Kind::House,
        Kind::Tree,
        Kind::Boat,
        Kind::Bird,
        Kind::Dog,
        Kind::Robot,
        Kind::Person,
        Kind::Plane,
    ];

    /// The actions that suit the kind: a bird flies, a house does not.
    pub fn actions(self) -> &'static [Action] {
        use Action::*;
        match self {
            Kind::Ball => &[Rests, Rolls, Floats, Falls, Bounces, Spins, CollidesWith, PassesBehind],
            Kind::Cube => &[Rests, Slides, Floats, Falls, Bounces, Spins, CollidesWith],
            Kind::Cone => &[Rests, Slides, Floats, Falls, Bounces],
            Kind::Cylinder => &[Rests, Rolls, Slides, Floats, Falls, Bounces, Spins],
            Kind::Car => &[Rests, Drives, Falls, Jumps, Spins, CollidesWith, PassesBehind],
            Kind::House => &[Rests, Falls, Spins],
            Kind::Tree => &[Rests, Falls, Spins],
            Kind::Boat => &[Rests, Floats, Spins, PassesBehind],
            Kind::Bird => &[Rests, Walks, Flies, Jumps, Spins, PassesBehind],
            Kind::Dog => &[Rests, Walks, Jumps, Spins, PassesBehind],
            Kind::Robot => &[Rests, Walks, Slides, Falls, Jumps, Spins, CollidesWith, PassesBehind],
            Kind::Person => &[Rests, Walks, Jumps, Spins, PassesBehind],
            Kind::Plane => &[Rests, Flies, Spins, PassesBehind],
        }
    }

    /// How the kind gets from one place to another on its own.
    pub fn gait(self) -> Option<Action> {
        const GAITS: [Action; 6] =
            [Action::Rolls, Action::Drives, Action::Walks, Action::Flies, Action::Floats, Action::Slides];
        // A bird flies rather than walks, a ball rolls rather than floats.
        match self {
            Kind::Bird => Some(Action::Flies),
            _ => GAITS.into_iter().find(|gait| self.actions().contains(gait)),
        }
    }

    /// Half the extent along each axis at scale 1, in metres: the thing faces +x, y is up.
    pub fn half_extent(self) -> Vec3 {
        let [x, y, z] = match self {
            Kind::Ball => [0.5, 0.5, 0.5],
            Kind::Cube => [0.44, 0.44, 0.44],
            Kind::Cone => [0.52, 0.56, 0.52],
            Kind::Cylinder => [0.38, 0.5, 0.38],
            Kind::Car => [0.72, 0.36, 0.36],
            Kind::House => [0.56, 0.54, 0.5],
            Kind::Tree => [0.48, 0.64, 0.44],
            Kind::Boat => [0.72, 0.58, 0.3],
            Kind::Bird => [0.6, 0.42, 0.27],
            Kind::Dog => [0.66, 0.47, 0.22],
            Kind::Robot => [0.22, 0.58, 0.44],
            Kind::Person => [0.2, 0.62, 0.36],
            Kind::Plane => [0.74, 0.3, 0.78],
        };
        Vec3::new(x, y, z)
    }

    /// Whether something can stand on it.
    pub fn has_flat_top(self) -> bool {
        matches!(self, Kind::Cube | Kind::Cylinder)
    }
}

/// The colour that a thing is named by: the colour of most of its surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Colour {
    Red,
    Orange,
    Yellow,
    Green,
    Blue,
    Purple,
    White,
    Black,
}

impl Colour {
    /// Every colour.
    pub const ALL: [Colour; 8] = [
        Colour::Red,
        Colour::Orange,
        Colour::Yellow,
        Colour::Green,
        Colour::Blue,
        Colour::Purple,
        Colour::White,
        Colour::Black,
    ];

    /// The paint as sRGB, before light falls on it.
    pub fn srgb(self) -> [u8; 3] {
        match self {
            Colour::Red => [214, 30, 34],
            Colour::Orange => [245, 126, 14],
            Colour::Yellow => [248, 212, 30],
            Colour::Green => [24, 148, 60],
            Colour::Blue => [30, 84, 216],
            Colour::Purple => [134, 46, 186],
            Colour::White => [238, 238, 238],
            Colour::Black => [30, 30, 34],
        }
    }
}

/// How large a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// About a quarter of the frame's shorter side.
    Small,
    /// About two fifths of the frame's shorter side.
    Large,
}

impl Size {
    /// Both sizes.
    pub const ALL: [Size; 2] = [Size::Small, Size::Large];

    /// The factor on the kind's extent.
    pub fn scale(self) -> f32 {
        match self {
            Size::Small => 0.92,
            Size::Large => 1.45,
        }
    }
}
