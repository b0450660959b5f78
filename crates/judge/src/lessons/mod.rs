//! The scenes that the judge learns from and is tested on, which no generator is trained on.

mod motion;

#[cfg(test)]
pub(crate) use motion::camera_way;
pub use motion::{Motion, camera_rates, motion};

use world::{Scene, Split};

/// Seeds of scenes from here on belong to the judge. Generators draw theirs from all 64 bits, so that they practically
/// never meet.
const FIRST_SEED: u64 = 1 << 40;

/// The number of the first lesson that is kept for evaluations during training.
pub const EVALUATION: u64 = 1 << 36;
/// The number of the first scene that is kept for the validation of the whole judge.
pub const VALIDATION: u64 = 3 << 36;

/// One scene in this many shows a combination that generators never see.
const HELD_OUT_ONE_IN: u64 = 4;

/// The scene of this number: of both sides of the split, since a judge has to know what generators have never seen.
pub fn lesson_scene(number: u64) -> Scene {
    let split = if number.is_multiple_of(HELD_OUT_ONE_IN) { Split::HeldOut } else { Split::Train };
    Scene::sample(FIRST_SEED + number, split)
}
