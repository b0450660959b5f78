//! The suite of tasks, most of which begin from pictures: each is asked of the engine as its command asks, with files of the world's own
//! held-out clips, and what comes out is read back from its file and judged.

mod directed;
mod ends;
mod inputs;
mod made_anew;
mod minute;
mod motion;
mod spans;

use std::{
    fmt::Write,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Result;
use engine::{Pipeline, Precision, Size, VideoRequest};
use judge::{
    Judge, claims_of,
    suite::{Asked, Case, Check, Row, Strip, Suite},
    verdict::{Claim, Verdict, verdict},
};
use media::Clip;
use world::{ClipSpec, Scene};

use crate::{failure::usage, signals};

/// What `--suite` calls it.
pub const NAME: &str = "timeline";
/// Cases of a task, where it does not say otherwise.
const CASES: usize = 20;
/// Of what stays, in dB.
const ALIKE: f64 = 30.0;
/// Frames side by side in the report.
const STRIP: usize = 9;

/// What is asked of each task.
pub const ASKED: [Asked; 26] = [
    asked("animate", FIRST_FRAME, Some(1.0)),
    asked("animate", SAME_THINGS, None),
    asked("extend", GIVEN_FRAMES, Some(1.0)),
    asked("extend", JOIN, Some(1.0)),
    asked("extend", SAME_THINGS, Some(0.85)),
    asked("connect", GIVEN_FRAMES, Some(1.0)),
    // What leads from one scene to another changes more than either does.
    asked("connect", JOIN, None),
    asked("interpolate", GIVEN_FRAMES, Some(1.0)),
    asked("loop", SEAM, Some(1.0)),
    asked("loop", SAME_THINGS, None),
    asked("storyboard", SPAN, Some(0.75)),
    asked("storyboard", SAME_THINGS, None),
    // What the judge, which was taught on whole clips, makes of parts.
    asked("storyboard", SPAN_OF_WORLD, None),
    asked("edit", OUTSIDE, Some(1.0)),
    asked("edit", TARGET, Some(0.8)),
    asked("motion", CONTENT, Some(0.75)),
    asked("motion", MOTION, Some(0.75)),
    // The middle one of the prompts.
    asked("minute", SHARPNESS, Some(0.5)),
    asked("minute", SCORE, Some(0.5)),
    asked("minute", SAME_THINGS, None),
    asked("minute", SCORE_OF_FIRST, None),
    asked("minute", SCORE_OF_LAST, None),
    asked("camera", CAMERA, Some(0.8)),
    asked("camera", SAME_THINGS, None),
    asked("remix", SAME_THINGS, None),
    asked("image", SAME_THINGS, None),
];

const FIRST_FRAME: &str = "first frame like the picture, dB";
const GIVEN_FRAMES: &str = "frames that were given, dB";
const SAME_THINGS: &str = "the things, in their colours";
const JOIN: &str = "step at the join, of the median step";
const SEAM: &str = "step at the seam, of the median step";
const SPAN: &str = "all of the span's prompt";
const SPAN_OF_WORLD: &str = "the same of the world's own clip, but for the camera";
const OUTSIDE: &str = "outside of the region, dB";
const TARGET: &str = "what was asked for is there";
const CONTENT: &str = "the thing, in its colour";
const MOTION: &str = "the event and its direction";
const CAMERA: &str = "the camera moves as it is told";
const SHARPNESS: &str = "sharpness of the end, of the beginning's";
const SCORE: &str = "judge's score of the end, of the beginning's";
const SCORE_OF_FIRST: &str = "judge's score of the beginning";
const SCORE_OF_LAST: &str = "judge's score of the end";

const fn asked(task: &'static str, what: &'static str, share: Option<f64>) -> Asked {
    Asked { task, what, share }
}

/// A command, and the cases of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Animate,
    Extend,
    Connect,
    Interpolate,
    Loop,
    Storyboard,
    Edit,
    Motion,
    Minute,
    Camera,
    Remix,
    Image,
}

