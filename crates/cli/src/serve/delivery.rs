//! How a finished file is handed over: marked, signed, and what is said of files that come back.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Result;
use credentials::{Anchors, Identity, Report, State};
use media::Clip;
use serde_json::Value;
use server::{
    Settings,
    maker::{Credential, Outcome, Refusal, SignalKind, Validation},
};

use super::refusal::internal;
use crate::signing;

/// What is done with a file before a client gets it.
pub struct Delivery {
    /// Who signs it, if it is signed.
    identity: Option<Identity>,
    /// Who is believed: whoever signs here.
    anchors: Anchors,
    /// Whether frames are marked for all to see.
    is_marked: bool,
}

impl Delivery {
    /// As the settings have it.
    pub fn of(settings: &Settings) -> Result<Self> {
        let identity = settings.credentials.then(|| signing::identity(settings)).transpose()?;
        let mut anchors = Anchors::default();
        signing::trust(settings, &mut anchors)?;
        Ok(Self { identity, anchors, is_marked: settings.mark })
    }

    /// A frame as it is handed over.
    pub fn mark(&self, frame: &mut Clip) {
        if self.is_marked {
            frame.mark();
        }
    }

    /// Where a file is written first that is to be at `output`: it is not there before it is signed.
    pub fn first(&self, state: &Path, output: &Path) -> PathBuf {
        match &self.identity {
            Some(_) => state.join("unsigned").with_extension(output.extension().unwrap_or_default()),
            None => output.to_owned(),
        }
    }

    /// Puts what was written first, with this record, at `output`.
    pub fn finish(&self, first: &Path, output: &Path, record: &Value) -> Result<(), Refusal> {
        let Some(identity) = &self.identity else { return Ok(()) };
        let claim = signing::claim(record, SystemTime::now());
        let claim = claim.ok_or_else(|| internal("a record without its model"))?;
        credentials::sign(first, output, identity, &claim).map_err(internal)
    }

    /// What a file says of where it comes from.
    pub fn provenance(&self, file: &Path) -> Result<Vec<Credential>, Refusal> {
        let report = credentials::verify(file, &self.anchors).map_err(|error| Refusal::bad("file", error))?;
        let Report { state, issuer, model, created, program: _, composite: _, failures: _ } = report;
        let (outcome, validation) = match state {
            State::Absent => (Outcome::NotDetected, Validation::NotPresent),
            State::Invalid => (Outcome::Detected, Validation::Invalid),
            State::Valid => (Outcome::Detected, Validation::Valid),
            State::Trusted => (Outcome::Detected, Validation::Trusted),
        };
        Ok(vec![Credential {
            kind: SignalKind::C2pa,
            outcome,
            validation_state: Some(validation),
            issuer,
            model,
            generated_at: created,
        }])
    }
}
