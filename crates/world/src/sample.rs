//! Draws scenes: what there is, what it does, and where everything stands.

use std::f32::consts::PI;

use rand::Rng;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::{Neighbour, Relation, Scene, Thing};
use crate::split::{HeldOut, Split};

/// How high the camera stands, as an angle above the things' ground in radians, is drawn from this range.
pub const ELEVATIONS: std::ops::Range<f32> = 0.17..0.28;
/// The pull downwards, in m/s², is drawn from this range.
pub const GRAVITY: std::ops::Range<f32> = 5.0..9.81;

impl Scene {
    /// Draws a scene. The same seed gives the same scene; the two splits never share a combination
    /// that [`HeldOut`] finds.
    pub fn sample(seed: u64, split: Split) -> Scene {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A scene is held out with a chance of about one in four, so this ends soon.
        loop {
            if let Some(scene) = draw(seed, &mut rng)
                && HeldOut::of(&scene).split() == split
            {
                return scene;
            }
        }
    }
}

/// Draws one scene, or nothing where the choices do not go together.
fn draw(seed: u64, rng: &mut ChaCha8Rng) -> Option<Scene> {
    let count = match rng.random_range(0..100) {
        0..60 => 1,
        60..92 => 2,
        _ => 3,
    };
    let kind = *Kind::ALL.choose(rng)?;
    let events = draw_events(kind, count, rng)?;
    let ground = draw_ground(kind, &events, rng)?;
    let first = events[0];

    let main_size =
        if first.action == Action::PassesBehind { Size::Small } else { *Size::ALL.choose(rng)? };
    let yaw = draw_yaw(kind, rng);
    let main = Thing { kind, colour: *Colour::ALL.choose(rng)?, size: main_size, place: [0.0; 2], yaw };
    let mut scene = Scene {
        seed,
        things: vec![main],
        ground,
        neighbours: Vec::new(),
        time_of_day: *TimeOfDay::ALL.choose(rng)?,
        weather: match rng.random_range(0..100) {
            0..70 => Weather::Clear,
            70..85 => Weather::Rain,
            _ => Weather::Snow,
        },
        camera: match rng.random_bool(0.5) {
            true => CameraMove::Still,
            false => *CameraMove::ALL[1..].choose(rng)?,
        },
        elevation: rng.random_range(ELEVATIONS),
        azimuth: rng.random_range(-0.12..0.12),
        gravity: rng.random_range(GRAVITY),
        restitution: match first.action {
            Action::Bounces => rng.random_range(0.7..0.9),
            Action::CollidesWith => rng.random_range(0.2..0.6),
            _ => rng.random_range(0.05..0.2),
        },
        drop_height: rng.random_range(1.1..1.6),
        events,
    };
    for index in 1..count {
        let colours: Vec<Colour> =
            Colour::ALL.into_iter().filter(|c| scene.things.iter().all(|t| t.colour != *c)).collect();
        let thing = draw_neighbour(&scene, *colours.choose(rng)?, rng)?;
        let relation = draw_relation(&scene, &thing, rng);
        if relation.is_none() && !first.action.needs_other() {
            return None;
        }
        scene.things.push(thing);
        scene.neighbours.push(Neighbour { thing: index, relation });
    }
    place_things(&mut scene, rng);
    Some(scene)
}

/// One event, or for a thing alone sometimes two in order.
fn draw_events(kind: Kind, count: usize, rng: &mut ChaCha8Rng) -> Option<Vec<Event>> {
    // What most kinds can do would otherwise crowd out what only a few can.
    let weight = |action: &Action| match action {
        Action::Rests | Action::Spins => 0.55,
        Action::Bounces => 1.8,
        action if action.travels() => 2.0,
        action if action.needs_other() => 2.0,
        _ => 0.9,
    };
    let possible: Vec<Action> = first_actions(kind, count).collect();
    let action = *possible.choose_weighted(rng, weight).ok()?;
    let first = direct(action, rng);
    if count > 1 || action.needs_other() || !rng.random_bool(0.25) {
        return Some(vec![first]);
    }
    let followers: Vec<Event> = followers(kind, first).collect();
    Some(match followers.choose(rng) {
        Some(&second) => vec![first, second],
        None => vec![first],
    })
}

/// What the main thing of so many may begin with.
fn first_actions(kind: Kind, count: usize) -> impl Iterator<Item = Action> {
    let actions = kind.actions().iter().copied();
    actions
        .filter(move |action| !action.needs_other() || count == 2)
        // With two neighbours the main thing stays between them.
        .filter(move |action| !(count == 3 && action.travels()))
}

