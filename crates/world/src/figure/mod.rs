//! The things as solids: what each kind is made of, and how a ray meets it.

mod build;
mod shape;
#[cfg(test)]
mod tests;

use glam::{Mat3, Vec3};

use crate::scene::Thing;
use crate::truth::{Posture, ThingState};

pub use shape::{Entry, Shape};

/// The surface of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    /// The share of light that it throws back, as linear RGB.
    pub albedo: Vec3,
    /// How strong its highlight is, from 0 to 1.
    pub gloss: f32,
    /// A second tone on some of it.
    pub marking: Marking,
}

/// Where the second tone of a surface is, in the part's own axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Marking {
    /// Nowhere.
    None,
    /// In a band around the middle, across this axis.
    Band { axis: Vec3, half_width: f32, albedo: Vec3 },
    /// In this many stripes along y.
    Stripes { count: f32, albedo: Vec3 },
}

impl Paint {
    /// The albedo at a point, in the part's own axes; `footprint` is the width of a pixel there.
    pub fn albedo_at(&self, point: Vec3, footprint: f32) -> Vec3 {
        let antialias = |edge: f32| (0.5 - edge / footprint.max(1e-4)).clamp(0.0, 1.0);
        match self.marking {
            Marking::None => self.albedo,
            Marking::Band { axis, half_width, albedo } => {
                self.albedo.lerp(albedo, antialias(point.dot(axis).abs() - half_width))
            }
            Marking::Stripes { count, albedo } => {
                let radius = point.x.hypot(point.z);
                let wave = (count * point.z.atan2(point.x)).cos();
                self.albedo.lerp(albedo, antialias((0.7 - wave) * radius / count))
            }
        }
    }
}

/// One solid of a thing, in its place in the world.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The solid.
    pub shape: Shape,
    /// Its centre.
    pub centre: Vec3,
    /// The rotation from its own axes to the world's.
    pub rotation: Mat3,
    /// Its surface.
    pub paint: Paint,
    /// The radius of a ball that blocks about as much of the sky as the part does.
    pub blocking_radius: f32,
    to_local: Mat3,
    radius: f32,
}

impl Part {
    /// A point of the world in the part's own axes.
    pub fn local_point(&self, point: Vec3) -> Vec3 {
        self.to_local * (point - self.centre)
    }

    /// Where a ray with a unit direction enters the part, with the normal in world axes.
    pub fn enter(&self, origin: Vec3, direction: Vec3) -> Option<Entry> {
        if !meets_sphere(origin, direction, self.centre, self.radius) {
            return None;
        }
        let entry = self.shape.enter(self.local_point(origin), self.to_local * direction)?;
        Some(Entry { normal: self.rotation * entry.normal, ..entry })
    }

    fn bounding_pieces(&self) -> Vec<Piece> {
        let half = self.shape.half_extent();
        let place = |local: Vec3| self.centre + self.rotation * local;
        let corner = |x: f32, y: f32, z: f32| Piece::Point(place(half * Vec3::new(x, y, z)));
        let round = |y: f32, radii: Vec3| Piece::Round {
            centre: place(Vec3::Y * y),
            half_axes: self.rotation * Mat3::from_diagonal(radii),
        };
        let disc = |y: f32, radius: f32| round(y, Vec3::new(radius, 0.0, radius));
        match self.shape {
            Shape::Block(_) => (0..8)
                .map(|index| {
                    let side = |bit: u32| if index >> bit & 1 == 0 { -1.0 } else { 1.0 };
                    corner(side(0), side(1), side(2))
                })
                .collect(),
            Shape::Gable(_) => [-1.0, 1.0]
                .into_iter()
                .flat_map(|x| [corner(x, -1.0, -1.0), corner(x, -1.0, 1.0), corner(x, 1.0, 0.0)])
                .collect(),
            Shape::Frustum { bottom, top, half_height } => {
                vec![disc(-half_height, bottom), disc(half_height, top)]
            }
            Shape::Capsule { radius, half_height } => {
                [-half_height, half_height].map(|y| round(y, Vec3::splat(radius))).to_vec()
            }
            // For a bowl this is too high, but what it carries is higher.
            Shape::Ellipsoid(radii) | Shape::Bowl(radii) => vec![round(0.0, radii)],
        }
    }
}

