//! The figures of a report.

use serde::Serialize;
use world::{GRAVITY, Language};

use super::{Judged, Report};
use crate::{Tally, measures::Measures, verdict::Verdict};

/// The rows of a table, in order: what a [`Claim`](crate::verdict::Claim) is about, and the two sums of all.
const ROWS: [&str; 19] = [
    ALL_RIGHT,
    "thing",
    "colour",
    "size",
    "count",
    "relation",
    "event",
    "direction",
    "order",
    "camera",
    "ground",
    "time of day",
    "weather",
    FLAWLESS,
    "nothing appears",
    "permanence",
    "clear",
    "continuous",
    "alive",
];
const ALL_RIGHT: &str = "all of the prompt";
const FLAWLESS: &str = "no flaw";

/// A fall is a free one if a parabola explains this share of it.
const FREE_FALL: f32 = 0.95;
/// How far off the world's pull downwards it may be, as a share.
const GRAVITY_OFF: f32 = 0.15;

/// How often one claim holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What is claimed.
    pub what: &'static str,
    /// In the model's clips.
    pub made: Tally,
    /// In real ones.
    pub real: Tally,
    /// In the model's, by another scene's prompt.
    pub chance: Tally,
}

/// The figures of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Claim by claim.
    pub rows: Vec<Row>,
    /// All of the prompt, by its language.
    pub languages: Vec<(Language, Tally)>,
    /// Falls that are free ones, with the world's gravity.
    pub free_fall: Tally,
    /// Sharpness.
    pub sharpness: Mean,
    /// How much moves.
    pub dynamic_degree: Mean,
    /// How much flickers.
    pub flicker: Mean,
}

/// The mean of a [measure](Measures).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// Of the model's clips.
    pub made: f32,
    /// Of real ones.
    pub real: f32,
}

impl Mean {
    /// The model's over the real one.
    pub fn ratio(&self) -> f32 {
        self.made / self.real
    }
}

impl Summary {
    pub(super) fn of(report: &Report) -> Self {
        let Report { made, real, chance, .. } = report;
        let (made_verdicts, real_verdicts) = (verdicts(made), verdicts(real));
        let chance: Vec<&Verdict> = chance.iter().collect();
        let rows = ROWS.into_iter().map(|what| Row {
            what,
            made: tally(&made_verdicts, what),
            real: tally(&real_verdicts, what),
            chance: tally(&chance, what),
        });
        let languages = Language::ALL.map(|language| {
            let of_it = made.iter().filter(|judged| judged.prompt.language == language);
            (language, of_it.map(|judged| judged.verdict.all_right).collect())
        });
        let falls = made_verdicts.iter().filter_map(|verdict| verdict.fall);
        let pull = GRAVITY.start * (1.0 - GRAVITY_OFF)..=GRAVITY.end * (1.0 + GRAVITY_OFF);
        let mean = |measure: fn(&Measures) -> f32| Mean {
            made: mean(&made_verdicts, measure),
            real: mean(&real_verdicts, measure),
        };
        Self {
            rows: rows.filter(|row| row.made.all + row.real.all > 0).collect(),
            languages: languages.to_vec(),
            free_fall: falls
                .map(|fall| fall.r_squared >= FREE_FALL && pull.contains(&fall.gravity))
                .collect(),
            sharpness: mean(|measures| measures.sharpness),
            dynamic_degree: mean(|measures| measures.dynamic_degree),
            flicker: mean(|measures| measures.flicker),
        }
    }

    /// Sharpness, motion and flicker in a line.
    pub fn measures(&self) -> String {
        format!(
            "over real clips: sharpness {:.2}, how much moves {:.2}; flicker {:.3}, real {:.3}",
            self.sharpness.ratio(),
            self.dynamic_degree.ratio(),
            self.flicker.made,
            self.flicker.real
        )
    }

    /// Percentage points between the languages, in all of the prompt.
    pub fn language_gap(&self) -> Option<f64> {
        let shares: Option<Vec<f64>> = self.languages.iter().map(|(_, tally)| tally.share()).collect();
        let shares = shares?;
        Some(100.0 * (shares.first()? - shares.last()?).abs())
    }
}

fn verdicts(judged: &[Judged]) -> Vec<&Verdict> {
    judged.iter().map(|judged| &judged.verdict).collect()
}

fn tally(verdicts: &[&Verdict], what: &str) -> Tally {
    match what {
        ALL_RIGHT => verdicts.iter().map(|verdict| verdict.all_right).collect(),
        FLAWLESS => verdicts.iter().map(|verdict| verdict.flawless).collect(),
        _ => {
            let findings = verdicts.iter().flat_map(|verdict| &verdict.findings);
            findings.filter(|finding| finding.claim.name() == what).map(|finding| finding.holds).collect()
        }
    }
}

fn mean(verdicts: &[&Verdict], measure: fn(&Measures) -> f32) -> f32 {
    let sum: f32 = verdicts.iter().map(|verdict| measure(&verdict.measures)).sum();
    sum / verdicts.len().max(1) as f32
}
