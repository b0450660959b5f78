//! What is stated of a file.

use std::time::SystemTime;

use c2pa::DigitalSourceType;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::seal;

/// The program that states it.
pub(crate) const PROGRAM: &str = "Kinora";

/// What a manifest says of the file that it is in. The prompt is not among it: a manifest is made to be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The name of the model that made it.
    pub model: String,
    /// When.
    pub created: SystemTime,
    /// Whether stills or clips that were there before are a part of it.
    pub composite: bool,
}

impl Claim {
    /// The manifest of a file of this media type, before it is signed.
    /// `label`: its name, which nothing else may have.
    pub(crate) fn manifest(&self, media_type: &str, label: &str, seal: &str) -> Value {
        let created = DateTime::<Utc>::from(self.created).to_rfc3339_opts(SecondsFormat::Secs, true);
        let source = match self.composite {
            true => DigitalSourceType::CompositeWithTrainedAlgorithmicMedia,
            false => DigitalSourceType::TrainedAlgorithmicMedia,
        };
        json!({
            "claim_version": 2,
            "label": label,
            "format": media_type,
            "claim_generator_info": [{ "name": PROGRAM, "version": env!("CARGO_PKG_VERSION") }],
            "assertions": [
                {
                    "label": "c2pa.actions.v2",
                    "created": true,
                    "data": {
                        "actions": [{
                            "action": "c2pa.created",
                            "when": created,
                            "softwareAgent": { "name": self.model },
                            "digitalSourceType": source,
                        }],
                        "allActionsIncluded": true,
                    },
                },
                { "label": seal::LABEL, "created": true, "data": { "alg": "sha256", "hash": seal } },
            ],
        })
    }
}
