//! Answers about models.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    config::Settings,
    maker::{ModelCard, Size, TaskKind, Vocabulary},
};

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Model {
    /// Its name in requests.
    pub id: String,
    /// `model`.
    pub object: &'static str,
    /// Seconds since 1970.
    pub created: i64,
    /// Who made it.
    pub owned_by: String,
    /// Beyond OpenAI's: what it can.
    pub kinora: ModelDetails,
}

/// What a model can.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ModelDetails {
    /// The model that the name stands for, if it is not its own.
    pub alias_of: Option<String>,
    /// What it is.
    pub description: String,
    /// Its own size.
    pub native_size: Size,
    /// Sizes that it is known to make well.
    pub sizes: Vec<Size>,
    /// Its own rate, in frames a second.
    pub fps: f64,
    /// The shortest video, in seconds.
    pub min_seconds: f64,
    /// The longest video, in seconds.
    pub max_seconds: f64,
    /// The length of a video if none is asked for, in seconds.
    pub default_seconds: f64,
    /// Frames of the longest video that the server makes.
    pub max_frames: u64,
    /// Pixels of the largest frame that the server makes.
    pub max_pixels: u64,
    /// What it can do.
    pub tasks: Vec<TaskKind>,
    /// About how much memory a video at its own size takes.
    pub memory_bytes: u64,
    /// The words that it knows, by what they are about and then by language; none if it takes any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, BTreeMap<String, Vec<String>>>)]
    pub vocabulary: Vocabulary,
}

impl Model {
    /// A model by its own name, or by another, on a server with these settings.
    pub fn of(card: &ModelCard, alias: Option<&str>, settings: &Settings) -> Self {
        let ModelCard {
            id,
            created,
            owned_by,
            description,
            native_size,
            sizes,
            fps,
            seconds,
            tasks,
            memory_bytes,
            vocabulary,
        } = card.clone();
        let [min_seconds, max_seconds] = seconds;
        Self {
            id: alias.unwrap_or(&id).to_owned(),
            object: "model",
            created,
            owned_by,
            kinora: ModelDetails {
                alias_of: alias.map(|_| id),
                description,
                native_size,
                sizes,
                fps,
                min_seconds,
                max_seconds,
                default_seconds: settings.default_seconds,
                max_frames: settings.max_frames,
                max_pixels: settings.max_pixels,
                tasks,
                memory_bytes,
                vocabulary,
            },
        }
    }
}
