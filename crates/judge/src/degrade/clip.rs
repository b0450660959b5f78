//! What can be wrong with a whole clip.

use media::Clip;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Picture;

/// A fault that a clip is given to see whether the judge notices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipFault {
    /// Every frame is blurred by a Gaussian of so many pixels.
    Blurred(f32),
    /// Every frame is the first.
    Frozen,
    /// So large a share of the frames, after the first, show the frame before them instead.
    Dropped(f32),
    /// The frames are in any order.
    Shuffled,
    /// The frames run backwards.
    Reversed,
    /// Left and right are swapped.
    Mirrored,
}

/// The clip with this fault; the seed decides where there is a choice.
pub fn spoil(clip: &Clip, fault: ClipFault, seed: u64) -> Clip {
    let frames: Vec<&[u8]> = clip.frames().collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let all: Vec<usize> = (0..frames.len()).collect();
    let spoilt: Vec<u8> = match fault {
        ClipFault::Blurred(sigma) => {
            let blurred = frames.iter().flat_map(|frame| {
                let mut picture = Picture::from_rgb(clip.width(), clip.height(), frame);
                picture.blur(sigma);
                picture.to_rgb()
            });
            blurred.collect()
        }
        ClipFault::Frozen => frames.iter().flat_map(|_| frames[0].iter().copied()).collect(),
        ClipFault::Dropped(share) => {
            let mut later = all[1..].to_vec();
            later.shuffle(&mut rng);
            later.truncate((share * later.len() as f32).round() as usize);
            let mut shown = 0;
            let order = all.iter().map(|frame| {
                if !later.contains(frame) {
                    shown = *frame;
                }
                shown
            });
            order.collect::<Vec<_>>().into_iter().flat_map(|frame| frames[frame].iter().copied()).collect()
        }
        ClipFault::Shuffled => {
            let mut order = all;
            order.shuffle(&mut rng);
            order.into_iter().flat_map(|frame| frames[frame].iter().copied()).collect()
        }
        ClipFault::Reversed => frames.iter().rev().flat_map(|frame| frame.iter().copied()).collect(),
        ClipFault::Mirrored => {
            let rows = frames.iter().flat_map(|frame| frame.chunks_exact(clip.width() * 3));
            rows.flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect()
        }
    };
    Clip::new(clip.width(), clip.height(), clip.fps(), spoilt).unwrap_or_else(|_| clip.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_bytes(clip: &Clip) -> Vec<u8> {
        clip.frames().map(|frame| frame[0]).collect()
    }

    fn clip() -> Clip {
        let frame = |value: u8| [value, value, value, 200, 200, 200];
        Clip::new(2, 1, 8.0, (0..9).flat_map(frame).collect()).unwrap()
    }

    #[test]
    fn faults_are_what_their_names_say() {
        let spoilt = |fault| first_bytes(&spoil(&clip(), fault, 4));
        assert_eq!(spoilt(ClipFault::Frozen), [0; 9]);
        assert_eq!(spoilt(ClipFault::Reversed), [8, 7, 6, 5, 4, 3, 2, 1, 0]);
        assert_eq!(spoilt(ClipFault::Mirrored), [200; 9]);
        let mut shuffled = spoilt(ClipFault::Shuffled);
        assert_ne!(shuffled, first_bytes(&clip()));
        shuffled.sort();
        assert_eq!(shuffled, first_bytes(&clip()));
        let dropped = spoilt(ClipFault::Dropped(0.5));
        assert_eq!(dropped.windows(2).filter(|pair| pair[0] == pair[1]).count(), 4);
        assert!(dropped.is_sorted());
        assert_eq!(spoilt(ClipFault::Dropped(0.0)), first_bytes(&clip()));
        assert_ne!(spoilt(ClipFault::Blurred(1.0)), first_bytes(&clip()));
    }
}
