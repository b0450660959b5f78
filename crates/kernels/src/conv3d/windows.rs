//! Which output frames are computed together.

use super::plane::Geometry;

/// Output frames `first..end` read source frames `from..to`.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub first: usize,
    pub end: usize,
    pub from: usize,
    pub to: usize,
}

/// Cuts the output frames so that what each cut reads fits into `frames` source frames, or down to
/// single frames.
pub(super) fn windows(geometry: &Geometry, frames: usize) -> Vec<Window> {
    let total = geometry.output[0];
    let mut step = total;
    loop {
        let windows: Vec<Window> = (0..total)
            .step_by(step)
            .map(|first| {
                let end = total.min(first + step);
                let read = || {
                    (first..end)
                        .flat_map(|t| (0..geometry.kernel[0]).filter_map(move |tap| geometry.frame(t, tap)))
                };
                Window {
                    first,
                    end,
                    from: read().min().unwrap_or(0),
                    to: read().max().map_or(0, |max| max + 1),
                }
            })
            .collect();
        if step == 1 || windows.iter().all(|window| window.to - window.from <= frames) {
            return windows;
        }
        step = step.div_ceil(2);
    }
}
