//! From a scene to the exact truth about each frame of a clip.

use glam::{Mat3, Quat, Vec2, Vec3};

use crate::dynamics;
use crate::figure::{Figure, Piece};
use crate::place::CameraMove;
use crate::sample::ELEVATIONS;
use crate::scene::{Scene, Thing};
use crate::truth::{
    Camera, ClipSpec, FrameTruth, GroundTruth, Happening, Moment, Rays, ScreenBox, ThingState,
};

/// The angle of view along the frame's shorter side, in radians.
pub const FIELD_OF_VIEW: f32 = 0.70;
/// The camera's distance, in metres, at which a thing has its named size in the frame.
const DISTANCE: f32 = 5.0;
/// How much farther it may draw back to keep everything in the frame.
const FARTHEST: f32 = 1.6;
/// The share of the frame that the things' ways may fill.
const FILL: f32 = 0.9;
/// Half the angle of a pan (with one thing; less with more) and of an orbit, in radians.
const PAN: f32 = 0.105;
const ORBIT: f32 = 0.38;
/// The camera's distance at the far and at the near end of a zoom, over that of a still camera.
const ZOOM: (f32, f32) = (1.3, 0.9);
/// Rays along each side of a thing's box that decide how much of it is visible.
const VISIBILITY_RAYS: usize = 20;

/// How far a move takes the camera of a scene with one thing in the default clip: an angle in degrees, or how many times nearer
/// (or farther) it comes; none if it stands still.
pub fn camera_amount(camera: CameraMove) -> Option<f64> {
    let swing = |half: f32| f64::from(2.0 * half).to_degrees();
    match camera {
        CameraMove::Still => None,
        CameraMove::PanLeft | CameraMove::PanRight => Some(swing(PAN)),
        CameraMove::OrbitLeft | CameraMove::OrbitRight => Some(swing(ORBIT)),
        CameraMove::ZoomIn | CameraMove::ZoomOut => Some(f64::from(ZOOM.0 / ZOOM.1)),
    }
}

/// A camera that stands where those of scenes of one thing commonly do.
pub fn usual_camera() -> Camera {
    /// The height of what it looks at, in metres.
    const MIDDLE: f32 = 0.7;
    let elevation = f32::midpoint(ELEVATIONS.start, ELEVATIONS.end);
    let target = Vec3::new(0.0, MIDDLE, 0.0);
    let position = target + DISTANCE * Vec3::new(0.0, elevation.sin(), elevation.cos());
    Camera { position, target, field_of_view: FIELD_OF_VIEW }
}

/// Lets the scene play, and notes where everything is in each frame.
pub fn simulate(scene: &Scene, spec: &ClipSpec) -> GroundTruth {
    let (motion, mut moments) = dynamics::run(scene, spec);
    let mut frames: Vec<FrameTruth> = motion
        .into_iter()
        .enumerate()
        .map(|(frame, bodies)| FrameTruth {
            time: spec.time(frame),
            camera: Camera { position: Vec3::ZERO, target: Vec3::ZERO, field_of_view: FIELD_OF_VIEW },
            things: bodies
                .into_iter()
                .map(|body| ThingState {
                    position: body.position,
                    orientation: body.orientation,
                    velocity: body.velocity,
                    posture: body.posture,
                    screen_box: None,
                    visibility: 0.0,
                })
                .collect(),
        })
        .collect();

    let framing = Framing::new(scene, &frames, spec);
    let last = spec.num_frames.saturating_sub(1).max(1) as f32;
    for (index, frame) in frames.iter_mut().enumerate() {
        frame.camera = framing.camera(scene, index as f32 / last);
        look(scene, frame, spec);
    }
    note_hiding(&frames, &mut moments);
    moments.sort_by(|a, b| a.time.total_cmp(&b.time));
    GroundTruth { spec: *spec, gravity: scene.gravity, restitution: scene.restitution, frames, moments }
}

/// Where the camera looks from, before it moves.
struct Framing {
    middle: Vec3,
    distance: f32,
}

impl Framing {
    /// Near enough for the things to have their named size, and far enough for all of their ways
    /// to be in the frame.
    fn new(scene: &Scene, frames: &[FrameTruth], spec: &ClipSpec) -> Self {
        const ROUNDS: usize = 8;
        let corners: Vec<Vec3> = frames
            .iter()
            .flat_map(|frame| scene.things.iter().zip(&frame.things))
            .flat_map(|(thing, state)| box_corners(thing, state))
            .collect();
        let (low, high) = bounds(&corners);
        let mut framing = Self { middle: (low + high) / 2.0, distance: DISTANCE };
        let size = Vec2::new(spec.width as f32, spec.height as f32);
        for _ in 0..ROUNDS {
            let camera = framing.camera_at(scene, 0.0, 1.0);
            let seen: Vec<Vec2> = corners.iter().filter_map(|&at| camera.project(at, spec)).collect();
            let (low, high) = seen
                .iter()
                .fold((Vec2::INFINITY, Vec2::NEG_INFINITY), |(low, high), at| (low.min(*at), high.max(*at)));
            if !low.is_finite() {
                break;
            }
            let metres_per_pixel = framing.distance * camera.rays(spec).pixel_angle();
            let shift = ((low + high) - size) / 2.0 * metres_per_pixel;
            framing.middle += camera.axes() * Vec3::new(shift.x, -shift.y, 0.0);
            let excess = ((high - low) / (size * FILL)).max_element();
            framing.distance = (framing.distance * excess).clamp(DISTANCE, DISTANCE * FARTHEST);
        }
        framing
    }

