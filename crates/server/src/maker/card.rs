//! What a model can, for `GET /v1/models`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Size;

/// A model that is served.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelCard {
    /// Its name in requests.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Who made it.
    pub owned_by: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Its own size, at which it is best.
    pub native_size: Size,
    /// Sizes that it is known to make well. Others may do too.
    pub sizes: Vec<Size>,
    /// Its own rate, in frames a second.
    pub fps: f64,
    /// The shortest and the longest video, in seconds.
    pub seconds: [f64; 2],
    /// What it can do.
    pub tasks: Vec<TaskKind>,
    /// About how much memory a video at its own size takes, in bytes.
    pub memory_bytes: u64,
    /// The words that it knows, by what they are about and then by language (`en`, `zh`); empty if it takes any.
    pub vocabulary: Vocabulary,
}

/// Words by what they are about, and by language.
pub type Vocabulary = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The name of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A video of a text.
    Create,
    /// A video near to another.
    Remix,
    /// A video with a change.
    Edit,
    /// A video that goes on.
    Extend,
    /// A picture.
    Image,
    /// Videos that begin with a picture.
    FirstFrame,
    /// Videos with somebody from a clip.
    Character,
}
