//! Width and height.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Width and height in pixels, each from 1 to [`Size::MAX_SIDE`]: `720x1280` in every text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
}

impl Size {
    /// Pixels; far more than any model makes.
    pub const MAX_SIDE: u32 = 16_384;

    /// `None` for a side that is 0 or longer than [`Self::MAX_SIDE`].
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let range = 1..=Self::MAX_SIDE;
        (range.contains(&width) && range.contains(&height)).then_some(Self { width, height })
    }

    /// Pixels of a frame.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // `+7` would be taken for a number.
        let side = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse::<u32>().ok(),
            false => None,
        };
        let size =
            text.split_once(['x', 'X']).and_then(|(width, height)| Self::new(side(width)?, side(height)?));
        size.ok_or_else(|| format!("a size such as 1280x720, with sides from 1 to {}", Self::MAX_SIDE))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|expected: String| {
            de::Error::invalid_value(de::Unexpected::Str(&text), &expected.as_str())
        })
    }
}

impl PartialSchema for Size {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[1-9][0-9]*x[1-9][0-9]*$"));
        text.description(Some("Width and height in pixels, as in `720x1280`.")).into()
    }
}

impl ToSchema for Size {
    fn name() -> Cow<'static, str> {
        "Size".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let size: Size = "720x1280".parse().unwrap();
        assert_eq!((size.width, size.height, size.to_string()), (720, 1280, "720x1280".to_owned()));
        assert_eq!(serde_json::from_str::<Size>("\"16X9\"").unwrap().to_string(), "16x9");
        for text in [
            "",
            "x",
            "720",
            "0x5",
            "5x0",
            "-1x5",
            "+5x5",
            "5x5x5",
            "99999999999x1",
            "16385x1",
            "1e3x5",
            " 5x5",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
