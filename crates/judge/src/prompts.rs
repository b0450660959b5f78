//! Prompts to judge a model by: half of them English, half Chinese, each with the scene of the world that it describes.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use world::{Attribute, ClipSpec, GroundTruth, HeldOut, Language, Scene, Split, caption};

/// A prompt, and the scene that it describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The prompt.
    pub prompt: String,
    /// Its language.
    pub language: Language,
    /// The seed of the scene, on the side of the split that the set is of.
    pub scene: u64,
}

/// A set of prompts that is kept: choices are made on those of combinations that a model has seen, and reported on
/// those that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptSet {
    /// Of combinations that training shows, in scenes that it does not.
    Seen,
    /// Of combinations that training never shows; each prompt names what is held out.
    HeldOut,
}

impl PromptSet {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Seen, Self::HeldOut];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::HeldOut => "held-out",
        }
    }

    /// The set of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    /// The side of the split that the scenes are on.
    pub fn split(self) -> Split {
        match self {
            Self::Seen => Split::Train,
            Self::HeldOut => Split::HeldOut,
        }
    }

    /// The prompts, in an order in which the languages take turns, so that any first few are a sample of all.
    pub fn prompts(self) -> Vec<Prompt> {
        let lines = match self {
            Self::Seen => include_str!("../prompts/seen.jsonl"),
            Self::HeldOut => include_str!("../prompts/held-out.jsonl"),
        };
        let parse = |line| serde_json::from_str(line).expect("a test reads every line of the sets");
        lines.lines().map(parse).collect()
    }

    /// How the kept prompts were made: of scenes one after the other, which no training and no lesson has, those whose
    /// things are in view and that have a caption in each language that says the main thing's colour and what is held
    /// out.
    pub fn make(self, scenes: usize) -> Vec<Prompt> {
        let first = match self {
            Self::Seen => 1_u64 << 41,
            Self::HeldOut => 1 << 42,
        };
        self.fitting(first).take(scenes).flatten().collect()
    }

    /// The same of the scenes from `first` on, without end: each in English and in Chinese.
    pub fn fitting(self, first: u64) -> impl Iterator<Item = [Prompt; 2]> {
        (first..).filter_map(move |seed| {
            let scene = Scene::sample(seed, self.split());
            if !is_in_view(&world::simulate(&scene, &ClipSpec::default())) {
                return None;
            }
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let [english, chinese] = Language::ALL.map(|language| {
                let caption = caption(&scene, language, &mut rng);
                let fits =
                    caption.states(Attribute::Colour(0)) && self.says(&scene, |what| caption.states(what));
                fits.then_some(Prompt { prompt: caption.text, language, scene: seed })
            });
            Some([english?, chinese?])
        })
    }

    fn says(self, scene: &Scene, states: impl Fn(Attribute) -> bool) -> bool {
        let held_out = HeldOut::of(scene);
        self == Self::Seen
            // Every thing's kind is stated, so a pair always is.
            || !held_out.pairs.is_empty()
            || held_out.colours.iter().any(|&thing| states(Attribute::Colour(thing)))
            || held_out.events.iter().any(|&event| states(Attribute::Event(event)))
    }
}

/// Whether all things can be asked for: each is in view for half of its outline or more, in half of the frames or more.
pub fn is_in_view(truth: &GroundTruth) -> bool {
    const LEAST_VISIBLE: f32 = 0.5;
    let things = truth.frames.first().map_or(0, |frame| frame.things.len());
    (0..things).all(|thing| {
        let seen =
            truth.frames.iter().filter(|frame| frame.things[thing].visibility >= LEAST_VISIBLE).count();
        2 * seen >= truth.frames.len()
    })
}

#[cfg(test)]
mod tests {
    use world::{Claims, unknown_words};

    use super::*;

    #[test]
    fn the_kept_prompts_claim_what_is_true_of_their_scenes() {
        for set in PromptSet::ALL {
            let prompts = set.prompts();
            assert!(prompts.len() >= 200, "{}", set.name());
            let chinese = prompts.iter().filter(|prompt| prompt.language == Language::Chinese).count();
            assert_eq!(2 * chinese, prompts.len());
            for Prompt { prompt, scene, .. } in &prompts {
                assert!(unknown_words(prompt).is_empty(), "{prompt}");
                let (claims, truth) =
                    (Claims::of_prompt(prompt), Claims::of_scene(&Scene::sample(*scene, set.split())));
                assert_eq!(claims.things[0].kind, truth.things[0].kind, "{prompt}");
                assert_eq!(claims.things[0].colour, truth.things[0].colour, "{prompt}");
                assert_eq!(claims.count(), truth.count(), "{prompt}");
                let split = HeldOut::of(&Scene::sample(*scene, set.split())).split();
                assert_eq!(split, set.split(), "{prompt}");
            }
        }
    }

    #[test]
    fn the_kept_prompts_are_those_of_their_rule() {
        for set in PromptSet::ALL {
            let kept = set.prompts();
            assert_eq!(set.make(3), kept[..6]);
        }
    }
}
