//! The held-out split: no held-out combination in training, and everything else well seen.

use std::collections::HashSet;

use world::{
    Action, Colour, HeldOut, Kind, Scene, Split, holds_out_action, holds_out_colour, holds_out_pair,
};

const SCENES: u64 = 6000;

#[test]
fn training_shows_no_held_out_combination_and_all_others() {
    let mut colours = HashSet::new();
    let mut actions = HashSet::new();
    let mut pairs = HashSet::new();
    for seed in 0..SCENES {
        let scene = Scene::sample(seed, Split::Train);
        for (index, thing) in scene.things.iter().enumerate() {
            assert!(!holds_out_colour(thing.kind, thing.colour), "scene {seed}: {thing:?}");
            colours.insert((thing.kind, thing.colour));
            for other in &scene.things[index + 1..] {
                assert!(!holds_out_pair(thing.kind, other.kind), "scene {seed}: {thing:?} {other:?}");
                pairs.insert((thing.kind.min(other.kind), thing.kind.max(other.kind)));
            }
        }
        for event in &scene.events {
            assert!(!holds_out_action(scene.main().kind, event.action), "scene {seed}: {event:?}");
            actions.insert((scene.main().kind, event.action));
        }
    }
    for kind in Kind::ALL {
        for colour in Colour::ALL {
            assert_ne!(
                colours.contains(&(kind, colour)),
                holds_out_colour(kind, colour),
                "{colour:?} {kind:?}"
            );
        }
        for &action in kind.actions() {
            assert_ne!(
                actions.contains(&(kind, action)),
                holds_out_action(kind, action),
                "{kind:?} {action:?}"
            );
        }
    }
    for action in Action::ALL {
        assert!(actions.iter().any(|&(_, seen)| seen == action), "{action:?} is never seen");
    }
    assert!(pairs.len() > 60, "{} pairs of kinds", pairs.len());
}

#[test]
fn held_out_scenes_show_what_training_lacks() {
    let mut found = HeldOut::default();
    for seed in 0..1000 {
        let held_out = HeldOut::of(&Scene::sample(seed, Split::HeldOut));
        assert!(!held_out.is_empty(), "scene {seed}");
        found.colours.extend(held_out.colours);
        found.events.extend(held_out.events);
        found.pairs.extend(held_out.pairs);
    }
    assert!(found.colours.len() > 100 && found.events.len() > 100 && found.pairs.len() > 50, "{found:?}");
}

#[test]
fn about_a_tenth_of_each_sort_of_combination_is_held_out() {
    let all_kinds = || Kind::ALL.into_iter();
    let share = |held_out: Vec<bool>| {
        held_out.iter().filter(|&&held_out| held_out).count() as f64 / held_out.len() as f64
    };
    let shares = [
        share(all_kinds().flat_map(|k| Colour::ALL.map(|c| holds_out_colour(k, c))).collect()),
        share(all_kinds().flat_map(|k| k.actions().iter().map(move |&a| holds_out_action(k, a))).collect()),
        share(
            all_kinds()
                .flat_map(|a| all_kinds().filter(move |&b| a <= b).map(move |b| holds_out_pair(a, b)))
                .collect(),
        ),
    ];
    for share in shares {
        assert!((0.07..=0.12).contains(&share), "{shares:?}");
    }
}

#[test]
fn scenes_have_one_to_three_things_in_the_stated_shares() {
    let mut counts = [0; 4];
    for seed in 0..SCENES {
        counts[Scene::sample(seed, Split::Train).things.len()] += 1;
    }
    let share = |count: usize| f64::from(counts[count]) / SCENES as f64;
    assert!((0.5..0.75).contains(&share(1)) && (0.2..0.42).contains(&share(2)), "{counts:?}");
    assert!((0.02..0.12).contains(&share(3)), "{counts:?}");
}
