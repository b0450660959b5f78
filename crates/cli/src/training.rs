//! `kinora train`: what it says on standard error while it works.

use std::{
    io::{self, IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::Result;
use log::{LevelFilter, Metadata, Record};
use train::{
    TrainCommand,
    observer::{Observer, Progress},
};

use crate::signals;

/// How often the line of progress is written to a terminal, and to a file.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Runs a training, which Ctrl-C stops.
pub fn run(command: TrainCommand) -> Result<()> {
    // It fails if there is a logger already, which then gets what is logged.
    let _ = log::set_logger(&STDERR).map(|()| log::set_max_level(LevelFilter::Info));
    Ok(train::run(command, &STDERR)?)
}

static STDERR: Stderr = Stderr { work: Mutex::new(None) };

/// Standard error: one line of progress that stays in place on a terminal, a line now and then elsewhere, and what
/// happens once on lines of its own.
struct Stderr {
    work: Mutex<Option<Work>>,
}

/// The work in hand.
struct Work {
    name: &'static str,
    start: Instant,
    /// The share that was done when it was first heard of.
    done_at_start: f64,
    shown: Option<Instant>,
}

impl Observer for Stderr {
    fn stopped(&self) -> bool {
        signals::requested()
    }

    fn progress(&self, Progress { name, done, state }: Progress<'_>) {
        let Ok(mut work) = self.work.lock() else { return };
        if work.as_ref().is_none_or(|work| work.name != name) {
            *work = Some(Work { name, start: Instant::now(), done_at_start: done, shown: None });
        }
        let Some(work) = work.as_mut() else { return };
        let terminal = io::stderr().is_terminal();
        let interval = if terminal { INTERVALS.0 } else { INTERVALS.1 };
        if work.shown.is_some_and(|shown| shown.elapsed() < interval) && done < 1.0 {
            return;
        }
        work.shown = Some(Instant::now());
        let (gone, left) = (work.start.elapsed().as_secs_f64(), work.left(done));
        let line = format!("{name} {:5.1}%  {state}  {} gone, {left} left", 100.0 * done, clock(gone));
        let mut stderr = io::stderr().lock();
        // A terminal that went away must not stop a training.
        let _ = if terminal { write!(stderr, "\r\x1b[K{line}") } else { writeln!(stderr, "{line}") };
        let _ = stderr.flush();
    }
}

impl log::Log for Stderr {
    /// What the trainer itself says.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some("train")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // The line of progress that stands in a terminal ends first.
        let is_shown = |work: &mut Option<Work>| work.as_mut().and_then(|work| work.shown.take()).is_some();
        let is_open =
            io::stderr().is_terminal() && self.work.lock().is_ok_and(|mut work| is_shown(&mut work));
        // A terminal that went away must not stop a training.
        let _ = writeln!(io::stderr(), "{}{}", if is_open { "\n" } else { "" }, record.args());
    }

    fn flush(&self) {}
}

impl Work {
    /// The time that is left, in words.
    fn left(&self, done: f64) -> String {
        let share = done - self.done_at_start;
        match share > 0.0 {
            true => clock(self.start.elapsed().as_secs_f64() * (1.0 - done) / share),
            false => "?".into(),
        }
    }
}

/// `1:02:03` or `2:03`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        assert_eq!([clock(0.4), clock(61.0), clock(3723.0)], ["0:00", "1:01", "1:02:03"]);
    }

    #[test]
    fn what_is_left_follows_from_what_was_done_since_the_start() {
        let hour = Duration::from_secs(3600);
        let start = Instant::now().checked_sub(hour).expect("a machine that runs for an hour");
        let work = Work { name: "toy", start, done_at_start: 0.5, shown: None };
        assert_eq!(work.left(0.5), "?");
        assert_eq!(work.left(0.75), "1:00:00");
    }
}
