//! `kinora plan`

use anyhow::Result;
use clap::Args;
use engine::{MemoryPlan, ModelFiles, Plan, Session, TimePlan, gib};
use serde_json::json;

use crate::{failure::print, request::RequestArgs};

#[derive(Args)]
pub struct PlanArgs {
    #[command(flatten)]
    request: RequestArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a request takes, and with which changes it would take less.
struct Row {
    what: String,
    memory: MemoryPlan,
    time: TimePlan,
}

pub fn run(args: &PlanArgs) -> Result<()> {
    let request = args.request.read()?;
    let (session, files) = (Session::cpu(), ModelFiles::of(&request));
    let pipeline = session.open(&files, request.precision)?;
    let plan = pipeline.plan(&request)?;
    let mut rows = vec![row(describe(&plan), &plan, pipeline.time_plan(&plan)?)];
    for lighter in plan.lighter() {
        let time = match lighter.plan.precision {
            precision if precision == pipeline.precision() => pipeline.time_plan(&lighter.plan),
            // In another precision the same files are another pipeline.
            precision => session.open(&files, Some(precision))?.time_plan(&lighter.plan),
        };
        rows.push(row(lighter.change, &lighter.plan, time?));
    }
    let limit = kernels::memory::limit();
    let fits = plan.check_memory();
    if args.json {
        let lighter = rows[1..].iter().map(|Row { what, memory, time }| {
            json!({ "change": what, "memory": memory, "peak": memory.peak(), "seconds": time, "total_seconds": time.total() })
        });
        return print(
            &json!({
                "request": plan.request,
                "memory": rows[0].memory,
                "peak": rows[0].memory.peak(),
                "limit": limit.map(|limit| limit.bytes),
                "fits": fits.is_ok(),
                "seconds": rows[0].time,
                "total_seconds": rows[0].time.total(),
                "lighter": lighter.collect::<Vec<_>>(),
            })
            .to_string(),
        );
    }
    let mut lines = table(&rows[0]);
    if let Some(limit) = limit {
        lines.push(format!("{:18} {:>10}", limit.source.to_string(), gib(limit.bytes as u64)));
    }
    if let Err(error) = fits {
        lines.push(error.to_string());
    }
    if rows.len() > 1 {
        lines.push(String::new());
        lines.push("with one change".into());
        lines.extend(rows[1..].iter().map(|row| {
            format!("  {:22} {:>10} {:>10}", row.what, gib(row.memory.peak()), seconds(row.time.total()))
        }));
    }
    print(&lines.join("\n"))
}

fn row(what: String, plan: &Plan, time: TimePlan) -> Row {
    Row { what, memory: plan.memory, time }
}

fn describe(plan: &Plan) -> String {
    let calls = if plan.guided() { ", guided" } else { "" };
    format!(
        "{} frames of {} at {} fps, {} steps{calls}, {}",
        plan.num_frames,
        plan.size,
        plan.fps,
        plan.schedule.num_steps(),
        plan.precision
    )
}

/// A line for each part.
fn table(Row { what, memory, time }: &Row) -> Vec<String> {
    let line =
        |part: &str, bytes: u64, time: f64| format!("{part:18} {:>10} {:>10}", gib(bytes), seconds(time));
    vec![
        what.clone(),
        format!("{:18} {:>10} {:>10}", "part", "memory", "time"),
        line("text", memory.text, time.text),
        line("denoise", memory.denoise, time.load + time.denoise),
        line("decode", memory.decode, time.decode),
        line("peak and total", memory.peak(), time.total()),
    ]
}

/// As one would say it: 0.4 s, 95 s, 12 min, 3.5 h.
fn seconds(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_to_read() {
        let said = [0.04, 9.94, 95.2, 700.0, 12_600.0].map(seconds);
        assert_eq!(said, ["0.0 s", "9.9 s", "95 s", "12 min", "3.5 h"]);
    }
}
