//! What the networks should answer about lessons.

use burn::tensor::{Device, Tensor, TensorData};
use glam::Vec2;
use judge::{
    lessons::{Motion, motion},
    mirror,
    reader::{
        deed::{self, ACTION, DIRECTION},
        shot,
        thing::{self, MOTION, MOTION_UNITS},
    },
    recogniser::{FIRST_KIND, NOTHING, UNCLEAR, seen},
    tracks::Track,
};

use super::lesson::Lesson;

/// Of a batch of lessons of one shape; tokens are the frames of all of them, or the frames of all their tracks. What is
/// not asked is 0, and so is its weight.
pub struct Targets {
    /// As [`seen`] lists them, `[frames, cells, channels]`.
    pub cells: Tensor<3>,
    /// The share of things in each cell, `[frames, cells, 1]`.
    pub cells_weight: Tensor<3>,
    /// As [`thing`] lists them, `[lessons, tracks * frames, channels]`.
    pub things: Tensor<3>,
    /// 1 where the thing is seen, `[lessons, tracks * frames, 1]`.
    pub things_weight: Tensor<3>,
    /// As [`deed`] lists them, `[lessons, tracks * frames, channels]`.
    pub deeds: Tensor<3>,
    /// As [`shot`] lists them, `[lessons, frames, channels]`.
    pub shots: Tensor<3>,
}

impl Targets {
    /// `tracks` has as many for each lesson, those of its things first.
    pub fn of(lessons: &[Lesson], tracks: &[Vec<Track>], device: &Device) -> Self {
        let tensor = |values: Vec<f32>, channels: usize, rows: usize| {
            let tokens = values.len() / (channels * rows).max(1);
            Tensor::<3>::from_data(TensorData::new(values, [rows, tokens, channels]), device)
        };
        let count = lessons.len();
        let num_frames = lessons[0].footage.num_frames();
        let frames = || lessons.iter().flat_map(|lesson| (0..num_frames).map(move |frame| (lesson, frame)));
        let (mut cells, mut cells_weight) = (Vec::new(), Vec::new());
        for (lesson, frame) in frames() {
            let (values, weights) = of_cells(lesson, frame);
            cells.extend(values);
            cells_weight.extend(weights);
        }
        let each = || {
            let numbered = lessons.iter().zip(tracks);
            numbered.flat_map(|(lesson, tracks)| {
                tracks.iter().enumerate().map(move |(at, track)| (lesson, at, track))
            })
        };
        let of_frames = |at: (&Lesson, usize, &Track), of: fn(&Lesson, usize, &Track, usize) -> Vec<f32>| {
            (0..num_frames).flat_map(|frame| of(at.0, at.1, at.2, frame)).collect::<Vec<f32>>()
        };
        let things = each().flat_map(|at| of_frames(at, of_thing)).collect();
        let deeds = each().flat_map(|at| of_frames(at, of_deed)).collect();
        let is_seen =
            |track: &Track| track.sightings.iter().map(|at| f32::from(at.is_some())).collect::<Vec<_>>();
        let things_weight = each().flat_map(|(_, _, track)| is_seen(track)).collect();
        Self {
            cells: tensor(cells, seen::ALL, count * num_frames),
            cells_weight: tensor(cells_weight, 1, count * num_frames),
            things: tensor(things, thing::ALL, count),
            things_weight: tensor(things_weight, 1, count),
            deeds: tensor(deeds, deed::ALL, count),
            shots: tensor(frames().flat_map(|(lesson, _)| of_shot(lesson)).collect(), shot::ALL, count),
        }
    }
}

/// `[cells, seen::ALL]`, and the share of things in each cell.
fn of_cells(lesson: &Lesson, frame: usize) -> (Vec<f32>, Vec<f32>) {
    let (values, weights) = of_drawn_cells(lesson, frame);
    if !lesson.is_mirrored {
        return (values, weights);
    }
    let columns = lesson.drawn.columns();
    let mirrored = (0..weights.len()).map(|cell| weights[mirror::cell(cell, columns)]).collect();
    (mirror::cells(&values, columns), mirrored)
}

