//! What can go wrong in a training, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Shorthand of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// Every error of this crate. A message says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file or folder that cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An input that an earlier command makes.
    #[error("{path} is no {what}: {advice}")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The command that makes it, or the flag that points elsewhere.
        advice: String,
    },
    /// A file that does not hold what it should.
    #[error("{path}: {what}: expected {expected}, found {found}")]
    Mismatch {
        /// The file or folder.
        path: PathBuf,
        /// The part of it.
        what: String,
        /// What the program needs.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Flags that differ from those of the run that is resumed.
    #[error(
        "{path} was trained with {flag} = {expected}, not {found}: resume with the same flags, or start a new \
         run from its weights with --init-from"
    )]
    ResumeMismatch {
        /// The checkpoint.
        path: PathBuf,
        /// The setting's name.
        flag: String,
        /// Its value in the checkpoint.
        expected: String,
        /// Its value now.
        found: String,
    },
    /// A run folder that already has checkpoints.
    #[error("{path} already holds a run: continue it with --resume, or choose another --output")]
    RunExists {
        /// The run's folder.
        path: PathBuf,
    },
    /// A setting that makes no sense.
    #[error("{flag} is {found}: expected {expected}")]
    Setting {
        /// The flag.
        flag: &'static str,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A loss or a gradient that is not a number.
    #[error(
        "step {step}: {what} is {value}, the run stops; {kept}. A lower --learning-rate or --max-grad-norm may \
         avoid it"
    )]
    NotFinite {
        /// The step that failed.
        step: u64,
        /// Which quantity.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The checkpoint that is left, in words.
        kept: String,
    },
    /// A training that is too large for the memory that there is.
    #[error("this training needs about {needed} of memory, and {limit} {available}: lower {flags}")]
    Memory {
        /// About what it takes.
        needed: String,
        /// Who says how much there is.
        limit: String,
        /// What there is.
        available: String,
        /// The flags that it depends on most.
        flags: &'static str,
    },
    /// A stop was asked for before the work was done. Nothing is lost.
    #[error("stopped at {at}: {advice}")]
    Stopped {
        /// How far it came.
        at: String,
        /// How to go on.
        advice: String,
    },
    /// A folder that another process writes into.
    #[error("{path} is being written by {by}: wait for it, stop it, or choose another --output")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who has it.
        by: String,
    },
    /// Data of which some is still to be made.
    #[error(
        "{path} is not whole: {found} of {expected} {what}; {advice}, or take what is there with --allow-partial"
    )]
    Partial {
        /// The folder.
        path: PathBuf,
        /// The part of it.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// The command that makes the rest.
        advice: String,
    },
    /// A run that is resumed on other inputs than it began with.
    #[error(
        "{path} was trained on other contents than those of --{flag}: resume with the {flag} that it began with, or \
         start a new run from its weights with --init-from"
    )]
    OtherInput {
        /// The checkpoint.
        path: PathBuf,
        /// The flag that points to them.
        flag: String,
    },
    /// The tokenizer refused.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A failure in another crate, with what was being done.
    #[error("{what}: {source}")]
    Part {
        /// What was being done.
        what: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TrainError {
    /// For `map_err`: adds the path to what the system said.
    pub(crate) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.as_ref().into(), source }
    }

    /// For `map_err`: adds what was being done to another crate's error.
    pub(crate) fn part<E>(what: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Part { what: what.into(), source: source.into() }
    }

    /// For `map_err`: JSON that does not parse.
    pub(crate) fn json(path: impl AsRef<Path>) -> impl FnOnce(serde_json::Error) -> Self {
        move |error| Self::Mismatch {
            path: path.as_ref().into(),
            what: "JSON".into(),
            expected: "what this version writes".into(),
            found: error.to_string(),
        }
    }
}
