//! English captions.

use rand::{Rng, RngCore};

use super::{Content, between, mention::about, pick};
use crate::event::{Action, Direction, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::{Relation, Scene};

/// The form of a verb.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// "bounces"
    Simple,
    /// "is bouncing"
    Progressive,
    /// "bouncing"
    Participle,
}

/// The caption of a scene, with marks.
pub(super) fn say(scene: &Scene, content: &Content, rng: &mut dyn RngCore) -> String {
    let form = match rng.random_range(0..10) {
        0..5 => Form::Simple,
        5..7 => Form::Progressive,
        _ => Form::Participle,
    };
    // "is" needs a sentence around it; "red ball bounces" does not.
    let bare = content.terse && form != Form::Progressive && rng.random_bool(0.4);
    let noun = |thing: usize, rng: &mut dyn RngCore| noun_phrase(scene, content, thing, bare, rng);

    let mut core = vec![noun(0, rng)];
    if content.events {
        for (index, &event) in scene.events.iter().enumerate() {
            let other = scene.things.get(1).map(|_| noun(1, rng)).unwrap_or_default();
            if index > 0 {
                core.push(pick(THEN, rng).into());
            }
            core.push(verb_phrase(scene, event, index, &other, form, rng));
        }
    }
    if scene.things.len() > 1 && !(content.events && scene.events[0].action.needs_other()) {
        core.push(neighbours(scene, content, &noun, rng));
    }

    let mut before: Vec<String> = Vec::new();
    let mut after = Vec::new();
    if content.ground {
        let place = format!("{} {}", preposition(scene, content, rng), ground(scene.ground));
        // After "... and a green tree on the right" it would belong to the tree.
        if scene.things.len() > 2 { before.push(place) } else { core.push(place) }
    }
    if content.time_of_day {
        let time = time_of_day(scene.time_of_day);
        if rng.random_bool(0.3) { before.push(time.into()) } else { core.push(time.into()) }
    }
    if content.weather {
        match pick(weather(scene.weather), rng) {
            // A sentence of its own.
            own if own.starts_with("it ") => after.push(own),
            other => core.push(other.into()),
        }
    }
    if content.camera {
        after.push(pick(camera(scene.camera), rng));
    }
    let presents = !content.terse && before.is_empty() && form == Form::Participle && rng.random_bool(0.2);
    let present = if presents { pick(if content.events { VIDEO } else { PICTURE }, rng) } else { "" };
    core.retain(|part| !part.is_empty());
    let core = core.join(" ").replace(" ,", ",");
    let parts: Vec<&str> = before.iter().map(String::as_str).chain([core.as_str()]).chain(after).collect();
    format!("{present} {}", parts.join(", ")).trim().into()
}

/// "a small red ball"
fn noun_phrase(scene: &Scene, content: &Content, thing: usize, bare: bool, rng: &mut dyn RngCore) -> String {
    let Some(is) = scene.things.get(thing) else { return String::new() };
    let mut words = Vec::new();
    if content.sizes[thing] {
        words.push(pick(size(is.size), rng).to_owned());
    }
    let in_clothes = is.kind == Kind::Person && rng.random_bool(0.5);
    if content.colours[thing] && !in_clothes {
        words.push(colour(is.colour).to_owned());
    }
    words.push(kind(is.kind).to_owned());
    if content.colours[thing] && in_clothes {
        words.push(format!("in {}", colour(is.colour)));
    }
    let article = if words[0].starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    if !bare {
        words.insert(0, article.to_owned());
    }
    about(thing, &words.join(" "))
}