/// Of what was drawn, not in a mirror.
fn of_drawn_cells(Lesson { drawn, is_clear, .. }: &Lesson, frame: usize) -> (Vec<f32>, Vec<f32>) {
    let (columns, count) = (drawn.columns(), drawn.cells());
    let truth = drawn.frame(frame);
    let mut values = vec![0.0; count * seen::ALL];
    let mut weights = vec![0.0; count];
    for (cell, values) in values.chunks_exact_mut(seen::ALL).enumerate() {
        let share = |thing: usize| drawn.share(frame, thing, cell);
        for (index, thing) in drawn.scene.things.iter().enumerate() {
            let class = if is_clear[index] { FIRST_KIND + thing.kind as usize } else { UNCLEAR };
            values[seen::KIND.start + class] += share(index);
            values[seen::COLOUR.start + thing.colour as usize] += share(index);
            values[seen::SIZE.start + thing.size as usize] += share(index);
            weights[cell] += share(index);
        }
        values[seen::KIND.start + NOTHING] = 1.0 - weights[cell];
        let most = (0..drawn.scene.things.len()).max_by(|&a, &b| share(a).total_cmp(&share(b)));
        let Some(thing) = most.filter(|&thing| share(thing) > 0.0) else { continue };
        let state = &truth.things[thing];
        let Some(outline) = state.screen_box else { continue };
        let middle = Vec2::new((cell % columns) as f32 + 0.5, (cell / columns) as f32 + 0.5);
        let to_centre = (outline.min + outline.max) / 2.0 - middle * seen::CELL as f32;
        let extent = outline.max - outline.min;
        let distance = (state.position - truth.camera.position).length();
        values[seen::CENTRE.start..][..2].copy_from_slice(&(to_centre / seen::CENTRE_UNIT).to_array());
        values[seen::EXTENT.start..][..2].copy_from_slice(&(extent / seen::EXTENT_UNIT).to_array());
        values[seen::DISTANCE.start] = (distance / seen::DISTANCE_UNIT).ln();
    }
    (values, weights)
}

/// How a thing moves in a frame, or in the nearest of which it can be told.
fn moves(lesson: &Lesson, thing: usize, frame: usize) -> Motion {
    let last = lesson.drawn.truth.frames.len() - 1;
    let frame = (lesson.drawn.first + frame).clamp(1, last - 1);
    let motion = motion(&lesson.drawn.scene, &lesson.drawn.truth, frame, thing);
    if lesson.is_mirrored { motion.mirrored() } else { motion }
}

/// What the thing of this index is, where it is seen: `[thing::ALL]`.
fn of_thing(lesson: &Lesson, index: usize, track: &Track, frame: usize) -> Vec<f32> {
    let mut values = vec![0.0; thing::ALL];
    let Some(is) = lesson.drawn.scene.things.get(index) else { return values };
    if track.sightings[frame].is_none() {
        return values;
    }
    let kind = if lesson.is_clear[index] { is.kind as usize } else { UNCLEAR - FIRST_KIND };
    values[thing::KIND.start + kind] = 1.0;
    values[thing::COLOUR.start + is.colour as usize] = 1.0;
    values[thing::SIZE.start + is.size as usize] = 1.0;
    let Motion { velocity, spin, height, stride, wings, .. } = moves(lesson, index, frame);
    let numbers = velocity.to_array().into_iter().chain(spin.to_array()).chain([height, stride, wings]);
    let units = MOTION_UNITS.iter().zip(numbers).map(|(unit, number)| (number / unit).clamp(-4.0, 4.0));
    values[MOTION.start..].iter_mut().zip(units).for_each(|(value, number)| *value = number);
    values
}

/// What the thing of this index does, if it is seen at all: `[deed::ALL]`.
fn of_deed(lesson: &Lesson, index: usize, track: &Track, frame: usize) -> Vec<f32> {
    let mut values = vec![0.0; deed::ALL];
    if track.frames_seen() == 0 || !lesson.is_clear[index] {
        return values;
    }
    let Some(event) = moves(lesson, index, frame).event else { return values };
    values[ACTION.start + event.action as usize] = 1.0;
    values[DIRECTION.start + event.direction.map_or(0, |way| 1 + way as usize)] = 1.0;
    values
}

