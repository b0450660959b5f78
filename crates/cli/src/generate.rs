//! `kinora generate`

use std::{
    fs::File,
    io::{self, Read, Write},
    ops::ControlFlow,
    path::PathBuf,
    time::Instant,
};

use anyhow::{Result, anyhow};
use burn::tensor::Device;
use clap::Args;
use engine::{ModelFiles, ModelInfo, Output, Pipeline, Plan, Stage, Timings, VideoRequest, Warning};
use serde_json::{Value, json};
use train::interrupt;

use crate::{
    failure::{print, usage},
    progress::Bar,
};

/// Bytes of a request: more than the longest prompts take.
const LONGEST_REQUEST: u64 = 1 << 20;

#[derive(Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    request: VideoRequest,

    /// File to write: .mp4, .gif, .png (an image, or a contact sheet of a video), or .safetensors (frames as
    /// numbers: `frames`, [frames, height, width, 3], 0 to 1)
    #[arg(short, long, value_name = "FILE", default_value = "video.mp4")]
    output: PathBuf,

    /// Read the request from a JSON file, in place of its flags: the fields have the flags' names, such as
    /// {"prompt": "a red ball", "num_frames": 17}
    #[arg(long = "request", value_name = "FILE", conflicts_with = "VideoRequest")]
    request_file: Option<PathBuf>,

    /// Show how long each part took
    #[arg(short, long)]
    verbose: bool,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: GenerateArgs) -> Result<()> {
    let start = Instant::now();
    let request = args.request()?;
    // Whatever can be known to fail fails before the work.
    let output = Output::for_path(&args.output)?;
    let files = ModelFiles::of(&request);
    let plan = request.resolve(&ModelInfo::read(&files)?)?;
    plan.check_memory(&files)?;
    output.check(&plan)?;

    kernels::memory::give_back_freed();
    let mut pipeline = Pipeline::load(&files, &Device::flex())?;
    pipeline.pack(request.precision);
    kernels::memory::keep_freed_of(plan.memory);
    let warnings = pipeline.warnings(&plan)?;
    for warning in &warnings {
        // A warning that nobody can read is no failure.
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let provenance = pipeline.provenance(&plan);
    let mut file = output.begin(plan.shape(), &provenance)?;
    let mut bar = Bar::new();
    interrupt::listen();
    let timings = pipeline.stream(&plan, &mut |frame| file.push(frame), &mut |progress| {
        bar.show(progress);
        if progress.stage == Stage::Decode && progress.step == 0 {
            kernels::memory::keep_little_of(plan.memory);
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    drop(bar);
    file.finish()?;
    args.report(&plan, &provenance, &timings, &warnings, start.elapsed().as_secs_f64())
}

fn unknown_words(warnings: &[Warning]) -> &[String] {
    let words = warnings.iter().find_map(|warning| match warning {
        Warning::UnknownWords { words, .. } => Some(words.as_slice()),
        _ => None,
    });
    words.unwrap_or_default()
}

impl GenerateArgs {
    fn request(&self) -> Result<VideoRequest> {
        let Some(path) = &self.request_file else { return Ok(self.request.clone()) };
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(LONGEST_REQUEST + 1).read_to_string(&mut text));
        read.map_err(|error| anyhow!("cannot read {}: {error}", path.display()))?;
        if text.len() as u64 > LONGEST_REQUEST {
            return Err(usage(format!("{}: a request has at most {LONGEST_REQUEST} bytes", path.display())));
        }
        serde_json::from_str(&text).map_err(|error| usage(format!("{}: {error}", path.display())))
    }

    fn report(
        &self,
        plan: &Plan,
        provenance: &Value,
        timings: &Timings,
        warnings: &[Warning],
        seconds: f64,
    ) -> Result<()> {
        let Plan { size, num_frames, fps, .. } = plan;
        if self.json {
            return print(
                &json!({
                    "output": self.output.to_string_lossy(),
                    "width": size.width,
                    "height": size.height,
                    "num_frames": num_frames,
                    "fps": fps,
                    "unknown_words": unknown_words(warnings),
                    "warnings": warnings.iter().map(Warning::to_string).collect::<Vec<_>>(),
                    "seconds": seconds,
                    "timings": timings,
                    "provenance": provenance,
                })
                .to_string(),
            );
        }
        if self.verbose {
            let _ = writeln!(io::stderr(), "prompt as read: {}", plan.prompt);
            for (part, seconds) in [
                ("load", timings.load),
                ("text", timings.text),
                ("denoise", timings.denoise),
                ("decode", timings.decode),
                ("write and the rest", seconds - timings.total()),
            ] {
                let _ = writeln!(io::stderr(), "{part:18} {seconds:8.2} s");
            }
        }
        let path = self.output.display();
        let what = match num_frames {
            1 => format!("an image of {size}"),
            _ => format!("{num_frames} frames of {size} at {fps} fps"),
        };
        print(&format!("{path}: {what}, made in {seconds:.1} s"))
    }
}
