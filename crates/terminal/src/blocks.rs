//! Two pixels in a cell: `▀` in the colour of the upper one, on that of the lower one.

use crate::{
    Colours, Picture,
    colours::Layer,
    screen::{DOWN, RESET},
};

/// `picture`, a cell for every column and every two rows, from the cursor on. It leaves the cursor in the last row.
pub(crate) fn encode(picture: &Picture<'_>, colours: Colours, out: &mut Vec<u8>) {
    let rows: Vec<&[[u8; 3]]> = picture.rows().collect();
    for (row, pair) in rows.chunks(2).enumerate() {
        if row > 0 {
            out.extend(DOWN);
        }
        let mut last = [None; 2];
        for column in 0..picture.width() {
            let layers = [Layer::Foreground, Layer::Background];
            for (half, (pixels, layer)) in pair.iter().zip(layers).enumerate() {
                let colour = colours.of_pixel(pixels[column], column, 2 * row + half);
                if last[half].replace(colour) != Some(colour) {
                    colours.write(colour, layer, out);
                }
            }
            out.extend("▀".as_bytes());
        }
        // Or the colour would run on to the end of the line where a terminal scrolls.
        out.extend(RESET);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(picture: &Picture<'_>, colours: Colours) -> String {
        let mut out = Vec::new();
        encode(picture, colours, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_known_picture_is_these_bytes() {
        let (red, blue) = ([255, 0, 0], [0, 0, 255]);
        let picture = Picture::new(2, 3, [red, red, blue, red, blue, blue].concat()).unwrap();
        assert_eq!(
            text(&picture, Colours::True),
            "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[48;2;255;0;0m▀\x1b[0m\r\n\x1b[38;2;0;0;255m▀▀\x1b[0m"
        );
        assert_eq!(
            text(&picture, Colours::Indexed),
            "\x1b[38;5;196m\x1b[48;5;21m▀\x1b[48;5;196m▀\x1b[0m\r\n\x1b[38;5;21m▀▀\x1b[0m"
        );
    }
}
