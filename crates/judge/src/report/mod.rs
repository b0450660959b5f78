//! A report on a model: its clips judged, beside the two anchors that make scores readable.
//!
//! *Real* clips of the world show the prompts' own scenes: what a perfect model would reach with this judge. *Chance* is
//! the model's clips judged by each other's prompts: what a model would reach that does not listen.

mod html;
mod summary;

use serde::Serialize;

pub(crate) use html::escape;
pub use summary::{Mean, Row, Summary, ValueRow};

use crate::{prompts::Prompt, verdict::Verdict};

/// A clip that was judged by a prompt.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// The prompt.
    #[serde(flatten)]
    pub prompt: Prompt,
    /// The seed that the clip was made with; none of a real clip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The MP4 file, beside the report.
    pub file: String,
    /// What was found.
    pub verdict: Verdict,
    /// The bytes of the file, for the page.
    #[serde(skip)]
    pub mp4: Vec<u8>,
}

/// All that was judged.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was judged.
    pub model: String,
    /// The set of prompts.
    pub set: String,
    /// The model's clips.
    pub made: Vec<Judged>,
    /// The world's, by each prompt.
    pub real: Vec<Judged>,
    /// The model's clips, each judged by the prompt of another scene.
    pub chance: Vec<Verdict>,
}

impl Report {
    /// The figures.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// The figures and all findings.
    ///
    /// # Errors
    /// Never: a report is plain numbers and words.
    pub fn to_json(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            summary: Summary,
            #[serde(flatten)]
            report: &'a Report,
        }
        serde_json::to_string_pretty(&Whole { summary: self.summary(), report: self })
    }

    /// A page that needs no other file: the figures, then every clip beside the real one, the worst first.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}