    /// The camera at a time from 0 (first frame) to 1 (last frame).
    fn camera(&self, scene: &Scene, time: f32) -> Camera {
        let swing = 2.0 * time - 1.0;
        let pan = PAN / scene.things.len() as f32 * swing;
        match scene.camera {
            CameraMove::Still => self.camera_at(scene, 0.0, 1.0),
            CameraMove::PanLeft => turned(self.camera_at(scene, 0.0, 1.0), pan),
            CameraMove::PanRight => turned(self.camera_at(scene, 0.0, 1.0), -pan),
            CameraMove::ZoomIn => self.camera_at(scene, 0.0, ZOOM.0 + (ZOOM.1 - ZOOM.0) * time),
            CameraMove::ZoomOut => self.camera_at(scene, 0.0, ZOOM.1 + (ZOOM.0 - ZOOM.1) * time),
            CameraMove::OrbitLeft => self.camera_at(scene, -ORBIT * swing, 1.0),
            CameraMove::OrbitRight => self.camera_at(scene, ORBIT * swing, 1.0),
        }
    }

    /// The camera on its circle, at an angle from its usual place, and this many times as far away.
    fn camera_at(&self, scene: &Scene, orbit: f32, zoom: f32) -> Camera {
        let azimuth = scene.azimuth + orbit;
        let (rise, out) = scene.elevation.sin_cos();
        let from_middle = Vec3::new(azimuth.sin() * out, rise, azimuth.cos() * out);
        let position = self.middle + from_middle * self.distance * zoom;
        Camera { position, target: self.middle, field_of_view: FIELD_OF_VIEW }
    }
}

/// A camera turned on its foot to the left, by an angle in radians.
fn turned(camera: Camera, angle: f32) -> Camera {
    let ahead = Quat::from_rotation_y(angle) * (camera.target - camera.position);
    Camera { target: camera.position + ahead, ..camera }
}

/// The corners of an upright box around a thing.
fn box_corners(thing: &Thing, state: &ThingState) -> impl Iterator<Item = Vec3> {
    let half = thing.kind.half_extent() * thing.size.scale();
    let turn = Mat3::from_quat(state.orientation);
    let reach = turn.x_axis.abs() * half.x + turn.y_axis.abs() * half.y + turn.z_axis.abs() * half.z;
    let position = state.position;
    (0..8).map(move |corner| {
        let side = |bit: u32| if corner >> bit & 1 == 0 { -1.0 } else { 1.0 };
        position + reach * Vec3::new(side(0), side(1), side(2))
    })
}

fn bounds(points: &[Vec3]) -> (Vec3, Vec3) {
    points.iter().fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(low, high), at| (low.min(*at), high.max(*at)))
}

/// Fills in how each thing appears in the frame.
fn look(scene: &Scene, frame: &mut FrameTruth, spec: &ClipSpec) {
    let figures = figures(scene, frame);
    let rays = frame.camera.rays(spec);
    for (index, state) in frame.things.iter_mut().enumerate() {
        state.screen_box = screen_box(&figures[index], &frame.camera, spec);
        state.visibility = state.screen_box.map_or(0.0, |on| visibility(index, &figures, &rays, on, spec));
    }
}

/// Every thing of a frame as solids.
pub(crate) fn figures(scene: &Scene, frame: &FrameTruth) -> Vec<Figure> {
    scene.things.iter().zip(&frame.things).map(|(thing, state)| Figure::new(thing, state)).collect()
}

fn screen_box(figure: &Figure, camera: &Camera, spec: &ClipSpec) -> Option<ScreenBox> {
    let mut found: Option<ScreenBox> = None;
    for piece in figure.bounding_pieces() {
        let on = match piece {
            Piece::Point(at) => {
                let at = camera.project(at, spec)?;
                ScreenBox { min: at, max: at }
            }
            Piece::Round { centre, half_axes } => camera.bounds(centre, half_axes, spec)?,
        };
        found = Some(match found {
            None => on,
            Some(known) => ScreenBox { min: known.min.min(on.min), max: known.max.max(on.max) },
        });
    }
    found
}

/// The share of a thing's outline that is inside the frame and not hidden.
fn visibility(index: usize, figures: &[Figure], rays: &Rays, on: ScreenBox, spec: &ClipSpec) -> f32 {
    let size = Vec2::new(spec.width as f32, spec.height as f32);
    let (mut outline, mut visible) = (0, 0);
    for row in 0..VISIBILITY_RAYS {
        for column in 0..VISIBILITY_RAYS {
            let share = (Vec2::new(column as f32, row as f32) + 0.5) / VISIBILITY_RAYS as f32;
            let pixel = on.min + (on.max - on.min) * share;
            let direction = rays.direction(pixel);
            let Some((_, entry)) = figures[index].enter(rays.origin, direction) else { continue };
            outline += 1;
            let in_frame = pixel.cmpge(Vec2::ZERO).all() && pixel.cmplt(size).all();
            let is_hidden = figures.iter().enumerate().any(|(other, figure)| {
                other != index
                    && figure
                        .enter(rays.origin, direction)
                        .is_some_and(|(_, nearer)| nearer.distance < entry.distance)
            });
            if in_frame && !is_hidden {
                visible += 1;
            }
        }
    }
    if outline == 0 { 0.0 } else { visible as f32 / outline as f32 }
}

/// Notes when a thing gets hidden and when it comes out again.
fn note_hiding(frames: &[FrameTruth], moments: &mut Vec<Moment>) {
    let things = frames.first().map_or(0, |frame| frame.things.len());
    for pair in frames.windows(2) {
        for thing in 0..things {
            let [was, is] = [0, 1].map(|i| pair[i].things[thing].visibility >= 0.5);
            let happening = match (was, is) {
                (true, false) => Happening::Disappears(thing),
                (false, true) => Happening::Reappears(thing),
                _ => continue,
            };
            moments.push(Moment { time: pair[1].time, happening });
        }
    }
}