impl Task {
    const ALL: [Self; 12] = [
        Self::Animate,
        Self::Extend,
        Self::Connect,
        Self::Interpolate,
        Self::Loop,
        Self::Storyboard,
        Self::Edit,
        Self::Motion,
        Self::Minute,
        Self::Camera,
        Self::Remix,
        Self::Image,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Animate => "animate",
            Self::Extend => "extend",
            Self::Connect => "connect",
            Self::Interpolate => "interpolate",
            Self::Loop => "loop",
            Self::Storyboard => "storyboard",
            Self::Edit => "edit",
            Self::Motion => "motion",
            Self::Minute => "minute",
            Self::Camera => "camera",
            Self::Remix => "remix",
            Self::Image => "image",
        }
    }

    /// Those of these names, in their order; all if none is named.
    pub fn named(names: &[String]) -> Result<Vec<Self>> {
        if let Some(unknown) = names.iter().find(|name| !Self::ALL.iter().any(|task| task.name() == **name)) {
            let all = Self::ALL.map(Self::name).join(", ");
            return Err(usage(format!("--only: expected some of {all}, found {unknown}")));
        }
        let is_named = |task: &Self| names.is_empty() || names.iter().any(|name| name == task.name());
        Ok(Self::ALL.into_iter().filter(is_named).collect())
    }
}

/// A model at work on the suite.
pub struct Work<'a> {
    pipeline: Pipeline,
    model: Option<PathBuf>,
    precision: Option<Precision>,
    judge: Judge,
    /// Where files are.
    folder: &'a Path,
    /// The most cases of a task.
    most: usize,
}

impl<'a> Work<'a> {
    pub fn new(
        pipeline: Pipeline,
        model: Option<PathBuf>,
        precision: Option<Precision>,
        folder: &'a Path,
        most: usize,
    ) -> Result<Self> {
        if most == 0 {
            return Err(usage("--first: expected at least 1, found 0"));
        }
        Ok(Self { pipeline, model, precision, judge: Judge::embedded()?, folder, most })
    }

    /// All cases of some tasks.
    pub fn suite(&self, tasks: &[Task]) -> Result<Suite> {
        let mut cases = Vec::new();
        for task in tasks {
            match task {
                Task::Animate => self.each(CASES, &mut cases, Self::animate)?,
                Task::Extend => self.each(CASES, &mut cases, Self::extend)?,
                Task::Connect => self.each(CASES, &mut cases, Self::connect)?,
                Task::Interpolate => self.each(CASES, &mut cases, Self::interpolate)?,
                Task::Loop => self.each(CASES, &mut cases, Self::make_loop)?,
                Task::Storyboard => self.each(CASES, &mut cases, Self::storyboard)?,
                Task::Edit => self.each(CASES, &mut cases, Self::edits)?,
                Task::Motion => self.each(motion::GRID * motion::GRID, &mut cases, Self::motion)?,
                Task::Minute => self.each(minute::CASES, &mut cases, Self::minute)?,
                Task::Camera => self.each(CASES, &mut cases, Self::camera)?,
                Task::Remix => self.each(CASES, &mut cases, Self::remix)?,
                Task::Image => self.each(CASES, &mut cases, Self::image)?,
            }
        }
        Ok(Suite { model: self.pipeline.info().name.clone(), cases })
    }

    fn each(
        &self,
        count: usize,
        cases: &mut Vec<Case>,
        make: impl Fn(&Self, usize) -> Result<Case>,
    ) -> Result<()> {
        let count = count.min(self.most);
        for number in 0..count {
            let case = make(self, number)?;
            let held = case.checks.iter().filter(|check| check.holds()).count();
            // A terminal that went away is no reason to stop.
            let _ = writeln!(
                io::stderr(),
                "{} {} of {count}: {held} of {} hold",
                case.task,
                number + 1,
                case.checks.len()
            );
            cases.push(case);
        }
        Ok(())
    }

    /// Clips of the world as the model makes its own.
    fn spec(&self) -> ClipSpec {
        let Size { width, height } = self.pipeline.info().native.size;
        ClipSpec { width, height, ..ClipSpec::default() }
    }

