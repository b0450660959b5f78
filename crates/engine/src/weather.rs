//! Where drops and flakes are in a video in the making: drawn from its seed by the rule that the world has for them.

use burn::tensor::{Device, Tensor, TensorData};
use models::{tracks::TrackCode, weather::Mark};
use world::{Camera, Claims, ClipSpec, Weather};

use crate::{
    Plan,
    timeline::{Frame, Window},
};

/// Pixels along each side of a latent of the world's clips.
const PIXELS: usize = 8;

/// What falls before a camera at a time in seconds, in a picture of so many latents down and across.
pub fn falling(
    weather: Weather,
    seed: u64,
    camera: &Camera,
    time: f32,
    [height, width]: [usize; 2],
) -> Vec<Mark> {
    let spec = ClipSpec { width: PIXELS * width, height: PIXELS * height, ..ClipSpec::default() };
    let in_latents = |mark: world::Mark| Mark {
        ends: [mark.from, mark.to].map(|end| (end / PIXELS as f32).to_array()),
        radius: mark.radius / PIXELS as f32,
        opacity: mark.opacity,
    };
    world::falling(weather, seed, camera, time, &spec).into_iter().map(in_latents).collect()
}

/// What the denoiser of pictures is shown of the weather of a window's prompt, `[1, planes, frames, height, width]`: nothing in pictures
/// that are given, in which nobody knows where drops are.
pub(crate) fn show(plan: &Plan, window: &Window, code: TrackCode, device: &Device) -> Tensor<5> {
    let [_, _, height, width] = plan.latent_shape;
    let size = [window.latent_frames, height, width];
    let weather = Claims::of_prompt(&plan.prompts[plan.prompt_of(window)]).weather;
    let camera = world::usual_camera();
    let frames = (0..window.latent_frames).flat_map(|latent| plan.layout.frames_of(window, latent));
    let of_frame = |frame: isize| match (weather, plan.layout.frame(frame)) {
        (None, _) | (_, Some(Frame::Known { .. })) => Vec::new(),
        (Some(weather), at) => {
            let frame = if let Some(Frame::Again(first)) = at { first as isize } else { frame };
            falling(weather, plan.request.seed, &camera, (frame as f64 / plan.fps) as f32, [height, width])
        }
    };
    let falling: Vec<Vec<Mark>> = frames.map(of_frame).collect();
    let planes = code.weather_planes_of(&falling, size);
    let shape = [1, code.weather_planes(), window.latent_frames, height, width];
    Tensor::from_data(TensorData::new(planes, shape), device)
}
