//! A model on a set of prompts.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::Write,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use clap::Args;
use engine::{ModelFiles, Pipeline, Precision, Session, Size, VideoRequest};
use judge::{
    Judge, claims_of,
    look::Footage,
    prompts::{Prompt, PromptSet},
    report::{Judged, Report, Row},
    verdict::verdict,
};
use media::Clip;
use world::{ClipSpec, Scene};

use super::timeline;
use crate::{
    eyes::with_eyes,
    failure::{print, usage},
    signals,
};

const JSON: &str = "report.json";
const PAGE: &str = "index.html";
const CLIPS: &str = "clips";

#[derive(Args)]
pub struct ModelArgs {
    /// Judge a model on a set of prompts instead: seen or held-out
    #[arg(long, value_name = "SET", requires = "report", group = "set")]
    prompts: Option<String>,

    /// Judge a model on the tasks that begin from pictures instead: timeline
    #[arg(long, value_name = "SUITE", requires = "report", conflicts_with = "prompts", group = "set")]
    suite: Option<String>,

    /// Only these tasks of the suite: animate, extend, connect, interpolate, loop, storyboard, edit, motion, minute, camera,
    /// remix or image
    #[arg(long, value_name = "TASK,…", value_delimiter = ',', requires = "suite")]
    only: Vec<String>,

    /// Model folder [default: the embedded model]
    #[arg(long, value_name = "FOLDER", requires = "set")]
    model: Option<PathBuf>,

    /// Clips of each prompt, with seeds from 0 on
    #[arg(long, value_name = "N", requires = "prompts", default_value_t = 1)]
    seeds: u64,

    /// Only the first prompts of the set, or cases of each task; languages take turns in them
    #[arg(long, value_name = "N", requires = "set")]
    first: Option<usize>,

    /// Steps of the sampler [default: the model's own]
    #[arg(long, value_name = "N", requires = "prompts")]
    steps: Option<usize>,

    /// How strongly to follow the prompts [default: the model's own]
    #[arg(long, value_name = "SCALE", requires = "prompts", allow_hyphen_values = true)]
    guidance_scale: Option<f64>,

    /// Width and height of the clips in pixels [default: the model's own]
    #[arg(long, value_name = "WxH", requires = "prompts")]
    size: Option<Size>,

    /// Length of the clips in frames [default: the model's own]
    #[arg(long, value_name = "FRAMES", requires = "prompts")]
    num_frames: Option<usize>,

    /// How exactly to compute [default: the model's own, bf16 for most]
    #[arg(long, requires = "set")]
    precision: Option<Precision>,

    /// Folder for the report: a page, JSON and the clips
    #[arg(long, value_name = "FOLDER", requires = "set")]
    report: Option<PathBuf>,
}

pub fn run(args: &ModelArgs, json: bool) -> Result<()> {
    if let Some(name) = &args.suite {
        return suite(name, args, json);
    }
    let (Some(name), Some(folder)) = (&args.prompts, &args.report) else {
        return Err(usage("expected a clip, or --prompts and --report"));
    };
    let set = PromptSet::named(name).ok_or_else(|| {
        let names = PromptSet::ALL.map(PromptSet::name).join(" or ");
        usage(format!("--prompts: expected {names}, found {name}"))
    })?;
    if args.seeds == 0 || args.first == Some(0) {
        return Err(usage("--seeds and --first: expected at least 1, found 0"));
    }
    let mut prompts = set.prompts();
    prompts.truncate(args.first.unwrap_or(usize::MAX));
    let pipeline = args.open(folder)?;
    let work = Work { args, set, pipeline, judge: Judge::embedded()?, folder };
    work.check(&prompts)?;
    let report = work.report(&prompts)?;
    let page = write_report(folder, &report.to_json()?, &report.to_html())?;
    print(&if json { serde_json::to_string_pretty(&report.summary())? } else { describe(&report, &page) })
}

/// The tasks that begin from pictures.
fn suite(name: &str, args: &ModelArgs, json: bool) -> Result<()> {
    let Some(folder) = args.report.as_deref().filter(|_| name == timeline::NAME) else {
        return Err(usage(format!("--suite: expected {}, found {name}", timeline::NAME)));
    };
    let tasks = timeline::Task::named(&args.only)?;
    let pipeline = args.open(folder)?;
    let files = folder.join(CLIPS);
    let most = args.first.unwrap_or(usize::MAX);
    let work = timeline::Work::new(pipeline, args.model.clone(), args.precision, &files, most)?;
    let suite = work.suite(&tasks)?;
    let asked = timeline::ASKED;
    let page = write_report(folder, &suite.to_json(&asked)?, &suite.to_html(&asked))?;
    let rows = suite.rows(&asked);
    print(&if json { serde_json::to_string_pretty(&rows)? } else { timeline::describe(&rows, &page) })
}

impl ModelArgs {
    /// Opens the model, once the report's folder is there.
    fn open(&self, folder: &Path) -> Result<Pipeline> {
        let clips = folder.join(CLIPS);
        fs::create_dir_all(&clips)
            .map_err(|error| anyhow!("cannot make the folder {}: {error}", clips.display()))?;
        [JSON, PAGE].iter().try_for_each(|file| disk::check_folder_writable(&folder.join(file)))?;
        let files = ModelFiles::new(self.model.as_deref());
        Ok(with_eyes(Session::cpu().open(&files, self.precision)?.keep()?))
    }
}

