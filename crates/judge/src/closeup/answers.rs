//! What the close-up network says.

use glam::Vec3;
use world::{Action, Colour, Kind, Size};

use crate::recogniser::{
    Channels,
    place::{self, GROUND, TIME_OF_DAY, WEATHER},
    seen::DISTANCE_UNIT,
};

/// Logits of the kinds, of a thing of no clear kind, and of no thing.
const KIND: Channels = Channels::first(Kind::ALL.len() + 2);
const COLOUR: Channels = KIND.then(Colour::ALL.len());
const SIZE: Channels = COLOUR.then(Size::ALL.len());
const DISTANCE: Channels = SIZE.then(1);
const VELOCITY: Channels = DISTANCE.then(3);
const SPIN: Channels = VELOCITY.then(3);
const HEIGHT: Channels = SPIN.then(1);
const STRIDE: Channels = HEIGHT.then(1);
const WINGS: Channels = STRIDE.then(1);
const ACTION: Channels = WINGS.then(Action::ALL.len());
/// About a window.
pub(super) const ALL: usize = ACTION.end();

/// Radians a second; radians squared.
const SPIN_UNIT: f32 = 3.0;
const STRIDE_UNIT: f32 = 0.2;

/// About the thing in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Probabilities of the kinds, of being none of them clearly, and of being no thing.
    pub kinds: [f32; KIND.len],
    /// Probabilities of the colours.
    pub colours: [f32; COLOUR.len],
    /// Probabilities of the sizes.
    pub sizes: [f32; SIZE.len],
    /// From the camera to its middle, in metres.
    pub distance: f32,
    /// Over the ground, in m/s: to the camera's right, up, level towards the camera.
    pub velocity: Vec3,
    /// Angular velocity about the same axes, in rad/s.
    pub spin: Vec3,
    /// Of its middle above where it is when it stands, in metres.
    pub height: f32,
    /// The squared angle of its legs, in rad².
    pub stride: f32,
    /// How likely its wings are spread, from 0 to 1.
    pub wings: f32,
    /// Probabilities of what it does.
    pub actions: [f32; ACTION.len],
}

impl Answers {
    /// Of the network's numbers about a window.
    pub(crate) fn read(values: &[f32]) -> Self {
        let number = |of: Channels| values[of.start];
        let vector = |of: Channels| Vec3::new(values[of.start], values[of.start + 1], values[of.start + 2]);
        Self {
            kinds: probabilities(values, KIND),
            colours: probabilities(values, COLOUR),
            sizes: probabilities(values, SIZE),
            distance: DISTANCE_UNIT * number(DISTANCE).clamp(-2.0, 2.0).exp(),
            velocity: vector(VELOCITY),
            spin: vector(SPIN) * SPIN_UNIT,
            height: number(HEIGHT),
            stride: number(STRIDE) * STRIDE_UNIT,
            wings: number(WINGS),
            actions: probabilities(values, ACTION),
        }
    }
}

/// About a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameAnswers {
    /// Probabilities of the grounds, of the times of day and of the weathers, as [`place`] lists them.
    pub places: [f32; place::ALL],
}

impl FrameAnswers {
    /// Of the network's numbers about a frame.
    pub(crate) fn read(values: &[f32]) -> Self {
        let mut places = [0.0; place::ALL];
        places[..TIME_OF_DAY.start].copy_from_slice(&probabilities::<{ GROUND.len }>(values, GROUND));
        places[TIME_OF_DAY.start..WEATHER.start]
            .copy_from_slice(&probabilities::<{ TIME_OF_DAY.len }>(values, TIME_OF_DAY));
        places[WEATHER.start..].copy_from_slice(&probabilities::<{ WEATHER.len }>(values, WEATHER));
        Self { places }
    }
}

fn probabilities<const N: usize>(values: &[f32], of: Channels) -> [f32; N] {
    let logits = &values[of.start..of.end()];
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: [f32; N] = std::array::from_fn(|i| (logits[i] - most).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_where_they_stand() {
        let mut values = vec![0.0; ALL];
        values[KIND.start + Kind::Plane as usize] = 9.0;
        values[DISTANCE.start] = 2.0_f32.ln();
        values[SPIN.start + 1] = -1.0;
        let answers = Answers::read(&values);
        assert!(answers.kinds[Kind::Plane as usize] > 0.99 && (answers.distance - 10.0).abs() < 1e-4);
        assert_eq!((answers.spin.y, answers.sizes), (-3.0, [0.5; 2]));
        let mut values = vec![0.0; place::ALL];
        values[TIME_OF_DAY.start + 3] = 9.0;
        let answers = FrameAnswers::read(&values);
        assert!(answers.places[TIME_OF_DAY.start + 3] > 0.99);
        assert!((answers.places.iter().sum::<f32>() - 3.0).abs() < 1e-5);
    }
}
