//! What a file's credentials are worth.

use serde::Serialize;

use crate::verify::shortened;

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it is worth.
    pub state: State,
    /// Who signed, as the certificate says. Anybody can write any name into a certificate: it is worth something where the state is
    /// [`State::Trusted`].
    pub issuer: Option<String>,
    /// The program that stated it, and its version.
    pub program: Option<String>,
    /// The model that made the file.
    pub model: Option<String>,
    /// Whether it says that pictures which were there before are a part of it.
    pub composite: bool,
    /// When the file was made, as RFC 3339 writes it.
    pub created: Option<String>,
    /// What is wrong, in the order in which it was found: C2PA's codes, with words.
    pub failures: Vec<String>,
}

/// What credentials are worth, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There are none.
    #[default]
    Absent,
    /// They do not fit the file, or cannot be read.
    Invalid,
    /// They fit the file: no byte has changed since it was signed. Who signed is not known.
    Valid,
    /// They fit the file, and the signer is known.
    Trusted,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Invalid => "invalid",
            Self::Valid => "valid",
            Self::Trusted => "trusted",
        })
    }
}

impl Report {
    /// Of credentials that are there and worth nothing.
    pub(crate) fn invalid(failure: &str) -> Self {
        Self { state: State::Invalid, failures: vec![shortened(failure)], ..Self::default() }
    }
}
