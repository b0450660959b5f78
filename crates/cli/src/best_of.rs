//! `kinora generate --best-of N`: several clips, of which the judge keeps one.

use anyhow::Result;
use engine::{Pipeline, Plan, Video, VideoRequest};
use judge::{Judge, claims_of, look::Footage, verdict::Verdict};
use serde_json::{Value, json};
use world::Claims;

use crate::{failure::usage, judge::faults, progress::Bar};

/// The most clips for one.
const MOST: u64 = 64;

/// A judge of what a request asks for.
pub struct BestOf {
    judge: Judge,
    claims: Claims,
    count: u64,
}

/// A seed, and what was found in its clip.
struct Tried {
    seed: u64,
    verdict: Verdict,
}

/// The clip that was kept, and why.
pub struct Best {
    /// The plan that it was made by.
    pub plan: Plan,
    pub video: Video,
    tried: Vec<Tried>,
}

impl BestOf {
    /// Fails before the work if there is nothing to judge by, or nothing to judge.
    pub fn new(count: u64, plan: &Plan) -> Result<Self> {
        if !(1..=MOST).contains(&count) {
            return Err(usage(format!("--best-of: expected 1 to {MOST}, found {count}")));
        }
        if plan.num_frames == 1 {
            return Err(usage("--best-of: expected a video, found an image, which the judge cannot judge"));
        }
        let sides = [plan.size.width, plan.size.height];
        Footage::check(sides, plan.num_frames, plan.fps)
            .map_err(|error| usage(format!("--best-of: {error}")))?;
        if plan.scenes.len() > 1 {
            return Err(usage(
                "--best-of: expected one prompt, found several one behind the other, which the judge cannot judge",
            ));
        }
        let claims = claims_of(&plan.scenes[0].prompt).map_err(usage)?;
        Ok(Self { judge: Judge::embedded()?, claims, count })
    }

    /// Makes the clips of the request's seed and of those behind it, and keeps the best: one that shows all of its
    /// prompt before one that does not, then the one of the highest score, from which each flaw takes a tenth, then the first.
    pub fn make(&self, pipeline: &Pipeline, request: &VideoRequest) -> Result<Best> {
        let mut best: Option<(usize, Plan, Video)> = None;
        let mut tried: Vec<Tried> = Vec::new();
        for number in 0..self.count {
            let seed = request.seed.wrapping_add(number);
            let plan = pipeline.plan(&VideoRequest { seed, ..request.clone() })?;
            let video = pipeline.generate(&plan, &mut Bar::new())?;
            let verdict = self.judge.judge(&video.to_clip()?, &self.claims)?;
            let is_better =
                best.as_ref().is_none_or(|(kept, ..)| rank(&verdict) > rank(&tried[*kept].verdict));
            tried.push(Tried { seed, verdict });
            if is_better {
                best = Some((tried.len() - 1, plan, video));
            }
        }
        let (kept, plan, video) = best.expect("one clip at least was made");
        tried[..=kept].rotate_right(1);
        Ok(Best { plan, video, tried })
    }
}

fn rank(verdict: &Verdict) -> (bool, f32) {
    (verdict.all_right, verdict.score() - 0.1 * verdict.flaws() as f32)
}

impl Best {
    /// Why this one was kept: its seed and score, and what is wrong with each.
    pub fn describe(&self) -> String {
        let told = |Tried { seed, verdict }: &Tried| {
            format!("seed {seed}: score {:.2}, {}", verdict.score(), faults(verdict))
        };
        let lines = self
            .tried
            .iter()
            .enumerate()
            .map(|(index, tried)| format!("{} {}", if index == 0 { "kept" } else { "not" }, told(tried)));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The same for programs, the kept one first.
    pub fn to_json(&self) -> Value {
        let tried = self.tried.iter().map(|Tried { seed, verdict }| {
            json!({ "seed": seed, "score": verdict.score(), "all_right": verdict.all_right, "faults": faults(verdict) })
        });
        tried.collect()
    }
}
