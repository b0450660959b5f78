//! Expanded prompts say all that a dense caption says, and all that was there.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{
    Attribute, Caption, Kind, Language, Scene, Split, caption, dense_caption, dense_still_caption,
    expand_prompt, expand_prompts, still_caption, unknown_words,
};

const SCENES: u64 = 2000;

fn captions(phrase: impl Fn(&Scene, Language, &mut ChaCha8Rng) -> Caption) -> Vec<(Scene, Caption)> {
    (0..SCENES)
        .map(|seed| {
            let split = [Split::Train, Split::HeldOut][seed as usize / 2 % 4 / 3];
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
    for (scene, Caption { text, .. }) in captions(caption).into_iter().chain(captions(still_caption)) {
        for num_frames in [1, 17] {
            let expanded = expand_prompt(&text, num_frames, scene.seed);
            assert_eq!(unknown_words(&expanded), Vec::<String>::new(), "{expanded}");
            let mut rest = words(&expanded).into_iter();
            assert!(words(&text).iter().all(|word| rest.any(|other| other == *word)), "{text}: {expanded}");
            assert_eq!(expand_prompt(&expanded, num_frames, 7), expanded, "{text}");
            assert_eq!(expand_prompt(&text, num_frames, scene.seed), expanded);
        }
    }
}

#[test]
fn what_is_left_open_is_filled_in_once() {
    for (scene, caption) in captions(caption) {
        let expanded = expand_prompt(&caption.text, 17, scene.seed);
        let counts = |phrases: &[[&str; 2]]| {
            let language = caption.language as usize;
            phrases.iter().map(|phrase| expanded.matches(phrase[language]).count()).sum::<usize>()
        };
        let grounds = [
            ["the grass", "草地"],
            ["the sand", "沙地"],
            ["the snow", "雪地"],
            ["the water", "水面"],
            ["the road", "公路"],
        ];
        let times = [["noon", "中午"], [" morning", "早"], ["evening", "傍晚"], ["night", "夜"]];
        let weathers =
            [["clear sky", "晴朗"], ["rain", "雨"], ["snows", "雪中"], ["snowing", "下雪"], ["\0", "下着雪"]];
        let cameras = [
            ["the camera is", "镜头不动"],
            ["the camera stays", "镜头静止"],
            ["the camera pans", "摇"],
            ["the camera zooms", "近"],
            ["the camera orbits", "环绕"],
            ["\0", "拉远"],
        ];
        for phrases in [&grounds[..], &times, &weathers, &cameras] {
            assert_eq!(counts(phrases), 1, "{}: {expanded}", caption.text);
        }
        let (sizes, sized) = match caption.language {
            Language::English => (&["small ", "large ", "big "][..], scene.things.len()),
            Language::Chinese => {
                (&["小", "大"][..], scene.things.iter().filter(|thing| thing.kind != Kind::Person).count())
            }
        };
        let found = sizes.iter().map(|size| expanded.matches(size).count()).sum::<usize>();
        assert_eq!(found, sized, "{}: {expanded}", caption.text);
    }
}

#[test]
fn dense_captions_leave_nothing_open() {
    for (scene, caption) in captions(dense_caption) {
        assert_eq!(expand_prompt(&caption.text, 17, scene.seed), caption.text);
        assert!(caption.states(Attribute::Camera) && caption.states(Attribute::Event(0)), "{}", caption.text);
    }
    for (scene, caption) in captions(dense_still_caption) {
        assert_eq!(expand_prompt(&caption.text, 1, scene.seed), caption.text);
        let of_time = [Attribute::Camera, Attribute::Event(0)];
        assert!(of_time.into_iter().all(|attribute| !caption.states(attribute)), "{}", caption.text);
    }
}

#[test]
fn the_ground_suits_the_things() {
    for seed in 0..50 {
        for (prompt, suits) in [
            ("a green boat", &["the water"][..]),
            ("a red car beside a blue boat", &["a red car beside a blue boat"]),
            ("a red car in front of a blue boat", &["the sand"]),
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

/// What goes elsewhere has room to go, and what stays is seen well.
#[test]
fn what_goes_is_small_and_what_stays_is_large() {
    for (prompt, expected) in [
        ("a red dog walks away from the camera left of a blue car", ["small red dog", "large blue car"]),
        ("a red ball falls behind a green ball", ["large red ball", "large green ball"]),
        ("a red boat floats to the left", ["large red boat"; 2]),
        ("a red ball on top of a green cube", ["small red ball", "large green cube"]),
        ("a red dog jumps and then walks left behind a tree", ["small red dog", "large tree"]),
        ("红色的球在蓝色的球后面往右滚动", ["红色的小球", "蓝色的大球"]),
        ("一只红色的狗在一辆蓝色的汽车后面跳跃", ["红色的大狗", "蓝色的大汽车"]),
        ("一架红色的飞机在飞", ["红色的小飞机"; 2]),
        ("一架红色的飞机旋转", ["红色的大飞机"; 2]),
        ("a large red ball rolls left", ["large red ball"; 2]),
    ] {
        let expanded = expand_prompt(prompt, 17, 1);
        assert!(expected.iter().all(|part| expanded.contains(part)), "{expanded}");
    }
}

#[test]
fn a_thing_stays_as_large_as_it_is_from_one_prompt_of_a_video_to_the_next() {
    let prompts = ["a red ball bounces", "红色的球往左滚动", "a blue boat floats", "a zeppelin"];
    let [ball, chinese, boat, unknown] = expand_prompts(&prompts, 17, 1).try_into().expect("four");
    assert!(ball.contains("small red ball") && chinese.contains("红色的小球"), "{ball}; {chinese}");
    assert!(boat.contains("large blue boat") && unknown == "a zeppelin", "{boat}; {unknown}");
    assert!(expand_prompt(prompts[0], 17, 1).contains("large red ball"));
    // Of a still nothing goes out.
    assert!(expand_prompt(prompts[1], 1, 1).contains("红色的大球"));
    assert!(expand_prompt("a red dog walks", 1, 1).contains("large red dog"));
}

#[test]
fn prompts_are_expanded_as_captions_are_phrased() {
    for (prompt, expected) in [
        (
            "An orange ball rolls left at night.",
            "on the snow, a small orange ball rolls left at night under a clear sky, the camera is still",
        ),
        (
            "a red bird passes behind a small green tree, the camera pans left",
            "a small red bird passes behind a small green tree on the snow in the morning under a clear sky, \
             the camera pans left",
        ),
        (
            "a person in blue jumps on the grass, it is raining",
            "at noon, a large person in blue jumps on the grass, it is raining, the camera is still",
        ),
        ("傍晚，一只红色的狗向左走。", "傍晚，雪地上，一只红色的小狗向左走，天空晴朗，镜头不动"),
        ("一架飞机", "早晨，雪地上，一架大飞机，天空晴朗，镜头不动"),
        ("穿绿色衣服的人在沙地上跳跃，镜头拉远", "中午，穿绿色衣服的人在沙地上跳跃，天空晴朗，镜头拉远"),
        // Other ways to say a size, a sentence, a place.
        (
            "The ball is small. It is snowing. The camera pans left",
            "on the snow, in the morning, the ball is small, it is snowing, the camera pans left",
        ),
        (
            "a small, red and white ball, a big orange plane in the sky",
            "a small, red and white ball, a big orange plane in the sky over the grass in the morning under a clear sky, \
             the camera is still",
        ),
        ("雪中，一只红色的小狗在走", "早晨，雪中，雪地上，一只红色的小狗在走，镜头不动"),
        // Words that the world does not know may say what seems to be open.
        ("a tiny red ball", "a tiny red ball"),
        ("a dog on the beach at sunset", "a dog on the beach at sunset"),
        ("一个红色的气球", "一个红色的气球"),
        ("a zeppelin over Paris", "a zeppelin over Paris"),
        ("一条龙", "一条龙"),
        ("", ""),
    ] {
        assert_eq!(expand_prompt(prompt, 17, 1), expected);
    }
    let still = expand_prompt("a small red ball at noon", 1, 1);
    assert_eq!(still, "on the snow, a small red ball at noon under a clear sky");
}
