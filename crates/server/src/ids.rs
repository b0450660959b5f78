//! Names of videos, characters, endpoints, events and requests. They cannot be guessed, and they are the only part of a
//! request that ever comes near to a path.

use crate::random;

/// Random bytes of a name: two servers never find the same.
const BYTES: usize = 16;

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A video.
    Video,
    /// A picture.
    Image,
    /// A character.
    Character,
    /// A webhook endpoint.
    Endpoint,
    /// An event.
    Event,
    /// A request.
    Request,
}

impl Sort {
    fn prefix(self) -> &'static str {
        match self {
            Self::Video => "video_",
            Self::Image => "image_",
            Self::Character => "char_",
            Self::Endpoint => "we_",
            Self::Event => "evt_",
            Self::Request => "req_",
        }
    }

    /// A new name.
    pub fn name(self) -> String {
        self.named(&random::bytes::<BYTES>())
    }

    /// The name that the first of these bytes make.
    pub fn named(self, bytes: &[u8]) -> String {
        format!("{}{}", self.prefix(), hex(&bytes[..BYTES]))
    }

    /// Whether a text can be such a name: nothing else may be looked for.
    pub fn is_name(self, text: &str) -> bool {
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        text.strip_prefix(self.prefix()).is_some_and(|rest| rest.len() == 2 * BYTES && is_hex(rest))
    }
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_new_and_known_again() {
        let name = Sort::Video.name();
        assert!(Sort::Video.is_name(&name) && !Sort::Image.is_name(&name));
        assert_ne!(name, Sort::Video.name());
        for text in ["", "video_", "video_../../etc/passwd", "video_ABCDEF", &name[1..], &format!("{name}0")]
        {
            assert!(!Sort::Video.is_name(text), "{text}");
        }
    }
}
