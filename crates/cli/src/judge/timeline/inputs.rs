//! What the suite begins from: scenes of the held-out prompts, and the world's own clips of them.

use anyhow::Result;
use judge::prompts::{Prompt, PromptSet};
use media::Clip;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use world::{Caption, ClipSpec, Language, Scene, Split};

/// Where scenes begin that no set of prompts and no training has.
const OWN_SCENES: u64 = 3 << 42;

/// A prompt of the held-out set; each number has a scene of its own, and languages take turns.
pub fn prompt(number: usize) -> Prompt {
    let of_set = PromptSet::HeldOut.prompts();
    // The set has each scene in both languages, one behind the other.
    let index = 2 * number + number % 2;
    of_set[index % of_set.len()].clone()
}

/// The scene of a held-out prompt.
pub fn scene(prompt: &Prompt) -> Scene {
    Scene::sample(prompt.scene, Split::HeldOut)
}

/// The world's own clip of a scene.
pub fn clip(scene: &Scene, spec: ClipSpec) -> Result<Clip> {
    let pixels = world::render(scene, &world::simulate(scene, &spec), &spec);
    Ok(Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels)?)
}

/// The first of a clip's frames.
pub fn picture(clip: &Clip) -> Result<Clip> {
    let first = clip.frame(0).map(<[u8]>::to_vec).unwrap_or_default();
    Ok(Clip::still(clip.width(), clip.height(), first)?)
}

/// Held-out scenes that no prompt is of, one after the other.
pub fn own_scenes() -> impl Iterator<Item = Scene> {
    (OWN_SCENES..).map(|seed| Scene::sample(seed, Split::HeldOut))
}

/// A scene in words, in the language whose turn it is.
pub fn words(scene: &Scene, number: usize, say: fn(&Scene, Language, &mut ChaCha8Rng) -> Caption) -> String {
    let language = Language::ALL[number % Language::ALL.len()];
    say(scene, language, &mut ChaCha8Rng::seed_from_u64(scene.seed)).text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_scene_of_its_own_and_languages_take_turns() {
        let prompts: Vec<Prompt> = (0..40).map(prompt).collect();
        let scenes: HashSet<u64> = prompts.iter().map(|prompt| prompt.scene).collect();
        assert_eq!(scenes.len(), 40);
        let english = prompts.iter().filter(|prompt| prompt.language == Language::English).count();
        assert_eq!(english, 20);
        assert!(!scenes.contains(&own_scenes().next().unwrap().seed));
    }
}
