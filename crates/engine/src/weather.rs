//! Where drops and flakes are in a video in the making: drawn from its seed by the rule that the world has for them.

use burn::tensor::{Device, Tensor, TensorData};
use models::{tracks::TrackCode, weather::Mark};
use world::{Camera, Claims, ClipSpec, Weather};

use crate::{
    Known, Plan,
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
/// that stay as they are given, in which nobody knows where drops are.
pub(crate) fn show(plan: &Plan, window: &Window, code: TrackCode, device: &Device) -> Tensor<5> {
    let [_, _, height, width] = plan.latent_shape;
    let weather = Claims::of_prompt(&plan.prompts[plan.prompt_of(window)]).weather.unwrap_or(Weather::Clear);
    let camera = world::usual_camera();
    let of_frame = |frame: isize| {
        let time = |frame: isize| (frame as f64 / plan.fps) as f32;
        let at = |frame| falling(weather, plan.request.seed, &camera, time(frame), [height, width]);
        match plan.layout.frame(frame) {
            Some(Frame::Known { index, .. }) if stays(&plan.request.known[index]) => Vec::new(),
            Some(Frame::Again(first)) => at(first as isize),
            _ => at(frame),
        }
    };
    let frames = (0..window.latent_frames).flat_map(|latent| plan.layout.frames_of(window, latent));
    let falling: Vec<Vec<Mark>> = frames.map(of_frame).collect();
    let planes = code.weather_planes_of(&falling, [window.latent_frames, height, width]);
    let shape = [1, code.weather_planes(), window.latent_frames, height, width];
    Tensor::from_data(TensorData::new(planes, shape), device)
}

/// Whether what is given stays as it is, all of it or beside a region.
fn stays(known: &Known) -> bool {
    known.strength <= 0.0 || !known.regions.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(weather: Weather, seed: u64, time: f32) -> Vec<Mark> {
        falling(weather, seed, &world::usual_camera(), time, [16, 16])
    }

    fn heights(marks: &[Mark]) -> Vec<f32> {
        marks.iter().map(|mark| mark.ends[0][1]).collect()
    }

    #[test]
    fn rain_falls_and_snow_falls_slower() {
        assert_eq!(at(Weather::Clear, 1, 0.0), []);
        for (weather, fewest) in [(Weather::Rain, 12), (Weather::Snow, 12)] {
            let marks = at(weather, 1, 0.0);
            let is_inside = |mark: &&Mark| mark.ends[0].iter().all(|at| (0.0..16.0).contains(at));
            let inside = marks.iter().filter(is_inside).count();
            assert!(inside >= fewest, "{weather:?}: {inside}");
            assert_ne!(heights(&at(weather, 2, 0.0)), heights(&marks));
        }
        let falls = |weather| {
            let (now, then) = (heights(&at(weather, 1, 0.0)), heights(&at(weather, 1, 0.05)));
            let mut by: Vec<f32> = now.iter().zip(&then).map(|(now, then)| then - now).collect();
            by.sort_by(f32::total_cmp);
            by[by.len() / 2]
        };
        let (rain, snow) = (falls(Weather::Rain), falls(Weather::Snow));
        assert!(snow > 0.0 && rain > 3.0 * snow, "{rain} {snow}");
    }

    #[test]
    fn in_what_stays_nothing_is_shown() {
        let of = |strength| Known { strength, ..Known::new("given") };
        assert!(stays(&of(0.0)) && !stays(&of(0.5)) && !stays(&of(1.0)));
    }
}
