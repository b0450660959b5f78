//! The figures of a report.

use std::collections::BTreeMap;

use serde::Serialize;
use world::Language;

use super::{Judged, Report};
use crate::{Tally, measures::Measures, verdict::Verdict};

/// The rows of a table, in order: what a [`Claim`](crate::verdict::Claim) is about, and the two sums of all.
const ROWS: [&str; 21] = [
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
    FALLS_FREELY,
    KEPT_BEHIND,
    FLAWLESS,
    "nothing appears",
    "permanence",
    "clear",
    "continuous",
    "alive",
];
const ALL_RIGHT: &str = "all of the prompt";
const FLAWLESS: &str = "no flaw";
/// Where the prompt asks for a fall.
const FALLS_FREELY: &str = "free fall";
/// Where the prompt asks for a thing that passes behind another.
const KEPT_BEHIND: &str = "same behind another";

/// How often one claim holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What is claimed.
    pub what: &'static str,
    /// In the model's clips.
    pub made: Tally,
    /// The same by the prompt's language.
    pub languages: Vec<(Language, Tally)>,
    /// In real ones.
    pub real: Tally,
    /// In the model's, by another scene's prompt.
    pub chance: Tally,
}

/// How often a claim holds that says one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueRow {
    /// What is claimed.
    pub what: &'static str,
    /// What it is claimed to be.
    pub value: String,
    /// In the model's clips.
    pub made: Tally,
    /// In real ones.
    pub real: Tally,
}

/// The figures of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Claim by claim.
    pub rows: Vec<Row>,
    /// Kind by kind, colour by colour, and so on.
    pub values: Vec<ValueRow>,
    /// All of the prompt, by its language.
    pub languages: Vec<(Language, Tally)>,
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
            languages: by_language(made, |judged| tally(&verdicts(judged), what)),
            real: tally(&real_verdicts, what),
            chance: tally(&chance, what),
        });
        let languages = by_language(made, |judged| judged.iter().map(|it| it.verdict.all_right).collect());
        let mean = |measure: fn(&Measures) -> f32| Mean {
            made: mean(&made_verdicts, measure),
            real: mean(&real_verdicts, measure),
        };
        Self {
            rows: rows.filter(|row| row.made.all + row.real.all > 0).collect(),
            values: values(&made_verdicts, &real_verdicts),
            languages,
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

fn verdicts<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Vec<&'a Verdict> {
    judged.into_iter().map(|judged| &judged.verdict).collect()
}

/// A tally of the clips of each language's prompts.
fn by_language(judged: &[Judged], tally: impl Fn(Vec<&Judged>) -> Tally) -> Vec<(Language, Tally)> {
    let of = |language| judged.iter().filter(|judged| judged.prompt.language == language).collect();
    Language::ALL.map(|language| (language, tally(of(language)))).to_vec()
}

/// What the prompts claim of kinds, colours, sizes, relations, events, camera and place, value by value.
fn values(made: &[&Verdict], real: &[&Verdict]) -> Vec<ValueRow> {
    let mut rows: BTreeMap<(usize, String), [Tally; 2]> = BTreeMap::new();
    for (index, verdicts) in [made, real].into_iter().enumerate() {
        let findings = verdicts.iter().flat_map(|verdict| &verdict.findings);
        for finding in findings.filter(|finding| finding.claim.is_of_prompt()) {
            let Some(row) = ROWS.iter().position(|row| *row == finding.claim.name()) else { continue };
            rows.entry((row, finding.expected.clone())).or_default()[index].add(finding.holds);
        }
    }
    rows.into_iter()
        .map(|((row, value), [made, real])| ValueRow { what: ROWS[row], value, made, real })
        .collect()
}

fn tally(verdicts: &[&Verdict], what: &str) -> Tally {
    match what {
        ALL_RIGHT => verdicts.iter().map(|verdict| verdict.all_right).collect(),
        FLAWLESS => verdicts.iter().map(|verdict| verdict.flawless).collect(),
        FALLS_FREELY => verdicts.iter().filter_map(|verdict| verdict.falls_freely).collect(),
        KEPT_BEHIND => verdicts.iter().filter_map(|verdict| verdict.kept_behind).collect(),
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
