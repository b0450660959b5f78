//! Of tracks, what they are and do.

use std::collections::BTreeSet;

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::{log_softmax, softmax},
};
use nn::Precision;
use world::{CameraMove, Event, Kind, possible_events};

use super::{
    CAMERA_FEATURES, FEATURES, Reader, SHOT_FEATURES, Told, camera_features,
    channels::{deed, shot, thing},
    decode::{LEAST, decode},
    features, shot_features,
};
use crate::{
    error::Result,
    look::Sight,
    mirror,
    recogniser::{Channels, SCENE, TRAITS},
    tensors::values,
    tracks::{Track, likeliest},
};

/// What the reader made out.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What each track does, one event or two in order.
    pub events: Vec<Vec<Event>>,
    /// How the camera moves.
    pub camera: CameraMove,
    /// Mean probabilities of grounds, times of day and weathers, as [`shot`] lists them.
    pub places: [f32; shot::CAMERA.start],
}

/// Reads what each track is and does, from what is seen of a clip and of the clip in a mirror. What it is becomes what its
/// sightings say.
///
/// # Errors
/// A device that does not give back what it computed.
pub fn read(
    reader: &Reader,
    [sight, mirrored]: [&Sight; 2],
    tracks: &mut [Track],
    device: &Device,
) -> Result<Reading> {
    // Where nothing is, a camera moves all the same.
    let nothing = [Track { sightings: vec![None; sight.frames.len()] }];
    let asked = if tracks.is_empty() { &nothing[..] } else { &*tracks };
    let in_mirror: Vec<Track> = asked.iter().map(|track| mirror::track(track, sight)).collect();
    let told = told(&[(sight, asked), (mirrored, &in_mirror)], device);
    let said = nn::with_precision(Precision::Bf16, || reader.forward(told));
    let count = sight.frames.len();

    let part = |of: Channels| softmax(said.things.clone().narrow(3, of.start, of.len), 3).mean_dim(0);
    let [kinds, colours, sizes] = [thing::KIND, thing::COLOUR, thing::SIZE].map(part).map(values);
    let (kinds, colours, sizes) = (kinds?, colours?, sizes?);
    for (track, of) in tracks.iter_mut().enumerate() {
        for (frame, sighting) in of.sightings.iter_mut().enumerate() {
            let Some(sighting) = sighting else { continue };
            let at = track * count + frame;
            sighting.kinds.copy_from_slice(&kinds[at * thing::KIND.len..][..thing::KIND.len]);
            sighting.colours.copy_from_slice(&colours[at * thing::COLOUR.len..][..thing::COLOUR.len]);
            sighting.sizes.copy_from_slice(&sizes[at * thing::SIZE.len..][..thing::SIZE.len]);
        }
    }

    let part = |of: Channels| log_softmax(said.deeds.clone().narrow(3, of.start, of.len), 3);
    let deeds = Tensor::cat([deed::ACTION, deed::DIRECTION].map(part).to_vec(), 3);
    let deeds = values(agreed(deeds, &mirror::deeds()))?;
    let things = tracks.iter().filter(|track| track.lasts()).count();
    let events = tracks.iter().zip(deeds.chunks_exact(count * deed::ALL));
    let events = events.map(|(track, deeds)| decode(deeds, &possible(track, things))).collect();

    let part = |of: Channels| log_softmax(said.shots.clone().narrow(2, of.start, of.len), 2);
    let shots = [shot::GROUND, shot::TIME_OF_DAY, shot::WEATHER, shot::CAMERA].map(part);
    let shots = values(agreed(Tensor::cat(shots.to_vec(), 2), &mirror::shots()))?;
    let mut moves = [0.0; shot::CAMERA.len];
    let mut places = [0.0; shot::CAMERA.start];
    for frame in shots.chunks_exact(shot::ALL) {
        let camera = &frame[shot::CAMERA.start..];
        moves.iter_mut().zip(camera).for_each(|(sum, value)| *sum += value.max(LEAST));
        // Means of logarithms are none of probabilities: they add up to less than 1.
        for part in [shot::GROUND, shot::TIME_OF_DAY, shot::WEATHER] {
            let powers = frame[part.start..part.end()].iter().map(|value| value.exp());
            let all = powers.clone().sum::<f32>() * count as f32;
            places[part.start..part.end()]
                .iter_mut()
                .zip(powers)
                .for_each(|(sum, power)| *sum += power / all);
        }
    }
    Ok(Reading { events, camera: CameraMove::ALL[likeliest(&moves)], places })
}

