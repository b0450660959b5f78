//! What the recogniser says of every frame of a clip.

mod prepare;
mod sight;

pub use prepare::{FPS, Footage};
pub use sight::{FrameSight, Sight};

use burn::tensor::{Device, Tensor, TensorData, activation::softmax};
use nn::Precision;

use crate::{
    error::Result,
    recogniser::{Channels, Recogniser, place, seen},
    tensors::{fill_planes, values},
};

/// Frames that are looked at together: more take more memory and no less time.
const TOGETHER: usize = 16;

/// Looks at a clip.
///
/// # Errors
/// A device that does not give back what it computed.
pub fn look(recogniser: &Recogniser, footage: &Footage, device: &Device) -> Result<Sight> {
    nn::with_precision(Precision::Bf16, || look_at(recogniser, footage, device))
}

fn look_at(recogniser: &Recogniser, footage: &Footage, device: &Device) -> Result<Sight> {
    let [width, height] = [footage.width, footage.height];
    let count = footage.num_frames();
    let mut frames = Vec::with_capacity(count);
    let mut places = Vec::with_capacity(count);
    for start in (0..count).step_by(TOGETHER) {
        let some = start..(start + TOGETHER).min(count);
        let (cells, place) = recogniser.forward(tensor(footage, some.clone(), device));
        let [images, channels, rows, columns] = cells.dims();
        let cells = cells.permute([0, 2, 3, 1]).reshape([images, rows * columns, channels]);
        let named = [seen::KIND, seen::COLOUR, seen::SIZE].map(|part| probabilities(&cells, part));
        let [kinds, colours, sizes] = named.map(values);
        let (kinds, colours, sizes) = (kinds?, colours?, sizes?);
        let geometry = values(cells.narrow(2, seen::CENTRE.start, seen::ALL - seen::CENTRE.start))?;
        let per_cell = rows * columns;
        for image in 0..images {
            let of = |all: &[f32], channels: usize| {
                all[image * per_cell * channels..(image + 1) * per_cell * channels].to_vec()
            };
            frames.push(FrameSight {
                kinds: of(&kinds, seen::KIND.len),
                colours: of(&colours, seen::COLOUR.len),
                sizes: of(&sizes, seen::SIZE.len),
                geometry: of(&geometry, seen::ALL - seen::CENTRE.start),
            });
        }
        let logits = place.unsqueeze_dim::<3>(1);
        let named =
            [place::GROUND, place::TIME_OF_DAY, place::WEATHER].map(|part| probabilities(&logits, part));
        let named = values(Tensor::cat(named.to_vec(), 2))?;
        places.extend(named.chunks_exact(place::ALL).map(<[f32]>::to_vec));
    }
    Ok(Sight { width, height, frames, places, drift: Vec::new() })
}

/// Frames as the recogniser takes them, `[frames, 3, height, width]`.
fn tensor(footage: &Footage, some: std::ops::Range<usize>, device: &Device) -> Tensor<4> {
    let [width, height] = [footage.width, footage.height];
    let count = some.len();
    let area = width * height;
    let mut values = vec![0.0; count * 3 * area];
    for (frame, planes) in some.zip(values.chunks_exact_mut(3 * area)) {
        fill_planes(footage.frame(frame), planes);
    }
    Tensor::from_data(TensorData::new(values, [count, 3, height, width]), device)
}

fn probabilities(logits: &Tensor<3>, part: Channels) -> Tensor<3> {
    softmax(logits.clone().narrow(2, part.start, part.len), 2)
}
