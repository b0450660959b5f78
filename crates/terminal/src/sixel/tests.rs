//! A stream is read back by a small terminal, and is the picture.

use super::*;

/// What a terminal would show of a stream: width, height and `[height, width, 3]`.
fn decode(stream: &[u8]) -> (usize, usize, Vec<u8>) {
    let text = std::str::from_utf8(stream).unwrap();
    let body = text.strip_prefix("\x1bP0;1q\"").unwrap().strip_suffix("\x1b\\").unwrap();
    let end = body.find('#').unwrap();
    let raster: Vec<usize> = body[..end].split(';').map(|number| number.parse().unwrap()).collect();
    let &[1, 1, width, height] = raster.as_slice() else { panic!("{raster:?}") };
    let mut pixels = vec![None; width * height];
    let mut colours = [[0; 3]; 256];
    let (mut x, mut top, mut colour, mut count) = (0, 0, 0, 1);
    let mut rest = &body.as_bytes()[end..];
    let number = |rest: &mut &[u8]| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number: usize = std::str::from_utf8(&rest[..digits]).unwrap().parse().unwrap();
        *rest = &rest[digits..];
        number
    };
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'#' => {
                colour = number(&mut rest);
                let mut values = Vec::new();
                while rest.first() == Some(&b';') {
                    rest = &rest[1..];
                    values.push(number(&mut rest));
                }
                if let &[2, r, g, b] = values.as_slice() {
                    colours[colour] = [r, g, b].map(|percent| (percent as f64 * 2.55).round() as u8);
                }
            }
            b'!' => count = number(&mut rest),
            b'$' => x = 0,
            b'-' => (x, top) = (0, top + BAND),
            b'?'..=b'~' => {
                for bit in (0..BAND).filter(|bit| (byte - EMPTY) >> bit & 1 == 1) {
                    for x in x..x + count {
                        let pixel = &mut pixels[(top + bit) * width + x];
                        assert_eq!(pixel.replace(colours[colour]), None, "a pixel is painted once");
                    }
                }
                (x, count) = (x + count, 1);
            }
            _ => panic!("{byte}"),
        }
    }
    let pixels = pixels.into_iter().map(|pixel| pixel.expect("every pixel is painted"));
    (width, height, pixels.flatten().collect())
}

fn encoded(picture: &Picture<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    Sixels::default().encode(picture, &mut out);
    out
}

/// The root of the mean squared difference, in 8-bit levels.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = a.iter().zip(b).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    (squares.sum::<f64>() / a.len() as f64).sqrt()
}

/// A sky, a field and a ball: many colours, smooth and sharp. The ball stands at `ball`.
fn landscape(width: usize, height: usize, ball: usize) -> Picture<'static> {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = pixels.flat_map(|(x, y)| {
        let (across, down) = (x * 255 / width, y * 255 / height);
        let distance = x.abs_diff(ball).pow(2) + y.abs_diff(height / 2).pow(2);
        let colour = match (distance < (height / 5).pow(2), y * 3 < height * 2) {
            (true, _) => [255 - down / 2, down / 3, 20 + down / 4],
            (_, true) => [90 + down / 3, 140 + across / 6, 255 - down / 3],
            (_, false) => [across / 3, 180 - down / 4, 60 + across / 8],
        };
        colour.map(|level| level as u8)
    });
    Picture::made(width, height, rgb.collect())
}

#[test]
fn a_known_picture_is_these_bytes() {
    let (red, blue) = ([255, 0, 0], [0, 0, 255]);
    let mut rgb = [red, red, red, red, red, blue].concat().repeat(6);
    rgb.extend([blue; 6].concat());
    let picture = Picture::new(6, 7, rgb).unwrap();
    assert_eq!(
        String::from_utf8(encoded(&picture)).unwrap(),
        "\x1bP0;1q\"1;1;6;7#0;2;0;0;100#1;2;100;0;0#1!5~$#0!5?~-#0!6@\x1b\\"
    );
}

#[test]
fn few_colours_come_back_within_a_percent() {
    for (width, height) in [(16, 16), (1, 1), (5, 13), (256, 1)] {
        let rgb: Vec<u8> = (0..width * height).flat_map(|i| [i, i * 7, 255 - i].map(|v| v as u8)).collect();
        let picture = Picture::new(width, height, &rgb).unwrap();
        let (found_width, found_height, pixels) = decode(&encoded(&picture));
        assert_eq!((found_width, found_height), (width, height));
        for (&a, &b) in rgb.iter().zip(&pixels) {
            assert!(a.abs_diff(b) <= 2, "{a} became {b}");
        }
    }
}

#[test]
fn many_colours_come_back_within_the_palette() {
    let picture = landscape(160, 95, 60);
    let (width, height, pixels) = decode(&encoded(&picture));
    assert_eq!((width, height), (160, 95));
    let error = difference(picture.rgb(), &pixels);
    assert!(error < 6.0, "{error} levels");
}

#[test]
fn a_palette_is_kept_until_the_picture_is_another() {
    let mut sixels = Sixels::default();
    let mut colours = |picture: &Picture<'_>| {
        let mut out = Vec::new();
        sixels.encode(picture, &mut out);
        let (_, _, pixels) = decode(&out);
        assert!(difference(picture.rgb(), &pixels) < 6.0);
        sixels.palette.as_ref().unwrap().percents().collect::<Vec<_>>()
    };
    let first = colours(&landscape(120, 80, 30));
    assert_eq!(colours(&landscape(120, 80, 70)), first, "the ball moves");
    let inverted = landscape(120, 80, 30);
    let inverted = Picture::made(120, 80, inverted.rgb().iter().map(|level| 255 - level).collect());
    assert_ne!(colours(&inverted), first);
}
