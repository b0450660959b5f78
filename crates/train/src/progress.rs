//! The progress line: where a run stands, how fast it is, when it ends.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often the line is written to a terminal, and to a file.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Writes progress to standard error: one line that stays in place on a terminal, a line now and
/// then elsewhere.
#[derive(Debug)]
pub struct Progress {
    name: &'static str,
    start: Instant,
    /// The share that was done at the start.
    done_at_start: f64,
    last: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Starts the clock with `done` (0 to 1) of the work behind it.
    pub fn new(name: &'static str, done: f64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { name, start: Instant::now(), done_at_start: done, last: None, terminal }
    }

    /// Shows that `done` (0 to 1) of the work is behind, with a few words on its state, if the last
    /// line is old enough.
    pub fn update(&mut self, done: f64, state: &str) {
        let interval = if self.terminal { INTERVALS.0 } else { INTERVALS.1 };
        if self.last.is_some_and(|last| last.elapsed() < interval) && done < 1.0 {
            return;
        }
        self.last = Some(Instant::now());
        let elapsed = self.start.elapsed().as_secs_f64();
        let share = done - self.done_at_start;
        let left = if share > 0.0 { clock(elapsed * (1.0 - done) / share) } else { "?".into() };
        let line =
            format!("{} {:5.1}%  {state}  {} gone, {left} left", self.name, 100.0 * done, clock(elapsed));
        let mut stderr = std::io::stderr().lock();
        // A terminal that went away must not stop a training.
        let _ = if self.terminal { write!(stderr, "\r\x1b[K{line}") } else { writeln!(stderr, "{line}") };
        let _ = stderr.flush();
    }

    /// Ends the line, and says `message` below it.
    pub fn finish(&self, message: &str) {
        let newline = if self.terminal && self.last.is_some() { "\n" } else { "" };
        say(&format!("{newline}{} {message}", self.name));
    }
}

/// A line on standard error.
pub fn say(message: &str) {
    // A terminal that went away must not stop a training.
    let _ = writeln!(std::io::stderr(), "{message}");
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
}
