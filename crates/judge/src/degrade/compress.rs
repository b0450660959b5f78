//! What lossy compression does to a frame, without its bits.

use std::f32::consts::PI;

use super::{LUMA, Picture, luma};

/// Pixels along each side of a block.
const BLOCK: usize = 8;

/// What full blue and full red differ by from their brightness, twice.
const FULL_BLUE: f32 = 1.772;
const FULL_RED: f32 = 1.402;

/// Colour at half the resolution, and blocks of 8×8 pixels whose cosine transform is rounded to multiples of `step`
/// (of the brightest), twice as coarsely for colour and for the finest waves: what H.264 leaves of a frame, about.
pub fn compress(picture: &mut Picture, step: f32) {
    let area = picture.width * picture.height;
    let mut planes = [(); 3].map(|()| Vec::with_capacity(area));
    for pixel in 0..area {
        let [r, g, b] = [0, 1, 2].map(|plane| picture.values[plane * area + pixel]);
        let bright = luma([r, g, b]);
        let parts = [bright, (b - bright) / FULL_BLUE, (r - bright) / FULL_RED];
        planes.iter_mut().zip(parts).for_each(|(plane, part)| plane.push(part));
    }
    let size = [picture.width, picture.height];
    let waves = waves();
    for (index, plane) in planes.iter_mut().enumerate() {
        if index > 0 {
            halve_resolution(plane, size);
        }
        let step = if index > 0 { 2.0 * step } else { step };
        round_blocks(plane, size, step, &waves);
    }
    let [bright, blue, red] = planes;
    for (pixel, ((bright, blue), red)) in bright.into_iter().zip(blue).zip(red).enumerate() {
        let (r, b) = (bright + FULL_RED * red, bright + FULL_BLUE * blue);
        let g = (bright - LUMA[0] * r - LUMA[2] * b) / LUMA[1];
        for (plane, value) in [r, g, b].into_iter().enumerate() {
            picture.values[plane * area + pixel] = value.clamp(0.0, 1.0);
        }
    }
}

/// Every square of four pixels has their mean.
fn halve_resolution(plane: &mut [f32], [width, height]: [usize; 2]) {
    for row in (0..height.saturating_sub(1)).step_by(2) {
        for column in (0..width.saturating_sub(1)).step_by(2) {
            let corners = [0, 1, width, width + 1].map(|shift| row * width + column + shift);
            let mean = corners.iter().map(|&at| plane[at]).sum::<f32>() / 4.0;
            corners.iter().for_each(|&at| plane[at] = mean);
        }
    }
}

/// The orthonormal cosine transform: `[wave][place]`.
fn waves() -> [[f32; BLOCK]; BLOCK] {
    std::array::from_fn(|wave| {
        let scale = if wave == 0 { 1.0 } else { 2.0_f32 } / BLOCK as f32;
        std::array::from_fn(|at| scale.sqrt() * (PI * wave as f32 * (at as f32 + 0.5) / BLOCK as f32).cos())
    })
}

fn round_blocks(plane: &mut [f32], [width, height]: [usize; 2], step: f32, waves: &[[f32; BLOCK]; BLOCK]) {
    for top in (0..(height / BLOCK) * BLOCK).step_by(BLOCK) {
        for left in (0..(width / BLOCK) * BLOCK).step_by(BLOCK) {
            let mut block: [[f32; BLOCK]; BLOCK] = std::array::from_fn(|row| {
                std::array::from_fn(|column| plane[(top + row) * width + left + column])
            });
            block = product(waves, &block, false); // waves down
            block = transpose(&product(waves, &transpose(&block), false)); // and across
            for (down, row) in block.iter_mut().enumerate() {
                for (across, value) in row.iter_mut().enumerate() {
                    let step = step * (1.0 + (down + across) as f32 / (2 * BLOCK - 2) as f32);
                    *value = (*value / step).round() * step;
                }
            }
            block = product(waves, &block, true);
            block = transpose(&product(waves, &transpose(&block), true));
            for (row, values) in block.iter().enumerate() {
                let start = (top + row) * width + left;
                plane[start..start + BLOCK].copy_from_slice(values);
            }
        }
    }
}

/// `waves · block`, or `wavesᵀ · block`.
fn product(
    waves: &[[f32; BLOCK]; BLOCK],
    block: &[[f32; BLOCK]; BLOCK],
    back: bool,
) -> [[f32; BLOCK]; BLOCK] {
    let mut sums = [[0.0; BLOCK]; BLOCK];
    for (row, sums) in sums.iter_mut().enumerate() {
        for (inner, values) in block.iter().enumerate() {
            let weight = if back { waves[inner][row] } else { waves[row][inner] };
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    sums
}

fn transpose(block: &[[f32; BLOCK]; BLOCK]) -> [[f32; BLOCK]; BLOCK] {
    std::array::from_fn(|row| std::array::from_fn(|column| block[column][row]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(colourful: bool) -> Picture {
        let value = |i: usize| if (i / 4 + i / 64).is_multiple_of(2) { 0.3 } else { 0.6 };
        let values =
            (0..3 * 32 * 32).map(|i| value(if colourful { i + 1024 * (i / 1024) } else { i % 1024 }));
        Picture { width: 32, height: 32, values: values.collect() }
    }

    #[test]
    fn fine_steps_keep_grey_pictures_and_coarse_ones_do_not() {
        let far = |step: f32| {
            let mut picture = checks(false);
            compress(&mut picture, step);
            let clean = checks(false).values;
            picture.values.iter().zip(&clean).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(far(1e-4) < 1e-3, "{}", far(1e-4));
        assert!(far(0.5) > 0.02, "{}", far(0.5));
    }

    #[test]
    fn sides_that_are_no_multiples_of_blocks_are_kept() {
        let mut picture = Picture { width: 11, height: 9, values: vec![0.5; 3 * 99] };
        compress(&mut picture, 0.01);
        assert!(picture.values.iter().all(|value| (value - 0.5).abs() < 0.02));
    }
}
