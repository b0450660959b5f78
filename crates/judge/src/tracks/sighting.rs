//! What one frame shows of one thing.

use glam::{Vec2, Vec3};
use world::{Action, Colour, Kind, Size};

/// What one frame shows of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The middle of its whole box, in pixels from the top left corner.
    pub centre: Vec2,
    /// Width and height of its whole box, in pixels.
    pub extent: Vec2,
    /// From the camera to its middle, in metres.
    pub distance: f32,
    /// Pixels of it that are seen.
    pub area: f32,
    /// Probabilities of the kinds, and last of being none of them clearly.
    pub kinds: [f32; Kind::ALL.len() + 1],
    /// Probabilities of the colours.
    pub colours: [f32; Colour::ALL.len()],
    /// Probabilities of the sizes.
    pub sizes: [f32; Size::ALL.len()],
    /// Over the ground, in m/s: to the camera's right, up, level towards the camera.
    pub velocity: Vec3,
    /// Angular velocity about the same axes, in rad/s.
    pub spin: Vec3,
    /// Of its middle above where it is when it stands, in metres.
    pub height: f32,
    /// The squared angle of its legs, in rad².
    pub stride: f32,
    /// How likely its wings are spread, from 0 to 1.
    pub wings: f32,
    /// Probabilities of what it does.
    pub actions: [f32; Action::ALL.len()],
}
