//! Where the heads of a new text encoder look at first.
//!
//! UMT5 hears the order of words through the biases of its attention alone. Published, these start from a normal draw
//! of deviation 1/√d_model, beside which the scores of the words themselves are large, and a million steps mend that. A
//! small training has no such time: after 29,000 steps the features of "black house, orange person" and of "orange
//! house, black person" still differed by 2 %, and no denoiser can tell from these whose colour is whose. So half of
//! the heads or more start as windows on neighbouring words, as a colour stands next to its thing.

use super::{attention::bucket, config::Umt5Config};

/// A head's biases: the direction of the window, the nearest distance in it, and a bias for each distance from there.
type Window = Option<(i64, i64, &'static [f32])>;

const PAST: i64 = -1;
const FUTURE: i64 = 1;
/// For the first layer: the word before ("black house"), words farther back ("黑色的大房子", where each character is
/// one), the words behind ("person in black"), and no window.
const FIRST: [Window; 4] = [
    Some((PAST, 1, &[6.0, 5.0, 4.0])),
    Some((PAST, 2, &[4.0, 5.0, 5.0, 5.0, 4.0])),
    Some((FUTURE, 1, &[6.0, 5.0, 4.0])),
    None,
];
/// For later ones: what these have gathered.
const LATER: [Window; 4] = [
    Some((PAST, 1, &[5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0])),
    Some((FUTURE, 1, &[5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0])),
    None,
    None,
];

/// The first biases of a layer, `[buckets, heads]`; heads beyond the fourth are like the first four again.
pub(super) fn first_biases(layer: usize, config: &Umt5Config) -> Vec<f32> {
    let windows = if layer == 0 { FIRST } else { LATER };
    let mut biases = vec![0.0; config.relative_attention_num_buckets * config.num_heads];
    for head in 0..config.num_heads {
        let Some((direction, nearest, window)) = windows[head % windows.len()] else { continue };
        for (distance, &bias) in (nearest..).zip(window) {
            let bucket = bucket(direction * distance, config) as usize;
            biases[bucket * config.num_heads + head] = bias;
        }
    }
    biases
}
