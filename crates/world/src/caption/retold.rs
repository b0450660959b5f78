//! A prompt told in other words, or with another event.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Content, Language, is_chinese};
use crate::claims::{Claims, EventClaim, ThingClaim};
use crate::event::{Action, Event};
use crate::kind::{Colour, Kind, Size};
use crate::place::{CameraMove, Ground, TimeOfDay, Weather};
use crate::scene::{Neighbour, Scene, Thing};

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
    let events = events.iter().map(|&event| as_its_kind(thing.kind, event)).collect();
    let scene = Scene { events, camera, ..scene_of(&claims) };
    let camera = claims.camera.is_some() || camera != CameraMove::Still;
    let content = Content { events: true, camera, ..content_of(&claims) };
    Some(content.say(&scene, language, &mut ChaCha8Rng::seed_from_u64(0)).text)
}

/// What the prompt says in English, each thing in the first of the words that captions have for it, whatever its own words and language are.
///
/// None for a prompt of which captions cannot say all, and nothing but that.
pub fn tell_plainly(prompt: &str) -> Option<String> {
    plainly(&Claims::all_of_prompt(prompt)?)
}

/// The same but for what things do.
pub fn tell_without_events(prompt: &str) -> Option<String> {
    let claims = Claims::all_of_prompt(prompt)?;
    plainly(&claims)?;
    plainly(&Claims { events: Vec::new(), ..claims })
}

/// What is to be seen one after the other, of a prompt in which a thing does two things in turn: the same with each of them, in plain
/// English.
///
/// None for every other prompt, and for those that [`tell_plainly`] does not tell.
pub fn tell_in_turn(prompt: &str) -> Option<[String; 2]> {
    let claims = Claims::all_of_prompt(prompt)?;
    let [first, second] = claims.events[..] else { return None };
    let only = |event| plainly(&Claims { events: vec![event], ..claims.clone() });
    Some([only(first)?, only(second)?])
}

fn plainly(claims: &Claims) -> Option<String> {
    if claims.things.is_empty() || claims.things.iter().any(|thing| thing.count != 1) {
        return None;
    }
    let said = content_of(claims).say(&scene_of(claims), Language::English, &mut First);
    (Claims::of_prompt(&said.text) == *claims).then_some(said.text)
}

/// Chooses the first of whatever there is to choose from.
struct First;

impl RngCore for First {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A scene in which the claims hold; what they leave open, and captions say nothing of, is anything.
fn scene_of(claims: &Claims) -> Scene {
    let thing = |claim: &ThingClaim| Thing {
        kind: claim.kind,
        colour: claim.colour.unwrap_or(Colour::Red),
        size: claim.size.unwrap_or(Size::Large),
        place: [0.0; 2],
        yaw: 0.0,
    };
    let event = |claim: &EventClaim| Event { action: claim.action, direction: claim.direction };
    let related = |thing: usize| claims.relations.iter().find(|claim| claim.other == thing);
    let neighbour = |thing| Neighbour { thing, relation: related(thing).map(|claim| claim.relation) };
    let rests = || vec![Event::of(Action::Rests)];
    let events: Vec<Event> = claims.events.iter().map(event).collect();
    Scene {
        seed: 0,
        things: claims.things.iter().map(thing).collect(),
        events: if events.is_empty() { rests() } else { events },
        neighbours: (1..claims.things.len()).map(neighbour).collect(),
        ground: claims.ground.unwrap_or(Ground::Grass),
        time_of_day: claims.time_of_day.unwrap_or(TimeOfDay::Noon),
        weather: claims.weather.unwrap_or(Weather::Clear),
        camera: claims.camera.unwrap_or(CameraMove::Still),
        elevation: 0.0,
        azimuth: 0.0,
        gravity: 0.0,
        restitution: 0.0,
        drop_height: 0.0,
    }
}

/// What the claims say of it.
fn content_of(claims: &Claims) -> Content {
    Content {
        colours: claims.things.iter().map(|thing| thing.colour.is_some()).collect(),
        sizes: claims.things.iter().map(|thing| thing.size.is_some()).collect(),
        events: !claims.events.is_empty(),
        terse: false,
        relations: !claims.relations.is_empty(),
        ground: claims.ground.is_some(),
        time_of_day: claims.time_of_day.is_some(),
        weather: claims.weather.is_some(),
        camera: claims.camera.is_some(),
    }
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
    use crate::caption::caption;
    use crate::event::Direction;
    use crate::split::Split;

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
    fn every_caption_can_be_told_plainly_and_means_the_same_in_both_languages() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for seed in 0..400 {
            let scene = Scene::sample(seed, Split::Train);
            for language in Language::ALL {
                let text = caption(&scene, language, &mut rng).text;
                let claims = Claims::of_prompt(&text);
                let plain = tell_plainly(&text).expect(&text);
                assert!(!is_chinese(&plain) && Claims::of_prompt(&plain) == claims, "{text}: {plain}");
                assert_eq!(tell_plainly(&plain), Some(plain));
                let without = tell_without_events(&text).expect(&text);
                assert_eq!(Claims::of_prompt(&without), Claims { events: Vec::new(), ..claims }, "{text}");
            }
        }
    }

