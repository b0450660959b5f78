use glam::{Quat, Vec3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Figure, Piece, Shape};
use crate::kind::{Colour, Kind, Size};
use crate::scene::Thing;
use crate::truth::{Posture, ThingState};

/// The plain definition of each solid, to compare with.
fn contains(shape: Shape, p: Vec3) -> bool {
    match shape {
        Shape::Ellipsoid(radii) => (p / radii).length() < 1.0,
        Shape::Block(half) => p.abs().cmplt(half).all(),
        Shape::Frustum { bottom, top, half_height } => {
            let share = (p.y / half_height + 1.0) / 2.0;
            p.y.abs() < half_height && p.x.hypot(p.z) < bottom + (top - bottom) * share
        }
        Shape::Capsule { radius, half_height } => {
            p.distance(Vec3::Y * p.y.clamp(-half_height, half_height)) < radius
        }
        Shape::Gable(half) => {
            let width = half.z * (1.0 - p.y / half.y) / 2.0;
            p.x.abs() < half.x && p.y.abs() < half.y && p.z.abs() < width
        }
        Shape::Bowl(radii) => p.y < 0.0 && (p / radii).length() < 1.0,
    }
}

#[test]
fn rays_enter_where_the_solid_begins() {
    const RAYS: usize = 4000;
    const STEP: f32 = 1e-3;
    let shapes = [
        Shape::Ellipsoid(Vec3::new(0.5, 0.3, 0.7)),
        Shape::Block(Vec3::new(0.4, 0.6, 0.2)),
        Shape::Frustum { bottom: 0.5, top: 0.1, half_height: 0.6 },
        Shape::Frustum { bottom: 0.4, top: 0.4, half_height: 0.3 },
        Shape::Capsule { radius: 0.3, half_height: 0.4 },
        Shape::Gable(Vec3::new(0.5, 0.3, 0.4)),
        Shape::Bowl(Vec3::new(0.7, 0.4, 0.3)),
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut point = |reach: f32| Vec3::from_array([0; 3].map(|_| rng.random_range(-reach..reach)));
    for shape in shapes {
        let (mut met, mut odd) = (0, 0);
        for _ in 0..RAYS {
            let origin = point(1.0).normalize_or(Vec3::X) * 2.0;
            let direction = (point(0.6) - origin).normalize();
            let Some(entry) = shape.enter(origin, direction) else {
                // A ray that marches through must not have missed.
                let inside = (0..400).filter(|i| contains(shape, origin + direction * (*i as f32 * 0.01)));
                assert!(inside.count() <= 2, "{shape:?} is missed from {origin} along {direction}");
                continue;
            };
            met += 1;
            let before = origin + direction * (entry.distance - STEP);
            assert!(!contains(shape, before), "{shape:?} begins before {}", entry.distance);
            assert!((entry.normal.length() - 1.0).abs() < 1e-3);
            let into = direction.dot(entry.normal);
            assert!(into < 1e-3, "{shape:?}: the normal {} faces away", entry.normal);
            if into < -0.1 {
                let after = origin + direction * entry.distance - entry.normal * STEP;
                // Right at a sharp edge a step inwards may come out on the other side.
                odd += usize::from(!contains(shape, after));
            }
        }
        assert!(odd <= met / 200, "{shape:?}: {odd} of {met} rays end outside of it");
        assert!(met > RAYS / 10, "{shape:?}: {met} rays");
    }
}

fn thing(kind: Kind) -> (Thing, ThingState) {
    let thing = Thing { kind, colour: Colour::Red, size: Size::Large, place: [0.0; 2], yaw: 0.0 };
    let state = ThingState {
        position: Vec3::ZERO,
        orientation: Quat::IDENTITY,
        velocity: Vec3::ZERO,
        posture: Posture::default(),
        screen_box: None,
        visibility: 1.0,
    };
    (thing, state)
}

#[test]
fn the_solids_of_a_kind_fill_its_extent() {
    for kind in Kind::ALL {
        let (thing, state) = thing(kind);
        let half = kind.half_extent() * thing.size.scale();
        let (mut low, mut high) = (Vec3::INFINITY, Vec3::NEG_INFINITY);
        for piece in Figure::new(&thing, &state).bounding_pieces() {
            let (centre, reach) = match piece {
                Piece::Point(at) => (at, Vec3::ZERO),
                Piece::Round { centre, half_axes } => {
                    (centre, Vec3::from_array([0, 1, 2].map(|axis| half_axes.row(axis).length())))
                }
            };
            low = low.min(centre - reach);
            high = high.max(centre + reach);
        }
        let slack = 0.06 * thing.size.scale();
        assert!((low + half).abs().max_element() < slack, "{kind:?}: from {low}, not {}", -half);
        assert!((high - half).abs().max_element() < slack, "{kind:?}: to {high}, not {half}");
    }
}

#[test]
fn the_middle_of_a_thing_is_in_its_outline_from_every_side() {
    for kind in Kind::ALL {
        let (thing, state) = thing(kind);
        let figure = Figure::new(&thing, &state);
        for turn in 0..16 {
            let angle = turn as f32 * std::f32::consts::TAU / 16.0;
            let eye = Vec3::new(5.0 * angle.cos(), 1.2, 5.0 * angle.sin());
            assert!(figure.enter(eye, -eye.normalize()).is_some(), "{kind:?} from {angle} rad");
        }
    }
}
