//! Lines of text in an 8x8 bitmap font, for captions on contact sheets and for the mark.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};

/// The side of a character cell, before magnification.
pub(crate) const CELL: usize = 8;

/// Shown for a character that the font lacks: an empty box, not a lie and not a gap.
const MISSING: [u8; CELL] = [0x00, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x7e, 0x00];

/// Breaks `text` between words into lines of at most `columns` characters; longer words are cut.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let mut characters = word.chars().peekable();
        while characters.peek().is_some() {
            let piece: String = characters.by_ref().take(columns).collect();
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + piece.chars().count() <= columns => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
    }
    lines
}

/// Calls `dot(x, y)` for each pixel of `line` that is ink, from the left upper corner on, each dot of
/// the font `scale` pixels wide and high.
pub(crate) fn draw(line: &str, scale: usize, mut dot: impl FnMut(usize, usize)) {
    for (column, character) in line.chars().enumerate() {
        let glyph = BASIC_FONTS.get(character).or_else(|| LATIN_FONTS.get(character)).unwrap_or(MISSING);
        for (y, row) in glyph.iter().enumerate() {
            for x in (0..CELL).filter(|x| row >> x & 1 == 1) {
                for i in 0..scale * scale {
                    dot((column * CELL + x) * scale + i % scale, y * scale + i / scale);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("a red ball bounces", 10), ["a red ball", "bounces"]);
        assert_eq!(wrap("  a   b ", 10), ["a b"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("红色的球弹跳", 4), ["红色的球", "弹跳"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn letters_have_their_shapes() {
        let ink = |text: &str, scale| {
            let mut dots = Vec::new();
            draw(text, scale, |x, y| dots.push((x, y)));
            dots
        };
        // The bar of a capital T is its top row, its stem is in the middle.
        let letter = ink("T", 1);
        assert!(letter.contains(&(1, 0)) && letter.contains(&(4, 0)) && letter.contains(&(3, 5)));
        assert!(!letter.contains(&(0, 5)) && !letter.contains(&(6, 5)));
        assert!(ink(" ", 1).is_empty());
        assert_eq!(ink("T", 3).len(), 9 * letter.len());
        assert_eq!(ink("球", 1), ink("\u{10FFFF}", 1));
    }
}
