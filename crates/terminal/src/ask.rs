//! What a terminal says of itself when it is asked.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use crate::{Stream, raw::Raw};

/// Primary device attributes: every terminal since the VT100 answers.
const QUESTION: &[u8] = b"\x1b[c";

/// Near terminals answer within milliseconds; far ones have half a second.
const PATIENCE: Duration = Duration::from_millis(500);

/// The attribute of sixels.
const SIXELS: &str = "4";

/// Whether the terminal behind `stream` says that it shows sixels. No where it cannot be asked, or keeps silent.
pub(crate) fn has_sixels(mut stream: Stream) -> bool {
    let Ok(raw) = Raw::of_stdin() else { return false };
    if stream.write_all(QUESTION).and_then(|()| stream.flush()).is_err() {
        return false;
    }
    let start = Instant::now();
    let mut bytes = Vec::new();
    loop {
        if let Some(attributes) = attributes(&bytes) {
            // The first is the terminal's kind.
            return attributes.split(';').skip(1).any(|attribute| attribute == SIXELS);
        }
        let left = PATIENCE.saturating_sub(start.elapsed());
        if left.is_zero() || raw.read(&mut bytes, left).is_err() {
            return false;
        }
    }
}

/// The numbers of an answer among whatever else has come: `62;4;22` of `ESC [ ? 62 ; 4 ; 22 c`.
fn attributes(bytes: &[u8]) -> Option<&str> {
    const START: &[u8] = b"\x1b[?";
    let starts = bytes.windows(START.len()).enumerate().filter(|(_, window)| *window == START);
    starts.into_iter().find_map(|(start, _)| {
        let rest = &bytes[start + START.len()..];
        let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';')?;
        (rest[end] == b'c').then(|| std::str::from_utf8(&rest[..end]).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_among_other_things() {
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"\x1b[?62;4;22c", Some("62;4;22")),
            (b"\x1b[?6c", Some("6")),
            (b"\x1b[?1;2c", Some("1;2")),
            (b"ls\r\x1b[A\x1b[?65;1;9cx", Some("65;1;9")),
            (b"\x1b[?2026;2$y\x1b[?64;4c", Some("64;4")),
            (b"\x1b[?64;4", None),
            (b"\x1b[>1;4000;20c", None),
            (b"\x1b[?1u", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(attributes(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }
}
