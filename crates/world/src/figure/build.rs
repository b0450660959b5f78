//! What each kind is made of: bold silhouettes of few parts, standing on y = 0 and facing +x.

use std::f32::consts::FRAC_PI_2;

use glam::{Mat3, Vec3};

use super::{Marking, Paint, Shape, Solid};
use crate::kind::{Colour, Kind};
use crate::truth::Posture;

/// The solids of a kind at scale 1.
pub(super) fn build(kind: Kind, colour: Colour, posture: Posture) -> Vec<Solid> {
    let paint = Paints::new(colour);
    match kind {
        Kind::Ball => ball(&paint),
        Kind::Cube => vec![solid(Shape::Block(Vec3::splat(0.44)), [0.0, 0.44, 0.0], paint.main)],
        Kind::Cone => vec![solid(frustum(0.52, 0.02, 0.56), [0.0, 0.56, 0.0], paint.main)],
        Kind::Cylinder => cylinder(&paint),
        Kind::Car => car(&paint),
        Kind::House => house(&paint),
        Kind::Tree => tree(&paint),
        Kind::Boat => boat(&paint),
        Kind::Bird => bird(&paint, posture),
        Kind::Dog => dog(&paint, posture),
        Kind::Robot => robot(&paint, posture),
        Kind::Person => person(&paint, posture),
        Kind::Plane => plane(&paint),
    }
}

/// The paints of one thing.
struct Paints {
    main: Paint,
    /// The main colour, darker: legs, wheels' arches, shaded parts.
    deep: Paint,
    /// The main colour, much lighter or darker: bands and stripes.
    contrast: Vec3,
}

impl Paints {
    fn new(colour: Colour) -> Self {
        let main = linear(colour.srgb());
        let contrast = match colour {
            Colour::White => main * 0.35,
            Colour::Black => Vec3::splat(0.22),
            _ => main.lerp(Vec3::ONE, 0.5),
        };
        let deep = if colour == Colour::Black { Vec3::splat(0.035) } else { main * 0.6 };
        Self { main: plain(main), deep: plain(deep), contrast }
    }
}

fn linear(srgb: [u8; 3]) -> Vec3 {
    Vec3::from_array(srgb.map(|value| (f32::from(value) / 255.0).powf(2.2)))
}

fn plain(albedo: Vec3) -> Paint {
    Paint { albedo, gloss: 0.25, marking: Marking::None }
}

fn fixed(srgb: [u8; 3]) -> Paint {
    plain(linear(srgb))
}

const WOOD: [u8; 3] = [120, 82, 48];
const RUBBER: [u8; 3] = [38, 38, 42];
const GLASS: [u8; 3] = [96, 140, 176];
const STEEL: [u8; 3] = [150, 154, 162];
const SKIN: [u8; 3] = [228, 178, 140];
const HAIR: [u8; 3] = [70, 46, 32];
const BEAK: [u8; 3] = [240, 150, 30];
const ROOF: [u8; 3] = [104, 70, 60];
const SAIL: [u8; 3] = [232, 228, 214];

fn frustum(bottom: f32, top: f32, half_height: f32) -> Shape {
    Shape::Frustum { bottom, top, half_height }
}

fn block(x: f32, y: f32, z: f32) -> Shape {
    Shape::Block(Vec3::new(x, y, z))
}

fn ellipsoid(x: f32, y: f32, z: f32) -> Shape {
    Shape::Ellipsoid(Vec3::new(x, y, z))
}

fn capsule(radius: f32, half_height: f32) -> Shape {
    Shape::Capsule { radius, half_height }
}

fn solid(shape: Shape, centre: [f32; 3], paint: Paint) -> Solid {
    turned(shape, centre, Mat3::IDENTITY, paint)
}

fn turned(shape: Shape, centre: [f32; 3], rotation: Mat3, paint: Paint) -> Solid {
    Solid { shape, centre: Vec3::from_array(centre), rotation, paint }
}

