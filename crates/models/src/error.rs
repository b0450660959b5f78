//! What can go wrong with a model's files.

use std::path::PathBuf;

/// The result of reading, checking or writing a model.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be read, built or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be written or read.
    #[error(transparent)]
    File(#[from] disk::Error),
    /// A folder or a map of a file could not be made.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A JSON file does not parse.
    #[error("{path}: not the JSON that was expected: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why parsing stopped.
        source: serde_json::Error,
    },
    /// A `config.json` belongs to another model class.
    #[error(
        "{path}: this is the configuration of a {found}, expected a {expected}; point to the folder of a {expected}"
    )]
    WrongClass {
        /// The file.
        path: PathBuf,
        /// The class that was asked for.
        expected: &'static str,
        /// The class that the file names.
        found: String,
    },
    /// A configuration that no model can be built from, or a variant that is not served.
    #[error("{class}: `{field}` is {found}, expected {expected}")]
    Config {
        /// The upstream class.
        class: &'static str,
        /// The field of `config.json`.
        field: &'static str,
        /// What would be accepted.
        expected: String,
        /// What the configuration says.
        found: String,
    },
    /// An input that a model cannot take.
    #[error("{class}: {what} is {found}, expected {expected}")]
    Input {
        /// The upstream class.
        class: &'static str,
        /// What was given.
        what: &'static str,
        /// What would be accepted.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A folder without weights.
    #[error(
        "{folder}: no weights: expected {expected}; is this the folder of one model, with its `config.json`?"
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// The names that were looked for.
        expected: String,
    },
    /// A weights file that is damaged or of another format.
    #[error("{file}: not a readable safetensors file: {reason}; copy or download it again")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A parameter of the model that no file holds.
    #[error(
        "{file}: tensor `{tensor}` {expected:?} is missing ({missing} missing in all); the weights do not belong to this `config.json`, or are incomplete"
    )]
    MissingTensor {
        /// The file (the index of a sharded checkpoint).
        file: PathBuf,
        /// The first missing tensor.
        tensor: String,
        /// Its shape in the model.
        expected: Vec<usize>,
        /// How many are missing.
        missing: usize,
    },
    /// A tensor in a file that the model has no parameter for.
    #[error(
        "{file}: tensor `{tensor}` {found:?} has no place in this model ({unused} unused in all); the weights do not belong to this `config.json`"
    )]
    UnusedTensor {
        /// The file.
        file: PathBuf,
        /// The first unused tensor.
        tensor: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// How many are unused.
        unused: usize,
    },
    /// A tensor of another shape than the model's parameter.
    #[error(
        "{file}: tensor `{tensor}`: expected {expected:?}, found {found:?}; the weights do not belong to this `config.json`"
    )]
    Shape {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its shape in the model.
        expected: Vec<usize>,
        /// Its shape in the file.
        found: Vec<usize>,
    },
    /// A tensor in a number format that is not read.
    #[error("{file}: tensor `{tensor}`: expected F32, BF16 or F16, found {found}; convert the file first")]
    Dtype {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The number format.
        found: String,
    },
    /// Weights that are infinite or undefined.
    #[error(
        "{file}: tensor `{tensor}`: expected finite numbers, found {value} at {position:?}; the weights are damaged, or \
         those of a training that failed"
    )]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Where the first one is, along each axis.
        position: Vec<usize>,
        /// What it is.
        value: f32,
    },
    /// Weights in several variants, of which none is the plain one.
    #[error(
        "{folder}: no weights without a variant, and several with one: choose from {} (--variant)", .variants.join(", ")
    )]
    Variants {
        /// The folder.
        folder: PathBuf,
        /// What there is.
        variants: Vec<String>,
    },
    /// One tensor is stored twice with different values.
    #[error(
        "{file}: tensor `{tensor}` and its copy `{copy}` should be equal and are not; save the model again with tied weights"
    )]
    TiedDiffer {
        /// The file that holds the copy.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The name of the copy.
        copy: String,
    },
}