/// A thing in one frame, as the solids that it is made of.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The solids.
    pub parts: Vec<Part>,
    /// The centre of a ball around all of them.
    pub centre: Vec3,
    /// The radius of that ball.
    pub radius: f32,
}

impl Figure {
    /// The figure of a thing in a state.
    pub fn new(thing: &Thing, state: &ThingState) -> Self {
        let scale = thing.size.scale();
        let turn = Mat3::from_quat(state.orientation);
        let parts: Vec<Part> = solids(thing, state.posture)
            .into_iter()
            .map(|solid| {
                let shape = solid.shape.scaled(scale);
                let paint = match solid.paint.marking {
                    Marking::Band { axis, half_width, albedo } => Paint {
                        marking: Marking::Band { axis, half_width: half_width * scale, albedo },
                        ..solid.paint
                    },
                    _ => solid.paint,
                };
                let half = shape.half_extent();
                let rotation = turn * solid.rotation;
                Part {
                    shape,
                    centre: state.position + turn * (solid.centre * scale),
                    rotation,
                    paint,
                    blocking_radius: half.element_product().cbrt(),
                    to_local: rotation.transpose(),
                    radius: shape.bounding_radius(),
                }
            })
            .collect();
        let centre = state.position;
        let radius = parts.iter().map(|part| part.centre.distance(centre) + part.radius).fold(0.0, f32::max);
        Self { parts, centre, radius }
    }

    /// Whether a ray with a unit direction comes near.
    pub fn is_near_ray(&self, origin: Vec3, direction: Vec3) -> bool {
        meets_sphere(origin, direction, self.centre, self.radius)
    }

    /// The first part that a ray enters, and where.
    pub fn enter(&self, origin: Vec3, direction: Vec3) -> Option<(usize, Entry)> {
        if !self.is_near_ray(origin, direction) {
            return None;
        }
        let mut first: Option<(usize, Entry)> = None;
        for (index, part) in self.parts.iter().enumerate() {
            if let Some(entry) = part.enter(origin, direction)
                && first.is_none_or(|(_, known)| entry.distance < known.distance)
            {
                first = Some((index, entry));
            }
        }
        first
    }

    /// Whether a ray enters any part.
    pub fn blocks(&self, origin: Vec3, direction: Vec3) -> bool {
        self.is_near_ray(origin, direction)
            && self.parts.iter().any(|part| part.enter(origin, direction).is_some())
    }

    /// The pieces whose outlines in the frame bound the outline of the figure.
    pub fn bounding_pieces(&self) -> impl Iterator<Item = Piece> {
        self.parts.iter().flat_map(Part::bounding_pieces)
    }
}

/// A piece of a part: the part is inside of the convex hull of its pieces.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// A corner.
    Point(Vec3),
    /// An ellipsoid, or a disc if one of its half axes (the columns) is nothing.
    Round { centre: Vec3, half_axes: Mat3 },
}

/// Whether a ray with a unit direction meets a ball in front of it.
fn meets_sphere(origin: Vec3, direction: Vec3, centre: Vec3, radius: f32) -> bool {
    let to_centre = centre - origin;
    let along = to_centre.dot(direction);
    let distance_squared = to_centre.length_squared();
    let r2 = radius * radius;
    (along > 0.0 || distance_squared < r2) && distance_squared - along * along < r2
}

/// A solid of a thing at scale 1, in the thing's own axes, from the thing's middle.
struct Solid {
    shape: Shape,
    centre: Vec3,
    rotation: Mat3,
    paint: Paint,
}

fn solids(thing: &Thing, posture: Posture) -> Vec<Solid> {
    let lift = thing.kind.half_extent().y;
    let mut solids = build::build(thing.kind, thing.colour, posture);
    // The kinds are drawn standing on y = 0, and placed by their middle.
    for solid in &mut solids {
        solid.centre.y -= lift;
    }
    solids
}