/// A limb: a shape that hangs down from a joint and swings forwards by an angle.
fn limb(shape: Shape, joint: [f32; 3], angle: f32, paint: Paint) -> Solid {
    let rotation = Mat3::from_rotation_z(angle);
    let centre = Vec3::from_array(joint) - rotation * Vec3::Y * shape.half_extent().y;
    Solid { shape, centre, rotation, paint }
}

fn ball(paint: &Paints) -> Vec<Solid> {
    // Askew, so that it turns visibly about every axis.
    let axis = Vec3::new(0.8, 0.35, 0.5).normalize();
    let marking = Marking::Band { axis, half_width: 0.11, albedo: paint.contrast };
    let paint = Paint { marking, gloss: 0.5, ..paint.main };
    vec![solid(ellipsoid(0.5, 0.5, 0.5), [0.0, 0.5, 0.0], paint)]
}

fn cylinder(paint: &Paints) -> Vec<Solid> {
    let marking = Marking::Stripes { count: 3.0, albedo: paint.contrast };
    vec![
        solid(frustum(0.38, 0.38, 0.5), [0.0, 0.5, 0.0], Paint { marking, ..paint.main }),
        // Plain ends, in the main colour.
        solid(frustum(0.372, 0.372, 0.5005), [0.0, 0.5, 0.0], paint.main),
    ]
}

fn car(paint: &Paints) -> Vec<Solid> {
    let mut solids = vec![
        solid(block(0.72, 0.16, 0.33), [0.0, 0.3, 0.0], paint.main),
        solid(block(0.36, 0.14, 0.28), [-0.06, 0.58, 0.0], paint.main),
        solid(block(0.29, 0.09, 0.29), [-0.06, 0.575, 0.0], fixed(GLASS)),
        solid(block(0.37, 0.09, 0.23), [-0.06, 0.575, 0.0], fixed(GLASS)),
        solid(block(0.01, 0.05, 0.24), [0.72, 0.34, 0.0], fixed([250, 240, 190])),
    ];
    let wheel = frustum(0.17, 0.17, 0.05);
    for x in [-0.42, 0.42] {
        for z in [-0.31, 0.31] {
            let upright = Mat3::from_rotation_x(FRAC_PI_2);
            solids.push(turned(wheel, [x, 0.17, z], upright, fixed(RUBBER)));
            solids.push(turned(frustum(0.07, 0.07, 0.055), [x, 0.17, z], upright, fixed(STEEL)));
        }
    }
    solids
}

fn house(paint: &Paints) -> Vec<Solid> {
    let window = fixed([246, 226, 150]);
    vec![
        solid(block(0.46, 0.33, 0.4), [0.0, 0.33, 0.0], paint.main),
        solid(Shape::Gable(Vec3::new(0.56, 0.21, 0.5)), [0.0, 0.87, 0.0], fixed(ROOF)),
        solid(block(0.1, 0.19, 0.41), [0.0, 0.19, 0.0], fixed(WOOD)),
        solid(block(0.075, 0.085, 0.41), [-0.28, 0.36, 0.0], window),
        solid(block(0.075, 0.085, 0.41), [0.28, 0.36, 0.0], window),
        solid(block(0.47, 0.085, 0.09), [0.0, 0.36, 0.0], window),
    ]
}

fn tree(paint: &Paints) -> Vec<Solid> {
    vec![
        solid(frustum(0.12, 0.08, 0.28), [0.0, 0.28, 0.0], fixed(WOOD)),
        solid(ellipsoid(0.33, 0.3, 0.33), [-0.15, 0.72, 0.08], paint.main),
        solid(ellipsoid(0.31, 0.28, 0.31), [0.17, 0.74, -0.1], paint.main),
        solid(ellipsoid(0.3, 0.28, 0.3), [0.08, 0.7, 0.14], paint.main),
        solid(ellipsoid(0.29, 0.3, 0.29), [0.0, 0.98, 0.0], paint.main),
    ]
}

