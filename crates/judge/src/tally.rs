//! Counts of what is right, and how sure a share is.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// Right answers of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many are right.
    pub right: usize,
    /// How many there are.
    pub all: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    /// The share that is right, 0 to 1; none of nothing.
    pub fn share(&self) -> Option<f64> {
        (self.all > 0).then(|| self.right as f64 / self.all as f64)
    }

    /// The share as a percentage, or a dash.
    pub fn percent(&self) -> String {
        self.share().map_or_else(|| "–".into(), |share| format!("{:.1} %", 100.0 * share))
    }

    /// Wilson's interval of 95 % around the share (Wilson 1927): it stays within 0 and 1, and is wide for few.
    pub fn interval(&self) -> [f64; 2] {
        /// The normal distribution leaves 2.5 % beyond so many deviations.
        const Z: f64 = 1.96;
        let Some(share) = self.share() else { return [0.0, 1.0] };
        let n = self.all as f64;
        let scale = 1.0 / (1.0 + Z * Z / n);
        let middle = scale * (share + Z * Z / (2.0 * n));
        let half = scale * Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        [(middle - half).max(0.0), (middle + half).min(1.0)]
    }
}

/// All of it, or none.
impl FromIterator<bool> for Tally {
    fn from_iter<I: IntoIterator<Item = bool>>(answers: I) -> Self {
        let mut tally = Self::default();
        answers.into_iter().for_each(|right| tally.add(right));
        tally
    }
}

/// With the share and its interval.
impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Tally", 4)?;
        fields.serialize_field("right", &self.right)?;
        fields.serialize_field("all", &self.all)?;
        fields.serialize_field("share", &self.share())?;
        fields.serialize_field("interval", &self.interval())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval() {
        let tally = |right, all| Tally { right, all };
        assert_eq!(tally(0, 0).interval(), [0.0, 1.0]);
        // 8 of 10, by hand: (0.8 + 0.19208) / 1.38416 and 1.96 / 1.38416 * sqrt(0.016 + 0.009604).
        let [low, high] = tally(8, 10).interval();
        assert!((low - 0.4902).abs() < 1e-3 && (high - 0.9433).abs() < 1e-3, "{low} {high}");
        let [low, high] = tally(10, 10).interval();
        assert!(low > 0.7 && high == 1.0);
        assert_eq!([true, false, true].into_iter().collect::<Tally>(), tally(2, 3));
    }
}
