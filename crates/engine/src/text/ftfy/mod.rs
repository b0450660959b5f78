//! Text that was decoded wrongly, typed with typographic quotes or in full width, made plain: what `ftfy.fix_text` of
//! version 6.3.1 does with its default settings, as diffusers calls it. `goldens/prompts.py` records the results that
//! the tests hold this to.
//!
//! Text is mojibake when its bytes, UTF-8, were read as another encoding: "â€™" for "’". Each line is taken by itself,
//! and every repair is repeated until nothing changes.

mod badness;
mod codecs;
mod detector;

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use self::{badness::is_bad, codecs::WINDOWS_1252};
use super::html;

/// The text, repaired.
pub(super) fn fix_text(text: &str) -> String {
    let mut unescape = true;
    let mut fixed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        // From here on it is HTML, and what it escapes is meant.
        unescape &= !line.contains('<');
        fixed.push_str(&fix_line(line, unescape));
    }
    fixed
}

fn fix_line(line: &str, unescape: bool) -> String {
    let mut text = line.to_owned();
    loop {
        let before = text.clone();
        if unescape {
            text = html::unescape_entities(&text);
        }
        text = fix_encoding(text);
        text = fix_c1_controls(&text);
        text = text.chars().flat_map(plain).collect();
        text = fix_line_breaks(&text);
        text = remove_terminal_escapes(text);
        text.retain(|letter| !is_unwanted(letter));
        text = text.nfc().collect();
        if text == before {
            return text;
        }
    }
}

/// Undoes wrong decodings one after the other.
fn fix_encoding(mut text: String) -> String {
    while let Some(fixed) = fix_one_encoding(&text).filter(|fixed| *fixed != text) {
        text = fixed;
    }
    text
}

/// What the text was before it was decoded wrongly the last time, if it looks as if it was.
fn fix_one_encoding(text: &str) -> Option<String> {
    if text.is_ascii() || !is_bad(text) {
        return None;
    }
    for codec in &codecs::ALL {
        if let Some(fixed) = codec.encode(text).and_then(|bytes| codecs::decode_utf8(codec, bytes)) {
            return Some(fixed);
        }
    }
    let consistent = detector::replace(text, |part| {
        let is_inside = part.len() < text.len() && is_bad(part);
        if is_inside { fix_encoding(part.to_owned()) } else { part.to_owned() }
    });
    if consistent != text {
        return Some(consistent);
    }
    // Latin-1 of which Windows-1252 was meant.
    let is_latin_1 = text.chars().all(|letter| u32::from(letter) <= 0xff);
    let strict = |letter: char| !WINDOWS_1252.is_unassigned(letter);
    if is_latin_1 && text.chars().all(strict) {
        return Some(text.chars().map(as_windows_1252).collect());
    }
    Some(fix_c1_controls(text))
}

/// Control characters of Latin-1 as the letters that Windows-1252 has in their place, as browsers do.
fn fix_c1_controls(text: &str) -> String {
    let is_c1 = |letter| ('\u{80}'..='\u{9f}').contains(&letter);
    text.chars().map(|letter| if is_c1(letter) { as_windows_1252(letter) } else { letter }).collect()
}

/// A letter of Latin-1 as its byte reads in Windows-1252; others stay.
fn as_windows_1252(letter: char) -> char {
    u8::try_from(letter).map_or(letter, windows_1252)
}

/// What a byte stands for in Windows-1252; itself, if it is not assigned.
pub(super) fn windows_1252(byte: u8) -> char {
    WINDOWS_1252.decode(byte)
}

/// A letter without ligature, full or half width, or curl.
fn plain(letter: char) -> impl Iterator<Item = char> {
    let mut plain = match letter {
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'ŉ' => "'n", // its apostrophe is uncurled too
        'Ǳ' => "DZ",
        'ǲ' => "Dz",
        'ǳ' => "dz",
        'Ǆ' => "DŽ",
        'ǅ' => "Dž",
        'ǆ' => "dž",
        'Ǉ' => "LJ",
        'ǈ' => "Lj",
        'ǉ' => "lj",
        'Ǌ' => "NJ",
        'ǋ' => "Nj",
        'ǌ' => "nj",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' => "ſt",
        'ﬆ' => "st",
        '\u{3000}' => " ",
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => "'",
        '\u{201c}'..='\u{201f}' => "\"",
        _ => "",
    }
    .chars()
    .peekable();
    let is_wide = ('\u{ff01}'..'\u{fff0}').contains(&letter);
    let wide = is_wide.then(|| letter.nfkc()).into_iter().flatten();
    let same = (!is_wide && plain.peek().is_none()).then_some(letter);
    plain.chain(wide).chain(same)
}

fn fix_line_breaks(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n")
}

/// Colours and the like, as programs write them for terminals.
fn remove_terminal_escapes(text: String) -> String {
    static ESCAPE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("\u{1b}\\[[\\d;]*[a-zA-Z]").expect("a valid expression"));
    if text.contains('\u{1b}') { ESCAPE.replace_all(&text, "").into_owned() } else { text }
}

/// Whether a character shows nothing and was hardly meant.
fn is_unwanted(letter: char) -> bool {
    matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{206a}'..='\u{206f}')
        || matches!(letter, '\u{feff}' | '\u{fff9}'..='\u{fffc}')
}
