//! What the networks say about lessons, with the tracks that the truth gives.

use burn::tensor::{Device, Tensor, TensorData};
use judge::{
    Network,
    camera::explained,
    drift::drift,
    look::{FrameSight, Sight, frame_sights, pixels},
    reader::{Said, Told},
    recogniser::Seen,
    tracks::{LEAST_CELLS, Sighting, Track},
};
use rayon::prelude::*;

use super::lesson::Lesson;
use crate::error::{Result, TrainError};

/// A cell that shows less of a thing than this is not taken for one of it.
const LEAST_SHARE: f32 = 0.4;

/// What is said about a batch of lessons of one shape.
pub struct Answers {
    pub seen: Seen,
    pub said: Said,
    /// For each lesson the tracks of its things, and empty ones until all lessons have as many.
    pub tracks: Vec<Vec<Track>>,
}

impl Answers {
    /// The reader is told what it is told of any clip, but that the truth says which cells show which thing.
    pub fn of(network: &Network, lessons: &[Lesson], device: &Device) -> Result<Self> {
        let seen = network.recogniser.forward(clips(lessons, device));
        let (told, tracks) = told_of(&seen, lessons, device)?;
        Ok(Self { said: network.reader.forward(told), seen, tracks })
    }
}

/// A new network with layers that suit lessons, on which it then learns faster.
pub fn standardised(network: Network, lessons: &[Lesson], device: &Device) -> Result<Network> {
    let (recogniser, seen) = network.recogniser.standardised(clips(lessons, device));
    let (told, _) = told_of(&seen, lessons, device)?;
    Ok(Network { recogniser, reader: network.reader.standardised(&told) })
}

/// `[lessons, 3, frames, height, width]`
fn clips(lessons: &[Lesson], device: &Device) -> Tensor<5> {
    let clips = lessons.iter().map(|lesson| pixels(&lesson.footage, 0..lesson.footage.num_frames(), device));
    Tensor::cat(clips.collect(), 0)
}

/// What the reader is told, and the tracks.
fn told_of(seen: &Seen, lessons: &[Lesson], device: &Device) -> Result<(Told, Vec<Vec<Track>>)> {
    let without_gradients = Seen {
        cells: seen.cells.clone().detach(),
        traits: seen.traits.clone().detach(),
        scene: seen.scene.clone().detach(),
    };
    let frames = frame_sights(without_gradients).map_err(TrainError::part("reading what is seen"))?;
    let num_frames = lessons[0].footage.num_frames();
    let most = lessons.iter().map(|lesson| lesson.drawn.scene.things.len()).max().unwrap_or(1);
    let followed: Vec<(Sight, Vec<Track>)> = lessons
        .par_iter()
        .zip(frames.par_chunks_exact(num_frames))
        .map(|(lesson, frames)| follow(lesson, frames, most))
        .collect();
    let told = told(seen, &followed, device);
    Ok((told, followed.into_iter().map(|(_, tracks)| tracks).collect()))
}

/// The things of a lesson over time, where the truth says that they are.
fn follow(lesson: &Lesson, frames: &[FrameSight], tracks: usize) -> (Sight, Vec<Track>) {
    let drawn = &lesson.drawn;
    let sighting = |frame: usize, thing: usize| {
        let own = |cell: usize| {
            let share = lesson.share(frame, thing, cell);
            (share >= LEAST_SHARE).then_some((cell, share))
        };
        let cells: Vec<(usize, f32)> = (0..drawn.cells()).filter_map(own).collect();
        let share: f32 = cells.iter().map(|(_, share)| share).sum();
        (share >= LEAST_CELLS).then(|| Sighting::of(&frames[frame], drawn.columns(), cells))
    };
    let track = |thing: usize| {
        let exists = thing < drawn.scene.things.len();
        let sightings = (0..frames.len()).map(|frame| if exists { sighting(frame, thing) } else { None });
        Track { sightings: sightings.collect() }
    };
    let tracks: Vec<Track> = (0..tracks).map(track).collect();
    let [width, height] = [lesson.footage.width, lesson.footage.height];
    let drift = drift(&lesson.footage, &tracks);
    let camera = explained(&lesson.footage, &tracks);
    (Sight { width, height, frames: frames.to_vec(), drift, camera }, tracks)
}

fn told(seen: &Seen, followed: &[(Sight, Vec<Track>)], device: &Device) -> Told {
    let [clips, frames, cells, _] = seen.traits.dims();
    let tracks = followed[0].1.len();
    let mut weights = vec![0.0; clips * frames * tracks * cells];
    for (clip, (_, all)) in followed.iter().enumerate() {
        for (at, track) in all.iter().enumerate() {
            for (frame, sighting) in track.seen() {
                let row = ((clip * frames + frame) * tracks + at) * cells;
                sighting.weights().for_each(|(cell, weight)| weights[row + cell] = weight);
            }
        }
    }
    let weights = Tensor::<4>::from_data(TensorData::new(weights, [clips, frames, tracks, cells]), device);
    let traits = weights.matmul(seen.traits.clone()).swap_dims(1, 2);
    let followed: Vec<(&Sight, &[Track])> =
        followed.iter().map(|(sight, tracks)| (sight, tracks.as_slice())).collect();
    Told::new(&followed, traits, seen.scene.clone(), device)
}
