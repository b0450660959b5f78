//! Captions say what is in the scene, and nothing else, in words that the vocabulary lists.

use std::collections::HashSet;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{
    Attribute, Caption, HeldOut, Language, Scene, Split, all_caption_words, caption, held_out_prompts,
    still_caption, unknown_words, vocabulary,
};

const SCENES: u64 = 3000;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The scene's name for something, as its JSON form spells it: `Colour::Red` is "red".
fn name(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn english_words(text: &str) -> Vec<&str> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).collect()
}

/// The Chinese name of an English one, from the two vocabularies, which list things in one order.
fn chinese(group: &str, english: &str) -> String {
    let phrases = |language| {
        vocabulary(language).into_iter().find(|g| g.name == group).expect("the group exists").phrases
    };
    let at = phrases(Language::English).iter().position(|phrase| phrase == english).expect("it is listed");
    phrases(Language::Chinese)[at].clone()
}

fn count(caption: &Caption, group: &str, english: &str) -> usize {
    match caption.language {
        Language::English => english_words(&caption.text).iter().filter(|word| **word == english).count(),
        Language::Chinese => caption.text.matches(&chinese(group, english)).count(),
    }
}

#[test]
fn every_caption_is_made_of_known_words_and_uses_all_of_them() {
    for language in Language::ALL {
        let mut rest: HashSet<String> = all_caption_words(language).into_iter().collect();
        for seed in 0..SCENES {
            let scene = Scene::sample(seed, Split::Train);
            for caption in
                [caption(&scene, language, &mut rng(seed)), still_caption(&scene, language, &mut rng(seed))]
            {
                let text = caption.text;
                assert_eq!(unknown_words(&text), Vec::<String>::new(), "{text}");
                assert!(!text.contains("  ") && text.trim() == text, "{text:?}");
                match language {
                    Language::English => {
                        assert_eq!(text, text.to_lowercase());
                        english_words(&text).iter().for_each(|word| {
                            rest.remove(*word);
                        });
                    }
                    Language::Chinese => {
                        assert!(!text.contains(' '), "{text}");
                        rest.retain(|word| !text.contains(word));
                    }
                }
            }
        }
        assert!(rest.is_empty(), "no caption uses {rest:?}");
    }
}

#[test]
fn captions_name_the_colours_kinds_and_sizes_of_the_scene_and_no_others() {
    use world::{Colour, Kind, Size};
    for language in Language::ALL {
        for seed in 0..SCENES / 4 {
            let scene = Scene::sample(seed, Split::Train);
            let caption = caption(&scene, language, &mut rng(seed));
            for colour in Colour::ALL {
                let stated = (0..scene.things.len())
                    .filter(|&i| scene.things[i].colour == colour && caption.states(Attribute::Colour(i)));
                assert_eq!(count(&caption, "colours", &name(colour)), stated.count(), "{caption:?}");
            }
            for kind in Kind::ALL {
                let there = scene.things.iter().filter(|thing| thing.kind == kind).count();
                let named = match (language, kind) {
                    // A robot is a "machine person" in Chinese, and a person has other signs as well.
                    (Language::Chinese, Kind::Person) => {
                        caption.text.matches('人').count() - caption.text.matches("机器人").count()
                    }
                    _ => count(&caption, "things", &name(kind)),
                };
                assert_eq!(named, there, "{kind:?}: {caption:?}");
            }
            let small = (0..scene.things.len())
                .filter(|&i| scene.things[i].size == Size::Small && caption.states(Attribute::Size(i)));
            assert_eq!(count(&caption, "sizes", "small"), small.count(), "{caption:?}");
        }
    }
}

#[test]
fn captions_name_the_place_just_when_they_state_it() {
    use world::{CameraMove, Ground, Weather};
    for language in Language::ALL {
        let english = language == Language::English;
        for seed in 0..SCENES / 4 {
            let scene = Scene::sample(seed, Split::Train);
            let caption = caption(&scene, language, &mut rng(seed));
            let says = |english_phrase: &str, chinese_phrase: &str| {
                caption.text.contains(if english { english_phrase } else { chinese_phrase })
            };
            for (ground, en, zh) in [
                (Ground::Grass, "the grass", "草地"),
                (Ground::Sand, "the sand", "沙地"),
                (Ground::Snow, "the snow", "雪地"),
                (Ground::Water, "the water", "水面"),
                (Ground::Road, "the road", "公路"),
            ] {
                let states = caption.states(Attribute::Ground) && scene.ground == ground;
                assert_eq!(says(en, zh), states, "{caption:?}");
            }
            for (weather, en, zh) in [(Weather::Rain, "rain", "雨"), (Weather::Clear, "clear", "晴")] {
                let states = caption.states(Attribute::Weather) && scene.weather == weather;
                assert_eq!(says(en, zh), states, "{caption:?}");
            }
            for (camera, en, zh) in [
                (CameraMove::PanLeft, "pans left", "镜头向左摇"),
                (CameraMove::ZoomOut, "zooms out", "拉远"),
                (CameraMove::OrbitRight, "orbits right", "镜头向右环绕"),
            ] {
                let states = caption.states(Attribute::Camera) && scene.camera == camera;
                let said = says(en, zh) || says(&en.replace("s ", "s to the "), zh);
                assert_eq!(said, states, "{caption:?}");
            }
        }
    }
}