fn boat(paint: &Paints) -> Vec<Solid> {
    // The sails are triangles: a gable on its end, thin along its ridge.
    let sail = |half: f32, height: f32| Shape::Gable(Vec3::new(0.015, height, half));
    let flat = Mat3::from_rotation_y(FRAC_PI_2);
    vec![
        solid(Shape::Bowl(Vec3::new(0.72, 0.4, 0.3)), [0.0, 0.4, 0.0], paint.main),
        solid(block(0.5, 0.01, 0.19), [-0.02, 0.4, 0.0], fixed(WOOD)),
        solid(frustum(0.03, 0.02, 0.38), [0.0, 0.78, 0.0], fixed(WOOD)),
        turned(sail(0.26, 0.3), [0.0, 0.82, 0.04], flat, fixed(SAIL)),
        turned(sail(0.2, 0.1), [0.0, 1.02, 0.045], flat, paint.main),
    ]
}

fn bird(paint: &Paints, posture: Posture) -> Vec<Solid> {
    let mut solids = vec![
        solid(ellipsoid(0.36, 0.24, 0.23), [-0.02, 0.42, 0.0], paint.main),
        solid(ellipsoid(0.19, 0.18, 0.18), [0.33, 0.64, 0.0], paint.main),
        turned(frustum(0.075, 0.01, 0.1), [0.55, 0.62, 0.0], Mat3::from_rotation_z(-FRAC_PI_2), fixed(BEAK)),
        solid(ellipsoid(0.035, 0.045, 0.19), [0.4, 0.7, 0.0], fixed([20, 20, 24])),
        turned(block(0.2, 0.03, 0.13), [-0.42, 0.5, 0.0], Mat3::from_rotation_z(-0.5), paint.deep),
    ];
    match posture.wings {
        Some(angle) => {
            for side in [-1.0, 1.0] {
                let rotation = Mat3::from_rotation_x(-side * angle);
                let reach = rotation * Vec3::new(0.0, 0.0, side * 0.42);
                let root = Vec3::new(-0.04, 0.52, side * 0.12);
                solids.push(Solid {
                    shape: ellipsoid(0.2, 0.045, 0.42),
                    centre: root + reach,
                    rotation,
                    paint: paint.deep,
                });
            }
        }
        None => {
            for side in [-1.0, 1.0] {
                solids.push(solid(ellipsoid(0.27, 0.15, 0.06), [-0.08, 0.45, side * 0.2], paint.deep));
                solids.push(solid(frustum(0.03, 0.03, 0.12), [0.02, 0.12, side * 0.1], fixed(BEAK)));
            }
        }
    }
    solids
}

fn dog(paint: &Paints, posture: Posture) -> Vec<Solid> {
    let along = Mat3::from_rotation_z(FRAC_PI_2);
    let mut solids = vec![
        turned(capsule(0.19, 0.28), [-0.06, 0.48, 0.0], along, paint.main),
        turned(capsule(0.13, 0.1), [0.3, 0.6, 0.0], Mat3::from_rotation_z(-0.7), paint.main),
        solid(ellipsoid(0.18, 0.17, 0.17), [0.4, 0.74, 0.0], paint.main),
        turned(capsule(0.08, 0.06), [0.54, 0.69, 0.0], along, paint.main),
        solid(ellipsoid(0.045, 0.045, 0.05), [0.625, 0.72, 0.0], fixed([20, 20, 24])),
        turned(capsule(0.045, 0.13), [-0.53, 0.66, 0.0], Mat3::from_rotation_z(0.6), paint.main),
    ];
    for side in [-1.0, 1.0] {
        solids.push(solid(ellipsoid(0.08, 0.15, 0.04), [0.34, 0.78, side * 0.17], paint.deep));
        let leg = capsule(0.07, 0.14);
        solids.push(limb(leg, [0.2, 0.42, side * 0.11], side * posture.stride, paint.deep));
        solids.push(limb(leg, [-0.34, 0.42, side * 0.11], -side * posture.stride, paint.deep));
    }
    solids
}