fn of_shot(lesson: &Lesson) -> [f32; shot::ALL] {
    let scene = &lesson.drawn.scene;
    let mut values = [0.0; shot::ALL];
    values[shot::GROUND.start + scene.ground as usize] = 1.0;
    values[shot::TIME_OF_DAY.start + scene.time_of_day as usize] = 1.0;
    values[shot::WEATHER.start + scene.weather as usize] = 1.0;
    let camera = if lesson.is_mirrored { scene.camera.mirrored() } else { scene.camera };
    values[shot::CAMERA.start + camera as usize] = 1.0;
    values
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::{
        super::lesson::{Drawn, Shape},
        *,
    };

    #[test]
    fn what_cells_should_say_adds_up() {
        let mut mirrored = 0;
        for number in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(number);
            let drawn = Drawn::new(number, Shape { size: [96, 64], clip_frames: 17, num_frames: 3 });
            let lesson = Lesson::spoilt(Arc::new(drawn), &mut rng);
            mirrored += usize::from(lesson.is_mirrored);
            let (values, weights) = of_cells(&lesson, 1);
            for (cell, weight) in weights.iter().enumerate() {
                let things = 0..lesson.drawn.scene.things.len();
                let share: f32 = things.map(|thing| lesson.share(1, thing, cell)).sum();
                assert!((share - weight).abs() < 1e-5);
            }
            for (values, weight) in values.chunks_exact(seen::ALL).zip(&weights) {
                let sum =
                    |part: judge::recogniser::Channels| values[part.start..part.end()].iter().sum::<f32>();
                assert!((sum(seen::KIND) - 1.0).abs() < 1e-5);
                assert!((sum(seen::COLOUR) - weight).abs() < 1e-5 && (sum(seen::SIZE) - weight).abs() < 1e-5);
            }
        }
        assert!((4..17).contains(&mirrored), "{mirrored}");
    }

    /// The box of a thing lies in the mirror of the picture where its pixels are.
    #[test]
    fn in_a_mirror_things_are_on_the_other_side_and_go_the_other_way() {
        let scene = |number: &u64| {
            let scene = judge::lessons::lesson_scene(*number);
            scene.events[0] == world::Event::towards(world::Action::Rolls, world::Direction::Left)
        };
        let number = (0..).find(scene).unwrap();
        let drawn = Drawn::new(number, Shape { size: [128, 128], clip_frames: 17, num_frames: 3 });
        let plain = Lesson::clean(Arc::new(drawn));
        let frame = |frame| mirror::frame(plain.footage.frame(frame), 128);
        let footage = judge::look::Footage::of_frames([128, 128], (0..3).map(frame).collect());
        let mirrored =
            Lesson { footage, is_mirrored: true, is_clear: vec![true; 3], drawn: plain.drawn.clone() };
        let middle = |lesson: &Lesson| {
            let (values, weights) = of_cells(lesson, 1);
            let of = |cell: usize| {
                let to = values[cell * seen::ALL + seen::CENTRE.start] * seen::CENTRE_UNIT;
                (lesson.share(1, 0, cell) > 0.9)
                    .then_some(((cell % 32) as f32 + 0.5) * seen::CELL as f32 + to)
            };
            (0..weights.len()).find_map(of).unwrap()
        };
        assert!((middle(&plain) + middle(&mirrored) - 128.0).abs() < 1e-3);
        let [is, found] = [&plain, &mirrored].map(|lesson| moves(lesson, 0, 1));
        assert_eq!(found.event, Some(world::Event::towards(world::Action::Rolls, world::Direction::Right)));
        assert_eq!(found.velocity.x, -is.velocity.x);
        assert!(is.velocity.x < 0.0 && is.spin.z > 0.0 && found.spin.z < 0.0, "{is:?} {found:?}");
    }
}
