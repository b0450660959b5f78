//! iTerm2's inline pictures: <https://iterm2.com/documentation-images.html>.

use std::io::Write;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use crate::{Picture, fit::Room};

/// `picture` at the cursor as a PNG, scaled by the terminal to `room`. Where the cursor ends differs between terminals.
pub(crate) fn encode(picture: &Picture<'_>, room: Room, out: &mut Vec<u8>) {
    // Of a picture that was checked, into memory.
    let Ok(png) = png(picture) else { return };
    let Room { columns, rows, .. } = room;
    // A `Vec` takes all.
    let _ = write!(
        out,
        "\x1b]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1;doNotMoveCursor=1:{}\x07",
        png.len(),
        base64::encode(&png)
    );
}

/// Packed little: it goes no further than to the terminal.
fn png(picture: &Picture<'_>) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, picture.width() as u32, picture.height() as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fastest);
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.rgb())?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::Grid;

    #[test]
    fn the_png_is_the_exact_picture() {
        let rgb: Vec<u8> = (0..40 * 30 * 3).map(|i| (i * i / 5) as u8).collect();
        let picture = Picture::new(40, 30, &rgb).unwrap();
        let mut out = Vec::new();
        encode(&picture, Room::of(40, 30, Grid::default(), 80, 23), &mut out);
        let text = String::from_utf8(out).unwrap();
        let (head, data) = text.strip_suffix('\x07').unwrap().split_once(':').unwrap();
        let bytes = base64::decode(data).unwrap();
        let expected = format!(
            "\x1b]1337;File=inline=1;size={};width=62;height=23;preserveAspectRatio=1;doNotMoveCursor=1",
            bytes.len()
        );
        assert_eq!(head, expected);
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, pixels), (40, 30, rgb));
    }
}
