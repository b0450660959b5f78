//! Checks of single settings, before the first step.

use std::fmt::Display;

use crate::error::{Result, TrainError};

/// Fails unless a setting holds.
///
/// # Errors
/// [`TrainError::Setting`] with the flag, what was expected and what was found.
pub fn require(
    flag: &'static str,
    expected: impl Into<String>,
    found: impl Display,
    holds: bool,
) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(TrainError::Setting { flag, expected: expected.into(), found: found.to_string() }),
    }
}

/// Training computes in f32: what is finite must be so there.
fn is_finite(value: f64) -> bool {
    (value as f32).is_finite()
}

/// A number.
pub fn finite(flag: &'static str, value: f64) -> Result<()> {
    require(flag, "a finite number", value, is_finite(value))
}

/// A number of at least 0.
pub fn not_negative(flag: &'static str, value: f64) -> Result<()> {
    require(flag, "a number of at least 0", value, value >= 0.0 && is_finite(value))
}

/// A number above 0.
pub fn positive(flag: &'static str, value: f64) -> Result<()> {
    require(flag, "a number above 0", value, value > 0.0 && is_finite(value))
}

/// 0 to 1.
pub fn share(flag: &'static str, value: f64) -> Result<()> {
    require(flag, "a share from 0 to 1", value, (0.0..=1.0).contains(&value))
}

/// 0 up to, but not including, 1.
pub fn part(flag: &'static str, value: f64) -> Result<()> {
    require(flag, "a share from 0 up to, but not including, 1", value, (0.0..1.0).contains(&value))
}

/// At least 1.
pub fn count(flag: &'static str, value: u64) -> Result<()> {
    require(flag, "at least 1", value, value > 0)
}

/// Channels of so many, each once.
pub fn channels(flag: &'static str, chosen: &[usize], of: usize) -> Result<()> {
    let is_new = |at: usize| chosen[at] < of && !chosen[..at].contains(&chosen[at]);
    let fit = (0..chosen.len()).all(is_new);
    require(
        flag,
        format!("channels from 0 to {}, each once", of.saturating_sub(1)),
        format!("{chosen:?}"),
        fit,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_in_single_precision_is_refused() {
        for check in [finite, not_negative, positive] {
            check("--flag", 1e38).unwrap();
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e39] {
                let message = check("--flag", value).unwrap_err().to_string();
                assert!(message.starts_with("--flag is "), "{message}");
            }
        }
        finite("", -1.0).unwrap();
        not_negative("", 0.0).unwrap();
        not_negative("", -0.1).unwrap_err();
        positive("", 0.0).unwrap_err();
        share("", 1.0).unwrap();
        share("", f64::NAN).unwrap_err();
        part("", 1.0).unwrap_err();
        count("", 0).unwrap_err();
        channels("", &[2, 0], 3).unwrap();
        channels("", &[2, 2], 3).unwrap_err();
        channels("", &[3], 3).unwrap_err();
    }
}