/// Writes a report, and says where its page is.
fn write_report(folder: &Path, json: &str, html: &str) -> Result<PathBuf> {
    let page = folder.join(PAGE);
    disk::write_atomically(&folder.join(JSON), json.as_bytes())?;
    disk::write_atomically(&page, html.as_bytes())?;
    Ok(page)
}

struct Work<'a> {
    args: &'a ModelArgs,
    set: PromptSet,
    pipeline: Pipeline,
    judge: Judge,
    folder: &'a Path,
}

impl Work<'_> {
    fn report(&self, prompts: &[Prompt]) -> Result<Report> {
        let mut scenes = HashMap::new();
        let (mut made, mut real, mut chance) = (Vec::new(), Vec::new(), Vec::new());
        for (index, prompt) in prompts.iter().enumerate() {
            // Languages take turns: the next prompt of the same one is of another scene.
            let other = &prompts[(index + 2) % prompts.len()];
            let mut shape = ClipSpec::default();
            for seed in 0..self.args.seeds {
                let clip = self.generate(prompt, seed)?;
                shape = shape_of(&clip);
                let file = format!("{CLIPS}/{index:03}-{seed}.mp4");
                let seen = self.judge.look(&clip)?;
                if other.scene != prompt.scene {
                    chance.push(verdict(&seen, &claims_of(&other.prompt)?));
                }
                let mp4 = self.write(&clip, &file)?;
                let verdict = verdict(&seen, &claims_of(&prompt.prompt)?);
                made.push(Judged { prompt: prompt.clone(), seed: Some(seed), file, verdict, mp4 });
            }
            // Both languages have the same scenes.
            let scenery = match scenes.entry(prompt.scene) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let clip = self.real(prompt, shape)?;
                    let file = format!("{CLIPS}/{index:03}-real.mp4");
                    new.insert((self.judge.look(&clip)?, self.write(&clip, &file)?, file))
                }
            };
            let (seen, mp4, file) = scenery;
            let verdict = verdict(seen, &claims_of(&prompt.prompt)?);
            real.push(Judged {
                prompt: prompt.clone(),
                seed: None,
                file: file.clone(),
                verdict,
                mp4: mp4.clone(),
            });
            let right = made.iter().filter(|judged| judged.verdict.all_right).count();
            // A terminal that went away is no reason to stop.
            let _ = writeln!(
                io::stderr(),
                "{} of {} prompts, {right} of {} clips show all of theirs",
                index + 1,
                prompts.len(),
                made.len()
            );
        }
        Ok(Report {
            model: self.pipeline.info().name.clone(),
            set: self.set.name().into(),
            made,
            real,
            chance,
        })
    }

    /// Fails before the work unless the judge can judge what is made.
    fn check(&self, prompts: &[Prompt]) -> Result<()> {
        let Some(prompt) = prompts.first() else { return Ok(()) };
        let plan = self.pipeline.plan(&self.request(prompt, 0))?;
        Footage::check([plan.size.width, plan.size.height], plan.num_frames, plan.fps).map_err(usage)
    }

    fn generate(&self, prompt: &Prompt, seed: u64) -> Result<Clip> {
        let plan = self.pipeline.plan(&self.request(prompt, seed))?;
        let video = self.pipeline.generate(&plan, &mut |_| signals::go_on())?;
        Ok(video.to_clip()?)
    }

    fn request(&self, prompt: &Prompt, seed: u64) -> VideoRequest {
        VideoRequest {
            prompt: prompt.prompt.clone(),
            seed,
            model: self.args.model.clone(),
            precision: self.args.precision,
            num_inference_steps: self.args.steps,
            guidance_scale: self.args.guidance_scale,
            size: self.args.size,
            num_frames: self.args.num_frames,
            ..VideoRequest::default()
        }
    }

    /// The world's clip of a prompt's scene, of the shape of those that were made.
    fn real(&self, prompt: &Prompt, spec: ClipSpec) -> Result<Clip> {
        let scene = Scene::sample(prompt.scene, self.set.split());
        let pixels = world::render(&scene, &world::simulate(&scene, &spec), &spec);
        Ok(Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels)?)
    }

    /// Writes a clip into the folder, and gives back the bytes of the file.
    fn write(&self, clip: &Clip, file: &str) -> Result<Vec<u8>> {
        let path = self.folder.join(file);
        media::write(clip, &path, None)?;
        Ok(disk::read_bounded(&path, media::MAX_FILE_BYTES)?)
    }
}

fn shape_of(clip: &Clip) -> ClipSpec {
    // The world has whole frame rates from 1 on.
    let fps = clip.fps().round().max(1.0) as u32;
    ClipSpec { width: clip.width(), height: clip.height(), num_frames: clip.num_frames(), fps }
}

/// The table of a report, and where the page is.
fn describe(report: &Report, page: &Path) -> String {
    let summary = report.summary();
    let mut text = format!("{:18} {:>8} {:>14} {:>8} {:>8}", "", "model", "interval", "real", "chance");
    for Row { what, made, real, chance, .. } in &summary.rows {
        let [low, high] = made.interval().map(|bound| 100.0 * bound);
        let _ = write!(
            text,
            "\n{what:18} {:>8} {:>14} {:>8} {:>8}",
            made.percent(),
            format!("{low:.0} to {high:.0} %"),
            real.percent(),
            chance.percent()
        );
    }
    if let Some(gap) = summary.language_gap() {
        let _ = write!(text, "\nEnglish and Chinese are {gap:.1} points apart");
    }
    let _ = write!(text, "\n{}\n{}", summary.measures(), page.display());
    text
}
