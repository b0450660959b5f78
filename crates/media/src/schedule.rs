//! Frames of any length in time as a clip of a constant rate.
//!
//! The rule, for every format: a clip shows, at the middle of each of its frames, the frame that the file shows at that
//! instant. Its rate is the mean rate of the file if that leaves every frame in its place, once: such a file is steady,
//! whatever its clock has rounded. Else its rate is the usual one: that of the mean of the durations which are within a
//! tenth of their median. Long frames are then repeated and short ones may be dropped, and the clip keeps its time.

use std::ops::Range;

use crate::{Clip, ClipShape, error::Malformed};

/// The most frames whose times are gone through one by one: a day at 48 frames per second.
pub(crate) const MAX_UNEVEN_FRAMES: usize = 1 << 22;

/// How far from the median a usual duration is.
const USUAL: f64 = 0.1;

/// Which frames a clip shows, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    /// Frames per second.
    pub fps: f64,
    /// Of the clip.
    pub num_frames: usize,
    /// Whether the file's frames are not all of one length.
    pub rate_varies: bool,
    /// Times that each frame of the file is shown; `None` if it is once each.
    shows: Option<Vec<usize>>,
}

impl Schedule {
    /// Every frame once.
    pub fn steady(num_frames: usize, fps: f64) -> Self {
        Self { fps, num_frames, rate_varies: false, shows: None }
    }

    /// Of frames that begin at `starts` (in order, at least one), the last of which is shown for `last_duration`, or as
    /// long as is usual if that is 0. If there is a `window`, the clip is what is shown within it. All in ticks.
    pub fn new(
        starts: &[i64],
        last_duration: i64,
        ticks_per_second: f64,
        window: Option<Range<f64>>,
    ) -> Result<Self, Malformed> {
        let no_duration = || Malformed::new("its frames have no duration");
        let (&first, &last) = starts.first().zip(starts.last()).ok_or_else(no_duration)?;
        // Differences are small where times are not.
        let since_first = |time: i64| time as f64 - first as f64;
        let durations = starts.windows(2).map(|pair| since_first(pair[1]) - since_first(pair[0]));
        let last_duration = match last_duration {
            1.. => last_duration as f64,
            _ => usual(durations.clone().collect()).ok_or_else(no_duration)?,
        };
        let end = since_first(last) + last_duration;
        let ends = || starts[1..].iter().map(|&start| since_first(start)).chain([end]);

        let mean = end / starts.len() as f64;
        let is_in_place = |(index, (&start, end)): (usize, (&i64, f64))| {
            let middle = (index as f64 + 0.5) * mean;
            since_first(start) <= middle && middle < end
        };
        let is_steady = starts.iter().zip(ends()).enumerate().all(is_in_place);
        let step = match is_steady {
            true => mean,
            false => usual(durations.chain([last_duration]).collect()).ok_or_else(no_duration)?,
        };
        let fps = ticks_per_second / step;

        let window = window.map_or(0.0..end, |window| {
            (window.start - first as f64).max(0.0)..(window.end - first as f64).min(end)
        });
        let shown = (window.end - window.start) / step;
        if shown.is_nan() || shown <= 0.0 {
            return Err(Malformed::new("its edit list shows none of its frames (elst)"));
        }
        let num_frames = (shown.round() as usize).max(1);
        if is_steady && num_frames == starts.len() {
            return Ok(Self::steady(num_frames, fps));
        }
        // How many of the clip's frames have their middle before a time.
        let before =
            |time: f64| ((time - window.start) / step - 0.5).ceil().clamp(0.0, num_frames as f64) as usize;
        let mut done = 0;
        let mut shows: Vec<usize> = ends()
            .map(|end| {
                let shown = before(end) - done;
                done += shown;
                shown
            })
            .collect();
        // What rounding leaves over belongs to the last.
        if let Some(last) = shows.last_mut() {
            *last += num_frames - done;
        }
        Ok(Self { fps, num_frames, rate_varies: !is_steady, shows: Some(shows) })
    }

    /// How often the clip shows frame `index` of the file, one after the other.
    pub fn shows(&self, index: usize) -> usize {
        self.shows.as_ref().map_or(1, |shows| shows.get(index).copied().unwrap_or(0))
    }

    /// The shape of the clip, of frames of this size.
    pub fn shape(&self, width: usize, height: usize) -> ClipShape {
        ClipShape { width, height, num_frames: self.num_frames, fps: self.fps }
    }

    /// Refuses before decoding what would be refused after it.
    pub fn check_memory(&self, width: usize, height: usize) -> Result<(), Malformed> {
        match ClipShape::bytes(width, height, self.num_frames) {
            Some(_) => Ok(()),
            None => Err(Malformed::new(format!(
                "{} frames of {width}x{height} need more than {} bytes; cut it, or make it smaller",
                self.num_frames,
                Clip::MAX_BYTES
            ))),
        }
    }
}

