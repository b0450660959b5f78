//! The encodings that UTF-8 is read as by mistake.

/// An encoding of one byte for each letter.
#[derive(Debug)]
pub(super) struct Codec {
    /// The first byte that is not as in Latin-1, where it is another letter than in ASCII.
    from: u8,
    /// What it and the bytes after it stand for. Bytes that mean nothing stand for themselves, as in Latin-1.
    letters: &'static str,
    /// Whether U+FFFD stands for a byte that was lost.
    lossy: bool,
    /// Whether a space may be a no-break space that was lost.
    spaces: bool,
}

const fn lossy(from: u8, letters: &'static str) -> Codec {
    Codec { from, letters, lossy: true, spaces: true }
}

const fn exact(from: u8, letters: &'static str, spaces: bool) -> Codec {
    Codec { from, letters, lossy: false, spaces }
}

pub(super) const WINDOWS_1252: Codec =
    lossy(0x80, "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ");

/// The byte for what was lost.
const LOST: u8 = 0x1a;

/// In the order in which they are tried: Latin-1, Windows-1252, 1251, 1250, 1253, 1254 and 1257, ISO 8859-2, Mac Roman
/// and code page 437.
pub(super) const ALL: [Codec; 10] = [
    exact(0xff, "ÿ", true),
    WINDOWS_1252,
    lossy(
        0x80,
        "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{98}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї\
         АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
    ),
    lossy(
        0x80,
        "€\u{81}‚\u{83}„…†‡\u{88}‰Š‹ŚŤŽŹ\u{90}‘’“”•–—\u{98}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż\
         ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
    ),
    lossy(
        0x80,
        "€\u{81}‚ƒ„…†‡\u{88}‰\u{8a}‹\u{8c}\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—\u{98}™\u{9a}›\u{9c}\u{9d}\u{9e}\u{9f}\
         \u{a0}΅Ά£¤¥¦§¨©ª«¬\u{ad}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ\
         ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ",
    ),
    lossy(
        0x80,
        "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}\u{8e}\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}\u{9e}Ÿ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿\
         ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ",
    ),
    lossy(
        0x80,
        "€\u{81}‚\u{83}„…†‡\u{88}‰\u{8a}‹\u{8c}¨ˇ¸\u{90}‘’“”•–—\u{98}™\u{9a}›\u{9c}¯˛\u{9f}\
         \u{a0}¡¢£¤¥¦§Ø©Ŗ«¬\u{ad}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ\
         ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙",
    ),
    exact(
        0xa0,
        "\u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
        true,
    ),
    // An en dash and a space are bytes that could be a lost no-break space too.
    exact(
        0x80,
        "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ\
         –—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ",
        false,
    ),
    exact(
        0x80,
        "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
         αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
        true,
    ),
];

impl Codec {
    /// What a byte stands for.
    pub fn decode(&self, byte: u8) -> char {
        let letter = byte.checked_sub(self.from).and_then(|at| self.letters.chars().nth(usize::from(at)));
        letter.unwrap_or(char::from(byte))
    }

    /// The bytes that read as `text`, if there are any.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let table = (0x80..=0xff).map(|byte| self.decode(byte)).collect::<Vec<_>>();
        text.chars().map(|letter| self.encode_letter(letter, &table)).collect()
    }

    fn encode_letter(&self, letter: char, table: &[char]) -> Option<u8> {
        match letter {
            '\u{fffd}' if self.lossy => Some(LOST),
            // Which it would be read as.
            '\u{1a}' if self.lossy => None,
            '\0'..='\x7f' => u8::try_from(letter).ok(),
            _ => table.iter().position(|&other| other == letter).and_then(|at| u8::try_from(at + 0x80).ok()),
        }
    }

    /// Whether a letter of Latin-1 is a byte that means nothing in this encoding.
    pub fn is_unassigned(&self, letter: char) -> bool {
        ('\u{80}'..='\u{9f}').contains(&letter)
            && u8::try_from(letter).is_ok_and(|byte| self.decode(byte) == letter)
    }
}

/// The text whose UTF-8, or nearly so, was read with `codec` as what `bytes` are.
pub(super) fn decode_utf8(codec: &Codec, mut bytes: Vec<u8>) -> Option<String> {
    if codec.spaces && (0..bytes.len()).any(|at| altered(&bytes[at..]).is_some()) {
        bytes = restore_no_break_spaces(&bytes);
    }
    if codec.lossy {
        bytes = replace_lossy(&bytes);
    }
    if bytes.iter().any(|byte| [0xed, 0xc0].contains(byte)) {
        return decode_variants(&bytes);
    }
    String::from_utf8(bytes).ok()
}

const CONTINUATION: std::ops::RangeInclusive<u8> = 0x80..=0xbf;

/// The length of a sequence at the start of `bytes` that were UTF-8 if its space were a no-break space.
fn altered(bytes: &[u8]) -> Option<usize> {
    let clear = |byte: &u8| CONTINUATION.contains(byte) && ![0x85, 0xa0].contains(byte);
    let any = |byte: &u8| CONTINUATION.contains(byte);
    match bytes {
        [0xc2 | 0xc3 | 0xc5 | 0xce | 0xd0 | 0xd9, b' ', ..] => Some(2),
        [0xe2 | 0xe3, b' ', last, ..] if clear(last) => Some(3),
        [0xe0..=0xe3, middle, b' ', ..] if clear(middle) => Some(3),
        [0xf0, b' ', a, b, ..] | [0xf0, a, b' ', b, ..] | [0xf0, a, b, b' ', ..] if any(a) && any(b) => {
            Some(4)
        }
        _ => None,
    }
}

