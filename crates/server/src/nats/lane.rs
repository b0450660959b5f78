//! Lanes of the queue: a worker is handed what it has the memory for, and short jobs do not wait behind long ones.

use crate::maker::Estimate;

/// Of the smallest lane, in MiB.
const LEAST: u64 = 256;

/// The largest lane holds all that needs more, too.
const MOST: u64 = 1 << 24;

/// Seconds of the longest job that is called short.
const SHORT: f64 = 60.0;

/// Where subjects of the queue begin.
const SUBJECT: &str = "kinora.work";

/// A part of the queue. Within one, who comes first is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The memory that its jobs need at most, in MiB: a power of two, or some eighths more than one.
    pub mib: u64,
    /// Whether they are soon done.
    is_short: bool,
}

impl Lane {
    /// The one for jobs that take so much.
    pub fn of(estimate: &Estimate) -> Self {
        let needed = estimate.bytes.div_ceil(1 << 20).clamp(LEAST, MOST);
        // As fine as an eighth of the largest power of two in it.
        let mib = needed.next_multiple_of((1 << needed.ilog2()) / 8);
        Self { mib, is_short: estimate.seconds <= SHORT }
    }

    /// Of a consumer's name.
    pub fn named(name: &str) -> Option<Self> {
        let (mib, length) = name.strip_prefix("lane-")?.split_once('-')?;
        let lane = Self { mib: mib.parse().ok()?, is_short: length == "short" };
        (lane.name() == name).then_some(lane)
    }

    /// Of the consumer through which workers are handed its jobs.
    pub fn name(self) -> String {
        format!("lane-{}-{}", self.mib, self.length())
    }

    /// The subject of a job in it.
    pub fn subject(self, id: &str) -> String {
        format!("{SUBJECT}.{}.{}.{id}", self.mib, self.length())
    }

    /// The subjects of all lanes.
    pub fn all() -> String {
        format!("{SUBJECT}.>")
    }

    fn length(self) -> &'static str {
        if self.is_short { "short" } else { "long" }
    }
}

/// The job that a subject is of.
pub fn id_of(subject: &str) -> &str {
    subject.rsplit('.').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(mib: u64, seconds: f64) -> Lane {
        Lane::of(&Estimate { seconds, bytes: mib << 20 })
    }

    #[test]
    fn a_lane_is_no_narrower_than_its_jobs_and_at_most_an_eighth_wider() {
        for mib in [256, 257, 384, 385, 512, 700, 1024, 5000, 24 << 10, 25 << 10, 100 << 10] {
            let wide = lane(mib, 1.0).mib;
            assert!(wide >= mib && 8 * wide < 9 * mib, "{mib}: {wide}");
            assert_eq!(lane(wide, 1.0).mib, wide, "it is the lane of its own width");
        }
        assert_eq!((lane(0, 1.0).mib, lane(1 << 40, 1.0).mib), (LEAST, MOST));
    }

    #[test]
    fn names_lead_back() {
        for lane in [lane(1, 1.0), lane(700, 1000.0), lane(40_000, 60.0)] {
            assert_eq!(Lane::named(&lane.name()), Some(lane));
            assert_eq!(id_of(&lane.subject("video_1")), "video_1");
        }
        for name in ["", "lane-", "lane-x-short", "lane-256-tall", "lane-0256-long", "other"] {
            assert_eq!(Lane::named(name), None, "{name}");
        }
        assert_ne!(lane(1, 60.0), lane(1, 61.0));
    }
}
