//! `kinora generate`

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use clap::Args;
use engine::{
    ModelFiles, ModelInfo, Output, Pipeline, Plan, Session, Span, State, Timings, VideoRequest, Warning,
};
use media::Fit;
use serde_json::{Value, json};

use crate::{
    best_of::{Best, BestOf},
    eyes::with_eyes,
    failure::{print, usage},
    motion::MotionArgs,
    preview::{PreviewArgs, Watched},
    request::RequestArgs,
};

#[derive(Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    request: RequestArgs,

    /// File to write: .mp4, .gif, .png (an image, or a contact sheet of a video), or .safetensors (frames as
    /// numbers: `frames`, [frames, height, width, 3], 0 to 1); or `-`, an MP4 to standard output that can be watched while it
    /// is made [default: video.mp4; image.png for an image]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Let an .mp4 grow at its name, so that it can be watched while it is made; otherwise it appears when it is whole
    #[arg(long, conflicts_with = "best_of")]
    growing: bool,

    /// Make so many clips, with seeds from --seed on, and keep the one that the judge likes best; for prompts of the
    /// embedded model's world
    #[arg(long, value_name = "N", default_value_t = 1)]
    best_of: u64,

    /// Keep what is made so far in this folder: the same command then goes on from there, whatever stopped it, and makes the
    /// same video; once all of it is made, the command only writes it again
    #[arg(long, value_name = "FOLDER", conflicts_with = "best_of")]
    state: Option<PathBuf>,

    /// How pictures take the size of the video: cover (what does not fit is cut off), contain (what is left is black), or
    /// stretch [default: cover]
    #[arg(long, value_name = "FIT")]
    fit: Option<Fit>,

    #[command(flatten)]
    motion: MotionArgs,

    #[command(flatten)]
    preview: PreviewArgs,

    /// Show how long each part took
    #[arg(short, long)]
    verbose: bool,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `kinora generate` takes.
#[derive(Args)]
pub struct OwnArgs {
    /// Write the video that is kept in a folder (see --state) once more, in another format if you like: its request is kept
    /// there, too. Nothing that is there is made again; what is not there yet is made
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["VideoRequest", "request_file", "state", "best_of"])]
    from_latents: Option<PathBuf>,

    #[command(flatten)]
    generate: GenerateArgs,
}

pub fn run(OwnArgs { from_latents, generate }: OwnArgs) -> Result<()> {
    let generate = match from_latents {
        Some(folder) => {
            let request = RequestArgs::of(State::request(&folder)?);
            GenerateArgs { request, state: Some(folder), ..generate }
        }
        None => generate,
    };
    run_as(generate, |request, _| Ok(request))
}

