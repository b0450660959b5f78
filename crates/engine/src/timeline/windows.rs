//! A video of any length as windows of a length that the model can make, each of which sees what came before.

use std::ops::Range;

/// A part of the video that is made at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The frame of the video that its first latent frame is. It can lie before the video, which then begins later.
    pub start: isize,
    /// Its length in latent frames.
    pub latent_frames: usize,
    /// The frames of the video that it makes.
    pub makes: Range<usize>,
}

/// What windows can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowShape {
    /// Frames of each latent frame but the first, which is one.
    pub factor: usize,
    /// The most latent frames.
    pub most: usize,
    /// How many latent frames make a token: windows have whole ones.
    pub patch: usize,
    /// Latent frames that a window should see of what is there before it and behind it.
    pub context: usize,
}

impl WindowShape {
    /// Frames of so many latent frames.
    pub fn frames(self, latent_frames: usize) -> usize {
        // As many as there can be, if nothing limits a window.
        self.factor.saturating_mul(latent_frames.saturating_sub(1)).saturating_add(1)
    }

    /// The fewest latent frames that have so many frames.
    fn latent_frames(self, frames: usize) -> usize {
        self.whole(1 + frames.saturating_sub(1).div_ceil(self.factor))
    }

    /// So many latent frames, and as many more as whole tokens take.
    fn whole(self, latent_frames: usize) -> usize {
        latent_frames.next_multiple_of(self.patch)
    }

    /// The most latent frames that have no more frames.
    fn latent_frames_within(self, frames: usize) -> usize {
        if frames == 0 { 0 } else { 1 + (frames - 1) / self.factor }
    }

    /// Latent frames of context that there are of so many frames before a window.
    fn before(self, frames: usize) -> usize {
        self.latent_frames_within(frames).min(self.context)
    }

    /// The same behind it, where none is a first one.
    fn behind(self, frames: usize) -> usize {
        (frames / self.factor).min(self.context)
    }
}

impl Window {
    /// The frames of the video in each of its latent frames.
    pub(crate) fn frames_of(&self, latent: usize, factor: usize) -> Range<isize> {
        match latent {
            0 => self.start..self.start + 1,
            _ => {
                let start = self.start + 1 + ((latent - 1) * factor) as isize;
                start..start + factor as isize
            }
        }
    }
}

/// The windows, in the order in which they are made, that settle every frame of a video of which some frames are `settled`
/// already. No window makes frames on both sides of one of the `cuts`, which are frames too.
pub(crate) fn windows(mut settled: Vec<bool>, cuts: &[usize], shape: WindowShape) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut before = 0;
    while let Some(first) = settled[before..].iter().position(|settled| !settled).map(|first| before + first)
    {
        before = first;
        // Of a gap that goes on no more is looked at than a window reaches, but that something may be at its end.
        let reach = if first == 0 { usize::MAX } else { shape.frames(shape.most).saturating_mul(2) };
        let gap = settled[first..].iter().take(reach).take_while(|settled| !**settled).count();
        let behind = settled[first + gap..].iter().take_while(|settled| **settled).count();
        let is_one = shape.frames(shape.most) >= gap + shape.factor * shape.behind(behind)
            && !cuts.iter().any(|cut| (1..gap).contains(cut));
        let window = match first == 0 && behind > 0 && !is_one {
            true => backward(gap, behind, cuts, shape),
            false => forward(first..first + gap, behind, cuts, shape),
        };
        settled[window.makes.clone()].fill(true);
        windows.push(window);
    }
    windows
}

/// The next window of a gap, of which everything before is settled, and so many frames `behind` it.
fn forward(gap: Range<usize>, behind: usize, cuts: &[usize], shape: WindowShape) -> Window {
    let before = shape.before(gap.start);
    let start = gap.start - if before == 0 { 0 } else { shape.frames(before) };
    let cut = cuts.iter().copied().find(|&cut| cut > gap.start).unwrap_or(gap.end);
    let of = |end: usize, behind: usize| shape.whole(shape.latent_frames(end - start) + behind);
    let window = |latent_frames: usize, end: usize| Window {
        start: start as isize,
        latent_frames,
        makes: gap.start..end,
    };
    if cut < gap.end && of(cut, 0) <= shape.most {
        return window(of(cut, 0), cut);
    }
    // What is too little for a latent frame of its own is seen in the last one that is made.
    let seen = if behind > 0 && shape.behind(behind) == 0 { gap.end + 1 } else { gap.end };
    let behind = shape.behind(behind);
    if of(seen, behind) <= shape.most {
        return window(of(seen, behind), gap.end);
    }
    // As far as it reaches; but if what is behind the gap then comes too near to be seen as it should, half of the gap.
    let reach = start + shape.frames(shape.most);
    let end =
        if behind > 0 && reach >= gap.end { gap.start + (gap.len() / 2).max(1) } else { reach.min(gap.end) };
    window(of(end, 0), end)
}

