//! What a window begins from: latents of the pictures that are there.

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::Levels;
use models::family::Autoencoder;

use crate::{Plan, pipeline::kept_frames, reel::Reel, timeline::Window};

/// Frames within what is made that are to be as they are known, both `[1, 3, frames, height, width]`.
pub(crate) struct Pinned {
    /// -1 to 1.
    pub video: Tensor<5>,
    /// 1 where it counts, 0 elsewhere.
    pub mask: Tensor<5>,
}

/// What a window begins from.
pub(crate) struct Beginning {
    /// How far each position is made anew.
    pub levels: Levels,
    /// The latents of what is there, `[1, channels, frames, height, width]`; as the noise, which counts nowhere, where all is
    /// made anew.
    pub x_0: Tensor<5>,
    /// What is known of latents that are made anew.
    pub pinned: Option<Pinned>,
    /// What the denoiser is shown beside the latents: of image to video what is known, of one with a planner where things are.
    pub beside: Option<Tensor<5>>,
}

/// Encodes what is there of a window; `noise` is of the shape of its latents.
pub(crate) fn begin(
    autoencoder: &Autoencoder,
    plan: &Plan,
    window: &Window,
    reel: &Reel<'_>,
    noise: &Tensor<5>,
) -> Beginning {
    let [_, _, height, width] = plan.latent_shape;
    if plan.model.sees_beside() {
        let levels = Levels::anew([window.latent_frames, height, width]);
        let beside = Some(beside(autoencoder, plan, window, reel, noise));
        return Beginning { levels, x_0: noise.clone(), pinned: None, beside };
    }
    let side = plan.size.height / height;
    let is_there = |frame: usize| reel.is_made(frame);
    let moving = |frame: usize| reel.moving(frame, side);
    let known = &plan.request.known;
    let leads = (0..window.latent_frames)
        .map(|latent| plan.layout.leads_to(window, latent, known, |frame| reel.is_settled(frame)));
    let leads: Vec<bool> = leads.collect();
    let levels = plan.layout.levels(window, [height, width], side, known, &leads, is_there, moving);
    let latents = (0..window.latent_frames).map(|latent| plan.layout.frames_of(window, latent));
    let frames: Vec<isize> = latents.clone().flatten().collect();
    // What is there but shares its latent frame with what is made.
    let pinned = latents.zip(leads).flat_map(|(frames, leads)| {
        let is_made = !leads && frames.clone().any(|frame| !reel.is_settled(frame));
        frames.map(move |frame| is_made && reel.is_settled(frame))
    });
    let pinned: Vec<bool> = pinned.collect();
    if levels.is_anew() && !pinned.contains(&true) {
        return Beginning { levels, x_0: noise.clone(), pinned: None, beside: None };
    }
    let (size, device) = ([plan.size.height, plan.size.width], noise.device());
    let pinned = pinned.contains(&true).then(|| {
        let pictures: Vec<_> = frames.iter().map(|&frame| reel.frame(frame)).collect();
        Pinned { video: video(&pictures, size, &device), mask: mask(&pinned, size, &device) }
    });
    let x_0 = encode(autoencoder, plan, window, reel, &levels, noise);
    Beginning { levels, x_0, pinned, beside: None }
}