/// Puts no-break spaces back that something turned into spaces.
fn restore_no_break_spaces(bytes: &[u8]) -> Vec<u8> {
    // "Ã la" was "à la", which keeps its space; not so "Ã s", the Portuguese "às".
    let mut words = Vec::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        words.push(byte);
        if byte == 0xc3 && bytes.get(at + 1) == Some(&b' ') {
            let rest = &bytes[at + 2..];
            let one_word =
                [&b" "[..], b"quele", b"quela", b"quilo", b"s "].iter().any(|word| rest.starts_with(word));
            if !one_word {
                words.push(0xa0);
            }
        }
    }
    let mut restored = Vec::with_capacity(words.len());
    while let Some(&first) = words.get(restored.len()) {
        match altered(&words[restored.len()..]) {
            Some(len) => {
                let sequence = &words[restored.len()..][..len];
                restored.extend(sequence.iter().map(|&byte| if byte == b' ' { 0xa0 } else { byte }));
            }
            None => restored.push(first),
        }
    }
    restored
}

/// Replaces every sequence of UTF-8 of which bytes were lost with U+FFFD.
fn replace_lossy(bytes: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match lossy_len(&bytes[at..]) {
            Some(len) => {
                replaced.extend("\u{fffd}".as_bytes());
                at += len;
            }
            None => {
                replaced.push(bytes[at]);
                at += 1;
            }
        }
    }
    replaced
}

/// The length of such a sequence at the start of `bytes`. A question mark may stand for one byte of it.
fn lossy_len(bytes: &[u8]) -> Option<usize> {
    let lost = |byte: u8| [LOST, b'?'].contains(&byte);
    let weak = |byte: u8| byte == LOST || CONTINUATION.contains(&byte);
    // One byte that was lost, and others that may have been.
    let sequence = |rest: &[u8]| {
        (0..rest.len()).any(|gap| {
            rest.iter().enumerate().all(|(at, &byte)| if at == gap { lost(byte) } else { weak(byte) })
        })
    };
    match *bytes {
        [0xc2..=0xdf, LOST, ..] | [0xc2..=0xc3, b'?', ..] => Some(2),
        [0xed, 0xa0..=0xaf, a, 0xed, 0xb0..=0xbf, b, ..]
            if (lost(a) && (lost(b) || CONTINUATION.contains(&b)))
                || (lost(b) && (lost(a) || CONTINUATION.contains(&a))) =>
        {
            Some(6)
        }
        [0xe0..=0xef, a, b, ..] if sequence(&[a, b]) => Some(3),
        [0xf0..=0xf4, a, b, c, ..] if sequence(&[a, b, c]) => Some(4),
        [LOST, ..] => Some(1),
        _ => None,
    }
}

/// UTF-8 in which letters beyond U+FFFF may be surrogates of three bytes each (CESU-8), and U+0000 may be two bytes (as
/// in Java).
fn decode_variants(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = (0..rest.len()).find(|&at| is_variant(&rest[at..])).unwrap_or(rest.len());
        text.push_str(std::str::from_utf8(&rest[..plain]).ok()?);
        rest = &rest[plain..];
        match *rest {
            [] => {}
            [0xc0, _, ..] => {
                text.push('\0');
                rest = &rest[2..];
            }
            [0xed, b, c, _, e, f, ..] if is_surrogate_pair(rest) => {
                let high = (u32::from(b & 0x0f) << 16) + (u32::from(c & 0x3f) << 10);
                text.push(char::from_u32(0x10000 + high + (u32::from(e & 0x0f) << 6) + u32::from(f & 0x3f))?);
                rest = &rest[6..];
            }
            // One surrogate alone; or the first bytes of a letter at the end.
            _ if rest.len() >= 6 => return None,
            _ => {
                text.push_str(std::str::from_utf8(rest).ok()?);
                rest = &[];
            }
        }
    }
    Some(text)
}

/// Whether `bytes` begin with what only the variants of UTF-8 have, or with as much of it as there is before the end.
fn is_variant(bytes: &[u8]) -> bool {
    begins(bytes, &[0xc0..=0xc0, 0x80..=0x80])
        || is_surrogate_pair(bytes)
        || begins(bytes, &[0xed..=0xed, 0xa0..=0xbf, 0x80..=0xbf])
}

fn is_surrogate_pair(bytes: &[u8]) -> bool {
    begins(bytes, &[0xed..=0xed, 0xa0..=0xaf, 0x80..=0xbf, 0xed..=0xed, 0xb0..=0xbf, 0x80..=0xbf])
}

/// Whether `bytes` begin with a byte of each range, or end too early for the later ones; a line break at the very end
/// counts as the end.
fn begins(bytes: &[u8], ranges: &[std::ops::RangeInclusive<u8>]) -> bool {
    let fits = bytes.iter().zip(ranges).take_while(|(byte, range)| range.contains(byte)).count();
    let left = &bytes[fits..];
    fits > 0 && (fits == ranges.len() || left.is_empty() || left == b"\n")
}
