//! Where things go, before anything is seen: a small denoiser draws their tracks, and the one that draws the picture is shown them.

use burn::tensor::{Tensor, TensorData};
use diffusion::{
    Levels, Noise, Sampler, SchedulerConfig, Step, classifier_free_guidance, sample_euler, unobserved,
};
use models::{
    family::{Denoiser, DenoiserConfig, Text},
    tracks::{Track, TrackCode},
};
use world::{Colour, Kind};

use crate::{calm::calm, continuity};

/// Steps from noise to tracks: one takes a hundredth of what one of the picture takes.
const STEPS: usize = 16;
/// How far beyond what it draws without a prompt the planner goes towards what it draws with one (Ho and Salimans 2022).
const GUIDANCE: f64 = 2.0;
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
    /// With places in all frames; those in latent frames of which nothing is known do not count.
    pub tracks: Vec<Track>,
    /// How far each latent frame is planned anew, from 0, where it is known, to 1, where nothing is.
    pub levels: Vec<f32>,
}

impl KnownTracks {
    /// Nothing, of so many latent frames.
    pub fn nothing(latent_frames: usize) -> Self {
        Self { tracks: Vec::new(), levels: vec![1.0; latent_frames] }
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

    /// The tracks of a clip of this width and height for what the context of a prompt, beside that of none, says, both
    /// `[1, tokens, text_dim]`, with places in as many frames as the latent frames are of.
    ///
    /// # Errors
    /// What the sampler fails at.
    pub fn plan(
        &self,
        contexts: [Tensor<3>; 2],
        size: [usize; 2],
        known: &KnownTracks,
        noise: &mut Noise,
    ) -> diffusion::Result<Vec<Track>> {
        let (code, device) = (self.code, contexts[0].device());
        let frames = known.levels.len();
        let shape = [1, code.channels(), frames, 1, code.things];
        let noise: Tensor<5> = noise.tensor(shape, &device);
        let levels = Levels::of_frames(&known.levels, [1, code.things]);
        let x_0 = match levels.is_anew() {
            true => noise.clone(),
            false => Tensor::from_data(TensorData::new(code.encode(&known.tracks, frames), shape), &device),
        };
        let schedule = SchedulerConfig::new(Sampler::Euler, SHIFT).schedule(STEPS)?;
        let [text, nothing] = contexts.map(|context| self.denoiser.read(context));
        let shown = Tensor::full([1, 1, frames, 1, code.things], TrackCode::shape(size), &device);
        let velocity = |x: Tensor<5>, step: Step, text: &Text| {
            let timesteps = levels.timesteps(step.timestep, [frames, 1, 1]);
            let timesteps = Tensor::from_data(TensorData::new(timesteps, [1, frames]), &device);
            let seen = Tensor::cat(vec![x, shown.clone()], 1);
            Ok::<_, diffusion::Error>(self.denoiser.forward(seen, timesteps, text))
        };
        let guided = classifier_free_guidance(velocity, text, nothing, GUIDANCE);
        let denoise = Sampler::Euler.prediction().denoiser(guided);
        let denoise = levels.hold(x_0.clone(), noise.clone(), denoise);
        let latents = sample_euler(denoise, levels.start(x_0, noise, &schedule), &schedule, unobserved)?;
        let mut tracks = code.decode(&crate::finite::values(latents));
        let of_latent = |(at, &level): (usize, &f32)| vec![level; if at == 0 { 1 } else { code.factor }];
        let levels: Vec<f32> = known.levels.iter().enumerate().flat_map(of_latent).collect();
        continuity::join(&mut tracks, &levels);
        calm(&mut tracks, &levels);
        Ok(tracks)
    }
}

impl KnownTracks {
    /// With unknown latent frames behind, up to so many.
    pub(crate) fn extend_to(&mut self, latent_frames: usize, factor: usize) {
        self.levels.resize(latent_frames, 1.0);
        for track in &mut self.tracks {
            let last = *track.places.last().expect("a place");
            track.places.resize(1 + (latent_frames - 1) * factor, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::{Module, ModuleMapper, Param},
        tensor::Device,
    };
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
        let place = |x: f32| Place { x, y: 0.5, width: 0.2, height: 0.3, distance: 4.0, ..Place::default() };
        let places: Vec<_> = (0..9).map(|frame| place(0.1 * frame as f32)).collect();
        let track = Track { kind: 2, colour: 1, places: places.clone() };
        let mut known = KnownTracks::nothing(5);
        known.tracks = vec![track];
        known.levels[..3].fill(0.0);
        let plan = |seed| {
            planner.plan([(); 2].map(|()| context.clone()), [8, 8], &known, &mut Noise::new(seed)).unwrap()
        };
        let tracks = plan(1);
        assert_eq!(plan(1), tracks);
        assert_eq!((tracks[0].kind, tracks[0].colour, tracks[0].places.len()), (2, 1, 9));
        for (found, expected) in tracks[0].places.iter().zip(&places).take(5) {
            assert!((found.x - expected.x).abs() < 1e-4, "{found:?} {expected:?}");
        }
        // What is not known comes out of the noise.
        assert_ne!(plan(2)[0].places[7], tracks[0].places[7]);
    }

    /// Nothing in it moves on its own, so that what is there shows through as much as its level says.
    #[test]
    fn what_is_planned_anew_in_part_stays_about_where_it_is() {
        let (planner, context) = planner();
        let place = Place { x: 0.3, y: 0.5, width: 0.2, height: 0.3, distance: 4.0, ..Place::default() };
        let track = Track { kind: 2, colour: 1, places: vec![place; 9] };
        let off = |level: f32| {
            let known = KnownTracks { tracks: vec![track.clone()], levels: vec![level; 5] };
            let contexts = [context.clone(), context.clone()];
            let tracks = planner.plan(contexts, [8, 8], &known, &mut Noise::new(1)).unwrap();
            let of_place = |found: &Place| (found.x - place.x).abs();
            tracks[0].places.iter().map(of_place).sum::<f32>() / 9.0
        };
        let [little, more] = [off(0.1), off(0.3)];
        assert!((0.001..0.1).contains(&little) && more > 1.5 * little, "{little} {more}");
    }

    #[test]
    fn a_plan_goes_beyond_what_its_prompt_says_away_from_what_nothing_does() {
        /// Weights of noise: of a new model those of what it answers are zeros.
        struct Noisy(Noise);
        impl ModuleMapper for Noisy {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|weights| self.0.tensor::<D>(weights.dims(), &weights.device()) * 0.3)
            }
        }
        let device = Device::flex();
        let denoiser = WanTransformer3d::new(&config(), &device).unwrap().map(&mut Noisy(Noise::new(3)));
        let planner = Planner::new(Denoiser::Wan(denoiser), CODE);
        let mut noise = Noise::new(2);
        let [prompt, nothing] = [(); 2].map(|()| noise.tensor([1, 3, 4], &device));
        let plan = |contexts: [&Tensor<3>; 2]| {
            let known = KnownTracks {
                tracks: vec![Track { kind: 2, colour: 1, places: vec![Place::default(); 9] }],
                levels: vec![0.0, 1.0, 1.0, 1.0, 1.0],
            };
            planner.plan(contexts.map(Clone::clone), [8, 8], &known, &mut Noise::new(1)).unwrap()
        };
        let x = |contexts| plan(contexts)[0].places[8].x;
        let (told, untold) = (x([&prompt, &prompt]), x([&nothing, &nothing]));
        let guided = x([&prompt, &nothing]);
        assert!((guided - told) * (told - untold) > 0.0, "{guided} {told} {untold}");
    }

    #[test]
    fn what_is_short_is_the_beginning_of_what_was_taught() {
        let place = Place { x: 0.5, y: 0.5, width: 0.2, height: 0.3, distance: 4.0, ..Place::default() };
        let mut known = KnownTracks {
            tracks: vec![Track { kind: 0, colour: 0, places: vec![place; 3] }],
            levels: vec![0.0, 1.0],
        };
        known.extend_to(5, 2);
        assert_eq!(known.levels, [0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(known.tracks[0].places.len(), 9);
    }
}
