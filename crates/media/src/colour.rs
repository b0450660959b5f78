//! RGB to and from the Y'CbCr 4:2:0 that H.264 stores: limited range, chroma at half resolution.
//!
//! Chroma samples lie where H.264 puts them unless told otherwise: on the even columns, half-way
//! between two rows (chroma_sample_loc_type 0).

/// The luma weights of a Y'CbCr matrix, and whether the values use all of 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ColourSpace {
    red: f32,
    blue: f32,
    full_range: bool,
}

/// H.273's code for BT.709, as matrix, primaries and transfer: what Kinora writes.
pub(crate) const BT709_CODE: u16 = 1;

/// What Kinora writes: HD television's matrix, limited range.
pub(crate) const BT709: ColourSpace = ColourSpace { red: 0.2126, blue: 0.0722, full_range: false };

const BT601: ColourSpace = ColourSpace { red: 0.299, blue: 0.114, full_range: false };

/// How a file says that its colours are coded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Signal {
    /// ITU-T H.273's code, as in a `colr` box.
    pub matrix: u16,
    /// Whether the values use all of 0 to 255.
    pub full_range: bool,
}

impl Signal {
    /// H.273's code for a matrix that players must guess.
    pub(crate) const UNSPECIFIED: u16 = 2;
}

impl ColourSpace {
    /// What a file says; `None` for a matrix of another kind.
    pub(crate) fn from_signal(Signal { matrix, full_range }: Signal, height: usize) -> Option<Self> {
        let space = match matrix {
            BT709_CODE => BT709,
            Signal::UNSPECIFIED => Self::unspecified(height),
            4 => Self { red: 0.3, blue: 0.11, full_range: false },
            5 | 6 => BT601,
            7 => Self { red: 0.212, blue: 0.087, full_range: false },
            9 => Self { red: 0.2627, blue: 0.0593, full_range: false },
            _ => return None,
        };
        Some(Self { full_range, ..space })
    }

    /// What players assume of a file that does not say.
    pub(crate) fn unspecified(height: usize) -> Self {
        if height >= 720 { BT709 } else { BT601 }
    }

    /// (lowest luma, span of luma, span of chroma), in 8-bit levels.
    fn levels(self) -> (f32, f32, f32) {
        if self.full_range { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) }
    }

    fn luma(self, r: f32, g: f32, b: f32) -> f32 {
        self.red * r + (1.0 - self.red - self.blue) * g + self.blue * b
    }
}

/// One frame's planes, each row after row.
pub(crate) struct Planes<'a> {
    /// `[height, stride]`
    pub y: &'a [u8],
    /// `[height / 2, chroma stride]`
    pub cb: &'a [u8],
    /// `[height / 2, chroma stride]`
    pub cr: &'a [u8],
    /// Bytes in a row of `y`.
    pub stride: usize,
    /// Bytes in a row of `cb` and of `cr`.
    pub chroma_stride: usize,
}

/// A frame `[height, width, 3]` as y, cb and cr planes one after the other. Both sides are even.
pub(crate) fn to_yuv420(rgb: &[u8], width: usize, height: usize, space: ColourSpace) -> Vec<u8> {
    let (lowest, luma_span, chroma_span) = space.levels();
    let to_level = |value: f32| (value + 0.5) as u8; // saturates

    let mut planes = Vec::with_capacity(width * height * 3 / 2);
    let of_byte = luma_span / 255.0;
    planes.extend(
        rgb.as_chunks::<3>().0.iter().map(|&[r, g, b]| {
            to_level(lowest + of_byte * space.luma(f32::from(r), f32::from(g), f32::from(b)))
        }),
    );
    let mut chroma = vec![0; width * height / 2];
    let (cb, cr) = chroma.split_at_mut(width * height / 4);
    let [of_blue, of_red] = [space.blue, space.red].map(|share| chroma_span / (2.0 * (1.0 - share)));
    let mut sums = vec![0_u16; 3 * width];
    let both_rows = rgb.chunks_exact(6 * width);
    let into = cb.chunks_exact_mut(width / 2).zip(cr.chunks_exact_mut(width / 2));
    for (rows, (cb, cr)) in both_rows.zip(into) {
        // The conversion is linear, so the colour may be averaged before it: weights 1 2 1 across, 1 1 down.
        let (above, below) = rows.split_at(3 * width);
        for ((sum, &above), &below) in sums.iter_mut().zip(above).zip(below) {
            *sum = u16::from(above) + u16::from(below);
        }
        for (at, (cb, cr)) in cb.iter_mut().zip(cr).enumerate() {
            let x = 2 * at;
            let [left, right] = [x.saturating_sub(1), (x + 1).min(width - 1)];
            let mean = |c: usize| {
                f32::from(sums[3 * left + c] + 2 * sums[3 * x + c] + sums[3 * right + c]) / (8.0 * 255.0)
            };
            let (r, g, b) = (mean(0), mean(1), mean(2));
            let luma = space.luma(r, g, b);
            *cb = to_level(128.0 + of_blue * (b - luma));
            *cr = to_level(128.0 + of_red * (r - luma));
        }
    }
    planes.extend(chroma);
    planes
}

