//! The size of a picture, as users write it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Width and height in pixels; `128x128` in flags and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

impl Size {
    /// How many pixels there are.
    pub(crate) fn pixels(self) -> f64 {
        self.width as f64 * self.height as f64
    }

    /// Whether both sides are whole multiples.
    pub(crate) fn is_multiple_of(self, multiple: Self) -> bool {
        self.width.is_multiple_of(multiple.width) && self.height.is_multiple_of(multiple.height)
    }
}

/// Text that is no size.
#[derive(Debug, thiserror::Error)]
#[error("expected WIDTHxHEIGHT in pixels, such as 128x96, found '{0}'")]
pub struct ParseSizeError(String);

impl FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let side = |side: &str| side.parse::<u32>().ok().map(|side| side as usize);
        text.split_once(['x', 'X'])
            .and_then(|(width, height)| Some(Self { width: side(width)?, height: side(height)? }))
            .ok_or_else(|| ParseSizeError(text.to_owned()))
    }
}

impl TryFrom<String> for Size {
    type Error = ParseSizeError;

    fn try_from(text: String) -> Result<Self, ParseSizeError> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_and_nonsense_is_refused() {
        let size = Size { width: 128, height: 96 };
        assert_eq!("128x96".parse::<Size>().unwrap(), size);
        assert_eq!(serde_json::to_value(size).unwrap(), "128x96");
        assert_eq!(serde_json::from_str::<Size>("\"128x96\"").unwrap(), size);
        for text in ["", "128", "x", "128x", "-1x2", "1x2x3", "99999999999x1", "12 x 9"] {
            let message = text.parse::<Size>().unwrap_err().to_string();
            assert!(message.contains(&format!("'{text}'")), "{message}");
        }
    }
}
