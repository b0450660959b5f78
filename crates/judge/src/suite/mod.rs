//! A suite of tasks that begin from pictures, case by case: what each has to keep and to show, and whether it does.

mod html;
pub mod joins;

use serde::Serialize;

use crate::{Tally, verdict::Finding};

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// Something that is asked of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What it is, with its unit.
    pub what: &'static str,
    /// What it came to.
    pub value: f64,
    /// What it has to come to.
    pub bar: Bar,
    /// What of a prompt does not hold, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<String>,
}

impl Check {
    /// Something that is there (1) or not (0).
    pub fn is(what: &'static str, holds: bool) -> Self {
        Self::at_least(1.0, what, f64::from(u8::from(holds)))
    }

    /// Whether all that a prompt says is there, by these findings, and what is not.
    pub fn of_prompt<'a>(what: &'static str, findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let missed = findings.into_iter().filter(|finding| finding.claim.is_of_prompt() && !finding.holds);
        let missed: Vec<String> = missed
            .map(|Finding { claim, expected, found, .. }| {
                format!("{}: {expected}, found {found}", claim.name())
            })
            .collect();
        let is_there = Self::is(what, missed.is_empty());
        Self { missed, ..is_there }
    }

    /// Something that has to come to this or more.
    pub fn at_least(bar: f64, what: &'static str, value: f64) -> Self {
        Self { what, value, bar: Bar::AtLeast(bar), missed: Vec::new() }
    }

    /// Something that may come to this and no more.
    pub fn at_most(bar: f64, what: &'static str, value: f64) -> Self {
        Self { what, value, bar: Bar::AtMost(bar), missed: Vec::new() }
    }

    /// Whether it is as it has to be.
    pub fn holds(&self) -> bool {
        match self.bar {
            Bar::AtLeast(bar) => self.value >= bar,
            Bar::AtMost(bar) => self.value <= bar,
        }
    }
}

/// Frames side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Strip {
    /// What they are.
    pub caption: String,
    /// A PNG.
    #[serde(skip)]
    pub png: Vec<u8>,
}

/// One input, what was made of it, and what was found.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// The command.
    pub task: &'static str,
    /// Which one of the task's cases.
    pub number: usize,
    /// What it was asked to show.
    pub prompt: String,
    /// What it was asked to be.
    pub checks: Vec<Check>,
    /// What went in and what came out.
    pub strips: Vec<Strip>,
}

/// What a share of all checks of a task has to reach.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The command.
    pub task: &'static str,
    /// The check.
    pub what: &'static str,
    /// The share that has to hold, 0 to 1; none for what is only told.
    pub share: Option<f64>,
}

/// How often a check holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The command.
    pub task: &'static str,
    /// The check.
    pub what: &'static str,
    /// How often it holds.
    pub tally: Tally,
    /// The median of what it came to.
    pub median: f64,
    /// What it has to come to in a case,
    pub bar: Bar,
    /// and in which share of them.
    pub share: Option<f64>,
}

impl Row {
    /// Whether enough of them hold; none if nothing is asked.
    pub fn is_reached(&self) -> Option<bool> {
        Some(self.tally.share()? >= self.share?)
    }
}

/// All cases of a model.
#[derive(Clone, Debug, Serialize)]
pub struct Suite {
    /// The model.
    pub model: String,
    /// In the order in which they were made.
    pub cases: Vec<Case>,
}

impl Suite {
    /// Check by check, in the order of what is `asked`; what has no case is left out.
    pub fn rows(&self, asked: &[Asked]) -> Vec<Row> {
        let row = |&Asked { task, what, share }: &Asked| {
            let cases = self.cases.iter().filter(|case| case.task == task);
            let checks: Vec<&Check> =
                cases.flat_map(|case| &case.checks).filter(|check| check.what == what).collect();
            let bar = checks.first()?.bar;
            let values: Vec<f64> = checks.iter().map(|check| check.value).collect();
            let tally = checks.iter().map(|check| check.holds()).collect();
            Some(Row { task, what, tally, median: joins::median(&values), bar, share })
        };
        asked.iter().filter_map(row).collect()
    }

    /// The figures and all checks.
    ///
    /// # Errors
    /// Never: a report is plain numbers and words.
    pub fn to_json(&self, asked: &[Asked]) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            rows: Vec<Row>,
            #[serde(flatten)]
            suite: &'a Suite,
        }
        serde_json::to_string_pretty(&Whole { rows: self.rows(asked), suite: self })
    }

    /// A page that needs no other file: the figures, then every case with its frames side by side.
    pub fn to_html(&self, asked: &[Asked]) -> String {
        html::page(self, &self.rows(asked))
    }
}

impl Bar {
    /// As a table says it.
    pub fn words(self) -> String {
        match self {
            Self::AtLeast(bar) => format!("≥ {bar}"),
            Self::AtMost(bar) => format!("≤ {bar}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(number: usize, decibels: f64, holds: bool) -> Case {
        let checks = vec![Check::at_least(30.0, "dB", decibels), Check::is("there", holds)];
        let strip = Strip { caption: "made <b>".into(), png: vec![1, 2, 3] };
        Case { task: "animate", number, prompt: "a & b".into(), checks, strips: vec![strip] }
    }

    #[test]
    fn rows_say_what_was_reached() {
        let cases = vec![case(0, 40.0, true), case(1, 20.0, true), case(2, 31.0, false)];
        let suite = Suite { model: "tiny".into(), cases };
        let asked = [
            Asked { task: "animate", what: "dB", share: Some(1.0) },
            Asked { task: "animate", what: "there", share: Some(0.5) },
            Asked { task: "loop", what: "dB", share: None },
        ];
        let rows = suite.rows(&asked);
        assert_eq!(rows.len(), 2, "what has no case is left out");
        assert_eq!(
            (rows[0].tally, rows[0].median, rows[0].is_reached()),
            (Tally { right: 2, all: 3 }, 31.0, Some(false))
        );
        assert_eq!(rows[1].is_reached(), Some(true));
        let page = suite.to_html(&asked);
        assert!(
            page.contains("a &amp; b") && page.contains("made &lt;b&gt;") && page.contains("AQID"),
            "{page}"
        );
        assert!(suite.to_json(&asked).unwrap().contains("\"at_least\": 30.0"));
        assert!(Check::at_most(1.0, "x", 1.0).holds() && !Check::at_most(1.0, "x", 1.1).holds());
    }
}
