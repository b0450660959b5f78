//! Which words of a caption are about which thing.
//!
//! Phrases carry marks (characters for private use) while the sentence is put together, which are taken out at its end:
//! so it does not matter where a language puts them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Words about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// The index of the thing.
    pub thing: usize,
    /// Where they are in the text, in bytes.
    pub range: Range<usize>,
}

/// The mark before a phrase about the first thing; those of others follow.
const FIRST: char = '\u{e000}';
/// The mark behind a phrase.
const END: char = '\u{e0ff}';

/// A phrase about a thing, marked; it may have phrases about others in it.
pub(super) fn about(thing: usize, phrase: &str) -> String {
    let mark = char::from_u32(FIRST as u32 + thing as u32).unwrap_or(FIRST);
    format!("{mark}{phrase}{END}")
}

/// A text without its marks, and what they said: in order, none empty, and none in another.
pub(super) fn unmark(marked: &str) -> (String, Vec<Mention>) {
    let (mut text, mut mentions) = (String::new(), Vec::new());
    let mut open: Vec<usize> = Vec::new();
    let mut start = 0;
    for letter in marked.chars() {
        if !(FIRST..=END).contains(&letter) {
            text.push(letter);
            continue;
        }
        if let Some(&thing) = open.last().filter(|_| start < text.len()) {
            mentions.push(Mention { thing, range: start..text.len() });
        }
        start = text.len();
        if letter == END {
            open.pop();
        } else {
            open.push((letter as u32 - FIRST as u32) as usize);
        }
    }
    (text, mentions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_within_a_phrase_is_about_its_own_thing() {
        let hit = about(0, &format!("hits {} hard", about(1, "b")));
        let (text, mentions) = unmark(&format!("{} {hit}, it rains", about(0, "a")));
        assert_eq!(text, "a hits b hard, it rains");
        let found: Vec<_> = mentions.iter().map(|m| (m.thing, &text[m.range.clone()])).collect();
        assert_eq!(found, [(0, "a"), (0, "hits "), (1, "b"), (0, " hard")]);
    }
}
