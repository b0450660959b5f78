//! Whether credentials fit the file that they are in.

use std::{
    io::{Read, Seek},
    panic::{self, AssertUnwindSafe},
    path::Path,
};

use c2pa::{DigitalSourceType, Manifest, Reader, ValidationState, jumbf_io, validation_status};
use serde_json::{Value, json};

use crate::{Anchors, Report, Result, State, file, seal};

/// Bytes of the longest manifest that is looked at.
const MAX_MANIFEST_BYTES: usize = 32 << 20;

/// Letters of the longest text that is told, and the most failures.
const MAX_LETTERS: usize = 200;
const MAX_FAILURES: usize = 20;

/// Looks at the credentials in the file at `path`, and believes those that `anchors` certify.
///
/// # Errors
/// A file that cannot be read or is no MP4, PNG, JPEG, WebP or GIF. Whatever else is wrong is in the report.
pub fn verify(path: &Path, anchors: &Anchors) -> Result<Report> {
    let (mut file, media_type) = file::open(path)?;
    let judged = panic::catch_unwind(AssertUnwindSafe(|| judge(&mut file, media_type, anchors)));
    Ok(judged.unwrap_or_else(|_| Report::invalid("the manifest cannot be read")))
}

fn judge(file: &mut (impl Read + Seek + Send), media_type: &str, anchors: &Anchors) -> Report {
    match read(file, media_type, anchors) {
        Ok(Found { mut report, manifest, seal: Some(seal) }) if report.state != State::Invalid => {
            let found = seal::of(file, media_type, &manifest);
            if !found.is_ok_and(|found| found.as_ref() == Some(&seal)) {
                report.state = State::Invalid;
                let failure = format!("{}: bytes that C2PA's own hash leaves out have changed", seal::LABEL);
                report.failures.push(failure);
            }
            report
        }
        Ok(Found { report, .. }) => report,
        Err(c2pa::Error::JumbfNotFound) => Report::default(),
        Err(error) => Report::invalid(&error.to_string()),
    }
}

/// What is in a file.
pub struct Found {
    /// What C2PA's own rules say.
    pub report: Report,
    manifest: Vec<u8>,
    seal: Option<String>,
}

/// Reads the manifest, and judges it by C2PA's own rules.
pub fn read(
    file: &mut (impl Read + Seek + Send),
    media_type: &str,
    anchors: &Anchors,
) -> Result<Found, c2pa::Error> {
    file.rewind()?;
    let manifest = jumbf_io::load_jumbf_from_stream(media_type, file)?;
    if manifest.len() > MAX_MANIFEST_BYTES {
        let reason = format!("the manifest has {} bytes, more than {MAX_MANIFEST_BYTES}", manifest.len());
        return Ok(Found { report: Report::invalid(&reason), manifest, seal: None });
    }
    file.rewind()?;
    let reader = Reader::from_context(anchors.context()?).with_stream(media_type, file)?;
    let seal =
        reader.active_manifest().and_then(|manifest| manifest.find_assertion::<Value>(seal::LABEL).ok());
    let seal = seal.map(|seal| seal["hash"].as_str().unwrap_or_default().to_owned());
    Ok(Found { report: report(&reader), manifest, seal })
}

fn report(reader: &Reader) -> Report {
    let state = match reader.validation_state() {
        ValidationState::Trusted => State::Trusted,
        ValidationState::Valid => State::Valid,
        _ => State::Invalid,
    };
    let failures = reader.validation_status().unwrap_or_default().iter();
    // That the signer is not known is what `State::Valid` says.
    let failures = failures.filter(|status| status.code() != validation_status::SIGNING_CREDENTIAL_UNTRUSTED);
    let failures = failures.map(|status| match status.explanation() {
        Some(words) => shortened(&format!("{}: {words}", status.code())),
        None => shortened(status.code()),
    });
    let report = Report { state, failures: failures.take(MAX_FAILURES).collect(), ..Report::default() };
    match reader.active_manifest() {
        Some(manifest) => told(manifest, report),
        None => report,
    }
}

/// What the manifest says.
fn told(manifest: &Manifest, report: Report) -> Report {
    let text = |value: &Value| value.as_str().map(shortened);
    let program = manifest.claim_generator_info.iter().flatten().next();
    let program = program.map(|info| match &info.version {
        Some(version) => format!("{} {version}", info.name),
        None => info.name.clone(),
    });
    let actions = manifest.find_assertion::<Value>("c2pa.actions").unwrap_or_default();
    let created =
        actions["actions"].as_array().into_iter().flatten().find(|action| action["action"] == "c2pa.created");
    let created = created.unwrap_or(&Value::Null);
    let composite = json!(DigitalSourceType::CompositeWithTrainedAlgorithmicMedia);
    // A name, or an object that has one.
    let agent = &created["softwareAgent"];
    Report {
        issuer: manifest.issuer().or_else(|| manifest.common_name()).as_deref().map(shortened),
        program: program.as_deref().map(shortened),
        model: text(agent).or_else(|| text(&agent["name"])),
        composite: created["digitalSourceType"] == composite,
        created: text(&created["when"]).or_else(|| manifest.time().as_deref().map(shortened)),
        ..report
    }
}

/// The beginning of a text, which may be a stranger's.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(MAX_LETTERS).collect()
}
