//! What is signed, who signs, and who is believed: the same for `kinora serve`, `kinora sign` and `kinora verify`.

use std::{path::Path, time::SystemTime};

use anyhow::Result;
use credentials::{Anchors, Claim, Identity};
use serde_json::Value;
use server::{ServeArgs, Settings};

/// What can be stated of a file by its record of how it was made; nothing if that names no model.
pub fn claim(record: &Value, created: SystemTime) -> Option<Claim> {
    let known = record["request"]["known"].as_array().into_iter().flatten();
    // What only moves as another clip does has no pictures of that.
    let composite = known.into_iter().any(|known| known["motion_only"] != true);
    Some(Claim { model: record["model"]["name"].as_str()?.to_owned(), created, composite })
}

/// Who signs by the server's settings: the certificate that they name, or a self-made one in the data folder.
pub fn identity(settings: &Settings) -> Result<Identity> {
    let Settings { data, certificate, private_key, .. } = settings;
    Ok(match certificate.is_empty() {
        true => Identity::self_made(data)?,
        false => Identity::load(Path::new(certificate), Path::new(private_key))?,
    })
}

/// The settings of a server that is started without flags.
pub fn settings() -> Result<Settings> {
    Ok(Settings::load(&ServeArgs::default())?)
}

/// Believes what is signed by these settings.
pub fn trust(settings: &Settings, anchors: &mut Anchors) -> Result<()> {
    if !settings.certificate.is_empty() {
        anchors.add(Path::new(&settings.certificate))?;
    }
    // Also where another certificate is used by now. Nothing may have been signed yet.
    let self_made = settings.data.join(Identity::PUBLIC);
    if self_made.is_file() {
        anchors.add(&self_made)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_pictures_of_others_is_said_to_have_them() {
        let now = SystemTime::now();
        let composite = |known: Value| {
            let record = json!({ "model": { "name": "kinora-tiny" }, "request": { "known": known } });
            claim(&record, now).unwrap().composite
        };
        assert!(!composite(json!([])) && !composite(json!([{ "file": "a.mp4", "motion_only": true }])));
        assert!(composite(json!([{ "file": "a.png" }])));
        assert!(composite(json!([{ "motion_only": true }, { "motion_only": false }])));
        assert_eq!(claim(&json!({ "prompt": "a ball" }), now), None);
    }
}