/// All that the main thing of a scene of `count` things may do, if it is of this kind: one event, or two in order.
pub fn possible_events(kind: Kind, count: usize) -> Vec<Vec<Event>> {
    let ways = |action: Action| -> Vec<Option<Direction>> {
        let all = Direction::ALL.map(Some);
        match action {
            Action::Floats => [None].into_iter().chain(all).collect(),
            _ if action.travels() => all.to_vec(),
            _ if action.needs_other() => vec![Some(Direction::Left), Some(Direction::Right)],
            _ => vec![None],
        }
    };
    let firsts = first_actions(kind, count)
        .flat_map(|action| ways(action).into_iter().map(move |direction| Event { action, direction }));
    firsts
        .flat_map(|first| {
            let may_follow = count == 1 && !first.action.needs_other();
            let seconds = may_follow.then(|| followers(kind, first)).into_iter().flatten();
            [vec![first]].into_iter().chain(seconds.map(move |second| vec![first, second]))
        })
        .collect()
}

/// Gives an action its direction.
fn direct(action: Action, rng: &mut ChaCha8Rng) -> Event {
    let sideways = [Direction::Left, Direction::Right][usize::from(rng.random_bool(0.5))];
    match action {
        // Half of the floating is in place.
        Action::Floats if rng.random_bool(0.4) => Event::of(action),
        _ if action.travels() && rng.random_bool(0.36) => {
            let ahead = [Direction::Towards, Direction::Away][usize::from(rng.random_bool(0.5))];
            Event::towards(action, ahead)
        }
        _ if action.travels() || action.needs_other() => Event::towards(action, sideways),
        _ => Event::of(action),
    }
}

/// What the kind may do after the first event.
fn followers(kind: Kind, first: Event) -> impl Iterator<Item = Event> {
    let afloat = first.action == Action::Floats;
    let aloft = first.action == Action::Flies;
    let suits = move |action: Action| match action {
        Action::Rests => first.action.travels() && !aloft && first.direction.is_some(),
        Action::Jumps | Action::Spins => first.action != action && !afloat && !aloft,
        Action::Flies => aloft,
        Action::Floats => afloat,
        Action::Rolls | Action::Slides | Action::Drives | Action::Walks => {
            first.action == action || !(first.action.travels() || first.action == Action::Bounces)
        }
        _ => false,
    };
    let ways = move |action: Action| -> Vec<Event> {
        if !action.travels() {
            return vec![Event::of(action)];
        }
        match first.direction {
            // Where the same way of moving goes on, it turns back.
            Some(direction) => vec![Event::towards(action, direction.opposite())],
            None => Direction::ALL.iter().map(|&direction| Event::towards(action, direction)).collect(),
        }
    };
    let starts = first.action != Action::Rests && !(afloat && first.direction.is_none());
    let actions: &'static [Action] = if starts { kind.actions() } else { &[] };
    actions.iter().copied().filter(move |&action| suits(action)).flat_map(ways)
}

fn draw_ground(kind: Kind, events: &[Event], rng: &mut ChaCha8Rng) -> Option<Ground> {
    const LAND: [Ground; 4] = [Ground::Grass, Ground::Sand, Ground::Snow, Ground::Road];
    let action = events[0].action;
    let on_water = match (kind, action) {
        (_, Action::Floats) => true,
        (Kind::Boat, Action::PassesBehind) => true,
        (Kind::Boat, _) => rng.random_bool(0.7),
        (_, Action::Flies) => rng.random_bool(0.25),
        _ => false,
    };
    if on_water {
        return Some(Ground::Water);
    }
    let ground = *LAND.choose(rng)?;
    // A boat is pulled up on a beach or a meadow, not on a road.
    (kind != Kind::Boat || ground != Ground::Road).then_some(ground)
}

/// The other things are of kinds that can be where they are asked to be.
fn draw_neighbour(scene: &Scene, colour: Colour, rng: &mut ChaCha8Rng) -> Option<Thing> {
    let action = scene.events[0].action;
    let carries = could_be_carried(scene) && rng.random_bool(0.4);
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| match action {
            _ if carries => kind.has_flat_top(),
            Action::CollidesWith => {
                matches!(kind, Kind::Ball | Kind::Cube | Kind::Cone | Kind::Cylinder | Kind::Robot)
            }
            Action::PassesBehind if scene.ground != Ground::Water => {
                !matches!(kind, Kind::Bird | Kind::Boat | Kind::Plane | Kind::Dog)
            }
            _ if scene.ground == Ground::Water => matches!(kind, Kind::Boat | Kind::Ball | Kind::Cube),
            _ => *kind != Kind::Boat || scene.ground == Ground::Sand,
        })
        .collect();
    let kind = *kinds.choose(rng)?;
    let size = match action {
        Action::PassesBehind => Size::Large,
        _ if carries => Size::Large,
        _ => *Size::ALL.choose(rng)?,
    };
    Some(Thing { kind, colour, size, place: [0.0; 2], yaw: draw_yaw(kind, rng) })
}

