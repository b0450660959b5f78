//! Who is told how work goes on, and may stop it. What happens once is logged, by the `log` crate.

/// How far a piece of work is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress<'a> {
    /// A word for what it is.
    pub name: &'static str,
    /// The share that is behind, 0 to 1.
    pub done: f64,
    /// A few words on its state.
    pub state: &'a str,
}

/// Watches a training, or the making of its data.
pub trait Observer {
    /// Whether to stop. Asked between two steps, which are finished and saved.
    fn stopped(&self) -> bool {
        false
    }

    /// Told after every step.
    fn progress(&self, progress: Progress<'_>) {
        let _ = progress;
    }
}

/// Looks away.
impl Observer for () {}

/// Stops when it has been asked so many times.
#[cfg(test)]
pub(crate) struct StopsAfter(pub std::cell::Cell<usize>);

#[cfg(test)]
impl Observer for StopsAfter {
    fn stopped(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}
