//! Who hears of each step: progress for those who wait, and whether to go on.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use super::queue::{Running, made_between};
use crate::{app::App, clock, maker::Progress, store::Job};

/// How often to look whether somebody else should come first.
const LOOK: Duration = Duration::from_millis(500);

/// Why work was broken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The client wants it no more.
    Cancelled,
    /// The server stops.
    Stopping,
    /// There is no room on the disk.
    DiskFull,
    /// Another job is made first: this one.
    SetAside(String),
}

/// Who hears of the steps of one job.
pub struct Watcher<'a> {
    app: &'a App,
    job: &'a Job,
    /// Since when it is worked on.
    since: i64,
    looked: Instant,
    percent: u8,
    /// Why it was broken off.
    pub stop: Option<Stop>,
}

impl<'a> Watcher<'a> {
    pub fn new(app: &'a App, job: &'a Job, since: i64) -> Self {
        Self { app, job, since, looked: Instant::now(), percent: job.progress, stop: None }
    }

    /// Whether another one comes first.
    fn made_between(&mut self) -> Option<String> {
        if self.looked.elapsed() < LOOK {
            return None;
        }
        self.looked = Instant::now();
        let moment = self.app.live.moment(&self.job.id)?;
        // A record that cannot be asked now is asked again soon.
        let waiting = self.app.jobs.waiting().ok()?;
        let seconds = self.job.record.estimate.seconds;
        let left = moment.seconds_left().unwrap_or(seconds * (1.0 - moment.done));
        let running = Running { since: self.since, seconds, seconds_left: left };
        let share = self.app.settings.short_share;
        made_between(&running, &waiting, share, clock::now_ms()).map(|job| job.id.clone())
    }

    /// A step is done.
    pub fn progress(&mut self, progress: Progress<'_>) -> ControlFlow<()> {
        let moment = self.app.live.progress(&self.job.id, progress);
        if self.app.phase.is_stopping() {
            self.stop = Some(Stop::Stopping);
            return ControlFlow::Break(());
        }
        let Some(moment) = moment else { return ControlFlow::Continue(()) };
        if moment.is_cancelled {
            self.stop = Some(Stop::Cancelled);
            return ControlFlow::Break(());
        }
        if moment.percent() > self.percent {
            self.percent = moment.percent();
            // Only a hint of how far it was, should the program end here.
            let _ = self.app.records.progress(&self.job.id, self.percent);
        }
        match self.made_between() {
            Some(id) => {
                self.stop = Some(Stop::SetAside(id));
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    }
}
