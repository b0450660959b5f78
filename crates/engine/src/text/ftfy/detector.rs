//! Where in a text UTF-8 was read as a single-byte encoding.

use super::badness::Class;

/// Letters that read as the first byte of two, of three and of four.
const FIRSTS: [(usize, Class); 3] = [
    (1, Class("Â-ßĀĂĆČĎĐĒĖĘĚĞĢĪİĶĹĻŁŃŅŇŌŐŘŚŞŠŢŪŮŰŲŹŻŽΒ-ΡΣ-ίВ-Я")),
    (2, Class("à-ïāăąćčďēėęěģīįķĺļŕźΰ-οа-п")),
    (3, Class("ðóđğšπσру")),
];
/// Letters that read as one of the bytes after it.
const CONTINUATION: Class =
    Class(" \u{80}-¿ÆØæøĄąĽľŁłŒœŖŗŚśŞ-šŤťŸ-žƒˆˇ˘˛˜˝΄΅ΆΈΉΊΌΎΏЁ-ЌЎЏё-ќўџҐґ–—―‘’‚“”„†‡•…‰‹›€№™");
/// Those of them that hardly stand for themselves: what follows one is in the middle of something larger.
const STRICT: Class = Class("\u{80}-¿ÆØæøĄąĽľŁłŒœŖŗŚśŞ-šŤťŸ-žƒˆˇ˘˛˜˝΄΅ΆΈΉΊΌΎΏЁ-ЌЎЏё-ќўџҐґ†‡‰‹›€№™");

/// The text with every such part replaced by what `fix` makes of it.
pub(super) fn replace(text: &str, fix: impl Fn(&str) -> String) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(letter) = rest.chars().next() {
        let inside = before.is_some_and(|before| STRICT.contains(before));
        let part = &rest[..if inside { 0 } else { sequences_len(rest) }];
        let taken = if part.is_empty() { &rest[..letter.len_utf8()] } else { part };
        match part.is_empty() {
            true => replaced.push(letter),
            false => replaced.push_str(&fix(part)),
        }
        before = taken.chars().next_back();
        rest = &rest[taken.len()..];
    }
    replaced
}

/// The bytes of all sequences at the start of a text.
fn sequences_len(text: &str) -> usize {
    let mut len = 0;
    while let Some(next) = sequence_len(&text[len..]) {
        len += next;
    }
    len
}

fn sequence_len(text: &str) -> Option<usize> {
    let mut letters = text.chars();
    let first = letters.next()?;
    let (more, _) = FIRSTS.iter().find(|(_, class)| class.contains(first))?;
    let all = (0..*more).all(|_| letters.next().is_some_and(|letter| CONTINUATION.contains(letter)));
    all.then(|| text.len() - letters.as_str().len())
}
