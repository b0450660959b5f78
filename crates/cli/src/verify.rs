//! `kinora verify`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use credentials::{Anchors, Report, State};
use serde_json::json;

use crate::{
    failure::{print, printable},
    signing,
};

#[derive(Args)]
pub struct VerifyArgs {
    /// MP4, PNG, JPEG, WebP or GIF files
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// Certificates to believe, as PEM, besides those that this user's `kinora serve` and `kinora sign` sign with; can be repeated
    #[arg(long, value_name = "PEM")]
    trust: Vec<PathBuf>,

    /// Print one JSON object for each file
    #[arg(long)]
    json: bool,
}

pub fn run(VerifyArgs { files, trust, json }: &VerifyArgs) -> Result<()> {
    let mut anchors = Anchors::default();
    signing::trust(&signing::settings()?, &mut anchors)?;
    for path in trust {
        anchors.add(path)?;
    }
    let mut bad = 0;
    for file in files {
        let report = credentials::verify(file, &anchors);
        if !report.as_ref().is_ok_and(|report| report.state >= State::Valid) {
            bad += 1;
        }
        print(&match (report, json) {
            (Ok(report), true) => {
                json!({ "file": file.to_string_lossy(), "credentials": report }).to_string()
            }
            (Ok(report), false) => printable(&line(file, &report)),
            (Err(error), true) => {
                json!({ "file": file.to_string_lossy(), "error": error.to_string() }).to_string()
            }
            (Err(error), false) => printable(&error.to_string()),
        })?;
    }
    if bad > 0 {
        bail!("found no valid content credentials in {bad} of {} files", files.len());
    }
    Ok(())
}

/// `ball.mp4: valid, signed by …, made by … with …, at …`.
fn line(file: &Path, report: &Report) -> String {
    let Report { state, issuer, program, model, composite, created, failures } = report;
    let of = composite.then(|| "pictures that were there before".to_owned());
    let told = [("signed by", issuer), ("made by", program), ("with", model), ("of", &of), ("at", created)];
    let told = told.into_iter().filter_map(|(word, text)| Some(format!("{word} {}", text.as_ref()?)));
    let state = match state {
        State::Absent => "no content credentials".to_owned(),
        State::Invalid => format!("invalid: {}", failures.join("; ")),
        State::Valid => "valid, by a signer who is not known here".to_owned(),
        State::Trusted => "valid, by a signer who is known here".to_owned(),
    };
    format!("{}: {}", file.display(), std::iter::once(state).chain(told).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_known() {
        let report = Report {
            state: State::Trusted,
            issuer: Some("Studio".into()),
            model: Some("kinora-tiny".into()),
            ..Report::default()
        };
        let file = Path::new("a.mp4");
        let expected = "a.mp4: valid, by a signer who is known here, signed by Studio, with kinora-tiny";
        assert_eq!(line(file, &report), expected);
        let report = Report { composite: true, ..report };
        assert_eq!(line(file, &report), format!("{expected}, of pictures that were there before"));
        assert_eq!(line(file, &Report::default()), "a.mp4: no content credentials");
        let failures = vec!["assertion.bmffHash.mismatch".into(), "kinora.seal".into()];
        let report = Report { state: State::Invalid, failures, ..Report::default() };
        assert_eq!(line(file, &report), "a.mp4: invalid: assertion.bmffHash.mismatch; kinora.seal");
    }
}
