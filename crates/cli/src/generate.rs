//! `kinora generate`

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::PathBuf,
    time::Instant,
};

use anyhow::Result;
use clap::Args;
use engine::{ModelFiles, Output, Plan, Session, Timings, Warning};
use serde_json::{Value, json};

use crate::{failure::print, progress::Bar, request::RequestArgs, signals};

#[derive(Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    request: RequestArgs,

    /// File to write: .mp4, .gif, .png (an image, or a contact sheet of a video), or .safetensors (frames as
    /// numbers: `frames`, [frames, height, width, 3], 0 to 1)
    #[arg(short, long, value_name = "FILE", default_value = "video.mp4")]
    output: PathBuf,

    /// Show how long each part took
    #[arg(short, long)]
    verbose: bool,

    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: GenerateArgs) -> Result<()> {
    let start = Instant::now();
    let request = args.request.read()?;
    // Whatever can be known to fail fails before the work.
    let output = Output::for_path(&args.output)?;
    let pipeline = Session::cpu().open(&ModelFiles::of(&request), request.precision)?;
    let plan = pipeline.plan(&request)?;
    plan.check_memory()?;
    output.check(&plan)?;
    for warning in &plan.warnings {
        // A warning that nobody can read is no failure.
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let provenance = pipeline.provenance(&plan)?;
    let mut file = output.begin(plan.shape(), &provenance)?;
    let mut bar = Bar::new();
    let timings = pipeline.stream(&plan, &mut |frame| file.push(frame), &mut |progress| {
        bar.show(progress);
        if signals::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    drop(bar);
    file.finish()?;
    let report = args.report(&plan, &provenance, &timings, start.elapsed().as_secs_f64());
    if output.is_stdout() {
        // A reader of the video wants no words behind it.
        let _ = writeln!(io::stderr(), "{report}");
        return Ok(());
    }
    print(&report)
}

fn unknown_words(warnings: &[Warning]) -> &[String] {
    let words = warnings.iter().find_map(|warning| match warning {
        Warning::UnknownWords { words, .. } => Some(words.as_slice()),
        _ => None,
    });
    words.unwrap_or_default()
}

impl GenerateArgs {
    fn report(&self, plan: &Plan, provenance: &Value, timings: &Timings, seconds: f64) -> String {
        let Plan { size, num_frames, fps, warnings, .. } = plan;
        if self.json {
            return json!({
                // JSON is Unicode, and names need not be.
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
            .to_string();
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
        format!("{path}: {what}, made in {seconds:.1} s")
    }
}