/// Makes the video of what `task` makes of the request, for a model.
pub fn run_as(
    args: GenerateArgs,
    task: impl FnOnce(VideoRequest, &ModelInfo) -> Result<VideoRequest>,
) -> Result<()> {
    let start = Instant::now();
    let request = args.request.read()?;
    let pipeline = with_eyes(Session::cpu().open(&ModelFiles::of(&request), request.precision)?);
    let request = task(request, pipeline.info())?;
    let mut request = args.motion.apply(request, pipeline.info())?;
    if let Some(fit) = args.fit {
        if request.known.is_empty() {
            return Err(usage("--fit: expected pictures that it is about, found none"));
        }
        request.known.iter_mut().for_each(|known| known.fit = fit);
    }
    // Whatever can be known to fail fails before the work.
    let name = if request.num_frames == Some(1) { "image.png" } else { "video.mp4" };
    let path = args.output.clone().unwrap_or_else(|| name.into());
    let output = Output::for_path(&path)?;
    let output = if args.growing { output.growing()? } else { output };
    let plan = pipeline.plan(&request)?;
    plan.check_memory()?;
    output.check(&plan)?;
    let best_of = match args.best_of {
        1 => None,
        count => Some(BestOf::new(count, &plan)?),
    };
    let mut observer = args.preview.observer()?;
    for warning in &plan.warnings {
        // A warning that nobody can read is no failure.
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let made = match best_of {
        None => stream(&pipeline, plan, &output, args.state.as_deref(), &mut observer)?,
        Some(best_of) => keep_best(&best_of, &pipeline, &request, &output)?,
    };
    let report = args.report(&path, &made, start.elapsed().as_secs_f64());
    if output.is_stdout() {
        // A reader of the video wants no words behind it.
        let _ = writeln!(io::stderr(), "{report}");
        return Ok(());
    }
    print(&report)
}

/// What was made, and how.
struct Made {
    plan: Plan,
    provenance: Value,
    timings: Timings,
    /// Why it was kept, if there were several.
    best: Option<Best>,
}

/// Writes the frames as they come.
fn stream(
    pipeline: &Pipeline,
    plan: Plan,
    output: &Output,
    state: Option<&Path>,
    observer: &mut Watched,
) -> Result<Made> {
    let provenance = pipeline.provenance(&plan)?;
    let state = state.map(|folder| State::open(folder, &plan, &provenance)).transpose()?;
    let mut file = output.begin(plan.shape(), &provenance)?;
    let timings = pipeline.stream_kept(&plan, state.as_ref(), &mut |frame| file.push(frame), observer);
    let timings = timings.map_err(|error| match state {
        state if matches!(error, engine::Error::Cancelled { .. }) => {
            let advice = match state {
                Some(_) => format!("{error}; the same command goes on from there"),
                None => format!("{error}; with --state FOLDER the same command would go on from there"),
            };
            anyhow::Error::new(error).context(advice)
        }
        _ => error.into(),
    })?;
    file.finish()?;
    Ok(Made { plan, provenance, timings, best: None })
}

/// Writes the best of several clips.
fn keep_best(best_of: &BestOf, pipeline: &Pipeline, request: &VideoRequest, output: &Output) -> Result<Made> {
    let best = best_of.make(pipeline, request)?;
    let (plan, video) = (best.plan.clone(), &best.video);
    let mut file = output.begin(plan.shape(), &video.provenance)?;
    video.frames().try_for_each(|frame| file.push(frame))?;
    file.finish()?;
    let (provenance, timings) = (video.provenance.clone(), video.timings);
    Ok(Made { plan, provenance, timings, best: Some(best) })
}

fn unknown_words(warnings: &[Warning]) -> &[String] {
    let words = warnings.iter().find_map(|warning| match warning {
        Warning::UnknownWords { words, .. } => Some(words.as_slice()),
        _ => None,
    });
    words.unwrap_or_default()
}

impl GenerateArgs {
    fn report(&self, path: &Path, made: &Made, seconds: f64) -> String {
        let Made { plan, provenance, timings, best } = made;
        let Plan { size, num_frames, fps, warnings, .. } = plan;
        if self.json {
            let mut report = json!({
                // JSON is Unicode, and names need not be.
                "output": path.to_string_lossy(),
                "width": size.width,
                "height": size.height,
                "num_frames": num_frames,
                "fps": fps,
                "unknown_words": unknown_words(warnings),
                "warnings": warnings.iter().map(Warning::to_string).collect::<Vec<_>>(),
                "seconds": seconds,
                "timings": timings,
                "provenance": provenance,
            });
            if let Some(best) = best {
                report["best_of"] = best.to_json();
            }
            return report.to_string();
        }
        if self.verbose {
            let is_one = plan.readings.len() == 1;
            for Span { from, to, prompt } in plan.told() {
                let when = if is_one { String::new() } else { format!(" from {from:.2} to {to:.2} s") };
                let _ = writeln!(io::stderr(), "prompt{when}: {prompt}");
                for reading in plan.readings.iter().filter(|reading| (from..to).contains(&reading.from)) {
                    let when = if is_one { String::new() } else { format!(" from {:.2} s", reading.from) };
                    if reading.to_string() != prompt {
                        let _ = writeln!(io::stderr(), "as read{when}: {reading}");
                    }
                }
            }
            for (part, seconds) in [
                ("load", timings.load),
                ("text", timings.text),
                ("denoise", timings.denoise),
                ("decode", timings.decode),
                ("the rest", seconds - timings.total()),
            ] {
                let _ = writeln!(io::stderr(), "{part:18} {seconds:8.2} s");
            }
        }
        let path = path.display();
        let what = match num_frames {
            1 => format!("an image of {size}"),
            _ => format!("{num_frames} frames of {size} at {fps} fps"),
        };
        let why = best.as_ref().map_or_else(String::new, |best| format!("\n{}", best.describe()));
        format!("{path}: {what}, made in {seconds:.1} s{why}")
    }
}
