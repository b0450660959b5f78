//! What a client asked for, checked as far as it can be without knowing the model.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Size, TaskKind};

/// A request for a video or a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What is to be done.
    pub task: Task,
    /// What is seen, in words: 1 to 32,000 characters.
    pub prompt: String,
    /// The served model, by its [`id`](super::ModelCard::id); other names have been translated.
    pub model: String,
    /// Length in seconds, more than 0. Of an extension: of what is added. `None` for the model's own.
    pub seconds: Option<f64>,
    /// The size that is delivered. `None` for the model's own.
    pub size: Option<Size>,
    /// Files in the server's own folder, in the order in which they matter.
    pub inputs: Vec<Input>,
    /// What other servers call by the same names.
    pub extras: Extras,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// A video of a text, and of what [`Asked::inputs`] has.
    Create {
        /// What is seen when, where that is not one prompt for all of it.
        spans: Vec<Span>,
    },
    /// The source video anew, near to what it was.
    Remix {
        /// How much is made anew, 0 to 1. `None` for the model's own choice.
        strength: Option<f64>,
    },
    /// The source video changed after the prompt.
    Edit {
        /// How much is made anew, 0 to 1. `None` for the model's own choice.
        strength: Option<f64>,
        /// Where; everywhere, if there are none.
        regions: Vec<Region>,
    },
    /// The source video, and what comes behind it or before it.
    Extend {
        /// On which side.
        side: Side,
    },
    /// One picture.
    Image,
}

impl Task {
    /// Its name.
    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Create { .. } => TaskKind::Create,
            Self::Remix { .. } => TaskKind::Remix,
            Self::Edit { .. } => TaskKind::Edit,
            Self::Extend { .. } => TaskKind::Extend,
            Self::Image => TaskKind::Image,
        }
    }
}

/// On which side of a clip a video goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Behind its end.
    #[default]
    Forward,
    /// Before its beginning.
    Backward,
}

/// A part of the time and what is seen in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// Where it begins, in seconds.
    pub from: f64,
    /// Where it ends, in seconds.
    pub to: f64,
    /// What is seen.
    pub prompt: String,
}

/// A part of the picture that is made anew, in pixels of the delivered video.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// Of its left edge.
    pub x: f64,
    /// Of its upper edge.
    pub y: f64,
    /// Pixels.
    pub width: f64,
    /// Pixels.
    pub height: f64,
    /// When it begins, in seconds.
    #[serde(default)]
    pub from: f64,
    /// When it ends, in seconds; with the video, if that is not said.
    #[serde(default)]
    pub to: Option<f64>,
    /// Where its upper left corner is in the end, if it moves.
    #[serde(default)]
    pub moves_to: Option<[f64; 2]>,
}

/// A file that the video is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What it is there for.
    pub role: Role,
    /// A picture (PNG, JPEG, WebP, GIF) or an MP4 whose numbers have been checked against the server's limits; what is
    /// within it may still be damaged.
    pub path: PathBuf,
}

/// What a file is there for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The picture that the video begins with.
    FirstFrame,
    /// The video that is remixed, edited or extended.
    SourceVideo,
    /// Somebody who is seen in the video.
    Character {
        /// The name, which is in the prompt word for word.
        name: String,
        /// What the engine said of the clip.
        #[serde(default)]
        seen: serde_json::Value,
    },
    /// A still or a clip that is a part of the video.
    Known {
        /// When.
        at: Place,
        /// How much of it is made anew: 0 (it stays as it is) to 1.
        strength: f64,
    },
}

/// Where in the video something begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Place {
    /// So many seconds behind the beginning.
    Seconds(f64),
    /// Such that it ends with the video.
    Edge(Edge),
}

/// The end of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// The end.
    End,
}

/// What goes beyond OpenAI's fields, by the names that other servers use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// The same seed gives the same video.
    pub seed: Option<u64>,
    /// Frames a second.
    pub fps: Option<f64>,
    /// Length in frames, in place of [`Asked::seconds`].
    pub num_frames: Option<u64>,
    /// Steps from noise to video.
    pub num_inference_steps: Option<u64>,
    /// How strongly to follow the prompt.
    pub guidance_scale: Option<f64>,
    /// What is not to be seen.
    pub negative_prompt: Option<String>,
    /// Whether the end leads into the beginning.
    pub is_loop: bool,
    /// Whether what cannot be made exactly as asked is refused, in place of made as near as can be.
    pub is_strict: bool,
}
