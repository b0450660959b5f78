//! What an H.264 stream's pictures are, from its sequence parameter set (ITU-T H.264, 7.3.2.1.1 and E.1.1).

use crate::colour::Signal;

/// Profiles whose sets say how colour is stored.
const HIGH_PROFILES: [u64; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// Sides of a macroblock.
const BLOCK: u64 = 16;

/// Interlaced pictures are in these and in the high ones only.
const MAIN_PROFILES: [u64; 2] = [77, 88];

/// A stream's pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pictures {
    /// In pixels, as they are shown.
    pub width: usize,
    /// In pixels, as they are shown.
    pub height: usize,
    /// 0 for grey, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
    chroma_format: u64,
    /// Bits of a sample of brightness or of colour, whichever has more.
    bit_depth: u64,
    is_interlaced: bool,
    /// How colours are coded, if the stream says so.
    pub signal: Option<Signal>,
}

impl Pictures {
    /// What is in them that openh264 does not decode, in the words of H.264.
    pub fn beyond_decoder(&self) -> Option<String> {
        let chroma = match self.chroma_format {
            0 => Some("grey (4:0:0)"),
            2 => Some("4:2:2"),
            3 => Some("4:4:4"),
            _ => None,
        };
        let depth = (self.bit_depth > 8).then(|| format!("{} bits a sample", self.bit_depth));
        let interlaced = self.is_interlaced.then_some("interlaced");
        let parts = [depth.as_deref(), chroma, interlaced];
        let found = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        (!found.is_empty()).then_some(found)
    }
}

