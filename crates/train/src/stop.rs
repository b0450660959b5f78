//! Whether a training is asked to stop.

/// Answers whether to stop. Asked between two steps, which are finished and saved.
pub type Stop<'a> = &'a dyn Fn() -> bool;

/// For work that nobody stops.
pub fn never() -> bool {
    false
}
