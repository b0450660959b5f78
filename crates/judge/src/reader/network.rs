//! The network that makes answers of features.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use nn::{Linear, silu};

use super::{
    channels::{deed, shot, thing},
    features::{CAMERA_FEATURES, FEATURES, SHOT_FEATURES},
    over_time::OverTime,
};
use crate::recogniser::{Pass, SCENE, Standardise, TRAITS};

/// Features of a thing in a frame, and of a frame, inside.
const LOOK: usize = 128;
const DOES: usize = 96;
const FILMS: usize = 64;
const WAYS_INSIDE: usize = 32;

/// Says what each thing is and does, and how the clip is filmed.
#[derive(Module, Debug)]
pub struct Reader {
    look: Linear,
    is: Linear,
    over_time: OverTime,
    does: Linear,
    film: OverTime,
    shot: Linear,
    ways: Linear,
    moves: Linear,
}

/// What the reader is told of clips, all of which have the same number of tracks.
#[derive(Clone, Debug)]
pub struct Told {
    /// The mean traits of the cells that show it, 0 where it is not seen: `[clips, tracks, frames, TRAITS]`.
    pub traits: Tensor<4>,
    /// As `features` has them, `[clips, tracks, frames, FEATURES]`.
    pub features: Tensor<4>,
    /// `[clips, frames, SCENE]`
    pub scene: Tensor<3>,
    /// As `shot_features` has them, `[clips, frames, SHOT_FEATURES]`.
    pub shot: Tensor<3>,
    /// As `camera_features` has them, `[clips, 1, CAMERA_FEATURES]`.
    pub camera: Tensor<3>,
}

/// What the reader says.
#[derive(Clone, Debug)]
pub struct Said {
    /// `[clips, tracks, frames, thing::ALL]`
    pub things: Tensor<4>,
    /// `[clips, tracks, frames, deed::ALL]`
    pub deeds: Tensor<4>,
    /// `[clips, frames, shot::ALL]`
    pub shots: Tensor<3>,
}

impl Reader {
    /// A network of zeros.
    pub fn new(device: &Device) -> Self {
        Self {
            look: Linear::new(TRAITS + FEATURES + SCENE, LOOK, true, device),
            is: Linear::new(LOOK, thing::ALL, true, device),
            over_time: OverTime::new(LOOK + FEATURES, DOES, device),
            does: Linear::new(DOES, deed::ALL, true, device),
            film: OverTime::new(SCENE + SHOT_FEATURES, FILMS, device),
            shot: Linear::new(FILMS, shot::ALL, true, device),
            ways: Linear::new(CAMERA_FEATURES, WAYS_INSIDE, true, device),
            moves: Linear::new(WAYS_INSIDE, shot::CAMERA.len, true, device),
        }
    }

    /// What a thing is, is said of each frame by itself; what it does, and how it is filmed, of the whole clip.
    pub fn forward(&self, told: Told) -> Said {
        let [clips, tracks, frames, _] = told.features.dims();
        let look = silu(self.look.forward(about_things(&told))); // [clips, tracks, frames, LOOK]
        let course = Tensor::cat(vec![look.clone(), told.features], 3);
        let course = self.over_time.forward(course.reshape([clips * tracks, frames, LOOK + FEATURES]));
        let film = self.film.forward(Tensor::cat(vec![told.scene, told.shot], 2));
        let explained = self.moves.forward(silu(self.ways.forward(told.camera))); // [clips, 1, CAMERA]
        let shots = self.shot.forward(film);
        let place = shots.clone().narrow(2, 0, shot::CAMERA.start);
        let camera = shots.narrow(2, shot::CAMERA.start, shot::CAMERA.len);
        Said {
            things: self.is.forward(look),
            deeds: self.does.forward(course).reshape([clips, tracks, frames, deed::ALL]),
            shots: Tensor::cat(vec![place, camera + explained], 2),
        }
    }

    /// The same network with a first layer that suits what is told, for a start.
    pub fn standardised(self, told: &Told) -> Self {
        let mut pass = Standardise::default();
        pass.linear(&self.look, about_things(told));
        self.map(&mut pass)
    }
}

/// All that is told of each thing in each frame: `[clips, tracks, frames, ..]`.
fn about_things(told: &Told) -> Tensor<4> {
    let [clips, tracks, frames, _] = told.features.dims();
    let scene = told.scene.clone().unsqueeze_dim::<4>(1).expand([clips, tracks, frames, SCENE]);
    Tensor::cat(vec![told.traits.clone(), told.features.clone(), scene], 3)
}
