//! `kinora info`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::failure::{print, printable};

#[derive(Args)]
pub struct InfoArgs {
    /// An MP4, GIF or PNG file, or frames in a safetensors file
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &InfoArgs) -> Result<()> {
    let summary = engine::summary(&args.file)?;
    if args.json {
        return print(&serde_json::to_string(&summary)?);
    }
    let mut lines = vec![
        format!("{:20} {}x{}", "size", summary.width, summary.height),
        format!("{:20} {}", "frames", summary.num_frames),
    ];
    if let Some(fps) = summary.fps {
        lines.push(format!("{:20} {fps} ({:.2} s)", "fps", summary.num_frames as f64 / fps));
    }
    if summary.rate_varies {
        lines.push("the rate varies: read at this one, some frames are repeated or left out".into());
    }
    match &summary.provenance {
        Some(provenance) => list("", provenance, &mut lines),
        None => lines.push("not made by kinora, or stripped of its record".into()),
    }
    print(&lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n"))
}

/// A line for every value that says something.
fn list(name: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                list(name.trim_start_matches("request."), value, lines);
            }
        }
        Value::String(text) => lines.push(format!("{name:20} {text}")),
        other => lines.push(format!("{name:20} {other}")),
    }
}