/// "rolls to the left"
fn verb_phrase(
    scene: &Scene,
    event: Event,
    index: usize,
    other: &str,
    form: Form,
    rng: &mut dyn RngCore,
) -> String {
    let verb = match (event.action, index) {
        (Action::Rests, 0) => pick_verb(resting(scene.main().kind), rng),
        (Action::Rests, _) => STOP,
        (action, _) => pick_verb(verbs(action), rng),
    };
    let mut words = match form {
        Form::Simple => vec![verb.simple],
        Form::Progressive => vec!["is", verb.participle],
        Form::Participle => vec![verb.participle],
    };
    words.push(verb.rest);
    let goes = event.action.travels() || (event.action == Action::PassesBehind && rng.random_bool(0.3));
    let way = event.direction.filter(|_| goes).map(|way| pick(direction(way), rng));
    if event.action.needs_other() {
        words.push(other);
    }
    words.extend(way);
    words.retain(|word| !word.is_empty());
    about(0, &words.join(" "))
}

/// "to the left of a blue cube"
fn neighbours(
    scene: &Scene,
    content: &Content,
    noun: &dyn Fn(usize, &mut dyn RngCore) -> String,
    rng: &mut dyn RngCore,
) -> String {
    if !content.relations {
        let all: Vec<String> = (1..scene.things.len()).map(|thing| noun(thing, rng)).collect();
        return format!("and {}", all.join(" and "));
    }
    if let Some((left, right)) = between(scene) {
        return match rng.random_bool(0.6) {
            true => format!("between {} and {}", noun(left, rng), noun(right, rng)),
            false => format!("with {} on the left and {} on the right", noun(left, rng), noun(right, rng)),
        };
    }
    let all: Vec<String> = scene
        .neighbours
        .iter()
        .filter_map(|neighbour| {
            let phrase = pick(relation(neighbour.relation?), rng);
            Some(format!("{phrase} {}", noun(neighbour.thing, rng)))
        })
        .collect();
    all.join(" and ")
}

/// A verb in two forms, and what always follows it.
#[derive(Clone, Copy)]
pub(crate) struct Verb {
    pub simple: &'static str,
    pub participle: &'static str,
    pub rest: &'static str,
}

const fn verb(simple: &'static str, participle: &'static str, rest: &'static str) -> Verb {
    Verb { simple, participle, rest }
}

fn pick_verb(verbs: &[Verb], rng: &mut dyn RngCore) -> Verb {
    verbs[rng.random_range(0..verbs.len())]
}

pub(crate) const THEN: &[&str] = &[", then", "and then"];
pub(crate) const VIDEO: &[&str] = &["a video of"];
pub(crate) const PICTURE: &[&str] = &["a picture of"];
/// Words of no group.
pub(crate) const GLUE: &[&str] = &["a an is in and between with on the left on the right"];
const STOP: Verb = verb("stops", "stopping", "");

/// The verbs for an action other than resting.
pub(crate) fn verbs(action: Action) -> &'static [Verb] {
    match action {
        Action::Rests => const { &[STOP, verb("rests", "resting", ""), verb("stands", "standing", "still")] },
        Action::Rolls => const { &[verb("rolls", "rolling", "")] },
        Action::Slides => const { &[verb("slides", "sliding", "")] },
        Action::Drives => const { &[verb("drives", "driving", "")] },
        Action::Walks => const { &[verb("walks", "walking", "")] },
        Action::Flies => const { &[verb("flies", "flying", "")] },
        Action::Floats => const { &[verb("floats", "floating", "")] },
        Action::Falls => const { &[verb("falls", "falling", ""), verb("falls", "falling", "down")] },
        Action::Bounces => {
            const { &[verb("bounces", "bouncing", ""), verb("bounces", "bouncing", "up and down")] }
        }
        Action::Jumps => const { &[verb("jumps", "jumping", ""), verb("jumps", "jumping", "up and down")] },
        Action::Spins => const { &[verb("spins", "spinning", ""), verb("spins", "spinning", "around")] },
        Action::CollidesWith => {
            const { &[verb("collides", "colliding", "with"), verb("bumps", "bumping", "into")] }
        }
        Action::PassesBehind => const { &[verb("passes", "passing", "behind")] },
    }
}

