//! How settings change over a run. `progress` is the share of the run that is done, 0 to 1: of its
//! steps, or of its minutes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Linear warm-up over the first steps, then a half cosine down (Loshchilov and Hutter 2017).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    /// The highest learning rate.
    pub peak: f64,
    /// Steps of the warm-up.
    pub warmup_steps: u64,
    /// The last learning rate as a share of the peak.
    pub final_share: f64,
}

impl LearningRate {
    /// The learning rate of the step after `steps_done` steps.
    pub fn at(&self, steps_done: u64, progress: f64) -> f64 {
        let warmup = ((steps_done + 1) as f64 / (self.warmup_steps as f64 + 1.0)).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos());
        self.peak * warmup * (self.final_share + (1.0 - self.final_share) * cosine)
    }
}

/// A setting that goes in a straight line from one value to another: `0.8..0.2`, or `0.5` for both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    /// At the start of the run.
    pub start: f64,
    /// At its end.
    pub end: f64,
}

impl Ramp {
    /// The value at `progress`.
    pub fn at(&self, progress: f64) -> f64 {
        self.start + (self.end - self.start) * progress.clamp(0.0, 1.0)
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl FromStr for Ramp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (start, end) = text.split_once("..").unwrap_or((text, text));
        let share = |part: &str| match part.trim().parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
            _ => {
                Err(format!("expected a share (0 to 1) or a ramp of shares such as 0.8..0.2, found '{text}'"))
            }
        };
        Ok(Self { start: share(start)?, end: share(end)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rate_closed_forms() {
        let rate = LearningRate { peak: 2.0, warmup_steps: 9, final_share: 0.1 };
        assert_eq!(rate.at(0, 0.0), 0.2);
        assert_eq!(rate.at(4, 0.0), 1.0);
        assert_eq!(rate.at(9, 0.0), 2.0);
        assert!((rate.at(50, 0.5) - 1.1).abs() < 1e-12);
        assert!((rate.at(100, 1.0) - 0.2).abs() < 1e-12);
        assert_eq!(rate.at(200, 1.5), rate.at(100, 1.0));
        let third = rate.at(30, 1.0 / 3.0);
        assert!((third - 2.0 * (0.1 + 0.9 * 0.75)).abs() < 1e-12);
    }

    #[test]
    fn ramps_parse_print_and_interpolate() {
        let ramp: Ramp = "0.8..0.2".parse().unwrap();
        assert!((ramp.at(0.5) - 0.5).abs() < 1e-12);
        assert_eq!(ramp.to_string().parse::<Ramp>().unwrap(), ramp);
        assert_eq!("0.5".parse::<Ramp>().unwrap().at(0.7), 0.5);
        for wrong in ["", "2", "0.1..", "a..0.3", "-0.1..0.2"] {
            assert!(wrong.parse::<Ramp>().unwrap_err().contains("0.8..0.2"), "{wrong}");
        }
    }
}
