//! What can be wrong with a schedule or with the configuration of one.

/// Errors of this crate. The samplers return the caller's own error type instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A schedule was asked for with a number of steps that it cannot have.
    #[error("{sampler} cannot run {found} steps: expected 1 to {max}")]
    NumSteps {
        /// The sampler whose schedule was asked for.
        sampler: &'static str,
        /// The number asked for.
        found: usize,
        /// The largest possible number.
        max: usize,
    },

    /// A shift that is not a positive, finite number.
    #[error("shift {found} is not usable: expected a positive number (1 leaves the schedule as it is)")]
    Shift {
        /// The shift asked for.
        found: f64,
    },

    /// Noise levels that do not fall from at most 1 to at least 0.
    #[error("sigmas[{index}] is {found}: expected two or more sigmas that fall, each within 0 to 1")]
    Sigmas {
        /// Where the sequence is first wrong.
        index: usize,
        /// The value there (NaN where there is none).
        found: f64,
    },

    /// `scheduler_config.json` is not a JSON object.
    #[error("scheduler_config.json: {0}; expected the JSON object that diffusers writes")]
    Json(#[from] serde_json::Error),

    /// A field of `scheduler_config.json` has the wrong type.
    #[error("scheduler_config.json: field '{field}': expected {expected}, found {found}")]
    FieldType {
        /// Name of the field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// The JSON value found (`null` where it is missing).
        found: String,
    },

    /// `scheduler_config.json` asks for something that is not implemented.
    #[error(
        "scheduler_config.json: {class} with '{field}' = {found} is not supported: \
         expected {expected}; change the field or choose another sampler"
    )]
    Unsupported {
        /// The `_class_name`.
        class: String,
        /// Name of the field.
        field: &'static str,
        /// The value found, or diffusers' default where the field is absent.
        found: String,
        /// The value that is supported.
        expected: String,
    },
}

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
