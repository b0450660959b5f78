//! Expanded prompts say all that a dense caption says, and all that was there.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{Attribute, Caption, Language, Scene, Split, dense_caption, expand_prompt, unknown_words};

const SCENES: u64 = 2000;

fn captions(phrase: impl Fn(&Scene, Language, &mut ChaCha8Rng) -> Caption) -> Vec<(Scene, Caption)> {
    (0..SCENES)
        .map(|seed| {
            let split = [Split::Train, Split::HeldOut][seed as usize % 4 / 3];
            let (scene, language) = (Scene::sample(seed, split), Language::ALL[seed as usize % 2]);
            let caption = phrase(&scene, language, &mut ChaCha8Rng::seed_from_u64(seed));
            (scene, caption)
        })
        .collect()
}

/// Words, or Chinese characters, without punctuation; both articles are one.
fn words(text: &str) -> Vec<String> {
    let spaced: String = text
        .chars()
        .map(|letter| if letter.is_ascii() { letter.to_string() } else { format!(" {letter} ") })
        .collect();
    let words = spaced.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
    words.map(|word| if word == "an" { "a".into() } else { word.into() }).collect()
}

#[test]
fn what_is_there_stays_and_all_words_are_known() {
    for (scene, Caption { text, .. }) in captions(world::caption) {
        let expanded = expand_prompt(&text, 17, scene.seed);
        assert_eq!(unknown_words(&expanded), Vec::<String>::new(), "{expanded}");
        let mut rest = words(&expanded).into_iter();
        assert!(words(&text).iter().all(|word| rest.any(|other| other == *word)), "{text}: {expanded}");
        assert_eq!(expand_prompt(&expanded, 17, 7), expanded, "{text}");
        assert_eq!(expand_prompt(&text, 17, scene.seed), expanded);
    }
}

#[test]
fn what_is_left_open_is_filled_in_once() {
    for (scene, caption) in captions(world::caption) {
        let expanded = expand_prompt(&caption.text, 17, scene.seed);
        let count = |phrases: [&str; 2]| expanded.matches(phrases[caption.language as usize]).count();
        let left_open = |attribute| usize::from(!caption.states(attribute));
        let text = &caption.text;
        assert!(count(["clear sky", "晴朗"]) <= 1, "{text}: {expanded}");
        assert!(count(["clear sky", "晴朗"]) >= left_open(Attribute::Weather), "{text}: {expanded}");
        assert!(
            count(["the camera stays still", "镜头不动"]) >= left_open(Attribute::Camera),
            "{text}: {expanded}"
        );
        let day = count([" morning", "早晨"]) + count([" noon", "中午"]);
        assert!(day >= left_open(Attribute::TimeOfDay), "{text}: {expanded}");
        let grounds = [
            ["the grass", "草地"],
            ["the sand", "沙地"],
            ["the snow", "雪地"],
            ["the water", "水面"],
            ["the road", "公路"],
        ];
        assert_eq!(grounds.into_iter().map(count).sum::<usize>(), 1, "{text}: {expanded}");
    }
}

#[test]
fn dense_captions_leave_nothing_open() {
    for (scene, caption) in captions(dense_caption) {
        assert_eq!(expand_prompt(&caption.text, 17, scene.seed), caption.text);
        let parts = [Attribute::Ground, Attribute::TimeOfDay, Attribute::Weather, Attribute::Camera];
        assert!(parts.into_iter().all(|attribute| caption.states(attribute)), "{}", caption.text);
        for thing in 0..scene.things.len() {
            assert!(caption.states(Attribute::Colour(thing)), "{}", caption.text);
        }
    }
}

#[test]
fn the_ground_suits_the_things() {
    for seed in 0..50 {
        for (prompt, suits) in [
            ("a green boat", &["the water"][..]),
            ("a red cube floats", &["the water"]),
            ("a green tree", &["the sand", "the snow", "the road"]),
            ("a white dog walks left", &["the grass", "the sand"]),
            ("一艘船", &["水面"]),
            ("一个白色的机器人", &["草地", "沙地"]),
        ] {
            let expanded = expand_prompt(prompt, 17, seed);
            assert!(suits.iter().any(|ground| expanded.contains(ground)), "{expanded}");
        }
    }
}

#[test]
fn prompts_are_expanded_as_captions_are_phrased() {
    for (prompt, expected) in [
        (
            "An orange ball rolls left at night.",
            "on the snow, a big orange ball rolls left at night under a clear sky, the camera stays still",
        ),
        (
            "a red bird passes behind a small green tree, the camera pans left",
            "a small red bird passes behind a small green tree on the snow in the morning under a clear sky, \
             the camera pans left",
        ),
        (
            "a person in blue jumps on the grass, it is raining",
            "at noon, a big person in blue jumps on the grass, it is raining, the camera stays still",
        ),
        ("傍晚，一只红色的狗向左走。", "傍晚，雪地上，一只红色的大狗向左走，天空晴朗，镜头不动"),
        ("一架飞机", "早晨，雪地上，一架大飞机，天空晴朗，镜头不动"),
        ("穿绿色衣服的人在沙地上跳跃，镜头拉远", "中午，穿绿色衣服的人在沙地上跳跃，天空晴朗，镜头拉远"),
        ("a zeppelin over Paris", "a zeppelin over Paris"),
        ("一条龙", "一条龙"),
        ("", ""),
    ] {
        assert_eq!(expand_prompt(prompt, 17, 1), expected);
    }
    let still = expand_prompt("a small red ball at noon", 1, 1);
    assert_eq!(still, "on the snow, a small red ball at noon under a clear sky");
}