/// What most of these durations are close to; `None` if all are 0.
fn usual(mut durations: Vec<f64>) -> Option<f64> {
    durations.retain(|&duration| duration > 0.0);
    durations.sort_unstable_by(f64::total_cmp);
    let median = *durations.get(durations.len() / 2)?;
    let (sum, count) = durations
        .iter()
        .filter(|&&duration| (duration - median).abs() <= USUAL * median)
        .fold((0.0, 0.0), |(sum, count), duration| (sum + duration, count + 1.0));
    Some(sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(schedule: &Schedule, count: usize) -> Vec<usize> {
        (0..count).map(|index| schedule.shows(index)).collect()
    }

    #[test]
    fn what_a_clock_has_rounded_is_steady() {
        for (fps, ticks_per_second) in
            [(24.0, 1000.0), (30.0, 100.0), (30000.0 / 1001.0, 1000.0), (50.0, 100.0)]
        {
            let starts: Vec<i64> =
                (0..=1000).map(|index| (f64::from(index) * ticks_per_second / fps).round() as i64).collect();
            let (&end, starts) = starts.split_last().unwrap();
            let schedule = Schedule::new(starts, end - starts[999], ticks_per_second, None).unwrap();
            assert!(!schedule.rate_varies && schedule.shows.is_none(), "{fps}");
            assert_eq!(schedule.num_frames, 1000);
            assert!((schedule.fps - fps).abs() < 0.01, "{fps}: {}", schedule.fps);
        }
    }

    #[test]
    fn dropped_frames_are_held_and_the_clip_keeps_its_time() {
        // 30 frames per second on a clock of thousandths, of which every fifth and ten in a row are missing.
        let kept = |index: &i64| index % 5 != 0 && !(40..50).contains(index);
        let indices: Vec<i64> = (1..100).filter(kept).collect();
        let starts: Vec<i64> = indices.iter().map(|index| index * 1000 / 30).collect();
        let schedule = Schedule::new(&starts, 33, 1000.0, None).unwrap();
        assert!(schedule.rate_varies);
        assert!((schedule.fps - 30.0).abs() < 0.1, "{}", schedule.fps);
        assert_eq!(schedule.num_frames, 99);
        let held: Vec<usize> =
            indices.windows(2).map(|pair| (pair[1] - pair[0]) as usize).chain([1]).collect();
        assert_eq!(shows(&schedule, starts.len()), held);
    }

    #[test]
    fn a_window_takes_what_is_shown_within_it() {
        let starts: Vec<i64> = (0..10).map(|index| 500 + index * 100).collect();
        let schedule = |window| Schedule::new(&starts, 100, 1000.0, window).unwrap();
        assert_eq!(schedule(None), Schedule::steady(10, 10.0));
        // Rounded ends take nothing away, nor does what lies outside.
        assert_eq!(schedule(Some(500.4..1499.7)), Schedule::steady(10, 10.0));
        assert_eq!(schedule(Some(0.0..9999.0)), Schedule::steady(10, 10.0));
        let part = schedule(Some(700.0..1000.0));
        assert_eq!((part.num_frames, part.fps, part.rate_varies), (3, 10.0, false));
        assert_eq!(shows(&part, 10), [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
        // A frame that began before the window and is shown within it.
        let held = Schedule::new(&[0, 900, 1000], 100, 1000.0, Some(700.0..1100.0)).unwrap();
        assert_eq!(shows(&held, 3), [2, 1, 1]);
        for window in [0.0..500.0, 1500.0..9999.0, 800.0..800.0] {
            assert!(Schedule::new(&starts, 100, 1000.0, Some(window)).is_err());
        }
    }

    #[test]
    fn a_last_frame_without_a_duration_has_the_usual_one() {
        assert_eq!(Schedule::new(&[0, 100, 200], 0, 1000.0, None).unwrap(), Schedule::steady(3, 10.0));
        assert!(Schedule::new(&[7], 0, 1000.0, None).is_err());
        assert!(Schedule::new(&[7, 7], 0, 1000.0, None).is_err());
    }

    #[test]
    fn forged_times_take_no_memory() {
        let starts = [0, 1, 2, 3, i64::MAX];
        let schedule = Schedule::new(&starts, 1, 1000.0, None).unwrap();
        assert!(schedule.check_memory(16, 16).is_err());
        for starts in [[i64::MIN, 0, i64::MAX], [0, 1, 2]] {
            let _ = Schedule::new(&starts, i64::MAX, 1e9, Some(f64::NEG_INFINITY..f64::INFINITY)).unwrap();
        }
    }
}
