//! The part of a track that a player shows: its edit list.

use std::ops::Range;

use super::{
    boxes::child,
    table::{be32, list},
};
use crate::error::{Malformed, Refusal};

/// Played as fast as it was recorded, in 16.16 bits.
const NORMAL_RATE: u32 = 1 << 16;

/// One part of a list.
struct Edit {
    /// In ticks of the movie; 0 is to the end.
    duration: u64,
    /// In ticks of the track; negative for a time in which nothing is shown.
    start: i64,
    rate: u32,
}

/// What is shown of a track, in its ticks; `None` is all of it. An empty time before it is left out: a clip begins with
/// a frame.
pub(super) fn window(
    trak: &[u8],
    timescale: u32,
    movie_timescale: Option<u32>,
) -> Result<Option<Range<f64>>, Refusal> {
    let Some(elst) = child(trak, *b"edts").and_then(|edts| child(edts, *b"elst")) else { return Ok(None) };
    let mut edits = parse(elst)?;
    edits.retain(|edit| edit.start >= 0);
    let [Edit { duration, start, rate }] = edits[..] else {
        return match edits.len() {
            0 => Ok(None),
            count => Err(Refusal::Foreign(format!("an MP4 whose edit list has {count} parts (elst)"))),
        };
    };
    if rate != NORMAL_RATE {
        let speed = f64::from(rate.cast_signed()) / f64::from(NORMAL_RATE);
        return Err(Refusal::Foreign(format!("an MP4 that is played at {speed} times its speed (elst)")));
    }
    let start = start as f64;
    let end = match (duration, movie_timescale) {
        (0, _) => f64::INFINITY,
        (_, None | Some(0)) => return Err(Malformed::new("the movie has no clock (mvhd)").into()),
        (duration, Some(of_movie)) => start + duration as f64 * f64::from(timescale) / f64::from(of_movie),
    };
    Ok(Some(start..end))
}

fn parse(elst: &[u8]) -> Result<Vec<Edit>, Malformed> {
    let be64 = |bytes: &[u8]| u64::from(be32(&bytes[..4])) << 32 | u64::from(be32(&bytes[4..8]));
    if elst.first() == Some(&1) {
        let edits = list::<20>("elst", elst)?.iter();
        Ok(edits
            .map(|edit| Edit {
                duration: be64(&edit[..8]),
                start: be64(&edit[8..16]).cast_signed(),
                rate: be32(&edit[16..]),
            })
            .collect())
    } else {
        let edits = list::<12>("elst", elst)?.iter();
        Ok(edits
            .map(|edit| Edit {
                duration: be32(&edit[..4]).into(),
                start: be32(&edit[4..8]).cast_signed().into(),
                rate: be32(&edit[8..]),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::boxes::wrap, *};

    /// A track with a list of version 0.
    fn track(words: &[i32]) -> Vec<u8> {
        let count = words.len() as i32 / 3;
        let body: Vec<u8> = [0, count].iter().chain(words).flat_map(|word| word.to_be_bytes()).collect();
        wrap(*b"edts", &wrap(*b"elst", &body))
    }

    #[test]
    fn one_part_is_a_window_and_an_empty_time_before_it_is_left_out() {
        const ONE: i32 = NORMAL_RATE as i32;
        let window = |words: &[i32]| window(&track(words), 12_000, Some(1000)).unwrap();
        assert_eq!(window(&[500, 2400, ONE]), Some(2400.0..8400.0));
        assert_eq!(window(&[0, 2400, ONE]), Some(2400.0..f64::INFINITY));
        assert_eq!(window(&[70, -1, ONE, 500, 0, ONE]), Some(0.0..6000.0));
        assert_eq!(window(&[70, -1, ONE]), None);
        assert_eq!(super::window(b"", 12_000, None).unwrap(), None);
        let long = [
            &[1, 0, 0, 0, 0, 0, 0, 1][..],
            &500_u64.to_be_bytes(),
            &2400_i64.to_be_bytes(),
            &NORMAL_RATE.to_be_bytes(),
        ]
        .concat();
        let track = wrap(*b"edts", &wrap(*b"elst", &long));
        assert_eq!(super::window(&track, 12_000, Some(1000)).unwrap(), Some(2400.0..8400.0));
    }

    #[test]
    fn other_lists_are_for_other_programs_or_for_none() {
        const ONE: i32 = NORMAL_RATE as i32;
        for (words, named) in [
            (&[500, 0, ONE, 500, 9000, ONE][..], "2 parts"),
            (&[500, 0, ONE / 2], "0.5 times"),
            (&[500, 0, 0], "0 times"),
        ] {
            match window(&track(words), 12_000, Some(1000)) {
                Err(Refusal::Foreign(found)) => assert!(found.contains(named), "{found}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(window(&track(&[500, 0, ONE]), 12_000, None), Err(Refusal::Malformed(_))));
        let cut = wrap(*b"edts", &wrap(*b"elst", &[0, 0, 0, 0, 0, 0, 0, 9]));
        assert!(matches!(window(&cut, 12_000, Some(1000)), Err(Refusal::Malformed(_))));
    }
}
