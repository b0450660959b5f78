//! What was found, looked at closely.

use burn::tensor::{Device, Tensor, TensorData};
use nn::Precision;
use world::Kind;

use super::{Answers, CloseUp, FrameAnswers, WHERE, WINDOW, Window, crop};
use crate::{
    error::Result,
    look::{Footage, Sight},
    tensors::{fill_planes, values},
    tracks::Track,
};

/// Windows and frames that are looked at together.
const TOGETHER: usize = 32;
/// A track whose windows show no thing, with this probability on average, is none.
const NO_THING: f32 = 0.5;

/// Says of each frame and of each sighting what a closer look shows, and drops tracks that turn out to be nothing.
///
/// # Errors
/// A device that does not give back what it computed.
pub fn refine(
    closeup: &CloseUp,
    footage: &Footage,
    sight: &mut Sight,
    tracks: &mut Vec<Track>,
    device: &Device,
) -> Result<()> {
    nn::with_precision(Precision::Bf16, || {
        let contexts = look_at_frames(closeup, footage, sight, device)?;
        look_at_windows(closeup, footage, &contexts, tracks, device)
    })
}

/// Fills in places; the features of each frame.
fn look_at_frames(
    closeup: &CloseUp,
    footage: &Footage,
    sight: &mut Sight,
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let count = footage.num_frames();
    let (mut contexts, mut answers) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for start in (0..count).step_by(TOGETHER) {
        let some = start..(start + TOGETHER).min(count);
        let (context, said) = closeup.frames(three_frames(footage, some.clone(), device));
        let [frames, features] = context.dims();
        contexts.extend(values(context)?.chunks_exact(features).map(<[f32]>::to_vec));
        let said = values(said)?;
        answers.extend(said.chunks_exact(said.len() / frames).map(FrameAnswers::read));
    }
    sight.places = answers.iter().map(|answers| answers.places.to_vec()).collect();
    Ok(contexts)
}

/// Each frame with the one two before and the one two behind it, `[frames, 9, height, width]` from -1 to 1.
fn three_frames(footage: &Footage, some: std::ops::Range<usize>, device: &Device) -> Tensor<4> {
    const APART: usize = 2;
    let [width, height] = [footage.width, footage.height];
    let (area, last, count) = (width * height, footage.num_frames() - 1, some.len());
    let mut all = vec![0.0; count * 9 * area];
    for (frame, planes) in some.zip(all.chunks_exact_mut(9 * area)) {
        let three = [frame.saturating_sub(APART), frame, (frame + APART).min(last)];
        for (shift, planes) in three.into_iter().zip(planes.chunks_exact_mut(3 * area)) {
            fill_planes(footage.frame(shift), planes);
        }
    }
    Tensor::from_data(TensorData::new(all, [count, 9, height, width]), device)
}

fn look_at_windows(
    closeup: &CloseUp,
    footage: &Footage,
    contexts: &[Vec<f32>],
    tracks: &mut Vec<Track>,
    device: &Device,
) -> Result<()> {
    let seen = tracks.iter().enumerate().flat_map(|(track, of)| {
        of.seen().map(move |(frame, is)| (track, Window::around(frame, is.centre, is.extent)))
    });
    let windows: Vec<(usize, Window)> = seen.collect();
    let mut no_thing = vec![(0.0, 0.0); tracks.len()];
    for some in windows.chunks(TOGETHER) {
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::<2>::from_data(TensorData::new(values, [some.len(), width]), device)
        };
        let pixels: Vec<f32> = some.iter().flat_map(|(_, window)| crop(footage, window)).collect();
        let pixels = Tensor::from_data(TensorData::new(pixels, [some.len(), 9, WINDOW, WINDOW]), device);
        let places = tensor(some.iter().flat_map(|(_, window)| window.place(footage)).collect(), WHERE);
        let features = contexts[0].len();
        let context =
            tensor(some.iter().flat_map(|(_, window)| contexts[window.frame].clone()).collect(), features);
        let said = values(closeup.windows(pixels, places, context))?;
        for ((track, window), said) in some.iter().zip(said.chunks_exact(said.len() / some.len())) {
            let answers = Answers::read(said);
            let Some(sighting) = &mut tracks[*track].sightings[window.frame] else { continue };
            let nothing = answers.kinds[Kind::ALL.len() + 1];
            no_thing[*track].0 += nothing;
            no_thing[*track].1 += 1.0;
            sighting.kinds = std::array::from_fn(|kind| answers.kinds[kind]);
            sighting.kinds[Kind::ALL.len()] += nothing;
            sighting.colours = together(sighting.colours, answers.colours);
            sighting.sizes = together(sighting.sizes, answers.sizes);
            sighting.distance = answers.distance;
            sighting.velocity = answers.velocity;
            sighting.spin = answers.spin;
            sighting.height = answers.height;
            sighting.stride = answers.stride;
            sighting.wings = answers.wings;
            sighting.actions = answers.actions;
        }
    }
    let mut shares = no_thing.into_iter().map(|(sum, count): (f32, f32)| sum / count.max(1.0));
    tracks.retain(|_| shares.next().is_some_and(|share| share < NO_THING));
    Ok(())
}

/// What two that know of different things say together.
fn together<const N: usize>(a: [f32; N], b: [f32; N]) -> [f32; N] {
    const LEAST: f32 = 0.02; // none is ever quite sure
    let products: [f32; N] = std::array::from_fn(|i| (a[i] + LEAST) * (b[i] + LEAST));
    let sum: f32 = products.iter().sum();
    products.map(|product| product / sum)
}