/// Whether the main thing could stand on another: it is small, and stays in place.
fn could_be_carried(scene: &Scene) -> bool {
    let main = scene.main();
    let stays = matches!(scene.events[0].action, Action::Rests | Action::Jumps | Action::Spins);
    stays && main.size == Size::Small && main.kind.half_extent().x < 0.7 && scene.ground != Ground::Water
}

/// A relation that leaves the main thing's way free and both things visible.
fn draw_relation(scene: &Scene, neighbour: &Thing, rng: &mut ChaCha8Rng) -> Option<Relation> {
    use Relation::*;
    let event = scene.events[0];
    if event.action.needs_other() {
        return None;
    }
    if let Some(first) = scene.neighbours.first() {
        return match first.relation? {
            LeftOf => Some(RightOf),
            RightOf => Some(LeftOf),
            _ => None,
        };
    }
    let is_carrier = neighbour.kind.has_flat_top() && neighbour.size == Size::Large;
    if is_carrier && could_be_carried(scene) && rng.random_bool(0.7) {
        return Some(OnTopOf);
    }
    let options: &[Relation] = match event.direction {
        Some(Direction::Left | Direction::Right) => &[Behind, InFrontOf],
        Some(_) => &[LeftOf, RightOf],
        None => &[LeftOf, RightOf, LeftOf, RightOf, Behind, InFrontOf],
    };
    options.choose(rng).copied()
}

/// The side from which a kind is best known, and some more to either side.
fn draw_yaw(kind: Kind, rng: &mut ChaCha8Rng) -> f32 {
    let turn = rng.random_range(-0.55..0.55_f32);
    let back = rng.random_bool(0.5);
    match kind {
        // A face, towards the camera.
        Kind::Robot | Kind::Person => -PI / 2.0 + turn,
        Kind::House | Kind::Cube => -0.5 + 0.6 * turn,
        _ if back => PI + turn,
        _ => turn,
    }
}

/// Puts every thing in its place so that the relations hold and nothing overlaps.
fn place_things(scene: &mut Scene, rng: &mut ChaCha8Rng) {
    /// Air between two things, in metres.
    const GAP: f32 = 0.2;
    let main = main_footprint(scene);
    let jitter: f32 = if scene.things.len() == 1 { rng.random_range(-0.2..0.2) } else { 0.0 };
    let goes_deep = scene.events.iter().any(|e| e.direction.is_some_and(|d| d.vector().z != 0.0));
    scene.things[0].place = [jitter, if goes_deep { -0.5 } else { 0.0 }];
    for neighbour in scene.neighbours.clone() {
        let other = footprint(&scene.things[neighbour.thing]);
        let [beside, before] = [0, 1].map(|axis| main[axis] + other[axis] + GAP);
        let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        scene.things[neighbour.thing].place = match neighbour.relation {
            Some(Relation::LeftOf) => [beside, 0.0],
            Some(Relation::RightOf) => [-beside, 0.0],
            // To the side as well, so that neither hides the other.
            Some(Relation::Behind) => [0.6 * side * beside, before],
            Some(Relation::InFrontOf) => [0.6 * side * beside, -before],
            Some(Relation::OnTopOf) => [jitter, 0.0],
            // In the camera's line of sight to the middle of the way.
            None if scene.events[0].action == Action::PassesBehind => [before * scene.azimuth.tan(), before],
            None => [0.35 * scene.events[0].direction.map_or(1.0, |ahead| ahead.vector().x), 0.0],
        };
    }
}

/// Half the width and half the depth of the ground that a thing takes up as it stands.
fn footprint(thing: &Thing) -> [f32; 2] {
    let half = thing.kind.half_extent() * thing.size.scale();
    let (sin, cos) = thing.yaw.sin_cos();
    match thing.kind {
        Kind::Ball | Kind::Cone | Kind::Cylinder => [half.x, half.z],
        _ => [cos.abs() * half.x + sin.abs() * half.z, sin.abs() * half.x + cos.abs() * half.z],
    }
}

/// The same for the main thing, however its events turn it.
fn main_footprint(scene: &Scene) -> [f32; 2] {
    let main = scene.main();
    let half = main.kind.half_extent() * main.size.scale();
    let event = scene.events[0];
    match (main.kind, event.action) {
        // On its side, a rolling cylinder is as deep or as wide as it was high.
        (Kind::Cylinder, Action::Rolls) => [half.x.max(half.y); 2],
        (_, Action::Spins) if !matches!(main.kind, Kind::Ball | Kind::Cylinder) => [half.x.hypot(half.z); 2],
        _ if event.direction.is_some() => [half.x.max(half.z); 2],
        _ => footprint(main),
    }
}
