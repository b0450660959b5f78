//! The progress bar of `kinora generate`.

use std::ops::ControlFlow;

use engine::{Observer, Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

use crate::signals;

/// A bar on standard error for each stage; nothing where that is no terminal.
pub struct Bar {
    bar: ProgressBar,
    stage: Option<Stage>,
}

impl Bar {
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{msg:8} {bar:32} {pos}/{len}  {elapsed} gone, {eta} left");
        let bar = ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, stage: None }
    }

    /// Does something to the terminal while the bar is not there.
    pub fn aside<R>(&self, work: impl FnOnce() -> R) -> R {
        self.bar.suspend(work)
    }

    fn show(&mut self, progress: Progress) {
        if self.stage != Some(progress.stage) {
            self.stage = Some(progress.stage);
            self.bar.reset();
            self.bar.set_length(progress.total as u64);
            self.bar.set_message(progress.stage.to_string());
        }
        self.bar.set_position(progress.step as u64);
        self.bar.tick();
    }
}

/// Shows how far the work is, which a signal stops.
impl Observer for Bar {
    fn observe(&mut self, progress: Progress) -> ControlFlow<()> {
        self.show(progress);
        signals::go_on()
    }
}

impl Drop for Bar {
    /// Also after a failure, so that its line stands alone.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
