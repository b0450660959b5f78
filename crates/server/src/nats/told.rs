//! What a worker tells of a job in hand, for those who watch it. It is not kept, and may be lost.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use crate::maker::{Preview, Progress};

/// Where it is told of all jobs.
pub const ALL: &str = "kinora.told.*";

/// Bytes of the largest preview that goes with it: NATS takes messages of 1 MiB.
const MAX_PREVIEW: usize = 512 << 10;

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    stage: String,
    step: u64,
    total: u64,
    done: f64,
    preview: Option<Picture>,
}

/// What can be seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Picture {
    is_jpeg: bool,
    base64: String,
}

/// Where it is told of one job.
pub fn subject(id: &str) -> String {
    ALL.replace('*', id)
}

impl Told {
    /// Of what the engine says.
    pub fn of(progress: &Progress<'_>) -> Self {
        let &Progress { stage, step, total, done, ref preview } = progress;
        let preview = preview.as_ref().filter(|preview| preview.bytes.len() <= MAX_PREVIEW);
        Self {
            stage: stage.to_owned(),
            step,
            total,
            // JSON has no other numbers.
            done: if done.is_finite() { done } else { 0.0 },
            preview: preview.map(|Preview { media_type, bytes }| Picture {
                is_jpeg: *media_type == "image/jpeg",
                base64: BASE64_STANDARD.encode(bytes),
            }),
        }
    }

    /// As the engine said it.
    pub fn progress(&self) -> Progress<'_> {
        let preview = self.preview.as_ref().and_then(|Picture { is_jpeg, base64 }| {
            let media_type = if *is_jpeg { "image/jpeg" } else { "image/png" };
            Some(Preview { media_type, bytes: BASE64_STANDARD.decode(base64).ok()? })
        });
        Progress { stage: &self.stage, step: self.step, total: self.total, done: self.done, preview }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_arrives_as_it_was_said() {
        for media_type in ["image/png", "image/jpeg"] {
            let preview = Some(Preview { media_type, bytes: vec![1, 2, 3] });
            let said = Progress { stage: "denoise", step: 3, total: 8, done: 0.3, preview };
            let text = serde_json::to_vec(&Told::of(&said)).unwrap();
            assert_eq!(serde_json::from_slice::<Told>(&text).unwrap().progress(), said);
        }
        let preview = Some(Preview { media_type: "image/png", bytes: vec![0; MAX_PREVIEW + 1] });
        let large = Progress { stage: "denoise", step: 3, total: 8, done: f64::NAN, preview };
        let text = serde_json::to_vec(&Told::of(&large)).unwrap();
        let told: Told = serde_json::from_slice(&text).unwrap();
        assert_eq!((told.done, told.preview), (0.0, None));
    }
}