/// The mean of what is said of a clip and of its mirror, in which each channel stands somewhere else: `[2, .., channels]` to
/// `[1, .., channels]`.
fn agreed<const D: usize>(said: Tensor<D>, in_mirror: &[usize]) -> Tensor<D> {
    let mirrored = said.clone().narrow(0, 1, 1);
    let channels = in_mirror.iter().map(|&channel| mirrored.clone().narrow(D - 1, channel, 1));
    (said.narrow(0, 0, 1) + Tensor::cat(channels.collect(), D - 1)) / 2.0
}

/// What a track's thing may do alone or among others: all that the kinds may that it is taken for.
fn possible(track: &Track, things: usize) -> Vec<Vec<Event>> {
    const LEAST_LIKELY: f32 = 0.1;
    let kinds = track.kinds();
    let may_be = |kind: &Kind| kinds[*kind as usize] >= LEAST_LIKELY || kinds[Kind::ALL.len()] > 0.5;
    // More are as good as two: whether all that are seen are there is not certain.
    let of = |kind| possible_events(kind, things.clamp(1, 2));
    let possible: BTreeSet<Vec<Event>> = Kind::ALL.into_iter().filter(may_be).flat_map(of).collect();
    possible.into_iter().collect()
}

impl Told {
    /// Of clips of as many frames and tracks each; with their tracks' pooled `traits` and their `scene`, as the fields have
    /// them.
    pub fn new(clips: &[(&Sight, &[Track])], traits: Tensor<4>, scene: Tensor<3>, device: &Device) -> Self {
        let [count, tracks, frames, _] = traits.dims();
        let (mut of_tracks, mut of_frames, mut of_cameras) = (Vec::new(), Vec::new(), Vec::new());
        for (sight, tracks) in clips {
            of_tracks.extend((0..tracks.len()).flat_map(|of| features(sight, tracks, of)));
            of_frames.extend((0..frames).flat_map(|frame| shot_features(sight, frame)));
            of_cameras.extend(camera_features(sight));
        }
        Self {
            traits,
            features: Tensor::from_data(
                TensorData::new(of_tracks, [count, tracks, frames, FEATURES]),
                device,
            ),
            scene,
            shot: Tensor::from_data(TensorData::new(of_frames, [count, frames, SHOT_FEATURES]), device),
            camera: Tensor::from_data(TensorData::new(of_cameras, [count, 1, CAMERA_FEATURES]), device),
        }
    }
}

/// Of clips of as many frames and tracks each.
fn told(clips: &[(&Sight, &[Track])], device: &Device) -> Told {
    let (mut traits, mut scene) = (Vec::new(), Vec::new());
    for (sight, tracks) in clips {
        traits.extend(tracks.iter().flat_map(|track| pooled(sight, track)));
        scene.extend(sight.frames.iter().flat_map(|frame| frame.scene.iter().copied()));
    }
    let frames = scene.len() / SCENE / clips.len();
    let tracks = traits.len() / TRAITS / frames / clips.len();
    Told::new(
        clips,
        Tensor::from_data(TensorData::new(traits, [clips.len(), tracks, frames, TRAITS]), device),
        Tensor::from_data(TensorData::new(scene, [clips.len(), frames, SCENE]), device),
        device,
    )
}

/// The mean traits of the cells that show a thing in each frame, 0 where it is not seen: `[frames, TRAITS]`.
fn pooled(sight: &Sight, track: &Track) -> Vec<f32> {
    let mut pooled = vec![0.0; track.sightings.len() * TRAITS];
    for (frame, sighting) in track.seen() {
        let sums = &mut pooled[frame * TRAITS..][..TRAITS];
        let traits = &sight.frames[frame].traits;
        for (cell, weight) in sighting.weights() {
            let of = &traits[cell * TRAITS..][..TRAITS];
            sums.iter_mut().zip(of).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    pooled
}
