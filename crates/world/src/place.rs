//! Where and when a scene plays, and how it is filmed.

use serde::{Deserialize, Serialize};

/// What the things stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Ground {
    Grass,
    Sand,
    Snow,
    Water,
    Road,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Ground; 5] = [Ground::Grass, Ground::Sand, Ground::Snow, Ground::Water, Ground::Road];
}

/// The time of day: it sets the colours of the sky and of the light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum TimeOfDay {
    Morning,
    Noon,
    Evening,
    Night,
}

impl TimeOfDay {
    /// Every time of day.
    pub const ALL: [TimeOfDay; 4] =
        [TimeOfDay::Morning, TimeOfDay::Noon, TimeOfDay::Evening, TimeOfDay::Night];
}

/// The weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weather {
    Clear,
    Rain,
    Snow,
}

impl Weather {
    /// Every weather.
    pub const ALL: [Weather; 3] = [Weather::Clear, Weather::Rain, Weather::Snow];
}

/// How the camera moves during the clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraMove {
    /// Stands still.
    Still,
    /// Turns to the left: the scene moves to the right.
    PanLeft,
    /// Turns to the right.
    PanRight,
    /// Comes nearer.
    ZoomIn,
    /// Draws back.
    ZoomOut,
    /// Circles around the scene to the left.
    OrbitLeft,
    /// Circles around the scene to the right.
    OrbitRight,
}

impl CameraMove {
    /// Every camera move.
    pub const ALL: [CameraMove; 7] = [
        CameraMove::Still,
        CameraMove::PanLeft,
        CameraMove::PanRight,
        CameraMove::ZoomIn,
        CameraMove::ZoomOut,
        CameraMove::OrbitLeft,
        CameraMove::OrbitRight,
    ];

    /// What it is in a mirror: left is right.
    pub fn mirrored(self) -> Self {
        match self {
            CameraMove::PanLeft => CameraMove::PanRight,
            CameraMove::PanRight => CameraMove::PanLeft,
            CameraMove::OrbitLeft => CameraMove::OrbitRight,
            CameraMove::OrbitRight => CameraMove::OrbitLeft,
            CameraMove::Still | CameraMove::ZoomIn | CameraMove::ZoomOut => self,
        }
    }
}
