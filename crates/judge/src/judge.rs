//! The judge: its networks, and what they make of clips.

use std::path::Path;

use burn::tensor::Device;
use media::Clip;
use models::weights::{load, load_bytes};
use serde::Deserialize;
use world::{Claims, Scene};

use crate::{
    closeup::{CloseUp, refine},
    drift::drift,
    error::{Error, Result},
    events::{EventReader, events},
    look::{Footage, Sight, look},
    measures::Measures,
    recogniser::Recogniser,
    tracks::{Track, tracks},
    verdict::{Scenery, Verdict, verdict},
};

macro_rules! embed {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/kinora-judge/", $file))
    };
}

/// The networks inside the program.
const RECOGNISER: &[u8] = embed!("recogniser.safetensors");
const CLOSEUP: &[u8] = embed!("closeup.safetensors");
const EVENTS: &[u8] = embed!("events.safetensors");

/// Judges clips.
#[derive(Debug)]
pub struct Judge {
    recogniser: Recogniser,
    closeup: CloseUp,
    reader: EventReader,
    device: Device,
}

impl Judge {
    /// A judge with the networks in a folder, `recogniser.safetensors`, `closeup.safetensors` and `events.safetensors`.
    ///
    /// # Errors
    /// Files that are missing or damaged.
    pub fn load(folder: &Path) -> Result<Self> {
        let judge = Self::without_events(folder)?;
        let reader = load(judge.reader, &folder.join("events.safetensors"))?;
        Ok(Self { reader, ..judge })
    }

    /// A judge that follows things but does not know yet what they do, to teach it that: with `recogniser.safetensors` and
    /// `closeup.safetensors` in a folder.
    ///
    /// # Errors
    /// Files that are missing or damaged.
    pub fn without_events(folder: &Path) -> Result<Self> {
        let device = Device::flex();
        Ok(Self {
            recogniser: load(Recogniser::new(&device), &folder.join("recogniser.safetensors"))?,
            closeup: load(CloseUp::new(&device), &folder.join("closeup.safetensors"))?,
            reader: EventReader::new(&device),
            device,
        })
    }

    /// The judge with the networks inside the program.
    ///
    /// # Errors
    /// None, unless the program is damaged.
    pub fn embedded() -> Result<Self> {
        let device = Device::flex();
        Ok(Self {
            recogniser: load_bytes(Recogniser::new(&device), "recogniser", RECOGNISER)?,
            closeup: load_bytes(CloseUp::new(&device), "closeup", CLOSEUP)?,
            reader: load_bytes(EventReader::new(&device), "events", EVENTS)?,
            device,
        })
    }

    /// All that can be made out in a clip, whatever it should show.
    ///
    /// # Errors
    /// A clip that is too short, too long, too small or too narrow.
    pub fn look(&self, clip: &Clip) -> Result<Scenery> {
        let footage = Footage::new(clip)?;
        let (sight, tracks) = self.follow(&footage)?;
        let (events, camera) = events(&self.reader, &sight, &tracks, &self.device)?;
        let measures = Measures::of(&footage);
        Ok(Scenery { sight, tracks, events, camera, measures })
    }

    /// What is seen in each frame, and the things over time.
    ///
    /// # Errors
    /// A device that does not give back what it computed.
    pub fn follow(&self, footage: &Footage) -> Result<(Sight, Vec<Track>)> {
        let mut sight = look(&self.recogniser, footage, &self.device)?;
        let mut tracks = tracks(&sight);
        refine(&self.closeup, footage, &mut sight, &mut tracks, &self.device)?;
        sight.drift = drift(footage, &tracks);
        Ok((sight, tracks))
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
