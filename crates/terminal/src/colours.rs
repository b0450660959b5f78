//! The colours of a cell: any, or the nearest of the 256 that every terminal of today has.

use std::io::Write;

use crate::dither::dithered;

/// Which colours a cell can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// 8 bits for red, green and blue.
    True,
    /// xterm's 256: a cube of 6 levels in each channel and 24 greys. The first 16 are left alone, as people choose
    /// their own.
    Indexed,
}

/// The side of a cell that has a colour of its own.
#[derive(Clone, Copy)]
pub(crate) enum Layer {
    Foreground = 38,
    Background = 48,
}

/// How far a channel is moved to either side before the nearest of 256 is taken: half as far as it would take to make
/// every colour between two levels. Less shows bands, more the pattern, as its points are large.
const DITHER_LEVELS: i32 = 10;

/// The levels of a channel in the cube.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The index of the cube's first colour, black.
const CUBE: usize = 16;

/// The index of the darkest grey.
const GREYS: usize = CUBE + LEVELS.len().pow(3);

/// The darkest grey is so bright, and each of [`NUM_GREYS`] so much brighter than the last.
const GREY: (usize, usize) = (8, 10);
const NUM_GREYS: usize = 24;

impl Colours {
    /// By the environment, where terminals say whether they have more than 256.
    pub fn detect() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| variable(name).unwrap_or_default();
        let is_said = matches!(value("COLORTERM").as_str(), "truecolor" | "24bit");
        // ssh does not pass `COLORTERM` on, but it does these names.
        let term = value("TERM");
        let is_known = ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str()) || term.starts_with("foot");
        if is_said || is_known || term.ends_with("-direct") { Self::True } else { Self::Indexed }
    }

    /// What stands for `pixel` at `x` and `y`.
    pub(crate) fn of_pixel(self, pixel: [u8; 3], x: usize, y: usize) -> [u8; 3] {
        match self {
            Self::True => pixel,
            Self::Indexed => colour(nearest(dithered(pixel, x, y, DITHER_LEVELS)).into()),
        }
    }

    /// Writes what gives `layer` of the next cells the colour `rgb`.
    pub(crate) fn write(self, rgb: [u8; 3], layer: Layer, out: &mut Vec<u8>) {
        let layer = layer as u8;
        // A `Vec` takes all.
        let _ = match self {
            Self::True => write!(out, "\x1b[{layer};2;{};{};{}m", rgb[0], rgb[1], rgb[2]),
            Self::Indexed => write!(out, "\x1b[{layer};5;{}m", nearest(rgb)),
        };
    }
}

/// The index of the nearest of the 256.
fn nearest(rgb: [u8; 3]) -> u8 {
    let channel = |value: u8| {
        let level = LEVELS.iter().enumerate().min_by_key(|(_, level)| level.abs_diff(value));
        level.map_or(0, |(index, _)| index)
    };
    let [r, g, b] = rgb.map(channel);
    let cube = CUBE + (r * LEVELS.len() + g) * LEVELS.len() + b;
    let mean = rgb.iter().map(|&value| usize::from(value)).sum::<usize>() / 3;
    let grey = GREYS + (mean.saturating_sub(GREY.0 - GREY.1 / 2) / GREY.1).min(NUM_GREYS - 1);
    let distance = |index: usize| -> u32 {
        let colour = colour(index);
        rgb.iter().zip(colour).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let index = if distance(grey) < distance(cube) { grey } else { cube };
    index as u8
}

/// What stands at `index` of the 256, from [`CUBE`] on.
fn colour(index: usize) -> [u8; 3] {
    if index >= GREYS {
        return [(GREY.0 + (index - GREYS) * GREY.1) as u8; 3];
    }
    let (index, side) = (index - CUBE, LEVELS.len());
    [index / side / side, index / side % side, index % side].map(|level| LEVELS[level])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_256_is_found() {
        for index in CUBE..256 {
            assert_eq!(colour(nearest(colour(index)).into()), colour(index), "{index}");
        }
        for (rgb, index) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([8, 8, 9], 232),
            ([90, 90, 90], 240),
        ] {
            assert_eq!(nearest(rgb), index, "{rgb:?}");
        }
        // No other is nearer.
        for i in 0..4096_u32 {
            let rgb = [i * 37, i * 101, i * 173].map(|value| (value % 256) as u8);
            let distance = |index| {
                let pairs = rgb.iter().zip(colour(index));
                pairs.map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum::<u32>()
            };
            let best = (CUBE..256).map(distance).min().unwrap();
            assert_eq!(distance(nearest(rgb).into()), best, "{rgb:?}");
        }
    }

    #[test]
    fn terminals_say_whether_they_have_all_colours() {
        for (name, value, expected) in [
            ("COLORTERM", "truecolor", Colours::True),
            ("COLORTERM", "24bit", Colours::True),
            ("COLORTERM", "yes", Colours::Indexed),
            ("TERM", "xterm-256color", Colours::Indexed),
            ("TERM", "xterm-direct", Colours::True),
            ("TERM", "xterm-kitty", Colours::True),
        ] {
            let found = Colours::of(|other| (other == name).then(|| value.to_owned()));
            assert_eq!(found, expected, "{name}={value}");
        }
    }
}
