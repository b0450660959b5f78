//! How well frames follow from what was given: likeness to it, joins and seams.

use media::Clip;

/// What stands still differs by no more than this between frames, of 255: what coding does.
const STILL: f64 = 0.5;

/// Peak signal to noise of 8-bit values, in dB; 99 if they are equal.
///
/// # Panics
/// Unless there are as many of both.
pub fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len(), "frames of one size");
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let mean = sum / a.len().max(1) as f64;
    (20.0 * 255_f64.log10() - 10.0 * mean.max(f64::MIN_POSITIVE).log10()).min(99.0)
}

/// The least [`psnr`] of frames of one clip to as many of another, each from some frame on.
pub fn least_psnr([a, first]: [&Clip; 2], [from_a, from_b]: [usize; 2], count: usize) -> f64 {
    let of = |index: usize| Some(psnr(a.frame(from_a + index)?, first.frame(from_b + index)?));
    (0..count).map(|index| of(index).unwrap_or(0.0)).fold(99.0, f64::min)
}

/// The mean absolute difference of 8-bit values.
pub fn difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.len().max(1) as f64
}

/// The step into a frame from the one before it, over the median step of the clip.
pub fn join(clip: &Clip, frame: usize) -> f64 {
    let steps = steps(clip);
    let at = frame.checked_sub(1).and_then(|before| steps.get(before)).copied().unwrap_or(0.0);
    at / median(&steps).max(STILL)
}

/// The step from the last frame to the first, over the median step of the clip.
pub fn seam(clip: &Clip) -> f64 {
    let (Some(first), Some(last)) = (clip.frame(0), clip.frame(clip.num_frames() - 1)) else { return 0.0 };
    difference(last, first) / median(&steps(clip)).max(STILL)
}

/// The difference between each frame and the one before it.
fn steps(clip: &Clip) -> Vec<f64> {
    let frames: Vec<&[u8]> = clip.frames().collect();
    frames.windows(2).map(|pair| difference(pair[0], pair[1])).collect()
}

/// The middle one; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of one grey each.
    fn clip(greys: &[u8]) -> Clip {
        let frames = greys.iter().flat_map(|&grey| vec![grey; 4 * 4 * 3]).collect();
        Clip::new(4, 4, 8.0, frames).unwrap()
    }

    #[test]
    fn likeness_in_decibels() {
        assert_eq!(psnr(&[1, 2, 3], &[1, 2, 3]), 99.0);
        assert!((psnr(&[0; 12], &[255; 12])).abs() < 1e-9);
        // An error of 1: 20 log 255.
        assert!((psnr(&[7; 12], &[8; 12]) - 48.130_8).abs() < 1e-3);
        let [a, b] = [clip(&[10, 20, 30]), clip(&[99, 20, 31])];
        assert!((least_psnr([&a, &b], [1, 1], 2) - 48.130_8).abs() < 1e-3);
        assert_eq!(least_psnr([&a, &b], [1, 1], 3), 0.0, "there is no such frame");
    }

    #[test]
    fn joins_and_seams_are_seen_against_what_moves_anyway() {
        let jumps = clip(&[0, 2, 4, 10, 12, 14]);
        assert_eq!(join(&jumps, 3), 3.0);
        assert_eq!(join(&jumps, 2), 1.0);
        assert_eq!(seam(&jumps), 7.0);
        assert_eq!(seam(&clip(&[5, 7, 9, 7])), 1.0);
        // What stands still has no median to be measured by.
        assert_eq!(join(&clip(&[5, 5, 6, 6, 6]), 2), 1.0 / STILL);
        assert_eq!((median(&[]), median(&[3.0, 1.0]), median(&[3.0, 1.0, 2.0])), (0.0, 2.0, 2.0));
    }
}
