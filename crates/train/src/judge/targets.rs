//! What the recogniser should answer about lessons.

use super::lesson::{Drawn, FRAMES, Lesson};
use burn::tensor::{Device, Tensor, TensorData};
use glam::Vec2;
use judge::recogniser::{FIRST_KIND, NOTHING, UNCLEAR, place, seen};

/// Of a batch of lessons of one size.
pub struct Targets {
    /// As [`seen`] lists them, `[lessons * FRAMES, cells, channels]`; what is not asked is 0, and so is its weight.
    pub seen: Tensor<3>,
    /// The share of things in each cell, `[lessons * FRAMES, cells, 1]`.
    pub seen_weight: Tensor<3>,
    /// As [`place`] lists them, `[lessons * FRAMES, 1, channels]`.
    pub place: Tensor<3>,
}

impl Targets {
    pub fn of(lessons: &[Lesson], device: &Device) -> Self {
        let tensor = |values: Vec<f32>, channels: usize, images: usize| {
            let cells = values.len() / (channels * images).max(1);
            Tensor::<3>::from_data(TensorData::new(values, [images, cells, channels]), device)
        };
        let images = lessons.len() * FRAMES;
        let frames = || lessons.iter().flat_map(|lesson| (0..FRAMES).map(move |frame| (lesson, frame)));
        let (cells, weights) = unzip(frames().map(|(lesson, frame)| cells(lesson, frame)));
        Self {
            seen: tensor(cells, seen::ALL, images),
            seen_weight: tensor(weights, 1, images),
            place: tensor(
                frames().flat_map(|(lesson, _)| places(&lesson.drawn)).collect(),
                place::ALL,
                images,
            ),
        }
    }
}

fn unzip(parts: impl Iterator<Item = (Vec<f32>, Vec<f32>)>) -> (Vec<f32>, Vec<f32>) {
    let (mut all, mut weights) = (Vec::new(), Vec::new());
    for (values, weight) in parts {
        all.extend(values);
        weights.extend(weight);
    }
    (all, weights)
}

/// `[cells, seen::ALL]`, and the share of things in each cell.
fn cells(Lesson { drawn: lesson, is_clear, .. }: &Lesson, frame: usize) -> (Vec<f32>, Vec<f32>) {
    let columns = lesson.spec.width / seen::CELL;
    let count = columns * (lesson.spec.height / seen::CELL);
    let truth = lesson.frame(frame);
    let mut values = vec![0.0; count * seen::ALL];
    let mut weights = vec![0.0; count];
    for (cell, values) in values.chunks_exact_mut(seen::ALL).enumerate() {
        let share = |thing: usize| lesson.shares[frame][thing * count + cell];
        let most = (0..lesson.scene.things.len()).max_by(|&a, &b| share(a).total_cmp(&share(b)));
        for (index, thing) in lesson.scene.things.iter().enumerate() {
            let class = if is_clear[index] { FIRST_KIND + thing.kind as usize } else { UNCLEAR };
            values[seen::KIND.start + class] += share(index);
            values[seen::COLOUR.start + thing.colour as usize] += share(index);
            values[seen::SIZE.start + thing.size as usize] += share(index);
            weights[cell] += share(index);
        }
        values[seen::KIND.start + NOTHING] = 1.0 - weights[cell];
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

fn places(lesson: &Drawn) -> [f32; place::ALL] {
    let mut values = [0.0; place::ALL];
    values[place::GROUND.start + lesson.scene.ground as usize] = 1.0;
    values[place::TIME_OF_DAY.start + lesson.scene.time_of_day as usize] = 1.0;
    values[place::WEATHER.start + lesson.scene.weather as usize] = 1.0;
    values
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn what_cells_should_say_adds_up() {
        for number in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(number);
            let lesson = Lesson::spoilt(Arc::new(Drawn::new(number, [96, 64])), &mut rng);
            let (values, weights) = cells(&lesson, 0);
            for (values, weight) in values.chunks_exact(seen::ALL).zip(&weights) {
                let sum =
                    |part: judge::recogniser::Channels| values[part.start..part.end()].iter().sum::<f32>();
                assert!((sum(seen::KIND) - 1.0).abs() < 1e-5);
                assert!((sum(seen::COLOUR) - weight).abs() < 1e-5 && (sum(seen::SIZE) - weight).abs() < 1e-5);
            }
        }
    }
}
