//! What keys mean: what the thing does next, which the model draws, and how the camera moves, which the program does.

use terminal::Key;
use world::{Action, CameraMove, Claims, Direction, Event, Kind};

/// What a line below the picture says.
pub const HELP: &str = "arrows: go  space: jump  r: spin  enter: rest  a d: pan  w s: zoom  q e: orbit  c: hold the camera  esc: end";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steering {
    event: Event,
}

impl Steering {
    /// Nothing moves.
    pub fn rest() -> Self {
        Self { event: Event::of(Action::Rests) }
    }

    /// What a key makes of it, for a thing of this kind; none if it means nothing, or nothing that this kind can do.
    pub fn press(self, key: Key, kind: Kind) -> Option<Self> {
        let event = |event: Option<Event>| event.map(|event| Self { event });
        let go = |way| event(kind.gait().map(|gait| Event::towards(gait, way)));
        match key {
            Key::Left => go(Direction::Left),
            Key::Right => go(Direction::Right),
            Key::Up => go(Direction::Away),
            Key::Down => go(Direction::Towards),
            Key::Char(' ') => event(first_of(kind, &[Action::Jumps, Action::Bounces, Action::Falls])),
            Key::Char('r') => event(first_of(kind, &[Action::Spins])),
            Key::Enter => event(Some(Event::of(Action::Rests))),
            _ => None,
        }
    }

    /// What comes behind it if no key is pressed: what is done once has been done.
    pub fn after(self) -> Self {
        let once = matches!(self.event.action, Action::Jumps | Action::Bounces | Action::Falls);
        if once { Self::rest() } else { self }
    }

    /// The prompt for it; `prompt` names one thing.
    pub fn told(self, prompt: &str) -> Option<String> {
        world::retell(prompt, &[self.event], CameraMove::Still)
    }
}

/// What a key makes the camera do; none if it does nothing with it.
pub fn camera(key: Key) -> Option<CameraMove> {
    match key {
        Key::Char('a') => Some(CameraMove::PanLeft),
        Key::Char('d') => Some(CameraMove::PanRight),
        Key::Char('w') => Some(CameraMove::ZoomIn),
        Key::Char('s') => Some(CameraMove::ZoomOut),
        Key::Char('q') => Some(CameraMove::OrbitLeft),
        Key::Char('e') => Some(CameraMove::OrbitRight),
        Key::Char('c') => Some(CameraMove::Still),
        _ => None,
    }
}

/// The one thing that a prompt names.
pub fn thing(prompt: &str) -> Option<Kind> {
    let claims = Claims::of_prompt(prompt);
    match claims.things[..] {
        [thing] if thing.count == 1 => Some(thing.kind),
        _ => None,
    }
}

fn first_of(kind: Kind, actions: &[Action]) -> Option<Event> {
    actions.iter().find(|action| kind.actions().contains(action)).map(|&action| Event::of(action))
}

/// The keys that have names of more than a letter.
const NAMES: [(&str, Key); 6] = [
    ("left", Key::Left),
    ("right", Key::Right),
    ("up", Key::Up),
    ("down", Key::Down),
    ("space", Key::Char(' ')),
    ("enter", Key::Enter),
];

/// Keys by their names, as a script has them.
pub fn named(name: &str) -> Option<Key> {
    let long = NAMES.into_iter().find(|(long, _)| *long == name).map(|(_, key)| key);
    long.or_else(|| {
        let mut letters = name.chars();
        letters.next().filter(|_| letters.next().is_none()).map(Key::Char)
    })
}

/// The name of a key that means something, as a script has it.
pub fn name(key: Key) -> String {
    match (NAMES.into_iter().find(|(_, long)| *long == key), key) {
        (Some((long, _)), _) => long.to_owned(),
        (None, Key::Char(letter)) => letter.to_string(),
        (None, other) => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_steer_what_can_be_steered() {
        let rest = Steering::rest();
        let told = |steering: Steering| steering.told("a red dog on the grass").unwrap();
        let left = rest.press(Key::Left, Kind::Dog).unwrap();
        assert_eq!(left.event, Event::towards(Action::Walks, Direction::Left));
        let claims = Claims::of_prompt(&told(left));
        assert_eq!((claims.events[0].action, claims.camera), (Action::Walks, None));
        assert_eq!(left.after(), left);
        let jumps = left.press(named("space").unwrap(), Kind::Dog).unwrap();
        assert_eq!(jumps.after().event.action, Action::Rests);
        // The camera is not what the model draws.
        let pan = named("a").unwrap();
        assert_eq!((left.press(pan, Kind::Dog), camera(pan)), (None, Some(CameraMove::PanLeft)));
        assert_eq!(camera(Key::Left), None);
        // A house goes nowhere, and an x means nothing.
        assert_eq!(rest.press(Key::Left, Kind::House), None);
        assert_eq!(rest.press(Key::Char('x'), Kind::Dog), None);
        assert_eq!((thing("a red dog"), thing("two red dogs"), thing("fog")), (Some(Kind::Dog), None, None));
        assert_eq!((named("jump"), named("e")), (None, Some(Key::Char('e'))));
        for word in ["left", "right", "up", "down", "space", "enter", "r", "q"] {
            assert_eq!(named(word).map(name).as_deref(), Some(word));
        }
    }
}