    #[test]
    fn the_first_words_are_the_plain_ones() {
        let of = |prompt: &str| tell_plainly(prompt).unwrap();
        let plain = "a large red ball rolls to the left, then spins on the grass, the camera pans left";
        assert_eq!(
            of(
                "Big red ball rolling left and then spinning around on the grass, the camera pans to the left"
            ),
            plain
        );
        assert_eq!(of("一个红色的大球先在草地上往左滚动，再旋转，镜头向左摇"), plain);
        assert_eq!(
            tell_without_events(plain).unwrap(),
            "a large red ball on the grass, the camera pans left"
        );
    }

    #[test]
    fn what_captions_cannot_say_is_not_told() {
        for prompt in [
            "fog",
            "two red balls",
            "3 red ball",
            "a cheerful red ball",
            "a red ball rolls and a blue cube",
            // Of the wrong thing.
            "under a blue sky, a car drives on the road",
            "on the white snow a dog walks",
            "rain falls on a red house",
            "a red ball rolls left, the camera pans left and right",
            "a red car passes a blue house",
            "绿色的草地上有一个球",
            // Lost.
            "a white dog walks in the snow",
            "a red ball on the green grass",
            "a red car drives in the night",
            "a red ball rolls and it rains",
            "the ball is small",
            "a red ball, the camera pans",
            "夜晚下雨，一辆红色的汽车在公路上行驶",
            // Where things are.
            "a red ball on a blue cube",
            "a red ball on the left of a blue cube",
            "a bird over a green tree",
            "a dog in a boat",
            "a red ball left of a blue cube behind a green tree",
            "a red ball to the left of a falling blue cube",
            "一个红色的球在一个蓝色的立方体上",
            "一个蓝色的立方体左边有一个红色的球",
            // Twice, at once, or the other way round.
            "a red and white ball",
            "a red car drives to the left and then to the right",
            "a red ball rolls left and spins",
            "a red ball rolls while spinning",
            "rolling red ball",
            "一个红色的球向左滚动，然后向右",
            "一架飞机飞向远处",
            "一只红色的狗走向左边",
            // Not of one language.
            "3只狗在草地上走",
            "a red ball 在草地上往左滚动",
        ] {
            assert_eq!(tell_plainly(prompt), None, "{prompt}");
            assert_eq!(tell_without_events(prompt), None, "{prompt}");
        }
    }

    #[test]
    fn what_a_thing_does_in_turn_is_told_one_after_the_other() {
        assert_eq!(
            tell_in_turn("一个红色的大球先在草地上往左滚动，再旋转，镜头向左摇").unwrap(),
            ["rolls to the left", "spins"]
                .map(|event| format!("a large red ball {event} on the grass, the camera pans left"))
        );
        for prompt in
            ["a red ball spins", "a red ball", "fog", "a red ball rolls left, then spins, then falls"]
        {
            assert_eq!(tell_in_turn(prompt), None, "{prompt}");
        }
    }

    #[test]
    fn what_names_no_thing_or_several_stays() {
        for prompt in ["fog", "two red balls", "a red ball and a blue cube"] {
            assert_eq!(retell(prompt, &[Event::of(Action::Falls)], CameraMove::Still), None, "{prompt}");
        }
        assert_eq!(retell("a red ball", &[], CameraMove::Still), None);
    }
}
