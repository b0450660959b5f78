//! Prompts claim what captions state: no more, no less, and truly.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{
    Action, Attribute, CameraMove, Caption, Claims, Colour, Direction, EventClaim, Ground, Kind, Language,
    Relation, RelationClaim, Scene, Size, Split, ThingClaim, TimeOfDay, Weather, caption, dense_caption,
    dense_still_caption, still_caption,
};

const SCENES: u64 = 4000;

/// What a caption that states this claims, with the scene's things in their order.
fn stated(scene: &Scene, caption: &Caption) -> Claims {
    let all = Claims::of_scene(scene);
    let states = |attribute| caption.states(attribute);
    let things = all.things.iter().enumerate().map(|(index, thing)| ThingClaim {
        colour: thing.colour.filter(|_| states(Attribute::Colour(index))),
        size: thing.size.filter(|_| states(Attribute::Size(index))),
        ..*thing
    });
    let relations = scene.neighbours.iter().enumerate().filter_map(|(index, neighbour)| {
        let relation = neighbour.relation.filter(|_| states(Attribute::Relation(index)))?;
        Some(RelationClaim { relation, other: neighbour.thing })
    });
    Claims {
        things: things.collect(),
        events: if states(Attribute::Event(0)) { all.events.clone() } else { Vec::new() },
        relations: relations.collect(),
        ground: all.ground.filter(|_| states(Attribute::Ground)),
        time_of_day: all.time_of_day.filter(|_| states(Attribute::TimeOfDay)),
        weather: all.weather.filter(|_| states(Attribute::Weather)),
        camera: all.camera.filter(|_| states(Attribute::Camera)),
    }
}

/// The claims with their things in the scene's order, if they name the same.
fn in_order(claims: &Claims, expected: &Claims) -> Option<Claims> {
    // Two things of one kind without their colours are alike: the first that is free is as good as the other.
    let mut places: Vec<usize> = Vec::new();
    for thing in &claims.things {
        let fits = |at: &usize| expected.things[*at] == *thing && !places.contains(at);
        places.push((0..expected.things.len()).find(fits)?);
    }
    let mut ordered = claims.clone();
    for (thing, &at) in claims.things.iter().zip(&places) {
        *ordered.things.get_mut(at)? = *thing;
    }
    ordered.events.iter_mut().for_each(|event| event.other = event.other.map(|other| places[other]));
    ordered.relations.iter_mut().for_each(|relation| relation.other = places[relation.other]);
    ordered.relations.sort_by_key(|relation| relation.other);
    Some(ordered)
}

#[test]
fn captions_are_read_back() {
    for seed in 0..SCENES {
        let split = if seed % 3 == 0 { Split::HeldOut } else { Split::Train };
        let scene = Scene::sample(seed, split);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for language in Language::ALL {
            for caption in [
                caption(&scene, language, &mut rng),
                dense_caption(&scene, language, &mut rng),
                still_caption(&scene, language, &mut rng),
                dense_still_caption(&scene, language, &mut rng),
            ] {
                let mut expected = stated(&scene, &caption);
                let claims = Claims::of_prompt(&caption.text);
                let mut found = in_order(&claims, &expected)
                    .unwrap_or_else(|| panic!("{}\n{claims:?}\n{expected:?}", caption.text));
                // Where something passes behind another, a caption may leave out the way; where it collides it does.
                for (found, expected) in found.events.iter_mut().zip(&mut expected.events) {
                    if expected.action.needs_other() && found.direction.is_none() {
                        expected.direction = None;
                    }
                }
                if scene.things.len() > 2 {
                    found.relations.iter_mut().for_each(|relation| relation.other = 0);
                    expected.relations.iter_mut().for_each(|relation| relation.other = 0);
                    found.relations.sort_by_key(|relation| relation.relation);
                    expected.relations.sort_by_key(|relation| relation.relation);
                }
                assert_eq!(found, expected, "{}", caption.text);
            }
        }
    }
}

#[test]
fn of_three_things_the_left_one_is_on_the_left() {
    for (text, left, right) in [
        ("a red ball between a blue cube and a green tree", 1, 2),
        ("a red ball with a blue cube on the left and a green tree on the right", 1, 2),
        ("一个红色的球在一个蓝色的立方体和一棵绿色的树之间", 1, 2),
    ] {
        let claims = Claims::of_prompt(text);
        let expected = [
            RelationClaim { relation: Relation::RightOf, other: left },
            RelationClaim { relation: Relation::LeftOf, other: right },
        ];
        assert_eq!(claims.relations, expected, "{text}");
        assert_eq!(claims.things[left].kind, Kind::Cube, "{text}");
    }
}

#[test]
fn short_prompts_are_understood() {
    let thing = |kind, colour, size| ThingClaim { kind, colour, size, count: 1 };
    let event = |action, direction| EventClaim { action, direction, other: None };
    let claims = Claims::of_prompt("Two big red balls, camera zooms in. At night!");
    assert_eq!(
        claims.things,
        [ThingClaim { count: 2, ..thing(Kind::Ball, Some(Colour::Red), Some(Size::Large)) }]
    );
    assert_eq!((claims.camera, claims.time_of_day), (Some(CameraMove::ZoomIn), Some(TimeOfDay::Night)));
    assert_eq!((claims.count(), claims.ground, claims.weather), (2, None, None));

    let claims = Claims::of_prompt("a person in green walks left, then stops on the sand while it snows");
    assert_eq!(claims.things, [thing(Kind::Person, Some(Colour::Green), None)]);
    assert_eq!(claims.events, [event(Action::Walks, Some(Direction::Left)), event(Action::Rests, None)]);
    assert_eq!((claims.ground, claims.weather), (Some(Ground::Sand), Some(Weather::Snow)));

    let claims = Claims::of_prompt("两个红色的球，飞机向右飞，镜头拉远");
    assert_eq!((claims.things[0].count, claims.things[1].kind), (2, Kind::Plane));
    assert_eq!(claims.events, [event(Action::Flies, Some(Direction::Right))]);
    for nothing in ["", "hello there", "你好", ",.;!", "1", "behind", "between"] {
        assert_eq!(Claims::of_prompt(nothing), Claims::default(), "{nothing}");
    }
}
