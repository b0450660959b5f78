//! The judge: its networks, and what they make of clips.

use std::path::Path;

use burn::tensor::Device;
use media::Clip;
use models::weights::{load, load_bytes};
use serde::Deserialize;
use world::{Claims, Scene};

use crate::{
    camera::explained,
    drift::drift,
    error::{Error, Result},
    look::{Footage, look},
    measures::Measures,
    mirror,
    network::Network,
    reader::read,
    tracks::tracks,
    verdict::{Scenery, Verdict, verdict},
};

/// The networks inside the program.
const WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/kinora-judge/judge.safetensors"));

/// Judges clips.
#[derive(Debug)]
pub struct Judge {
    network: Network,
    device: Device,
}

impl Judge {
    /// A judge with the networks in a file or folder that `kinora train judge` exported.
    ///
    /// # Errors
    /// Files that are missing or damaged.
    pub fn load(path: &Path) -> Result<Self> {
        let device = Device::flex();
        Ok(Self { network: load(Network::new(&device), path)?, device })
    }

    /// The judge with the networks inside the program.
    ///
    /// # Errors
    /// None, unless the program is damaged.
    pub fn embedded() -> Result<Self> {
        let device = Device::flex();
        Ok(Self { network: load_bytes(Network::new(&device), "judge", WEIGHTS)?, device })
    }

    /// All that can be made out in a clip, whatever it should show.
    ///
    /// # Errors
    /// A clip that is too short, too long, too small or too narrow.
    pub fn look(&self, clip: &Clip) -> Result<Scenery> {
        let footage = Footage::new(clip)?;
        let (mut sight, frames) = look(&self.network.recogniser, &footage, &self.device)?;
        let mut tracks = tracks(&sight);
        sight.drift = drift(&footage, &tracks);
        sight.camera = explained(&footage, &tracks);
        let mirrored = mirror::sight(&sight, frames);
        let reading = read(&self.network.reader, [&sight, &mirrored], &mut tracks, &self.device)?;
        let measures = Measures::of(&footage);
        Ok(Scenery { sight, tracks, reading, measures })
    }

    /// Judges a clip against its prompt, in English or Chinese.
    ///
    /// # Errors
    /// A prompt that names no thing, and those of [`look`](Self::look).
    pub fn judge_prompt(&self, clip: &Clip, prompt: &str) -> Result<Verdict> {
        Ok(verdict(&self.look(clip)?, &claims_of(prompt)?))
    }

    /// Judges a clip against claims.
    ///
    /// # Errors
    /// Those of [`look`](Self::look).
    pub fn judge(&self, clip: &Clip, claims: &Claims) -> Result<Verdict> {
        Ok(verdict(&self.look(clip)?, claims))
    }

    /// Judges a clip against the scene that it should show.
    ///
    /// # Errors
    /// Those of [`look`](Self::look).
    pub fn judge_scene(&self, clip: &Clip, scene: &Scene) -> Result<Verdict> {
        Ok(self.judge(clip, &Claims::of_scene(scene))?.with_gravity(scene.gravity))
    }
}

/// What a prompt claims.
///
/// # Errors
/// [`Error::NoClaims`].
pub fn claims_of(prompt: &str) -> Result<Claims> {
    let claims = Claims::of_prompt(prompt);
    if claims.things.is_empty() { Err(Error::NoClaims { prompt: prompt.to_owned() }) } else { Ok(claims) }
}

/// The scene of a clip of the world, from the JSON that `kinora world` writes beside it; `name` is what errors call that.
///
/// # Errors
/// [`Error::Truth`].
pub fn scene_of_truth(name: &str, json: &[u8]) -> Result<Scene> {
    #[derive(Deserialize)]
    struct Record {
        scene: Scene,
    }
    let record: Record =
        serde_json::from_slice(json).map_err(|source| Error::Truth { name: name.to_owned(), source })?;
    Ok(record.scene)
}

#[cfg(test)]
mod tests {
    use world::{ClipSpec, Split};

    use super::*;
    use crate::{
        Tally,
        degrade::{ClipFault, spoil},
        lessons::{VALIDATION, lesson_scene},
        prompts::is_in_view,
        verdict::Claim,
    };

