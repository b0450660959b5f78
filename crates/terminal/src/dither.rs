//! A pattern that makes colours which there are not of those that there are. It stands still, so that what does not
//! move does not flicker.

/// `pixel` at `x` and `y`, each channel brighter or darker by up to `levels`.
pub(crate) fn dithered(pixel: [u8; 3], x: usize, y: usize, levels: i32) -> [u8; 3] {
    let offset = offset(x, y, levels);
    pixel.map(|value| (i32::from(value) + offset).clamp(0, 255) as u8)
}

/// The 8x8 Bayer threshold, between -`levels` and +`levels`.
fn offset(x: usize, y: usize, levels: i32) -> i32 {
    // Bit-reversed interleaving of (x ^ y) and y: the recursive definition, unrolled for 3 bits.
    let rank = (0..3).fold(0, |rank, bit| rank << 2 | (((x ^ y) >> bit & 1) << 1) | (y >> bit & 1));
    // The ranks are 0 to 63: odd numbers around 0, out of 64.
    (2 * rank as i32 - 63) * levels / 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_often_up_as_down() {
        let offsets: Vec<i32> = (0..64).map(|i| offset(i % 8, i / 8, 20)).collect();
        assert_eq!(offsets.iter().sum::<i32>(), 0);
        assert_eq!((offsets.iter().min(), offsets.iter().max()), (Some(&-19), Some(&19)));
        assert_eq!(offset(3, 5, 20), offset(11, 13, 20));
        assert_eq!(dithered([0, 128, 255], 0, 0, 20), [0, 109, 236]);
    }
}
