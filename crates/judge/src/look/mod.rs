//! What the recogniser says of every frame of a clip.

mod prepare;
mod sight;

pub use prepare::{FPS, Footage};
pub use sight::{FrameSight, Sight};

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use nn::Precision;

use crate::{
    error::Result,
    recogniser::{Recogniser, Seen, seen},
    tensors::{fill_planes, values},
};

/// Frames of which a look tells: long clips are looked at piece by piece.
const PIECE: usize = 32;
/// Frames before and behind a piece that are looked at with it.
const MARGIN: usize = 8;

/// Looks at a clip and into a mirror: what is seen of the clip, and what is seen of its frames in the mirror. What their cells
/// show is the mean of both.
///
/// # Errors
/// A device that does not give back what it computed.
pub fn look(recogniser: &Recogniser, footage: &Footage, device: &Device) -> Result<(Sight, Vec<FrameSight>)> {
    let [width, height] = [footage.width, footage.height];
    let mut frames = look_once(recogniser, footage, device)?;
    let mut mirrored = look_once(recogniser, &footage.mirrored(), device)?;
    for (frame, mirrored) in frames.iter_mut().zip(&mut mirrored) {
        frame.agree(mirrored, width / seen::CELL);
    }
    Ok((Sight { width, height, frames, drift: Vec::new(), camera: Default::default() }, mirrored))
}

fn look_once(recogniser: &Recogniser, footage: &Footage, device: &Device) -> Result<Vec<FrameSight>> {
    let count = footage.num_frames();
    let mut frames = Vec::with_capacity(count);
    for start in (0..count).step_by(PIECE) {
        let end = (start + PIECE).min(count);
        let looked_at = start.saturating_sub(MARGIN)..(end + MARGIN).min(count);
        let clip = pixels(footage, looked_at.clone(), device);
        let seen = nn::with_precision(Precision::Bf16, || recogniser.forward(clip));
        let wanted = start - looked_at.start..end - looked_at.start;
        frames.extend(frame_sights(seen)?.into_iter().skip(wanted.start).take(wanted.len()));
    }
    let plain = frames.iter_mut().enumerate().filter(|(index, _)| footage.is_plain(*index));
    plain.for_each(|(_, frame)| frame.clear());
    Ok(frames)
}

/// Frames as the recogniser takes them, `[1, 3, frames, height, width]`.
pub fn pixels(footage: &Footage, some: Range<usize>, device: &Device) -> Tensor<5> {
    let [width, height] = [footage.width, footage.height];
    let (area, count) = (width * height, some.len());
    let mut values = vec![0.0; 3 * count * area];
    let mut planes = vec![0.0; 3 * area];
    for (at, frame) in some.enumerate() {
        fill_planes(footage.frame(frame), &mut planes);
        for (colour, plane) in planes.chunks_exact(area).enumerate() {
            values[(colour * count + at) * area..][..area].copy_from_slice(plane);
        }
    }
    Tensor::from_data(TensorData::new(values, [1, 3, count, height, width]), device)
}

/// What is said of each frame of each clip, clip after clip.
///
/// # Errors
/// A device that does not give back what it computed.
pub fn frame_sights(seen: Seen) -> Result<Vec<FrameSight>> {
    let [clips, frames, ..] = seen.cells.dims();
    let split = |values: Vec<f32>| {
        let each = values.len() / (clips * frames);
        values.chunks_exact(each).map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    let [cells, traits] = [seen.cells, seen.traits].map(values);
    let (cells, traits, scene) = (split(cells?), split(traits?), split(values(seen.scene)?));
    let all = cells.into_iter().zip(traits).zip(scene);
    Ok(all.map(|((cells, traits), scene)| FrameSight::new(cells, traits, scene)).collect())
}
