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
        let mut sight = look(&self.network.recogniser, &footage, &self.device)?;
        let mut tracks = tracks(&sight);
        sight.drift = drift(&footage, &tracks);
        sight.camera = explained(&footage, &tracks);
        let reading = read(&self.network.reader, &sight, &mut tracks, &self.device)?;
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
}

/// What a prompt claims.
///
/// # Errors
/// [`Error::NoClaims`].
pub fn claims_of(prompt: &str) -> Result<Claims> {
    let claims = Claims::of_prompt(prompt);
    if claims.things.is_empty() { Err(Error::NoClaims { prompt: prompt.to_owned() }) } else { Ok(claims) }
}

/// What the ground truth of a clip claims: the JSON that `kinora world` writes; `name` is what errors call it.
///
/// # Errors
/// [`Error::Truth`].
pub fn claims_of_truth(name: &str, json: &[u8]) -> Result<Claims> {
    #[derive(Deserialize)]
    struct Record {
        scene: Scene,
    }
    let record: Record =
        serde_json::from_slice(json).map_err(|source| Error::Truth { name: name.to_owned(), source })?;
    Ok(Claims::of_scene(&record.scene))
}

#[cfg(test)]
mod tests {
    use world::Split;

    use super::*;

    #[test]
    fn prompts_without_things_and_other_json_are_refused() {
        let message = claims_of("hello").unwrap_err().to_string();
        assert!(message.contains("hello") && message.contains("vocabulary"), "{message}");
        assert_eq!(claims_of("红色的球").unwrap().things.len(), 1);
        for json in ["", "{}", "[1]", "{\"scene\": 1}"] {
            let message = claims_of_truth("a.json", json.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("a.json") && message.contains("kinora world"), "{message}");
        }
        let scene = Scene::sample(3, Split::Train);
        let json = serde_json::json!({ "scene": scene, "captions": [] }).to_string();
        assert_eq!(claims_of_truth("b", json.as_bytes()).unwrap(), Claims::of_scene(&scene));
    }
}