    /// The world's own clip of a scene.
    fn clip(&self, scene: &Scene) -> Result<Clip> {
        inputs::clip(scene, self.spec())
    }

    /// A request as a command begins with.
    fn request(&self, prompt: &str, seed: usize) -> VideoRequest {
        VideoRequest {
            prompt: prompt.to_owned(),
            seed: seed as u64,
            model: self.model.clone(),
            precision: self.precision,
            ..VideoRequest::default()
        }
    }

    /// Makes a video as a command does, and reads its file.
    fn make(&self, name: &str, request: &VideoRequest) -> Result<(PathBuf, Clip)> {
        let plan = self.pipeline.plan(request)?;
        let video = self.pipeline.generate(&plan, &mut |_| signals::go_on())?;
        self.write(name, &video.to_clip()?, Some(&video.provenance))
    }

    /// Writes a clip as an MP4, or a picture as a PNG, and reads it.
    fn write(
        &self,
        name: &str,
        clip: &Clip,
        provenance: Option<&serde_json::Value>,
    ) -> Result<(PathBuf, Clip)> {
        let extension = if clip.num_frames() == 1 { "png" } else { "mp4" };
        let path = self.folder.join(format!("{name}.{extension}"));
        media::write(clip, &path, provenance)?;
        let clip = media::read(&path)?;
        Ok((path, clip))
    }

    /// Judges a part of a clip.
    fn judge(&self, clip: &Clip, frames: std::ops::Range<usize>, prompt: &str) -> Result<Verdict> {
        let size = clip.width() * clip.height() * 3;
        let pixels = clip.as_bytes()[frames.start * size..frames.end * size].to_vec();
        let part = Clip::new(clip.width(), clip.height(), clip.fps(), pixels)?;
        Ok(verdict(&self.judge.look(&part)?, &claims_of(prompt)?))
    }

    /// Frames side by side, from the first to the last.
    fn strip(&self, caption: &str, clip: &Clip) -> Result<Strip> {
        let frames = clip.evenly_spaced(STRIP.min(clip.num_frames()));
        let (width, height, count) = (clip.width(), clip.height(), frames.len());
        let mut pixels = Vec::with_capacity(width * height * 3 * count);
        for row in 0..height {
            for frame in &frames {
                pixels.extend_from_slice(&frame[row * width * 3..][..width * 3]);
            }
        }
        let path = self.folder.join("strip.png");
        media::write(&Clip::still(width * count, height, pixels)?, &path, None)?;
        let png = disk::read_bounded(&path, media::MAX_FILE_BYTES)?;
        Ok(Strip { caption: caption.to_owned(), png })
    }
}

/// Whether all things that a prompt names are there in their colours.
fn shows_things(verdict: &Verdict) -> bool {
    let is_of_things = |claim: Claim| matches!(claim, Claim::Thing(_) | Claim::Colour(_));
    verdict.findings.iter().filter(|finding| is_of_things(finding.claim)).all(|finding| finding.holds)
}

fn same_things(verdict: &Verdict) -> Check {
    Check::is(SAME_THINGS, shows_things(verdict))
}

/// The table of a suite, and where the page is.
pub fn describe(rows: &[Row], page: &Path) -> String {
    let mut text = format!(
        "{:12} {:46} {:>7} {:>8} {:>10} {:>7} {:>8}",
        "task", "what", "each", "holds", "of", "asked", "median"
    );
    for Row { task, what, tally, median, bar, share } in rows {
        let asked = share.map_or_else(|| "–".into(), |share| format!("{:.0} %", 100.0 * share));
        let of = format!("{} of {}", tally.right, tally.all);
        let (bar, percent) = (bar.words(), tally.percent());
        let _ = write!(text, "\n{task:12} {what:46} {bar:>7} {percent:>8} {of:>10} {asked:>7} {median:>8.2}");
    }
    let _ = write!(text, "\n{}", page.display());
    text
}
