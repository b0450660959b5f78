//! The way that the main thing takes: where it starts, how far it goes, how high, and facing where.

use std::f32::consts::{FRAC_PI_2, PI};

use glam::{Quat, Vec3};

use crate::event::{Action, Event};
use crate::kind::Kind;
use crate::place::Ground;
use crate::scene::{Relation, Scene, Thing};

/// How far a thing travels sideways and in depth during a whole clip, in metres.
const TRAVEL_SIDEWAYS: f32 = 1.5;
const TRAVEL_DEPTH: f32 = 2.8;
/// The share of that for each of two events.
const TRAVEL_SHARE_OF_TWO: f32 = 0.7;
/// The height of flight over the ground, in metres, and that behind something.
const ALTITUDE: f32 = 0.75;
const ALTITUDE_BEHIND: f32 = 0.25;
/// The share of a solid's height that is under water while it floats, and of a boat's.
const DRAUGHT: f32 = 0.35;
const DRAUGHT_OF_BOAT: f32 = 0.08;
/// How far those who walk sideways turn to the camera, and how far a plane banks, in radians.
const THREE_QUARTER: f32 = 0.5;
const BANK: f32 = 0.4;
/// The gap that a colliding thing crosses before it hits, in metres.
pub(crate) const APPROACH: f32 = 0.9;

/// Where the main thing is in the first frame.
pub(crate) fn start(scene: &Scene) -> Vec3 {
    let main = scene.main();
    let event = scene.events[0];
    let middle = Vec3::new(main.place[0], rest_height(scene), main.place[1]);
    match event.action {
        action if action.drops() => middle + Vec3::Y * scene.drop_height,
        Action::CollidesWith => {
            let ahead = event.direction.map_or(Vec3::X, |direction| direction.vector());
            let other = &scene.things[1];
            let reach = |thing: &Thing| thing.kind.half_extent().x * thing.size.scale();
            let place = Vec3::new(other.place[0], middle.y, other.place[1]);
            place - ahead * (APPROACH + reach(main) + reach(other))
        }
        _ => {
            // The middle of the way is at the thing's place.
            let mut at = Vec3::ZERO;
            let (mut low, mut high) = (at, at);
            for &event in &scene.events {
                at += travel(scene, event);
                low = low.min(at);
                high = high.max(at);
            }
            middle - (low + high) / 2.0 + Vec3::Y * altitude(scene, event)
        }
    }
}

pub(crate) fn altitude(scene: &Scene, event: Event) -> f32 {
    match event.action {
        Action::Flies => ALTITUDE,
        Action::PassesBehind if scene.main().kind.gait() == Some(Action::Flies) => ALTITUDE_BEHIND,
        _ => 0.0,
    }
}

/// The way that an event takes the main thing.
pub(crate) fn travel(scene: &Scene, event: Event) -> Vec3 {
    let Some(direction) = event.direction else { return Vec3::ZERO };
    let vector = direction.vector();
    let length = match event.action {
        Action::PassesBehind => {
            let reach = |thing: &Thing| {
                let half = thing.kind.half_extent() * thing.size.scale();
                half.x.max(half.z)
            };
            // What is nearer to the camera hides a longer way behind it.
            2.0 * (reach(scene.main()) + 1.35 * reach(&scene.things[1])) + 0.2
        }
        _ if scene.events.len() > 1 => {
            TRAVEL_SHARE_OF_TWO * if vector.x != 0.0 { TRAVEL_SIDEWAYS } else { TRAVEL_DEPTH }
        }
        _ if vector.x != 0.0 => TRAVEL_SIDEWAYS,
        _ => TRAVEL_DEPTH,
    };
    vector * length
}

/// The orientation in which the main thing does something.
pub(crate) fn facing(scene: &Scene, event: Event) -> Quat {
    let main = scene.main();
    let own = Quat::from_rotation_y(main.yaw);
    let Some(direction) = event.direction else {
        let rolls_later = scene.events.iter().find(|event| event.action == Action::Rolls);
        return match (main.kind, rolls_later.and_then(|event| event.direction)) {
            (Kind::Cylinder, Some(direction)) => lying_across(direction.vector()),
            _ => own,
        };
    };
    match (main.kind, event.action) {
        (Kind::Cylinder, Action::Rolls) => lying_across(direction.vector()),
        (Kind::Ball | Kind::Cube | Kind::Cone | Kind::Cylinder, _) => own,
        (Kind::Robot, Action::Slides) => own,
        _ => {
            let v = direction.vector();
            let yaw = (-v.z).atan2(v.x);
            match main.kind {
                // Seen from the side these are thin: they turn a little to the camera.
                Kind::Robot | Kind::Person => Quat::from_rotation_y(yaw - THREE_QUARTER * v.x),
                Kind::Plane if altitude(scene, event) > 0.0 => {
                    Quat::from_rotation_y(yaw) * Quat::from_rotation_x(BANK * v.x)
                }
                _ => Quat::from_rotation_y(yaw),
            }
        }
    }
}

/// The height of the main thing's middle when it stands on what carries it.
pub(crate) fn rest_height(scene: &Scene) -> f32 {
    let carrier = scene.neighbours.iter().find(|n| n.relation == Some(Relation::OnTopOf));
    let top = carrier.map_or(0.0, |neighbour| {
        let carrier = &scene.things[neighbour.thing];
        2.0 * carrier.kind.half_extent().y * carrier.size.scale()
    });
    standing_height(scene, scene.main()) + top
}

/// A thing that stood upright, laid down so that it rolls this way.
fn lying_across(way: Vec3) -> Quat {
    if way.x != 0.0 {
        Quat::from_rotation_x(FRAC_PI_2)
    } else {
        Quat::from_rotation_y(PI) * Quat::from_rotation_z(FRAC_PI_2)
    }
}

/// The height of a thing's middle when it stands on the ground, or floats.
pub(crate) fn standing_height(scene: &Scene, thing: &Thing) -> f32 {
    let half = thing.kind.half_extent() * thing.size.scale();
    if scene.ground == Ground::Water {
        let draught = if thing.kind == Kind::Boat { DRAUGHT_OF_BOAT } else { DRAUGHT };
        return half.y * (1.0 - 2.0 * draught);
    }
    let is_main = std::ptr::eq(thing, scene.main());
    let rolls = is_main && scene.events.iter().any(|event| event.action == Action::Rolls);
    if thing.kind == Kind::Cylinder && rolls { half.x } else { half.y }
}