fn robot(paint: &Paints, posture: Posture) -> Vec<Solid> {
    let eye = Paint { gloss: 0.0, ..fixed([120, 250, 250]) };
    let mut solids = vec![
        solid(block(0.2, 0.24, 0.28), [0.0, 0.55, 0.0], paint.main),
        solid(block(0.17, 0.14, 0.19), [0.0, 0.95, 0.0], paint.main),
        solid(block(0.09, 0.02, 0.09), [0.0, 0.8, 0.0], fixed(STEEL)),
        solid(block(0.01, 0.1, 0.16), [0.2, 0.6, 0.0], fixed(STEEL)),
        solid(frustum(0.02, 0.02, 0.04), [0.0, 1.1, 0.0], fixed(STEEL)),
        solid(ellipsoid(0.04, 0.04, 0.04), [0.0, 1.13, 0.0], fixed([230, 60, 50])),
    ];
    for side in [-1.0, 1.0] {
        solids.push(solid(block(0.02, 0.045, 0.05), [0.165, 0.97, side * 0.09], eye));
        let stride = side * posture.stride;
        solids.push(limb(block(0.07, 0.2, 0.065), [0.0, 0.76, side * 0.36], -stride, fixed(STEEL)));
        solids.push(limb(block(0.09, 0.17, 0.09), [0.0, 0.34, side * 0.14], stride, fixed(STEEL)));
    }
    solids
}

fn person(paint: &Paints, posture: Posture) -> Vec<Solid> {
    let mut solids = vec![
        solid(frustum(0.2, 0.16, 0.24), [0.0, 0.68, 0.0], paint.main),
        solid(capsule(0.13, 0.06), [0.0, 0.8, 0.0], paint.main),
        solid(frustum(0.06, 0.06, 0.06), [0.0, 0.96, 0.0], fixed(SKIN)),
        solid(ellipsoid(0.15, 0.16, 0.145), [0.0, 1.08, 0.0], fixed(SKIN)),
        solid(ellipsoid(0.155, 0.12, 0.155), [-0.03, 1.125, 0.0], fixed(HAIR)),
    ];
    for side in [-1.0, 1.0] {
        let stride = side * posture.stride;
        let arm = limb(capsule(0.065, 0.14), [0.0, 0.92, side * 0.24], -stride, paint.main);
        let hand = arm.centre - arm.rotation * Vec3::Y * 0.22;
        solids.push(arm);
        solids.push(solid(ellipsoid(0.065, 0.065, 0.065), hand.to_array(), fixed(SKIN)));
        solids.push(limb(capsule(0.09, 0.15), [0.0, 0.48, side * 0.11], stride, paint.deep));
    }
    solids
}

fn plane(paint: &Paints) -> Vec<Solid> {
    let along = Mat3::from_rotation_z(FRAC_PI_2);
    vec![
        turned(capsule(0.16, 0.56), [0.0, 0.18, 0.0], along, paint.main),
        solid(block(0.17, 0.025, 0.78), [0.08, 0.18, 0.0], paint.main),
        solid(block(0.1, 0.02, 0.3), [-0.6, 0.26, 0.0], paint.main),
        turned(block(0.11, 0.2, 0.025), [-0.58, 0.38, 0.0], Mat3::from_rotation_z(0.35), paint.deep),
        solid(ellipsoid(0.15, 0.1, 0.12), [0.42, 0.28, 0.0], fixed(GLASS)),
        turned(frustum(0.07, 0.07, 0.14), [0.14, 0.08, 0.4], along, fixed(STEEL)),
        turned(frustum(0.07, 0.07, 0.14), [0.14, 0.08, -0.4], along, fixed(STEEL)),
    ]
}
