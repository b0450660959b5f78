//! Whether a text looks as if it was decoded wrongly: pairs and triples of letters that hardly stand together.

use std::sync::LazyLock;

use regex::Regex;

/// Letters and ranges of them, as between the brackets of a regular expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class(pub &'static str);

impl Class {
    pub fn contains(self, letter: char) -> bool {
        let mut letters = self.0.chars();
        while let Some(first) = letters.next() {
            let mut ahead = letters.clone();
            let mut last = first;
            if ahead.next() == Some('-') {
                last = ahead.next().unwrap_or(first);
                letters = ahead;
            }
            if (first..=last).contains(&letter) {
                return true;
            }
        }
        false
    }
}

// The letters that wrongly decoded UTF-8 is made of, by what else they are used for.
const COMMON: &str = "\u{a0}\u{ad}´·–—―’…";
const C1: &str = "\u{80}-\u{9f}";
const BAD: &str = "¤¦¨ª¬¯¸ºƒˆˇ˘˛˜†‡‰⌐◊\u{fffd}";
const LAW: &str = "§¶";
const CURRENCY: &str = "¢£¥₧€";
const START: &str = "¡©«¿΄΅‘‚“„•‹\u{f8ff}";
const END: &str = "®»˝”›™";
const NUMERIC: &str = "±²³µ¹¼½¾×÷⁄№∂∆∏∑√∞∩∫≈≠≡≤≥";
/// Of faces such as `(°◡°)`.
const KAOMOJI: &str = "°Ò-ÖÙ-Üò-öø-üŌŐŪŲ";
const UPPER: &str = "À-ÑØÜÝĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŒŘŚŞŠŢŤŮŰŸŹŻŽҐ";
const LOWER: &str = "ß-ñüāăąćčďđēėęěğģīįķĺļľłœŕśşšťźżžґﬁﬂ";
/// Of other alphabets, at the end of whose words mojibake would be seen wrongly.
const UPPER_COMMON: &str = "ÞΆΈΉΊΌΎΏΑ-ΫЁ-Я";
const LOWER_COMMON: &str = "ά-ωа-џ";
const BOX: &str = "│┌┐┘├┤┬┼═-╬▀▄█▌▐-▓";
/// As Python has it.
const SPACE: &str = "\\s\u{1c}-\u{1f}";
const WORD: &str = "\\p{L}\\p{N}_";

/// Whether a text looks as if it was decoded wrongly.
pub(super) fn is_bad(text: &str) -> bool {
    static BADNESS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&patterns().join("|")).expect("a valid expression"));
    BADNESS.is_match(text)
}

/// One letter of any of the classes.
fn one(classes: &[&str]) -> String {
    format!("[{}]", classes.concat())
}

fn patterns() -> Vec<String> {
    let accented = [LOWER, UPPER];
    let symbols = [LOWER, UPPER, BOX, START, END, CURRENCY, NUMERIC, LAW];
    let arabic = format!("[ØÙ]{}", one(&[COMMON, CURRENCY, BAD, NUMERIC, START, "ŸŠ®°µ»"]));
    let sequences: Vec<Vec<String>> = vec![
        vec![one(&[C1])],
        vec![one(&[BAD, &symbols.concat()]), one(&[BAD])],
        vec![one(&["a-zA-Z"]), one(&[LOWER_COMMON, UPPER_COMMON]), one(&[BAD])],
        vec![one(&[BAD]), one(&symbols)],
        vec![one(&[LOWER, LOWER_COMMON, BOX, END, CURRENCY, NUMERIC]), one(&[UPPER])],
        vec![one(&[BOX, END, CURRENCY, NUMERIC]), one(&[LOWER])],
        vec![one(&[LOWER, BOX, END]), one(&[CURRENCY])],
        vec![one(&[SPACE]), one(&[UPPER]), one(&[CURRENCY])],
        vec![one(&[UPPER, BOX]), one(&[NUMERIC, LAW])],
        vec![one(&[LOWER, UPPER, BOX, CURRENCY, END]), one(&[START]), one(&[NUMERIC])],
        vec![one(&[LOWER, UPPER, CURRENCY, NUMERIC, BOX, LAW]), one(&[END]), one(&[START])],
        vec![one(&[CURRENCY, NUMERIC, BOX]), one(&[START])],
        vec![one(&["a-z"]), one(&[UPPER]), one(&[START, CURRENCY])],
        vec![one(&[BOX]), one(&[KAOMOJI])],
        vec![one(&[LOWER, UPPER, CURRENCY, NUMERIC, START, END, LAW]), one(&[BOX])],
        vec![one(&[BOX]), one(&[END])],
        vec![one(&accented), one(&[START, END]), one(&[WORD])],
        // A ligature, unless a plain letter follows.
        vec!["[Œœ][^A-Za-z]".into()],
        vec![one(&[UPPER]), "°".into()],
        // Windows-1252.
        vec!["[ÂÃÎÐ]".into(), one(&["€œŠš¢£Ÿž\u{a0}\u{ad}®©°·»", START, END, "–—´"])],
        vec!["×[²³]".into()],
        vec![arabic.clone(), arabic],
        vec!["à[²µ¹¼½¾]".into()],
        // Mac Roman.
        vec!["√[±∂†≠®™´≤≥¥µø]".into()],
        vec!["≈[°¢]".into()],
        vec!["‚Ä[ìîïòôúùû†°¢π]".into()],
        vec!["‚[âó][àä°ê]".into()],
        // Windows-1251.
        vec!["вЂ".into()],
        vec!["[ВГРС]".into(), one(&[C1, BAD, START, END, CURRENCY, "°µ"]), "[ВГРС]".into()],
        vec!["ГўВЂВ.[A-Za-z ]".into()],
        // "à", "á" and the no-break space in Windows-1252.
        vec!["Ã[\u{a0}¡]".into()],
        vec![format!("[a-z]{}?[ÃÂ] ", one(&[SPACE]))],
        vec!["^[ÃÂ] ".into()],
        vec![one(&["a-z.,?!", END]), "Â".into(), one(&[" ", START, END])],
        // Windows-1253.
        vec!["β€[™\u{a0}Ά\u{ad}®°]".into()],
        vec!["[ΒΓΞΟ]".into(), one(&[C1, BAD, START, END, CURRENCY, "°"]), "[ΒΓΞΟ]".into()],
        // Windows-1257.
        vec!["ā€".into()],
    ];
    sequences.into_iter().map(|sequence| sequence.concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_their_letters_and_ranges() {
        let class = Class("a-cxα-ω");
        for (letter, inside) in
            [('a', true), ('b', true), ('c', true), ('d', false), ('x', true), ('-', false), ('β', true)]
        {
            assert_eq!(class.contains(letter), inside, "{letter}");
        }
        assert!(!Class("ab").contains('-') && Class("ab").contains('b'));
    }

    #[test]
    fn what_was_decoded_wrongly_is_told_from_what_was_not() {
        for bad in ["â€™", "Ã©tÃ©", "ÐŸÑ€Ð¸Ð²ÐµÑ‚", "ä¸€ä¸ª"] {
            assert!(is_bad(bad), "{bad}");
        }
        for good in ["été", "Привет", "一个红色的球", "“quotes” – and…", "£5 ¿qué?"]
        {
            assert!(!is_bad(good), "{good}");
        }
    }
}
