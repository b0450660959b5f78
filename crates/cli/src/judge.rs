//! `kinora judge`: does a clip show what its prompt says, and how often do a model's?

mod model;
mod timeline;

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use judge::{Judge, claims_of, scene_of_truth, verdict::Verdict};
use world::unknown_words;

use crate::failure::{print, usage};

/// The longest ground truth that is read: hours of frames.
const MAX_TRUTH_BYTES: u64 = 64 << 20;

#[derive(Args)]
pub struct JudgeArgs {
    /// Clip to judge: .mp4 or .gif
    #[arg(value_name = "CLIP", required_unless_present = "set", conflicts_with = "set")]
    clip: Option<PathBuf>,

    /// What it should show, in English or Chinese [default: what the clip itself says that it was made from]
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["truth", "set"])]
    prompt: Option<String>,

    /// Ground truth that it should show: the JSON that `kinora world` writes beside a clip
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    truth: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    model: model::ModelArgs,
}

pub fn run(args: &JudgeArgs) -> Result<()> {
    let Some(clip) = &args.clip else { return model::run(&args.model, args.json) };
    let judge = Judge::embedded()?;
    let (verdict, unknown) = match &args.truth {
        Some(path) => {
            let scene = scene_of_truth(&path.to_string_lossy(), &disk::read_bounded(path, MAX_TRUTH_BYTES)?)?;
            (judge.judge_scene(&media::read(clip)?, &scene)?, Vec::new())
        }
        None => {
            let prompt = args.prompt.clone().map_or_else(|| prompt_of(clip), Ok)?;
            let claims = claims_of(&prompt).map_err(usage)?;
            (judge.judge(&media::read(clip)?, &claims)?, unknown_words(&prompt))
        }
    };
    if !unknown.is_empty() {
        // A warning that nobody can read is no failure.
        let _ =
            writeln!(io::stderr(), "warning: not judged, as no word of the world: {}", unknown.join(", "));
    }
    print(&if args.json { json(&verdict, &unknown)? } else { describe(&verdict) })
}

/// The prompt that a clip says it was made from.
fn prompt_of(clip: &Path) -> Result<String> {
    let record = media::read_provenance(clip)?;
    let prompt = record.as_ref().and_then(|record| record["request"]["prompt"].as_str());
    prompt.map(str::to_owned).ok_or_else(|| {
        usage(format!("{} does not say what it was made from: give --prompt or --truth", clip.display()))
    })
}

/// A verdict for programs, with the words of the prompt that it says nothing of.
fn json(verdict: &Verdict, unknown: &[String]) -> Result<String> {
    let mut object = serde_json::to_value(verdict)?;
    object["unknown_words"] = unknown.into();
    Ok(serde_json::to_string_pretty(&object)?)
}

/// A verdict in lines: the sum of all, then each claim.
fn describe(verdict: &Verdict) -> String {
    let told = |holds: bool| if holds { "yes" } else { "no" };
    let mut text = format!(
        "all of the prompt: {}, no flaw: {}, score {:.2}",
        told(verdict.all_right),
        told(verdict.flawless),
        verdict.score()
    );
    for finding in &verdict.findings {
        let (mark, name) = (told(finding.holds), finding.claim.name());
        let _ = write!(text, "\n{mark:>4}  {name:16} expected {}, found {}", finding.expected, finding.found);
    }
    let measures = &verdict.measures;
    let _ = write!(
        text,
        "\nsharpness {:.1}, how much moves {:.2}, flicker {:.2}",
        measures.sharpness, measures.dynamic_degree, measures.flicker
    );
    if let Some(fall) = verdict.fall {
        let _ = write!(text, "\nfalls with {:.1} m/s², R² {:.3}", fall.gravity, fall.r_squared);
    }
    for (what, holds) in
        [("falls freely", verdict.falls_freely), ("the same behind another", verdict.kept_behind)]
    {
        holds.into_iter().for_each(|holds| text += &format!("\n{what}: {}", told(holds)));
    }
    text
}

/// What is wrong, in a few words; of the prompt's claims only.
pub fn faults(verdict: &Verdict) -> String {
    let wrong = verdict.findings.iter().filter(|finding| finding.claim.is_of_prompt() && !finding.holds);
    let told: Vec<String> = wrong
        .map(|finding| format!("{}: {} for {}", finding.claim.name(), finding.found, finding.expected))
        .collect();
    if told.is_empty() { "all of the prompt".into() } else { told.join("; ") }
}
