//! Where things go, before anything is seen: a small denoiser draws their tracks, and the one that draws the picture is shown them.

use burn::tensor::{Device, Tensor, TensorData};
use diffusion::{Levels, Noise, Sampler, SchedulerConfig, Step, sample_euler, unobserved};
use models::{
    family::{Denoiser, DenoiserConfig},
    tracks::{Track, TrackCode},
};
use world::{Colour, Kind};

use crate::Plan;

/// Steps from noise to tracks: one takes a hundredth of what one of the picture takes.
const STEPS: usize = 16;
/// Where the steps are close: tracks are a hundred numbers, which little noise hides.
const SHIFT: f64 = 1.5;

/// The numbers that tracks of the world are, for latent frames of so many frames.
pub fn track_code(factor: usize) -> TrackCode {
    TrackCode { labels: [Kind::ALL.len(), Colour::ALL.len()], things: world::MOST_THINGS, factor }
}

/// A denoiser of tracks.
#[derive(Debug)]
pub struct Planner {
    denoiser: Denoiser,
    pub(crate) code: TrackCode,
}

/// What is known of tracks before they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownTracks {
    /// With places in all frames; those in latent frames that are not known do not count.
    pub tracks: Vec<Track>,
    /// Which latent frames are known.
    pub latent_frames: Vec<bool>,
}

impl KnownTracks {
    /// Nothing, of so many latent frames.
    pub fn nothing(latent_frames: usize) -> Self {
        Self { tracks: Vec::new(), latent_frames: vec![false; latent_frames] }
    }
}

impl Planner {
    /// Of a denoiser whose channels are those of the code, with one more that it is shown.
    pub fn new(denoiser: Denoiser, code: TrackCode) -> Self {
        Self { denoiser, code }
    }

    /// What of a configuration does not fit a planner of tracks in this code, for contexts of this many features: a field, what was
    /// expected of it, and what it is.
    pub fn misfit(
        config: &DenoiserConfig,
        code: TrackCode,
        text_dim: usize,
    ) -> Option<(&'static str, String, usize)> {
        let ([inputs, outputs], shown) = (config.channels(), config.shown_channels());
        let patch = config.patch_size().iter().product();
        let (channels, frames) = (code.channels(), code.factor);
        let of_tracks = format!("the numbers of the world's tracks in latent frames of {frames}");
        let fields = [
            ("out_channels", outputs, channels, of_tracks.clone()),
            (
                "in_channels",
                inputs + shown,
                channels + 1,
                format!("{of_tracks} and the shape of the picture"),
            ),
            ("shown_channels", shown, 1, "the shape of the picture".to_owned()),
            ("patch_size", patch, 1, "a thing in a latent frame".to_owned()),
            ("text_dim", config.context_dim(), text_dim, "the text encoder's d_model".to_owned()),
        ];
        let wrong = fields.into_iter().find(|(_, found, expected, _)| found != expected);
        wrong.map(|(field, found, expected, of)| (field, format!("{expected}, {of}"), found))
    }

    /// The tracks of a clip of this width and height for what `context`, `[1, tokens, text_dim]`, says, with places in as many frames as
    /// the latent frames are of.
    ///
    /// # Errors
    /// What the sampler fails at.
    pub fn plan(
        &self,
        context: Tensor<3>,
        size: [usize; 2],
        known: &KnownTracks,
        noise: &mut Noise,
    ) -> diffusion::Result<Vec<Track>> {
        let (code, device) = (self.code, context.device());
        let frames = known.latent_frames.len();
        let shape = [1, code.channels(), frames, 1, code.things];
        let noise: Tensor<5> = noise.tensor(shape, &device);
        let levels: Vec<f32> =
            known.latent_frames.iter().map(|&known| if known { 0.0 } else { 1.0 }).collect();
        let levels = Levels::of_frames(&levels, [1, code.things]);
        let x_0 = match levels.is_anew() {
            true => noise.clone(),
            false => Tensor::from_data(TensorData::new(code.encode(&known.tracks, frames), shape), &device),
        };
        let schedule = SchedulerConfig::new(Sampler::Euler, SHIFT).schedule(STEPS)?;
        let text = self.denoiser.read(context);
        let shown = Tensor::full([1, 1, frames, 1, code.things], TrackCode::shape(size), &device);
        let velocity = |x: Tensor<5>, step: Step| {
            let timesteps = levels.timesteps(step.timestep, [frames, 1, 1]);
            let timesteps = Tensor::from_data(TensorData::new(timesteps, [1, frames]), &device);
            Ok::<_, diffusion::Error>(self.denoiser.forward(
                Tensor::cat(vec![x, shown.clone()], 1),
                timesteps,
                &text,
            ))
        };
        let denoise = Sampler::Euler.prediction().denoiser(velocity);
        let denoise = levels.hold(x_0.clone(), noise.clone(), denoise);
        let latents = sample_euler(denoise, levels.start(x_0, noise, &schedule), &schedule, unobserved)?;
        Ok(code.decode(&crate::finite::values(latents)))
    }
}