/// The last window of a gap at the beginning of a video, which is made from its end on: `behind` it all is settled.
fn backward(gap: usize, behind: usize, cuts: &[usize], shape: WindowShape) -> Window {
    let behind = shape.behind(behind).max(1).min(shape.most.saturating_sub(1));
    let cut = cuts.iter().copied().filter(|&cut| cut < gap).max().unwrap_or(0);
    // As far as it reaches, or to the last cut, if that is nearer.
    let latent_frames = shape.most.min(shape.whole(shape.latent_frames(gap - cut) + behind));
    let start = gap as isize - shape.frames(latent_frames - behind) as isize;
    Window { start, latent_frames, makes: cut.max(start.max(0) as usize)..gap }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: WindowShape = WindowShape { factor: 2, most: 9, patch: 1, context: 3 };

    fn of(settled: &[(bool, usize)], cuts: &[usize]) -> Vec<(isize, usize, Range<usize>)> {
        let settled = settled.iter().flat_map(|&(is, count)| vec![is; count]).collect();
        let windows = windows(settled, cuts, SHAPE);
        windows.into_iter().map(|window| (window.start, window.latent_frames, window.makes)).collect()
    }

    #[test]
    fn what_fits_is_one_window() {
        assert_eq!(of(&[(false, 17)], &[]), [(0, 9, 0..17)]);
        assert_eq!(of(&[(false, 1)], &[]), [(0, 1, 0..1)]);
        assert_eq!(of(&[(true, 17)], &[]), []);
        // A known first frame is context; a known last one, too.
        assert_eq!(of(&[(true, 1), (false, 16)], &[]), [(0, 9, 1..17)]);
        assert_eq!(of(&[(true, 1), (false, 14), (true, 2)], &[]), [(0, 9, 1..15)]);
    }

    #[test]
    fn long_videos_roll_on() {
        let expected = [(0, 9, 0..17), (12, 9, 17..29), (24, 6, 29..35)];
        assert_eq!(of(&[(false, 35)], &[]), expected);
        // Of a clip that goes on, five frames are seen.
        assert_eq!(of(&[(true, 100), (false, 12)], &[]), [(95, 9, 100..112)]);
        // And of two frames the last one, as a first latent frame.
        assert_eq!(of(&[(true, 2), (false, 2)], &[]), [(1, 2, 2..4)]);
    }

    #[test]
    fn gaps_see_both_sides() {
        // Five frames before, six behind, of which the first may be in a block that is half made.
        assert_eq!(of(&[(true, 20), (false, 6), (true, 20)], &[]), [(15, 9, 20..26)]);
        assert_eq!(of(&[(true, 20), (false, 10), (true, 20)], &[]), [(15, 6, 20..25), (20, 9, 25..30)]);
        // From its end on, if there is nothing before.
        let expected = [(19, 9, 19..30), (8, 9, 8..19), (0, 8, 0..8)];
        assert_eq!(of(&[(false, 30), (true, 20)], &[]), expected);
    }

    /// A single frame behind a gap is in the last latent frame, whether the gap is odd or even, and also before a cut.
    #[test]
    fn a_last_picture_is_seen() {
        for gap in [9, 10] {
            let windows = of(&[(true, 1), (false, gap), (true, 1)], &[]);
            let [(start, latent_frames, makes)] = windows.try_into().unwrap();
            let window = Window { start, latent_frames, makes };
            let last = window.frames_of(latent_frames - 1, SHAPE.factor);
            assert!(last.contains(&(1 + gap as isize)), "{gap}: {window:?}");
        }
        assert_eq!(of(&[(false, 30), (true, 1)], &[])[0], (15, 9, 15..30));
    }

    #[test]
    fn no_window_makes_frames_of_two_spans() {
        assert_eq!(of(&[(false, 17)], &[8]), [(0, 5, 0..8), (3, 8, 8..17)]);
        assert_eq!(of(&[(false, 30)], &[25]), [(0, 9, 0..17), (12, 7, 17..25), (20, 6, 25..30)]);
        // From the end on, too.
        let expected = [(25, 6, 25..30), (14, 9, 14..25), (3, 9, 3..14), (0, 5, 0..3)];
        assert_eq!(of(&[(false, 30), (true, 20)], &[25]), expected);
        assert_eq!(of(&[(false, 10), (true, 20)], &[6]), [(5, 6, 6..10), (0, 7, 0..6)]);
    }

    #[test]
    fn a_day_is_cut_into_windows_at_once() {
        let day = 24 * 60 * 60 * 8;
        let all = windows(vec![false; day], &[], SHAPE);
        assert_eq!((all.len(), all[all.len() - 1].makes.end), (1 + (day - 17).div_ceil(12), day));
        let all = WindowShape { most: usize::MAX, ..SHAPE };
        assert_eq!(windows(vec![false; day], &[], all).len(), 1);
    }

    #[test]
    fn windows_have_whole_tokens() {
        let shape = WindowShape { factor: 4, most: 8, patch: 2, context: 2 };
        let of = |frames: usize| windows(vec![false; frames], &[], shape)[0].latent_frames;
        assert_eq!([1, 5, 6, 13, 29].map(of), [2, 2, 4, 4, 8]);
    }

    #[test]
    fn latent_frames_have_their_frames() {
        let window = Window { start: -1, latent_frames: 3, makes: 0..4 };
        assert_eq!((0..3).map(|latent| window.frames_of(latent, 2)).collect::<Vec<_>>(), [-1..0, 0..2, 2..4]);
    }
}
