//! The ground truth is exact: pixels, boxes, physics, directions and relations agree with it.

use world::{
    Action, CameraMove, ClipSpec, Colour, Direction, Ground, Happening, Kind, Relation, Scene, Size, Split,
    possible_events, render_frame, simulate,
};

/// The first scenes that match, with a camera that stands still.
fn scenes(count: usize, matches: impl Fn(&Scene) -> bool) -> Vec<Scene> {
    (0..)
        .map(|seed| Scene { camera: CameraMove::Still, ..Scene::sample(seed, Split::Train) })
        .filter(|scene| matches(scene))
        .take(count)
        .collect()
}

fn does(scene: &Scene, action: Action) -> bool {
    scene.events.len() == 1 && scene.events[0].action == action
}

#[test]
fn what_a_scene_asks_of_its_main_thing_is_possible() {
    for seed in 0..2000 {
        for split in [Split::Train, Split::HeldOut] {
            let scene = Scene::sample(seed, split);
            let possible = possible_events(scene.main().kind, scene.things.len());
            assert!(possible.contains(&scene.events), "{:?} {:?}", scene.main().kind, scene.events);
        }
    }
    let of_house = possible_events(Kind::House, 1);
    assert!(of_house.iter().flatten().all(|event| Kind::House.actions().contains(&event.action)));
}

/// The colour of light does not bleed, so a thing painted anew changes its own pixels and no others.
#[test]
fn pixels_of_a_thing_fill_its_screen_box() {
    let spec = ClipSpec { num_frames: 3, fps: 1, ..ClipSpec::default() };
    for scene in scenes(60, |scene| scene.ground != Ground::Water) {
        let truth = simulate(&scene, &spec);
        let main = scene.main();
        let mut repainted = scene.clone();
        repainted.things[0].colour = match main.colour {
            Colour::White => Colour::Red,
            _ => Colour::White,
        };
        for (index, frame) in truth.frames.iter().enumerate() {
            let on = frame.things[0].screen_box.expect("the thing is before the camera");
            let before = render_frame(&scene, &truth, &spec, index);
            let after = render_frame(&repainted, &truth, &spec, index);
            let mut changed = 0;
            for (at, (a, b)) in before.chunks(3).zip(after.chunks(3)).enumerate() {
                if a == b {
                    continue;
                }
                changed += 1;
                let (x, y) = ((at % spec.width) as f32, (at / spec.width) as f32);
                let inside = x + 1.0 >= on.min.x && x <= on.max.x && y + 1.0 >= on.min.y && y <= on.max.y;
                assert!(inside, "seed {}: pixel ({x}, {y}) is outside of {on:?}", scene.seed);
            }
            let box_area = (on.max - on.min).element_product() * frame.things[0].visibility;
            assert!(
                changed as f32 >= 0.12 * box_area,
                "seed {} frame {index}: {changed} pixels of {:?} in {on:?}",
                scene.seed,
                main.kind
            );
        }
    }
}

#[test]
fn sizes_in_the_frame_are_as_named() {
    let spec = ClipSpec::default();
    let is_plain = |scene: &Scene| {
        scene.things.len() == 1 && scene.main().kind == Kind::Ball && does(scene, Action::Spins)
    };
    for scene in scenes(20, is_plain) {
        let truth = simulate(&scene, &spec);
        let on = truth.frames[0].things[0].screen_box.unwrap();
        let share = (on.max.y - on.min.y) / spec.height as f32;
        let named = if scene.main().size == Size::Small { 0.25 } else { 0.4 };
        assert!((share / named - 1.0).abs() < 0.15, "seed {}: {share} of the frame", scene.seed);
    }
}

#[test]
fn free_fall_follows_gravity() {
    let spec = ClipSpec { fps: 30, num_frames: 61, ..ClipSpec::default() };
    for scene in scenes(12, |scene| does(scene, Action::Falls)) {
        let truth = simulate(&scene, &spec);
        let landing = truth.moments.iter().find(|m| m.happening == Happening::Lands(0)).expect("it lands");
        let expected = (2.0 * scene.drop_height / scene.gravity).sqrt();
        assert!((landing.time - expected).abs() < 0.02, "lands at {} s, not {expected} s", landing.time);
        let start = truth.frames[0].things[0].position.y;
        for frame in truth.frames.iter().take_while(|frame| frame.time < expected - 0.02) {
            let fallen = start - frame.things[0].position.y;
            let exact = 0.5 * truth.gravity * frame.time.powi(2);
            assert!((fallen - exact).abs() < 0.01, "after {} s: {fallen} m, not {exact} m", frame.time);
            assert!((frame.things[0].velocity.y + truth.gravity * frame.time).abs() < 0.03);
        }
    }
}

#[test]
fn bounces_fit_the_restitution() {
    let spec = ClipSpec { fps: 30, num_frames: 121, ..ClipSpec::default() };
    for scene in scenes(16, |scene| does(scene, Action::Bounces)) {
        let truth = simulate(&scene, &spec);
        let landings: Vec<f32> =
            truth.moments.iter().filter(|m| m.happening == Happening::Lands(0)).map(|m| m.time).collect();
        assert!(landings.len() >= 3, "{:?} lands at {landings:?}", scene.main().kind);
        let mut speed = (2.0 * scene.gravity * scene.drop_height).sqrt();
        for pair in landings.windows(2).take(2) {
            let flight = pair[1] - pair[0];
            let restitution = 0.5 * scene.gravity * flight / speed;
            assert!(
                (restitution - truth.restitution).abs() < 0.03,
                "{:?}: {restitution}, not {}",
                scene.main().kind,
                truth.restitution
            );
            speed *= truth.restitution;
        }
    }
}

