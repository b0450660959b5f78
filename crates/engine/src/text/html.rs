//! HTML's character references, as Python's `html.unescape` reads them, and as `ftfy` does.

use htmlize::unescape as unescape_names;

use super::ftfy::windows_1252;

/// Letters of the longest name, its semicolon aside.
const LONGEST_NAME: usize = 32;

/// Every reference replaced by what it stands for, also where the semicolon is missing.
pub(super) fn unescape(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = reference_len(rest);
        match number(&rest[..len]) {
            Some(number) => unescaped.extend(letter(number)),
            // A lone ampersand stays.
            None => unescaped.push_str(&unescape_names(&rest[..len])),
        }
        rest = &rest[len..];
    }
    unescaped.push_str(rest);
    unescaped
}

/// References that are whole replaced by what they stand for, and names in capitals by capitals: `&NTILDE;` by "Ñ".
pub(super) fn unescape_entities(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        unescaped.push_str(&rest[..at]);
        rest = &rest[at..];
        match entity_len(rest).and_then(|len| Some((entity(&rest[..len])?, len))) {
            Some((letters, len)) => {
                unescaped.push_str(&letters);
                rest = &rest[len..];
            }
            None => {
                unescaped.push('&');
                rest = &rest[1..];
            }
        }
    }
    unescaped.push_str(rest);
    unescaped
}

/// The bytes of what may be a reference at the start of a text: the ampersand at least.
fn reference_len(text: &str) -> usize {
    let body = &text[1..];
    let digits =
        |text: &str, radix: u32| text.bytes().take_while(|&byte| char::from(byte).is_digit(radix)).count();
    let end = if let Some(hexadecimal) = body.strip_prefix("#x").or(body.strip_prefix("#X")) {
        match digits(hexadecimal, 16) {
            0 => return 1,
            count => 3 + count,
        }
    } else if let Some(decimal) = body.strip_prefix('#') {
        match digits(decimal, 10) {
            0 => return 1,
            count => 2 + count,
        }
    } else {
        let stops = |letter: char| "\t\n\u{c} <&#;".contains(letter);
        1 + body
            .chars()
            .take(LONGEST_NAME)
            .take_while(|&letter| !stops(letter))
            .map(char::len_utf8)
            .sum::<usize>()
    };
    end + usize::from(end > 1 && text[end..].starts_with(';'))
}

/// The number of a numeric reference; too large ones are beyond Unicode.
fn number(reference: &str) -> Option<u32> {
    let digits = reference.strip_prefix("&#")?.trim_end_matches(';');
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    (!digits.is_empty()).then(|| u32::from_str_radix(digits, radix).unwrap_or(u32::MAX))
}

/// What a number stands for: bytes of Windows-1252 for what are control characters in Unicode, nothing for what is no
/// character.
fn letter(number: u32) -> Option<char> {
    match number {
        0 => Some('\u{fffd}'),
        0x80..=0x9f => u8::try_from(number).ok().map(windows_1252),
        0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => None,
        _ if number & 0xfffe == 0xfffe && number <= 0x10_ffff => None,
        _ => Some(char::from_u32(number).unwrap_or('\u{fffd}')),
    }
}

/// The bytes of an entity with its semicolon at the start of a text.
fn entity_len(text: &str) -> Option<usize> {
    const LONGEST: usize = 24;
    let start = if text[1..].starts_with('#') { 2 } else { 1 };
    let count = text[start..].bytes().take_while(u8::is_ascii_alphanumeric).count();
    let end = start + count;
    ((1..=LONGEST).contains(&count) && text[end..].starts_with(';')).then_some(end + 1)
}

/// What an entity stands for, if that is known of all of it.
fn entity(entity: &str) -> Option<String> {
    if entity.starts_with("&#") {
        return Some(unescape(entity)).filter(|unescaped| !unescaped.contains(';'));
    }
    if let Some(letters) = named(entity) {
        return Some(letters);
    }
    let lower = entity.to_ascii_lowercase();
    let is_upper = entity == entity.to_ascii_uppercase() && unescape(entity) == entity;
    named(&lower).filter(|_| is_upper).map(|letters| letters.to_uppercase())
}

/// What a name stands for, if all of it is one.
fn named(entity: &str) -> Option<String> {
    let letters = unescape_names(entity);
    // A name that only begins with a known one leaves its end.
    (!letters.ends_with(';') || entity == "&semi;").then(|| letters.into_owned())
}