/// The latents of what is there, one latent frame after the other; zeros where all is made anew, so that a clip of which only
/// the first frame is known costs no more than that frame.
fn encode(
    autoencoder: &Autoencoder,
    plan: &Plan,
    window: &Window,
    reel: &Reel<'_>,
    levels: &Levels,
    noise: &Tensor<5>,
) -> Tensor<5> {
    let (size, device) = ([plan.size.height, plan.size.width], noise.device());
    let kept = kept_frames(plan.precision);
    let nothing = noise.zeros_like().narrow(2, 0, 1);
    let mut stream = None;
    let latents = (0..window.latent_frames).map(|latent| {
        if levels.is_frame_anew(latent) {
            stream = None;
            return nothing.clone();
        }
        let frames = plan.layout.frames_of(window, latent);
        let pictures: Vec<_> = frames.map(|frame| reel.frame(frame)).collect();
        let video = video(&pictures, size, &device);
        let stream = stream.get_or_insert_with(|| {
            let mut stream = autoencoder.encoder_stream(kept);
            if latent > 0 {
                // A clip begins with a frame of its own: behind what is not there that is the first one which is.
                stream.encode(video.clone().narrow(2, 0, 1));
            }
            stream
        });
        plan.model.autoencoder.normalize(stream.encode(video))
    });
    Tensor::cat(latents.collect(), 2)
}

/// What a model of image to video is shown, `[1, factor + channels, frames, height, width]`: which of the frames of each latent
/// frame are known, and latents of a video in which the others are grey, as diffusers' `WanImageToVideoPipeline` has it.
fn beside(
    autoencoder: &Autoencoder,
    plan: &Plan,
    window: &Window,
    reel: &Reel<'_>,
    noise: &Tensor<5>,
) -> Tensor<5> {
    let [_, _, _, height, width] = noise.dims();
    let (size, device) = ([plan.size.height, plan.size.width], noise.device());
    let [factor, _, _] = plan.model.autoencoder.scale_factors();
    let grey = vec![0.5; 3 * size[0] * size[1]];
    let mut stream = autoencoder.encoder_stream(kept_frames(plan.precision));
    let latents = (0..window.latent_frames).map(|latent| {
        let frames = plan.layout.frames_of(window, latent);
        let pictures: Vec<_> = frames.map(|frame| reel.frame(frame)).collect();
        // The first latent frame has one frame, which counts for all.
        let is_known = |at: usize| f32::from(u8::from(pictures[at.min(pictures.len() - 1)].is_some()));
        let is_known: Vec<f32> = (0..factor).map(is_known).collect();
        let mask = Tensor::<5>::from_data(TensorData::new(is_known, [1, factor, 1, 1, 1]), &device)
            .expand([1, factor, 1, height, width]);
        let whole: Vec<_> =
            pictures.into_iter().map(|picture| Some(picture.unwrap_or_else(|| grey.clone()))).collect();
        let latents = plan.model.autoencoder.normalize(stream.encode(video(&whole, size, &device)));
        Tensor::cat(vec![mask, latents], 1)
    });
    Tensor::cat(latents.collect(), 2)
}

/// `[1, 3, frames, height, width]`: 1 in these frames.
fn mask(frames: &[bool], [height, width]: [usize; 2], device: &Device) -> Tensor<5> {
    let values: Vec<f32> = frames.iter().map(|&is| f32::from(u8::from(is))).collect();
    let count = values.len();
    Tensor::<5>::from_data(TensorData::new(values, [1, 1, count, 1, 1]), device)
        .expand([1, 3, count, height, width])
}

/// Frames, `[height, width, 3]`, 0 to 1, as `[1, 3, frames, height, width]`, -1 to 1. One that is not there is as the one
/// before it, or as the first one that is.
fn video(frames: &[Option<Vec<f32>>], [height, width]: [usize; 2], device: &Device) -> Tensor<5> {
    let (count, size) = (frames.len(), height * width);
    let mut values = vec![0.0; 3 * count * size];
    let mut last: Option<&Vec<f32>> = frames.iter().flatten().next();
    for (index, frame) in frames.iter().enumerate() {
        last = frame.as_ref().or(last);
        let Some(pixels) = last else { continue };
        for (at, pixel) in pixels.chunks_exact(3).enumerate() {
            for (channel, value) in pixel.iter().enumerate() {
                values[(channel * count + index) * size + at] = value * 2.0 - 1.0;
            }
        }
    }
    Tensor::from_data(TensorData::new(values, [1, 3, count, height, width]), device)
}
