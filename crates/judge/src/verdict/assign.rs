//! Which of the things that are there is which of those that have to be.

use world::ThingClaim;

use crate::tracks::Track;

/// The most things that are tried for each that is wanted: those that are seen most come first.
const MOST_CANDIDATES: usize = 6;

/// For each wanted thing the index of its track, each track once, so that kinds and colours fit best together; `among`
/// lists the tracks that may be taken.
pub(super) fn assign(wanted: &[ThingClaim], tracks: &[Track], among: &[usize]) -> Vec<Option<usize>> {
    let candidates: Vec<usize> = among.iter().copied().take(MOST_CANDIDATES.max(wanted.len())).collect();
    let fits: Vec<Vec<f32>> = wanted
        .iter()
        .map(|thing| candidates.iter().map(|&track| fit(thing, &tracks[track])).collect())
        .collect();
    let mut best = (f32::NEG_INFINITY, vec![None; wanted.len()]);
    search(&fits, &mut vec![None; wanted.len()], 0, 0.0, &mut best);
    best.1.into_iter().map(|candidate| candidate.map(|candidate| candidates[candidate])).collect()
}

/// Tries every way to give tracks to the things from `at` on.
fn search(
    fits: &[Vec<f32>],
    taken: &mut Vec<Option<usize>>,
    at: usize,
    sum: f32,
    best: &mut (f32, Vec<Option<usize>>),
) {
    // More things than this are no prompt's of the world; the first few decide.
    const DEEPEST: usize = 6;
    if at == fits.len() || at == DEEPEST {
        if sum > best.0 {
            *best = (sum, taken.clone());
        }
        return;
    }
    for candidate in 0..fits[at].len() {
        if !taken[..at].contains(&Some(candidate)) {
            taken[at] = Some(candidate);
            search(fits, taken, at + 1, sum + fits[at][candidate], best);
        }
    }
    taken[at] = None;
    search(fits, taken, at + 1, sum, best);
}

/// How well a track fits a thing: above 0 for any, so that what is there is compared with what should be.
fn fit(thing: &ThingClaim, track: &Track) -> f32 {
    let kind = track.kinds()[thing.kind as usize];
    let colour = thing.colour.map_or(0.0, |colour| track.colours()[colour as usize]);
    let size = thing.size.map_or(0.0, |size| track.sizes()[size as usize]);
    0.05 + kind + colour + 0.2 * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_fit_of_all_together_is_taken() {
        // The first fits both, the second only the second thing.
        let fits = vec![vec![1.0, 0.1], vec![1.1, 0.9]];
        let mut best = (f32::NEG_INFINITY, vec![None; 2]);
        search(&fits, &mut vec![None; 2], 0, 0.0, &mut best);
        assert_eq!(best.1, [Some(0), Some(1)]);
        let fits = vec![vec![0.5], vec![0.9]];
        let mut best = (f32::NEG_INFINITY, vec![None; 2]);
        search(&fits, &mut vec![None; 2], 0, 0.0, &mut best);
        assert_eq!(best.1, [None, Some(0)]);
    }

    #[test]
    fn nothing_is_taken_where_nothing_is() {
        let thing = ThingClaim { kind: world::Kind::Dog, colour: None, size: None, count: 1 };
        assert_eq!(assign(&[thing; 9], &[], &[]), [None; 9]);
    }
}