    /// The first scenes of validation of which all can be seen, with their clips.
    fn clips(count: usize) -> Vec<(Scene, Clip)> {
        let spec = ClipSpec::default();
        let seen = (VALIDATION..).map(lesson_scene).filter_map(|scene| {
            let truth = world::simulate(&scene, &spec);
            let is_seen = is_in_view(&truth);
            is_seen.then(|| {
                let pixels = world::render(&scene, &truth, &spec);
                (scene, Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels).unwrap())
            })
        });
        seen.take(count).collect()
    }

    /// Not how good they are, which takes many more clips (`validate`), but that they are what they should be.
    #[test]
    fn the_networks_inside_see_what_is_there() {
        let judge = Judge::embedded().unwrap();
        let clips = clips(6);
        let (mut things, mut colours) = (Tally::default(), Tally::default());
        for (scene, clip) in &clips {
            let seen = judge.look(clip).unwrap();
            let whole = verdict(&seen, &Claims::of_scene(scene));
            for finding in &whole.findings {
                match finding.claim {
                    Claim::Thing(_) => things.add(finding.holds),
                    Claim::Colour(_) => colours.add(finding.holds),
                    _ => {}
                }
            }
            let other =
                clips.iter().map(|(other, _)| other).find(|other| other.things != scene.things).unwrap();
            assert!(
                !verdict(&seen, &Claims::of_scene(other)).all_right,
                "{:?} for {:?}",
                other.things,
                scene.things
            );
            let blurred = judge.judge_scene(&spoil(clip, ClipFault::Blurred(6.0), 0), scene).unwrap();
            assert!(!(blurred.all_right && blurred.flawless), "{:?}", blurred.findings);
        }
        // One of each may be wrong.
        assert!(things.right + 1 >= things.all && colours.right + 1 >= colours.all, "{things:?} {colours:?}");
        let black = Clip::new(128, 128, 8.0, vec![0; 17 * 128 * 128 * 3]).unwrap();
        let black = judge.judge_prompt(&black, "a black cube").unwrap();
        assert!(black.things.is_empty() && !black.all_right && !black.flawless, "{:?}", black.things);
    }

    /// What is read of a clip and of the same in a mirror is one reading, but for left and right.
    #[test]
    fn in_a_mirror_the_other_way_is_read() {
        let judge = Judge::embedded().unwrap();
        for (_, clip) in clips(2) {
            let turned = mirror::frame(clip.as_bytes(), clip.width());
            let turned = Clip::new(clip.width(), clip.height(), clip.fps(), turned).unwrap();
            let [is, found] = [&clip, &turned].map(|clip| judge.look(clip).unwrap());
            assert_eq!(found.reading.camera, is.reading.camera.mirrored());
            let events = |events: &[Vec<world::Event>]| {
                let mut events: Vec<_> = events.to_vec();
                events.sort();
                events
            };
            let turned = |events: &Vec<world::Event>| events.iter().map(|event| event.mirrored()).collect();
            let expected: Vec<Vec<_>> = is.reading.events.iter().map(turned).collect();
            assert_eq!(events(&found.reading.events), events(&expected));
            for (a, b) in is.reading.places.iter().zip(found.reading.places) {
                assert!((a - b).abs() < 0.05, "{a} {b}");
            }
            for part in [crate::reader::shot::GROUND, crate::reader::shot::WEATHER] {
                let sum: f32 = is.reading.places[part.start..part.end()].iter().sum();
                assert!((sum - 1.0).abs() < 1e-4, "{sum}");
            }
        }
    }

    #[test]
    fn prompts_without_things_and_other_json_are_refused() {
        let message = claims_of("hello").unwrap_err().to_string();
        assert!(message.contains("hello") && message.contains("vocabulary"), "{message}");
        assert_eq!(claims_of("红色的球").unwrap().things.len(), 1);
        for json in ["", "{}", "[1]", "{\"scene\": 1}"] {
            let message = scene_of_truth("a.json", json.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("a.json") && message.contains("kinora world"), "{message}");
        }
        let scene = Scene::sample(3, Split::Train);
        let json = serde_json::json!({ "scene": scene, "captions": [] }).to_string();
        assert_eq!(scene_of_truth("b", json.as_bytes()).unwrap(), scene);
    }
}
