//! The exact truth about a clip.

use glam::{Mat3, Quat, Vec2, Vec3};
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// How a clip is sampled in space and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipSpec {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Frames in the clip; 1 for a still.
    pub num_frames: usize,
    /// Frames per second.
    pub fps: u32,
}

impl Default for ClipSpec {
    fn default() -> Self {
        Self { width: 128, height: 128, num_frames: 17, fps: 8 }
    }
}

impl ClipSpec {
    /// The time of a frame, in seconds from the first.
    pub fn time(&self, frame: usize) -> f32 {
        frame as f32 / self.fps.max(1) as f32
    }

    /// The time in which the events take place, in seconds: to the last frame, but never nothing.
    pub fn duration(&self) -> f32 {
        self.time(self.num_frames.saturating_sub(1).max(1))
    }
}

/// A pinhole camera.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// Where it is, in metres.
    pub position: Vec3,
    /// The point in the middle of the frame.
    pub target: Vec3,
    /// The angle of view along the frame's shorter side, in radians.
    pub field_of_view: f32,
}

impl Camera {
    /// The axes of the camera: right, up, and backwards (out of the frame, to the viewer).
    pub fn axes(&self) -> Mat3 {
        let back = (self.position - self.target).normalize();
        let right = Vec3::Y.cross(back).normalize();
        Mat3::from_cols(right, back.cross(right), back)
    }

    /// The distance from the camera to a frame one pixel of which is one unit wide.
    fn focal_length(&self, spec: &ClipSpec) -> f32 {
        0.5 * spec.width.min(spec.height) as f32 / (0.5 * self.field_of_view).tan()
    }

    /// Where a point appears, in pixels from the top left corner; none if it is behind the camera.
    pub fn project(&self, point: Vec3, spec: &ClipSpec) -> Option<Vec2> {
        let seen = self.axes().transpose() * (point - self.position);
        let depth = -seen.z;
        (depth > 1e-3).then(|| {
            let scale = self.focal_length(spec) / depth;
            let centre = Vec2::new(spec.width as f32, spec.height as f32) / 2.0;
            centre + Vec2::new(seen.x, -seen.y) * scale
        })
    }

    /// The box in the frame around an ellipsoid with these half axes (the columns); none if part of
    /// it is behind the camera.
    ///
    /// The tangent planes through the camera solve `c_zz λ² - 2 c_xz λ + c_xx = 0`, where `c` is the
    /// ellipsoid's dual conic and `λ` the slope of the plane.
    pub(crate) fn bounds(&self, centre: Vec3, half_axes: Mat3, spec: &ClipSpec) -> Option<ScreenBox> {
        let to_camera = self.axes().transpose();
        let centre = to_camera * (centre - self.position);
        let axes = to_camera * half_axes;
        let dual = |i: usize, j: usize| axes.row(i).dot(axes.row(j)) - centre[i] * centre[j];
        let depth = dual(2, 2);
        if centre.z >= 0.0 || depth >= 0.0 {
            return None;
        }
        // Slopes from the left to the right, and from the top to the bottom: depth is -z.
        let slopes = |axis: usize| {
            let middle = dual(axis, 2) / depth;
            let spread = (middle * middle - dual(axis, axis) / depth).max(0.0).sqrt();
            (-middle - spread, -middle + spread)
        };
        let ((left, right), (down, up)) = (slopes(0), slopes(1));
        let scale = self.focal_length(spec);
        let middle = Vec2::new(spec.width as f32, spec.height as f32) / 2.0;
        Some(ScreenBox {
            min: middle + Vec2::new(left, -up) * scale,
            max: middle + Vec2::new(right, -down) * scale,
        })
    }

    /// The rays of a frame.
    pub fn rays(&self, spec: &ClipSpec) -> Rays {
        Rays {
            origin: self.position,
            axes: self.axes(),
            centre: Vec2::new(spec.width as f32, spec.height as f32) / 2.0,
            focal_length: self.focal_length(spec),
        }
    }
}

/// The rays from a camera through its frame.
#[derive(Clone, Copy, Debug)]
pub struct Rays {
    /// Where all of them start.
    pub origin: Vec3,
    axes: Mat3,
    centre: Vec2,
    focal_length: f32,
}

impl Rays {
    /// The unit direction through a point of the frame, in pixels from the top left corner.
    pub fn direction(&self, pixel: Vec2) -> Vec3 {
        let offset = pixel - self.centre;
        (self.axes * Vec3::new(offset.x, -offset.y, -self.focal_length)).normalize()
    }

    /// The angle that one pixel covers, in radians.
    pub fn pixel_angle(&self) -> f32 {
        1.0 / self.focal_length
    }
}

/// The parts of a thing that move on their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Posture {
    /// The angle of legs and arms from the vertical, in radians.
    pub stride: f32,
    /// The angle of the wings from the horizontal, in radians; none while they are folded.
    pub wings: Option<f32>,
}

/// A box in the frame, in pixels from the top left corner; it may reach beyond the frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScreenBox {
    /// The top left corner.
    pub min: Vec2,
    /// The bottom right corner.
    pub max: Vec2,
}

/// The state of one thing in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThingState {
    /// The middle of the thing, in metres: +x is right, +y up, +z towards the camera.
    pub position: Vec3,
    /// The rotation from the thing's own axes (it faces +x) to the world's, as (x, y, z, w).
    pub orientation: Quat,
    /// The velocity of its middle, in m/s.
    pub velocity: Vec3,
    /// The parts that move on their own.
    pub posture: Posture,
    /// The smallest box in the frame around the thing, whether or not something hides it;
    /// none if it is behind the camera.
    pub screen_box: Option<ScreenBox>,
    /// The share of the thing's outline that is inside the frame and not hidden, from 0 to 1.
    pub visibility: f32,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameTruth {
    /// Seconds from the first frame.
    pub time: f32,
    /// The camera.
    pub camera: Camera,
    /// Every thing, in the order of the scene.
    pub things: Vec<ThingState>,
}

/// Something that happens at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// The main thing begins an event of the scene.
    Begins(Event),
    /// A thing (by index) reaches the ground, or whatever carries it.
    Lands(usize),
    /// Two things (by index) touch.
    Collides(usize, usize),
    /// A thing (by index) is more than half hidden from now on.
    Disappears(usize),
    /// A thing (by index) is more than half visible again.
    Reappears(usize),
}

/// A happening and its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds from the first frame.
    pub time: f32,
    /// What happens.
    pub happening: Happening,
}

/// The exact truth about a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroundTruth {
    /// How the clip is sampled.
    pub spec: ClipSpec,
    /// The pull downwards, in m/s².
    pub gravity: f32,
    /// The speed after a bounce over the speed before it.
    pub restitution: f32,
    /// Every frame in order.
    pub frames: Vec<FrameTruth>,
    /// What happens, in order.
    pub moments: Vec<Moment>,
}