impl KnownTracks {
    /// With unknown latent frames behind, up to so many.
    pub(crate) fn extend_to(&mut self, latent_frames: usize, factor: usize) {
        self.latent_frames.resize(latent_frames, false);
        for track in &mut self.tracks {
            let last = *track.places.last().expect("a place");
            track.places.resize(1 + (latent_frames - 1) * factor, last);
        }
    }
}

impl Planner {
    /// What the denoiser of pictures is shown of tracks, `[1, planes, frames, height, width]`.
    pub(crate) fn show(&self, tracks: &[Track], plan: &Plan, frames: usize, device: &Device) -> Tensor<5> {
        let [_, _, height, width] = plan.latent_shape;
        let planes = self.code.planes_of(tracks, [frames, height, width]);
        Tensor::from_data(TensorData::new(planes, [1, self.code.planes(), frames, height, width]), device)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{
        family::Denoiser,
        tracks::Place,
        wan::{WanTransformer3d, WanTransformer3dConfig},
    };

    use super::*;

    const CODE: TrackCode = TrackCode { labels: [3, 2], things: 2, factor: 2 };

    fn config() -> WanTransformer3dConfig {
        WanTransformer3dConfig {
            patch_size: [1; 3],
            num_attention_heads: 1,
            attention_head_dim: 8,
            in_channels: CODE.channels() + 1,
            out_channels: CODE.channels(),
            shown_channels: 1,
            text_dim: 4,
            freq_dim: 8,
            ffn_dim: 8,
            num_layers: 1,
            ..WanTransformer3dConfig::default()
        }
    }

    #[test]
    fn what_is_no_planner_is_told() {
        let misfit = |config: WanTransformer3dConfig| {
            Planner::misfit(&DenoiserConfig::Wan(config), CODE, 4).map(|(field, ..)| field)
        };
        assert_eq!(misfit(config()), None);
        let (channels, config) = (CODE.channels(), config);
        for (field, wrong) in [
            ("out_channels", WanTransformer3dConfig { out_channels: channels + 1, ..config() }),
            ("in_channels", WanTransformer3dConfig { in_channels: channels + 2, ..config() }),
            ("shown_channels", WanTransformer3dConfig { shown_channels: 0, ..config() }),
            ("patch_size", WanTransformer3dConfig { patch_size: [1, 1, 2], ..config() }),
            ("text_dim", WanTransformer3dConfig { text_dim: 5, ..config() }),
        ] {
            assert_eq!(misfit(wrong), Some(field));
        }
    }

    /// A planner of zeros, for which all goes on as it is.
    fn planner() -> (Planner, Tensor<3>) {
        let device = Device::flex();
        let denoiser = Denoiser::Wan(WanTransformer3d::new(&config(), &device).unwrap());
        (Planner::new(denoiser, CODE), Tensor::zeros([1, 3, 4], &device))
    }

    #[test]
    fn what_is_known_stays_and_the_same_noise_gives_the_same() {
        let (planner, context) = planner();
        let place = |x: f32| Place { x, y: 0.5, width: 0.2, height: 0.3, distance: 4.0 };
        let places: Vec<_> = (0..9).map(|frame| place(0.1 * frame as f32)).collect();
        let track = Track { kind: 2, colour: 1, places: places.clone() };
        let mut known = KnownTracks::nothing(5);
        known.tracks = vec![track];
        known.latent_frames[..3].fill(true);
        let plan = |seed| planner.plan(context.clone(), [8, 8], &known, &mut Noise::new(seed)).unwrap();
        let tracks = plan(1);
        assert_eq!(plan(1), tracks);
        assert_eq!((tracks[0].kind, tracks[0].colour, tracks[0].places.len()), (2, 1, 9));
        for (found, expected) in tracks[0].places.iter().zip(&places).take(5) {
            assert!((found.x - expected.x).abs() < 1e-4, "{found:?} {expected:?}");
        }
        // What is not known comes out of the noise.
        assert_ne!(plan(2)[0].places[7], tracks[0].places[7]);
    }

    #[test]
    fn what_is_short_is_the_beginning_of_what_was_taught() {
        let place = Place { x: 0.5, y: 0.5, width: 0.2, height: 0.3, distance: 4.0 };
        let mut known = KnownTracks {
            tracks: vec![Track { kind: 0, colour: 0, places: vec![place; 3] }],
            latent_frames: vec![true, false],
        };
        known.extend_to(5, 2);
        assert_eq!(known.latent_frames, [true, false, false, false, false]);
        assert_eq!(known.tracks[0].places.len(), 9);
    }
}
