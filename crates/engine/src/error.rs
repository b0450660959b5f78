//! What can go wrong between a request and its video.

use std::path::PathBuf;

use crate::Stage;

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a video could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value of the request that cannot be served.
    #[error("{field}: expected {expected}, found {found}")]
    Request {
        /// The field of [`VideoRequest`](crate::VideoRequest).
        field: &'static str,
        /// What would be accepted.
        expected: String,
        /// What was asked for.
        found: String,
    },
    /// The output's name does not say what to write.
    #[error(
        "{}: cannot tell the format from this name; end it in one of {}, .safetensors",
        .path.display(),
        media::Format::extensions()
    )]
    UnknownExtension {
        /// The path as given.
        path: PathBuf,
    },
    /// A clip that the chosen format cannot hold.
    #[error(transparent)]
    Format(media::Error),
    /// A folder without `model_index.json`.
    #[error("{folder}: no model: expected a diffusers folder with `model_index.json`; {found}")]
    NotAModel {
        /// The folder.
        folder: PathBuf,
        /// What is there instead.
        found: &'static str,
    },
    /// A model of a kind that is not served.
    #[error("{file}: `{field}` is {found}, expected {expected}")]
    Unsupported {
        /// The file that says so.
        file: PathBuf,
        /// The field of it.
        field: &'static str,
        /// What is served.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// A file that cannot be written or read.
    #[error(transparent)]
    File(#[from] disk::Error),
    /// A file that does not hold what it should.
    #[error("{path}: {what}: expected {expected}, found {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The part of it.
        what: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A video that is too large for this process.
    #[error(
        "this video needs about {needed} of memory ({stages}; weights included), and {limited_by} {available}: {advice}"
    )]
    Memory {
        /// About what it takes.
        needed: String,
        /// The same by stage.
        stages: String,
        /// Who limits it, as in "the machine has".
        limited_by: String,
        /// What there is.
        available: String,
        /// What to do.
        advice: String,
    },
    /// The tokenizer refused a prompt.
    #[error("the tokenizer cannot read the prompt: {0}")]
    Tokenizer(String),
    /// A result became infinite or undefined.
    #[error("{}; try --precision f32, {} another model", not_finite(*.stage, *.step, *.total), match .stage {
        Stage::Denoise => "a lower --guidance-scale, or",
        _ => "or",
    })]
    NotFinite {
        /// Where.
        stage: Stage,
        /// The first prompt, step or frame with such a result, from 1.
        step: usize,
        /// Prompts, steps or frames in all.
        total: usize,
    },
    /// The observer asked to stop.
    #[error("cancelled during {stage}, after step {step} of {total}")]
    Cancelled {
        /// Where.
        stage: Stage,
        /// Steps of the stage that were done.
        step: usize,
        /// Steps of the stage in all.
        total: usize,
    },
    /// A thread that the system does not start.
    #[error("cannot start a thread: {source}; `ulimit -v` or `ulimit -u` leaves no room for threads")]
    Thread {
        /// Why.
        source: std::io::Error,
    },
    /// A plan that was made for another model than the one that is to make the video.
    #[error(
        "this plan is for {found}, not for {expected}: plan the request with the pipeline that makes its video"
    )]
    PlanOfAnother {
        /// The name of the pipeline's model.
        expected: String,
        /// The name of the plan's.
        found: String,
    },
    /// A failure of the models' files.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// A failure of the schedule.
    #[error(transparent)]
    Diffusion(#[from] diffusion::Error),
    /// A failure of reading or writing media.
    #[error(transparent)]
    Media(#[from] media::Error),
}

fn not_finite(stage: Stage, step: usize, total: usize) -> String {
    match stage {
        Stage::Text if step == 1 => {
            "text: what the text encoder makes of the prompt are no finite numbers".into()
        }
        Stage::Text => {
            "text: what the text encoder makes of the negative prompt are no finite numbers".into()
        }
        Stage::Denoise => {
            format!("denoise: step {step} of {total}: the latents are no longer finite numbers")
        }
        Stage::Decode => format!("decode: frame {step} of {total}: the pixels are no finite numbers"),
    }
}

impl Error {
    /// For values of a request.
    pub(crate) fn request(
        field: &'static str,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Request { field, expected: expected.into(), found: found.to_string() }
    }

    /// What kind of failure it is, for exit codes and the like.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Request { .. } | Self::UnknownExtension { .. } | Self::Format(_) => Kind::Request,
            Self::NotAModel { .. } | Self::Unsupported { .. } | Self::Models(_) | Self::Diffusion(_) => {
                Kind::Model
            }
            Self::Memory { .. } | Self::Thread { .. } => Kind::Memory,
            Self::File(_) | Self::Malformed { .. } | Self::Media(_) => Kind::File,
            Self::NotFinite { .. } | Self::PlanOfAnother { .. } | Self::Tokenizer(_) => Kind::Run,
            Self::Cancelled { .. } => Kind::Cancelled,
        }
    }

    /// Whether the request is at fault, so that another one would be served.
    pub fn is_usage(&self) -> bool {
        self.kind() == Kind::Request
    }
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request's: another one would be served.
    Request,
    /// The model's: it is none, is damaged, or is of a kind that is not served.
    Model,
    /// There is not enough memory.
    Memory,
    /// A file that cannot be read or written.
    File,
    /// What was computed is no video.
    Run,
    /// Nobody's: it was asked to stop.
    Cancelled,
}