#[test]
fn things_go_where_the_event_says() {
    let spec = ClipSpec::default();
    for scene in scenes(80, |scene| scene.events.len() == 1 && scene.events[0].action.travels()) {
        let Some(direction) = scene.events[0].direction else { continue };
        let truth = simulate(&scene, &spec);
        let [first, last] = [&truth.frames[0], &truth.frames[spec.num_frames - 1]];
        let place =
            |frame: &world::FrameTruth| frame.camera.project(frame.things[0].position, &spec).unwrap();
        let depth = |frame: &world::FrameTruth| frame.things[0].position.distance(frame.camera.position);
        let right = (place(last).x - place(first).x) / spec.width as f32;
        let nearer = depth(first) - depth(last);
        let amount = match direction {
            Direction::Left => -right / 0.25,
            Direction::Right => right / 0.25,
            Direction::Towards => nearer / 1.5,
            Direction::Away => -nearer / 1.5,
        };
        assert!(amount > 1.0, "seed {}: {:?} goes {amount}", scene.seed, scene.events);
    }
}

#[test]
fn relations_hold_in_the_frame() {
    let spec = ClipSpec::default();
    let mut seen = [false; Relation::ALL.len()];
    for scene in scenes(150, |scene| scene.neighbours.iter().any(|n| n.relation.is_some())) {
        let truth = simulate(&scene, &spec);
        for neighbour in &scene.neighbours {
            let Some(relation) = neighbour.relation else { continue };
            seen[relation as usize] = true;
            for frame in &truth.frames {
                let [main, other] = [0, neighbour.thing].map(|i| frame.things[i].position);
                let x = |at| frame.camera.project(at, &spec).unwrap().x;
                let depth = |at: glam::Vec3| -frame.camera.axes().z_axis.dot(at - frame.camera.position);
                let holds = match relation {
                    Relation::LeftOf => x(main) < x(other),
                    Relation::RightOf => x(main) > x(other),
                    Relation::Behind => depth(main) > depth(other),
                    Relation::InFrontOf => depth(main) < depth(other),
                    Relation::OnTopOf => main.y > other.y && main.distance(other.with_y(main.y)) < 0.05,
                };
                assert!(holds, "seed {} at {} s: {relation:?}", scene.seed, frame.time);
            }
        }
    }
    assert_eq!(seen, [true; 5]);
}

#[test]
fn what_passes_behind_is_hidden_and_comes_out_again() {
    let spec = ClipSpec::default();
    let scenes = scenes(40, |scene| does(scene, Action::PassesBehind));
    for scene in &scenes {
        let truth = simulate(scene, &spec);
        let visibility: Vec<f32> = truth.frames.iter().map(|frame| frame.things[0].visibility).collect();
        let least = visibility.iter().copied().fold(1.0, f32::min);
        assert!(least < 0.6, "seed {}: {:?} {visibility:?}", scene.seed, scene.things);
        assert!(
            visibility[0] > 0.8 && visibility[spec.num_frames - 1] > 0.8,
            "seed {}: {visibility:?}",
            scene.seed
        );
    }
}

#[test]
fn what_is_hit_is_pushed() {
    let spec = ClipSpec::default();
    for scene in scenes(25, |scene| does(scene, Action::CollidesWith)) {
        let truth = simulate(&scene, &spec);
        let hit = truth.moments.iter().find(|m| m.happening == Happening::Collides(0, 1));
        let hit = hit.unwrap_or_else(|| panic!("seed {}: nothing is hit", scene.seed));
        let ahead = scene.events[0].direction.unwrap().vector();
        let moved = |frame: usize| {
            (truth.frames[frame].things[1].position - truth.frames[0].things[1].position).dot(ahead)
        };
        let before = truth.frames.iter().take_while(|frame| frame.time < hit.time).count() - 1;
        assert!(moved(before).abs() < 0.02, "seed {}: moves before it is hit", scene.seed);
        assert!(moved(spec.num_frames - 1) > 0.1, "seed {}: {} m", scene.seed, moved(spec.num_frames - 1));
    }
}

#[test]
fn the_main_thing_stays_in_the_frame() {
    for (width, height) in [(128, 128), (160, 96), (96, 160)] {
        let spec = ClipSpec { width, height, ..ClipSpec::default() };
        for seed in 0..120 {
            let scene = Scene::sample(seed, Split::Train);
            let truth = simulate(&scene, &spec);
            let inside = truth.frames.iter().filter(|frame| {
                let at = frame.camera.project(frame.things[0].position, &spec).unwrap();
                (0.0..width as f32).contains(&at.x) && (0.0..height as f32).contains(&at.y)
            });
            let inside = inside.count();
            assert!(inside == spec.num_frames, "{width}x{height}, seed {seed}: in {inside} frames");
        }
    }
}
