//! kitty's graphics protocol: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.

use std::io::Write;

use crate::{Picture, fit::Room};

/// The most bytes of base64 in one message.
const CHUNK: usize = 4096;

/// `picture` at the cursor, scaled by the terminal to `room`, in the place of the last one of the same `id`. The
/// cursor stays.
pub(crate) fn encode(picture: &Picture<'_>, room: Room, id: u32, out: &mut Vec<u8>) {
    let data = base64::encode(picture.rgb());
    let mut chunks = data.as_bytes().chunks(CHUNK).peekable();
    // Transmit and show, in 24 bits a pixel; no answer (`q=2`), as it would come in with the keys. Given one side in
    // cells, the terminal finds the other without a change of shape.
    let (side, cells) = if room.is_wide { ('c', room.columns) } else { ('r', room.rows) };
    let (width, height) = (picture.width(), picture.height());
    let mut head = format!("a=T,f=24,s={width},v={height},i={id},p=1,{side}={cells},C=1,");
    while let Some(chunk) = chunks.next() {
        let more = u8::from(chunks.peek().is_some());
        // A `Vec` takes all.
        let _ = write!(out, "\x1b_G{head}q=2,m={more};");
        out.extend(chunk);
        out.extend(b"\x1b\\");
        head.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grid;

    /// The keys of the first message and the pixels of all, as a terminal would have them.
    fn decode(mut bytes: &[u8]) -> (String, Vec<u8>) {
        let (mut first, mut data, mut is_more) = (None, Vec::new(), true);
        while !bytes.is_empty() {
            assert!(is_more, "a message follows the last");
            let end = bytes.windows(2).position(|pair| pair == b"\x1b\\").unwrap();
            let message = std::str::from_utf8(&bytes[..end]).unwrap().strip_prefix("\x1b_G").unwrap();
            let (keys, chunk) = message.split_once(';').unwrap();
            assert!(chunk.len() <= CHUNK, "{}", chunk.len());
            is_more = keys.split(',').any(|key| key == "m=1");
            assert!(!is_more || chunk.len() % 4 == 0);
            assert!(keys.split(',').any(|key| key == "q=2"));
            data.extend(chunk.bytes());
            first.get_or_insert(keys.to_owned());
            bytes = &bytes[end + 2..];
        }
        assert!(!is_more);
        (first.unwrap(), base64::decode(data).unwrap())
    }

    #[test]
    fn chunks_are_the_exact_pixels() {
        // Three bytes of four letters: the second picture fills its message exactly.
        for (width, height) in [(1, 1), (32, 32), (33, 31), (100, 70)] {
            let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * i / 7) as u8).collect();
            let picture = Picture::new(width, height, &rgb).unwrap();
            let room = Room::of(width, height, Grid::default(), 80, 23);
            let mut out = Vec::new();
            encode(&picture, room, 7, &mut out);
            let (keys, pixels) = decode(&out);
            assert!(keys.starts_with(&format!("a=T,f=24,s={width},v={height},i=7,p=1,")), "{keys}");
            assert_eq!(pixels, rgb);
        }
    }

    #[test]
    fn one_side_is_given_in_cells() {
        for (size, expected) in [((64, 64), ",r=23,"), ((64, 8), ",c=80,")] {
            let picture = Picture::new(size.0, size.1, vec![0; size.0 * size.1 * 3]).unwrap();
            let mut out = Vec::new();
            encode(&picture, Room::of(size.0, size.1, Grid::default(), 80, 23), 1, &mut out);
            assert!(decode(&out).0.contains(expected));
        }
    }
}