fn resting(kind: Kind) -> &'static [Verb] {
    let [_, rests, stands] = verbs(Action::Rests) else { return &[STOP] };
    match kind {
        Kind::House | Kind::Tree | Kind::Bird | Kind::Dog | Kind::Robot | Kind::Person => {
            std::slice::from_ref(stands)
        }
        _ => std::slice::from_ref(rests),
    }
}

pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Ball => "ball",
        Kind::Cube => "cube",
        Kind::Cone => "cone",
        Kind::Cylinder => "cylinder",
        Kind::Car => "car",
        Kind::House => "house",
        Kind::Tree => "tree",
        Kind::Boat => "boat",
        Kind::Bird => "bird",
        Kind::Dog => "dog",
        Kind::Robot => "robot",
        Kind::Person => "person",
        Kind::Plane => "plane",
    }
}

pub(crate) fn colour(colour: Colour) -> &'static str {
    match colour {
        Colour::Red => "red",
        Colour::Orange => "orange",
        Colour::Yellow => "yellow",
        Colour::Green => "green",
        Colour::Blue => "blue",
        Colour::Purple => "purple",
        Colour::White => "white",
        Colour::Black => "black",
    }
}

pub(crate) fn size(size: Size) -> &'static [&'static str] {
    match size {
        Size::Small => &["small"],
        Size::Large => &["large", "big"],
    }
}

pub(crate) fn direction(direction: Direction) -> &'static [&'static str] {
    match direction {
        Direction::Left => &["to the left", "left"],
        Direction::Right => &["to the right", "right"],
        Direction::Towards => &["towards the camera"],
        Direction::Away => &["away", "away from the camera"],
    }
}

pub(crate) fn relation(relation: Relation) -> &'static [&'static str] {
    match relation {
        Relation::LeftOf => &["to the left of", "left of"],
        Relation::RightOf => &["to the right of", "right of"],
        Relation::Behind => &["behind"],
        Relation::InFrontOf => &["in front of"],
        Relation::OnTopOf => &["on top of"],
    }
}

/// What flies is over the ground, what falls comes onto it.
fn preposition(scene: &Scene, content: &Content, rng: &mut dyn RngCore) -> &'static str {
    let falls_only = content.events && scene.events.len() == 1 && scene.things.len() == 1;
    match scene.events[0].action {
        Action::Flies => OVER,
        Action::Falls if falls_only && rng.random_bool(0.5) => ONTO,
        _ => ON,
    }
}

pub(crate) const ON: &str = "on";
pub(crate) const OVER: &str = "over";
pub(crate) const ONTO: &str = "onto";

pub(crate) fn ground(ground: Ground) -> &'static str {
    match ground {
        Ground::Grass => "the grass",
        Ground::Sand => "the sand",
        Ground::Snow => "the snow",
        Ground::Water => "the water",
        Ground::Road => "the road",
    }
}

pub(crate) fn time_of_day(time: TimeOfDay) -> &'static str {
    match time {
        TimeOfDay::Morning => "in the morning",
        TimeOfDay::Noon => "at noon",
        TimeOfDay::Evening => "in the evening",
        TimeOfDay::Night => "at night",
    }
}

pub(crate) fn weather(weather: Weather) -> &'static [&'static str] {
    match weather {
        Weather::Clear => &["under a clear sky"],
        Weather::Rain => &["in the rain", "while it rains", "it is raining"],
        Weather::Snow => &["while it snows", "it is snowing"],
    }
}

pub(crate) fn camera(camera: CameraMove) -> &'static [&'static str] {
    match camera {
        CameraMove::Still => &["the camera is still", "the camera stays still"],
        CameraMove::PanLeft => &["the camera pans left", "the camera pans to the left"],
        CameraMove::PanRight => &["the camera pans right", "the camera pans to the right"],
        CameraMove::ZoomIn => &["the camera zooms in"],
        CameraMove::ZoomOut => &["the camera zooms out"],
        CameraMove::OrbitLeft => &["the camera orbits left", "the camera orbits to the left"],
        CameraMove::OrbitRight => &["the camera orbits right", "the camera orbits to the right"],
    }
}
