//! What things do: a small network over tracks, and a rule that makes events of its answers.

mod decode;
mod features;
mod reader;

pub use decode::decode;
pub use features::{FEATURES, features, mirror};
pub use reader::{ACTION, ANSWERS, CAMERA, DIRECTION, EventReader};

use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use world::{CameraMove, Event};

use crate::{
    error::Result,
    look::Sight,
    recogniser::Channels,
    tensors::values,
    tracks::{Track, likeliest},
};

/// What each track does, one event or two in order, and how the camera moves.
///
/// # Errors
/// A device that does not give back what it computed.
pub fn events(
    reader: &EventReader,
    sight: &Sight,
    tracks: &[Track],
    device: &Device,
) -> Result<(Vec<Vec<Event>>, CameraMove)> {
    // Where nothing is, the camera moves all the same.
    let nothing = [Track { sightings: vec![None; sight.frames.len()] }];
    let asked = if tracks.is_empty() { &nothing[..] } else { tracks };
    let count = sight.frames.len();
    let told: Vec<f32> = (0..asked.len()).flat_map(|of| features(sight, asked, of)).collect();
    let data = TensorData::new(told, [asked.len(), count, FEATURES]);
    let answers = reader.forward(Tensor::from_data(data, device));
    let part = |of: Channels| log_softmax(answers.clone().narrow(2, of.start, of.len), 2);
    let values = values(Tensor::cat([ACTION, DIRECTION, CAMERA].map(part).to_vec(), 2))?;
    let mut moves = [0.0; CAMERA.len];
    for frame in values.chunks_exact(ANSWERS) {
        moves.iter_mut().zip(&frame[CAMERA.start..]).for_each(|(sum, value)| *sum += value.max(LEAST));
    }
    let events = values.chunks_exact(count * ANSWERS).take(tracks.len()).map(decode).collect();
    Ok((events, CameraMove::ALL[likeliest(&moves)]))
}

/// What a frame counts at most against a camera move, as a logarithm.
const LEAST: f32 = -4.0;
