//! A prompt of one thing, told with another event.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Content, Language, is_chinese};
use crate::claims::Claims;
use crate::event::Event;
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::{Scene, Thing};

/// The prompt with these events in place of its own, and this move of the camera, in its own language; what it says of the
/// thing and the place stays. What travels goes as its kind does: a car drives where a dog walks.
///
/// None for a prompt that does not name exactly one thing of the world, and without events.
pub fn retell(prompt: &str, events: &[Event], camera: CameraMove) -> Option<String> {
    let claims = Claims::of_prompt(prompt);
    let [thing] = claims.things[..] else { return None };
    if thing.count != 1 || events.is_empty() {
        return None;
    }
    let language = if is_chinese(prompt) { Language::Chinese } else { Language::English };
    let main = Thing {
        kind: thing.kind,
        colour: thing.colour.unwrap_or(Colour::Red),
        size: thing.size.unwrap_or(Size::Large),
        place: [0.0; 2],
        yaw: 0.0,
    };
    let scene = Scene {
        seed: 0,
        things: vec![main],
        events: events.iter().map(|&event| as_its_kind(thing.kind, event)).collect(),
        neighbours: Vec::new(),
        ground: claims.ground.unwrap_or(Ground::Grass),
        time_of_day: claims.time_of_day.unwrap_or(TimeOfDay::Noon),
        weather: claims.weather.unwrap_or(Weather::Clear),
        camera,
        // Captions say nothing of these.
        elevation: 0.0,
        azimuth: 0.0,
        gravity: 0.0,
        restitution: 0.0,
        drop_height: 0.0,
    };
    let content = Content {
        colours: vec![thing.colour.is_some()],
        sizes: vec![thing.size.is_some()],
        ground: claims.ground.is_some(),
        time_of_day: claims.time_of_day.is_some(),
        weather: claims.weather.is_some(),
        camera: claims.camera.is_some() || camera != CameraMove::Still,
        ..Content::all(&scene, language)
    };
    Some(content.say(&scene, language, &mut ChaCha8Rng::seed_from_u64(0)).text)
}

fn as_its_kind(kind: Kind, event: Event) -> Event {
    match kind.gait() {
        Some(gait) if event.action.travels() && !kind.actions().contains(&event.action) => {
            Event { action: gait, ..event }
        }
        _ => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::EventClaim;
    use crate::event::{Action, Direction};

    #[test]
    fn what_is_retold_claims_the_same_but_for_the_event() {
        let events = [Event::towards(Action::Walks, Direction::Left)];
        for prompt in ["a small red car on the sand at night", "夜晚，沙地上有一辆红色的小汽车"]
        {
            let retold = retell(prompt, &events, CameraMove::Still).unwrap();
            let (was, is) = (Claims::of_prompt(prompt), Claims::of_prompt(&retold));
            let drives = EventClaim { action: Action::Drives, direction: Some(Direction::Left), other: None };
            assert_eq!(is, Claims { events: vec![drives], ..was }, "{retold}");
        }
        let panned = retell("a red ball", &[Event::of(Action::Falls)], CameraMove::PanLeft).unwrap();
        assert_eq!(Claims::of_prompt(&panned).camera, Some(CameraMove::PanLeft), "{panned}");
    }

    #[test]
    fn what_names_no_thing_or_several_stays() {
        for prompt in ["fog", "two red balls", "a red ball and a blue cube"] {
            assert_eq!(retell(prompt, &[Event::of(Action::Falls)], CameraMove::Still), None, "{prompt}");
        }
        assert_eq!(retell("a red ball", &[], CameraMove::Still), None);
    }
}