#[test]
fn captions_tell_the_direction_of_what_travels() {
    use world::Direction;
    for language in Language::ALL {
        for seed in 0..SCENES / 4 {
            let scene = Scene::sample(seed, Split::Train);
            if !scene.events.iter().any(|event| event.action.travels()) || scene.things.len() > 1 {
                continue;
            }
            let text = caption(&scene, language, &mut rng(seed)).text;
            // What the camera does comes last.
            let text = text.split(", the camera").next().unwrap().split("，镜头").next().unwrap();
            for (direction, en, zh) in [
                (Direction::Left, "left", "左"),
                (Direction::Right, "right", "右"),
                (Direction::Towards, "towards", "朝镜头"),
                (Direction::Away, "away", "远处"),
            ] {
                let goes = scene.events.iter().filter(|event| event.direction == Some(direction)).count();
                let says = text.matches(if language == Language::English { en } else { zh }).count();
                assert_eq!(says, goes, "{text}: {:?}", scene.events);
            }
        }
    }
}

#[test]
fn stills_say_nothing_that_takes_time() {
    let verbs: HashSet<&str> = "rests resting rolls rolling slides sliding drives driving walks walking flies flying \
        floats floating falls falling bounces bouncing jumps jumping spins spinning collides colliding bumps bumping \
        passes passing stops stopping stands standing camera then left"
        .split_whitespace()
        .filter(|word| *word != "left")
        .collect();
    for seed in 0..SCENES / 2 {
        let scene = Scene::sample(seed, Split::Train);
        let english = still_caption(&scene, Language::English, &mut rng(seed));
        assert!(english_words(&english.text).iter().all(|word| !verbs.contains(word)), "{}", english.text);
        let chinese = still_caption(&scene, Language::Chinese, &mut rng(seed)).text;
        for word in
            ["滚动", "滑动", "行驶", "走", "飞行", "漂", "落", "跳", "旋转", "撞", "经过", "镜头", "然后"]
        {
            assert!(!chinese.contains(word), "{chinese}");
        }
        let takes_time = |attribute: &Attribute| matches!(attribute, Attribute::Event(_) | Attribute::Camera);
        assert!(!english.states.iter().any(takes_time), "{english:?}");
    }
}

#[test]
fn half_of_the_captions_are_terse() {
    let is_terse = |seed: &u64| {
        let scene = Scene::sample(*seed, Split::Train);
        let caption = caption(&scene, Language::English, &mut rng(*seed));
        use Attribute::{Camera, Ground, TimeOfDay, Weather};
        ![Ground, TimeOfDay, Weather, Camera].into_iter().any(|attribute| caption.states(attribute))
    };
    let share = (0..SCENES).filter(is_terse).count() as f64 / SCENES as f64;
    assert!((0.45..0.65).contains(&share), "{share}");
}

#[test]
fn the_same_seed_phrases_in_several_ways() {
    let scene = Scene::sample(8, Split::Train);
    for language in Language::ALL {
        let texts: HashSet<String> =
            (0..200).map(|seed| caption(&scene, language, &mut rng(seed)).text).collect();
        assert!(texts.len() > 20, "{texts:?}");
        assert_eq!(caption(&scene, language, &mut rng(1)), caption(&scene, language, &mut rng(1)));
    }
}

#[test]
fn held_out_prompts_state_what_is_held_out() {
    for language in Language::ALL {
        let prompts = held_out_prompts(100, language, 5);
        assert_eq!(prompts, held_out_prompts(100, language, 5));
        assert_eq!(prompts.len(), 100);
        for (scene, prompt) in prompts {
            let held_out = HeldOut::of(&scene);
            assert!(!held_out.is_empty());
            assert_eq!(unknown_words(&prompt), Vec::<String>::new(), "{prompt}");
            if held_out.events.is_empty() && held_out.pairs.is_empty() {
                let english = |thing: &usize| name(scene.things[*thing].colour);
                let says = |colour: String| match language {
                    Language::English => prompt.contains(&colour),
                    Language::Chinese => prompt.contains(&chinese("colours", &colour)),
                };
                assert!(held_out.colours.iter().map(english).any(says), "{prompt}");
            }
        }
    }
}

#[test]
fn unknown_words_are_found_in_either_language() {
    let unknown = |prompt: &str| unknown_words(prompt).join(" ");
    assert_eq!(unknown("A Purple ELEPHANT bounces on the grass; the elephant flies!"), "elephant");
    assert_eq!(unknown("一只红色的大象在草地上跳跃"), "象");
    assert_eq!(unknown("a red ball 在草地上 dances 唱歌"), "dances 唱歌");
    assert_eq!(unknown("a red ball, 2 dogs"), "dogs");
    assert_eq!(unknown(""), "");
}

#[test]
fn words_about_a_thing_are_mentions_of_it() {
    let mut of_others = 0;
    for seed in 0..SCENES / 10 {
        let scene = Scene::sample(seed, Split::Train);
        for language in Language::ALL {
            let caption = caption(&scene, language, &mut rng(seed));
            let mut end = 0;
            let mut about = vec![String::new(); scene.things.len()];
            for mention in &caption.mentions {
                assert!(mention.range.start >= end && !mention.range.is_empty(), "{caption:?}");
                end = mention.range.end;
                about[mention.thing].push_str(&caption.text[mention.range.clone()]);
                about[mention.thing].push('/');
            }
            for (thing, words) in scene.things.iter().zip(&about) {
                let said = |group: &str, english: &str| match language {
                    Language::English => english_words(words).contains(&english),
                    Language::Chinese => words.contains(&chinese(group, english)),
                };
                let [kind, colour] = [name(thing.kind), name(thing.colour)];
                assert!(said("things", &kind), "{words:?} of {caption:?} has no {kind}");
                // Colours of things in a scene differ.
                let others =
                    scene.things.iter().map(|other| name(other.colour)).filter(|other| *other != colour);
                for other in others {
                    assert!(!said("colours", &other), "{words:?} of {caption:?} has {other}");
                    of_others += 1;
                }
            }
        }
    }
    assert!(of_others > 100);
}