/// `None` for what is no sequence parameter set.
pub(crate) fn parse(sps: &[u8]) -> Option<Pictures> {
    let mut bits = Bits::new(sps);
    bits.skip(8)?; // the unit's type
    let profile = bits.read(8)?;
    bits.skip(16)?; // constraints, level
    bits.unsigned()?; // its number
    let (mut chroma_format, mut bit_depth) = (1, 8); // 4:2:0
    if HIGH_PROFILES.contains(&profile) {
        chroma_format = bits.unsigned()?;
        if chroma_format == 3 {
            bits.skip(1)?; // whether its planes are pictures of their own
        }
        bit_depth = 8 + bits.unsigned()?.max(bits.unsigned()?); // of brightness, of colour
        bits.skip(1)?;
        if bits.read(1)? == 1 {
            skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
        }
    }
    bits.unsigned()?; // bits of frame numbers
    match bits.unsigned()? {
        0 => drop(bits.unsigned()?),
        1 => {
            bits.skip(1)?;
            bits.unsigned()?;
            bits.unsigned()?;
            // At most 255 in any stream.
            for _ in 0..bits.unsigned()?.min(u8::MAX.into()) {
                bits.unsigned()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?; // reference frames
    bits.skip(1)?;
    let columns = bits.unsigned()?.checked_add(1)?;
    let rows = bits.unsigned()?.checked_add(1)?;
    // Interlaced pictures count their rows by pairs.
    let rows_of_a_frame = if bits.read(1)? == 1 { 1 } else { 2 };
    if rows_of_a_frame == 2 {
        bits.skip(1)?;
    }
    bits.skip(1)?;
    let mut cropped = [0; 4]; // left, right, top, bottom
    if bits.read(1)? == 1 {
        for side in &mut cropped {
            *side = bits.unsigned()?;
        }
    }
    let [left, right, top, bottom] = cropped;
    let across = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
    let down = rows_of_a_frame * if chroma_format == 1 { 2 } else { 1 };
    let side = |blocks: u64, crop: u64, unit: u64| {
        let side = blocks.checked_mul(BLOCK)?.checked_sub(crop.checked_mul(unit)?);
        usize::try_from(side.filter(|&side| side > 0)?).ok()
    };
    Some(Pictures {
        width: side(columns, left.checked_add(right)?, across)?,
        height: side(rows.checked_mul(rows_of_a_frame)?, top.checked_add(bottom)?, down)?,
        chroma_format,
        bit_depth,
        // A baseline stream that says so is damaged, and for the decoder to judge.
        is_interlaced: rows_of_a_frame == 2
            && (MAIN_PROFILES.contains(&profile) || HIGH_PROFILES.contains(&profile)),
        signal: signal(&mut bits),
    })
}

/// How colours are coded, among what helps a player (E.1.1); `None` if it is not said.
fn signal(bits: &mut Bits<'_>) -> Option<Signal> {
    /// The code of a shape of pixels that is written out.
    const EXTENDED_SHAPE: u64 = 255;
    if bits.read(1)? == 0 {
        return None;
    }
    if bits.read(1)? == 1 && bits.read(8)? == EXTENDED_SHAPE {
        bits.skip(32)?;
    }
    if bits.read(1)? == 1 {
        bits.skip(1)?; // whether it may be cropped
    }
    if bits.read(1)? == 0 {
        return None;
    }
    bits.skip(3)?; // the kind of television
    let full_range = bits.read(1)? == 1;
    let matrix = match bits.read(1)? {
        1 => {
            bits.skip(16)?; // primaries, transfer
            bits.read(8)? as u16
        }
        _ => Signal::UNSPECIFIED,
    };
    Some(Signal { matrix, full_range })
}

fn skip_scaling_lists(bits: &mut Bits<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if bits.read(1)? == 0 {
            continue;
        }
        let (mut last, mut next) = (8_i64, 8_i64);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// Bits from the first of each byte on, without the bytes that keep start codes from appearing.
struct Bits<'a> {
    rest: &'a [u8],
    /// Of `rest`'s first byte.
    used: u32,
    /// Bytes of 0 before it.
    zeros: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, used: 0, zeros: 0 }
    }

    fn bit(&mut self) -> Option<u64> {
        if self.used == 0 && self.zeros >= 2 && self.rest.first() == Some(&3) {
            self.rest = &self.rest[1..];
            self.zeros = 0;
        }
        let byte = *self.rest.first()?;
        let bit = byte >> (7 - self.used) & 1;
        self.used += 1;
        if self.used == 8 {
            self.used = 0;
            self.rest = &self.rest[1..];
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        }
        Some(bit.into())
    }

    fn read(&mut self, count: u32) -> Option<u64> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        self.read(count).map(drop)
    }

    /// An Exp-Golomb code, which has at most 32 bits before its first 1.
    fn unsigned(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 32 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }

    fn signed(&mut self) -> Option<i64> {
        let code = self.unsigned()?.cast_signed();
        Some(if code % 2 == 0 { -(code / 2) } else { (code + 1) / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits as text, after a unit's type.
    fn set(bits: &str) -> Vec<u8> {
        let mut bits = bits.replace(' ', "");
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        let bytes = bits
            .as_bytes()
            .chunks(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
        [0x67].into_iter().chain(bytes).collect()
    }

    fn picture_size(sps: &[u8]) -> Option<(usize, usize)> {
        parse(sps).map(|pictures| (pictures.width, pictures.height))
    }

    #[test]
    fn sizes_are_those_that_are_shown() {
        let baseline = "01000010 00000000 00011110 1"; // profile 66, level 3.0, set 0
        let high = "01100100 00000000 00011110 1 010 1 1 0 0"; // profile 100, 4:2:0, 8 bits, no lists
        let order = "1 011"; // frame numbers of 4 bits; order type 2
        // 11 x 9 blocks: 176 x 144, not cropped, then cropped to 170 x 140.
        let size = "1 0 0001011 0001001";
        for profile in [baseline, high] {
            let whole = format!("{profile} {order} {size} 1 1 0 0");
            assert_eq!(picture_size(&set(&whole)), Some((176, 144)), "{profile}");
            let cropped = format!("{profile} {order} {size} 1 1 1 1 00100 1 011 0");
            assert_eq!(picture_size(&set(&cropped)), Some((170, 140)), "{profile}");
            let interlaced = format!("{profile} {order} {size} 0 1 1 0 0");
            assert_eq!(picture_size(&set(&interlaced)), Some((176, 288)), "{profile}");
        }
    }

    #[test]
    fn what_is_cut_short_or_cropped_away_has_no_size() {
        let whole = set("01000010 00000000 00011110 1 1 011 1 0 0001011 0001001 1 1 0 0");
        for length in 0..whole.len() - 1 {
            assert_eq!(picture_size(&whole[..length]), None, "{length}");
        }
        assert_eq!(picture_size(&[0; 64]), None);
        assert_eq!(picture_size(&[0xff; 3]), None);
        // A block of 16 with 16 pixels cropped.
        let nothing = "01000010 00000000 00011110 1 1 011 1 0 1 1 1 1 1 1 0001001 1 1";
        assert_eq!(picture_size(&set(nothing)), None);
    }

    #[test]
    fn what_the_decoder_lacks_is_named() {
        let rest = "1 011 1 0 0001011 0001001";
        let high =
            |profile: &str, formats: &str| format!("{profile} 00000000 00011110 1 {formats} 0 0 {rest}");
        for (bits, found) in [
            (format!("01000010 00000000 00011110 1 {rest} 1 1 0 0"), None),
            (high("01100100", "010 1 1") + "1 1 0 0", None),
            (high("01101110", "010 011 011") + "1 1 0 0", Some("10 bits a sample")),
            (high("01111010", "011 011 011") + "1 1 0 0", Some("10 bits a sample, 4:2:2")),
            (high("11110100", "00100 0 1 1") + "1 1 0 0", Some("4:4:4")),
            (high("01100100", "1 1 1") + "1 1 0 0", Some("grey (4:0:0)")),
            (high("01100100", "010 1 1") + "0 1 1 0 0", Some("interlaced")),
        ] {
            assert_eq!(parse(&set(&bits)).unwrap().beyond_decoder().as_deref(), found, "{bits}");
        }
    }

    #[test]
    fn a_stream_may_say_how_colours_are_coded() {
        let start = "01000010 00000000 00011110 1 1 011 1 0 0001011 0001001 1 1 0";
        for (bits, signal) in [
            ("0", None),
            ("1 0 0 0", None),
            ("1 0 0 1 101 1 0", Some((2, true))),
            ("1 1 00000001 1 1 1 101 0 1 00000001 00000001 00000110", Some((6, false))),
            (
                "1 1 11111111 0000000000000001 0000000000000001 0 1 101 1 1 00000001 00000001 00000001",
                Some((1, true)),
            ),
        ] {
            let found = parse(&set(&format!("{start} {bits}"))).unwrap().signal;
            assert_eq!(found.map(|signal| (signal.matrix, signal.full_range)), signal, "{bits}");
        }
    }

    #[test]
    fn bytes_that_break_start_codes_are_no_bits() {
        let mut bits = Bits::new(&[0, 0, 3, 1, 0, 0, 3]);
        assert_eq!(bits.read(24), Some(1));
        assert_eq!(bits.read(16), Some(0));
        assert_eq!(bits.bit(), None);
    }
}
