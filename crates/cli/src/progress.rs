//! The progress bar of `kinora generate`.

use engine::{Progress, Stage};
use indicatif::{ProgressBar, ProgressStyle};

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

    pub fn show(&mut self, progress: Progress) {
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

impl Drop for Bar {
    /// Also after a failure, so that its line stands alone.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
