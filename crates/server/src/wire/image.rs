//! Pictures.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lenient;

/// A picture of a text.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MakeImage {
    /// What is seen.
    #[schema(min_length = 1, max_length = 32000)]
    pub prompt: String,
    /// The model.
    #[serde(default, deserialize_with = "lenient::text")]
    pub model: Option<String>,
    /// Pictures, 1 to 4. With a seed, the others have those behind it.
    #[serde(default, deserialize_with = "lenient::value")]
    #[schema(minimum = 1, maximum = 4)]
    pub n: Option<u64>,
    /// Width and height, or `auto`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub size: Option<String>,
    /// `b64_json` or `url`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub response_format: Option<String>,
    /// `png`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub output_format: Option<String>,
}

/// Pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImageAnswer {
    /// Seconds since 1970.
    pub created: i64,
    /// The pictures.
    pub data: Vec<ImageData>,
    /// `png`.
    pub output_format: &'static str,
    /// Width and height.
    pub size: String,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImageData {
    /// The file in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b64_json: Option<String>,
    /// Where it is, for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