/// Appends a frame `[height, width, 3]` to `rgb`, chroma interpolated linearly.
pub(crate) fn append_rgb(
    planes: &Planes<'_>,
    width: usize,
    height: usize,
    space: ColourSpace,
    rgb: &mut Vec<u8>,
) {
    let (lowest, luma_span, chroma_span) = space.levels();
    let (last_row, last_column) = ((height / 2).max(1) - 1, (width / 2).max(1) - 1);
    let green = 1.0 - space.red - space.blue;
    for y in 0..height {
        // Three quarters of the nearer chroma row and one of the farther.
        let near = (y / 2).min(last_row);
        let far = if y % 2 == 0 { near.saturating_sub(1) } else { (near + 1).min(last_row) };
        for x in 0..width {
            let left = (x / 2).min(last_column);
            let right = (left + x % 2).min(last_column);
            let chroma = |plane: &[u8]| {
                let row = |y: usize| {
                    let at = |x: usize| f32::from(plane[y * planes.chroma_stride + x]);
                    (at(left) + at(right)) / 2.0
                };
                (0.75 * row(near) + 0.25 * row(far) - 128.0) / chroma_span
            };
            let luma = (f32::from(planes.y[y * planes.stride + x]) - lowest) / luma_span;
            let r = luma + 2.0 * (1.0 - space.red) * chroma(planes.cr);
            let b = luma + 2.0 * (1.0 - space.blue) * chroma(planes.cb);
            let g = (luma - space.red * r - space.blue * b) / green;
            for value in [r, g, b] {
                rgb.push((value * 255.0 + 0.5) as u8); // saturates
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(rgb: &[u8], width: usize, height: usize, space: ColourSpace) -> Vec<u8> {
        let planes = to_yuv420(rgb, width, height, space);
        let (y, chroma) = planes.split_at(width * height);
        let (cb, cr) = chroma.split_at(width * height / 4);
        let planes = Planes { y, cb, cr, stride: width, chroma_stride: width / 2 };
        let mut restored = Vec::new();
        append_rgb(&planes, width, height, space, &mut restored);
        restored
    }

    /// Reference levels: ITU-R BT.709-6, items 3.2 to 3.4, and EBU Tech 3325 colour bars at 100 %.
    #[test]
    fn reference_levels_of_bt709() {
        for (rgb, levels) in [
            ([0, 0, 0], [16, 128, 128]),
            ([255, 255, 255], [235, 128, 128]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 255, 0], [173, 42, 26]),
            ([0, 0, 255], [32, 240, 118]),
            ([255, 255, 0], [219, 16, 138]),
        ] {
            let planes = to_yuv420(&[rgb; 4].concat(), 2, 2, BT709);
            assert_eq!([planes[0], planes[4], planes[5]], levels, "{rgb:?}");
        }
    }

    #[test]
    fn flat_colours_return_within_the_rounding_of_8_bits() {
        for space in [BT709, BT601, ColourSpace { full_range: true, ..BT601 }] {
            for colour in 0..512u32 {
                let rgb = [0, 3, 6].map(|shift| ((colour >> shift & 7) * 255 / 7) as u8);
                let restored = round_trip(&[rgb; 16].concat(), 4, 4, space);
                let worst = restored.iter().zip([rgb; 16].as_flattened()).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(worst <= Some(2), "{rgb:?} in {space:?}: {worst:?}");
            }
        }
    }

    #[test]
    fn a_ramp_is_not_shifted_sideways_or_down() {
        // Red grows along x, blue along y: linear interpolation must return the ramp inside the edges.
        let (width, height) = (32, 32);
        let rgb: Vec<u8> =
            (0..width * height).flat_map(|i| [(i % width * 8) as u8, 128, (i / width * 8) as u8]).collect();
        let restored = round_trip(&rgb, width, height, BT709);
        for y in 2..height - 2 {
            for x in 2..width - 2 {
                for channel in 0..3 {
                    let index = (y * width + x) * 3 + channel;
                    assert!(restored[index].abs_diff(rgb[index]) <= 3, "{x} {y} {channel}");
                }
            }
        }
    }
}
