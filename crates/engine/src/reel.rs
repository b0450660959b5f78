//! The frames of a video in the making: those that are there are handed on in order, and kept while they will be looked at.

use std::collections::BTreeMap;

use crate::{
    Plan, Result,
    timeline::{Frame, Given, Known, Layout},
};

/// Over so many pixels inside its edge a region passes into what is around it.
const FEATHER: f64 = 4.0;

/// See the [module](self).
pub(crate) struct Reel<'a> {
    plan: &'a Plan,
    given: Given,
    /// Frames that were made, by their place.
    made: BTreeMap<usize, Vec<f32>>,
    /// The next frame to hand on.
    next: usize,
    /// Windows that have seen what they look at.
    seen: usize,
}

impl<'a> Reel<'a> {
    /// # Errors
    /// What is known and cannot be read.
    pub fn new(plan: &'a Plan) -> Result<Self> {
        let given = Given::read(&plan.request.known, plan.size)?;
        Ok(Self { plan, given, made: BTreeMap::new(), next: 0, seen: 0 })
    }

    /// Whether a frame of the video is made already.
    pub fn is_made(&self, frame: usize) -> bool {
        self.made.contains_key(&frame)
    }

    /// What there is to see at a place of the timeline, `[height, width, 3]`, 0 to 1: what was made, or what is known and
    /// stays or is to be made of.
    pub fn frame(&self, frame: isize) -> Option<Vec<f32>> {
        match self.layout().frame(frame)? {
            Frame::Again(first) => self.frame(first as isize),
            Frame::Known { .. } | Frame::Anew => {
                let frame = frame as usize;
                self.made.get(&frame).cloned().or_else(|| self.given.frame(self.layout(), frame))
            }
        }
    }

    /// Whether a frame is as it will be: made, known as it is, or of a loop's beginning.
    pub fn is_settled(&self, frame: isize) -> bool {
        match self.layout().frame(frame) {
            None => false,
            Some(Frame::Again(_)) => true,
            Some(Frame::Known { .. } | Frame::Anew) => {
                self.is_made(frame as usize) || self.layout().is_pinned(frame as usize)
            }
        }
    }

    /// See [`Given::moving`].
    pub fn moving(&self, frame: usize, side: usize) -> Option<Vec<bool>> {
        self.given.moving(self.layout(), frame, side)
    }

    /// Takes a frame that was made, unless it is known as it is; outside of its regions, what is known stays.
    pub fn put(&mut self, frame: usize, pixels: &[f32]) {
        if self.layout().is_pinned(frame) {
            return;
        }
        let mut pixels = pixels.to_vec();
        if let Some(Frame::Known { index, .. }) = self.layout().frame(frame as isize) {
            let known = &self.plan.request.known[index];
            if let Some(own) = self.given.frame(self.layout(), frame).filter(|_| !known.regions.is_empty()) {
                self.keep_outside(known, frame, &mut pixels, &own);
            }
        }
        self.made.insert(frame, pixels);
    }

    fn keep_outside(&self, known: &Known, frame: usize, pixels: &mut [f32], own: &[f32]) {
        let (fps, width) = (self.plan.fps, self.plan.size.width);
        let seconds = self.plan.num_frames as f64 / fps;
        let regions = known.regions_at(frame as f64 / fps, seconds);
        for (at, (pixel, own)) in pixels.chunks_exact_mut(3).zip(own.chunks_exact(3)).enumerate() {
            let place = [(at % width) as f64 + 0.5, (at / width) as f64 + 0.5];
            let share = regions.iter().map(|region| inside(*region, place)).fold(0.0, f64::max) as f32;
            pixel.iter_mut().zip(own).for_each(|(pixel, own)| *pixel = own + (*pixel - own) * share);
        }
    }

    /// The next window has seen all that it looks at.
    pub fn is_seen(&mut self) {
        self.seen += 1;
    }

    /// Hands on every frame that is there and was not, `[height, width, 3]`, and forgets those that nothing will look at.
    pub fn hand_on(&mut self, sink: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        while self.next < self.plan.num_frames {
            if !self.layout().is_pinned(self.next) && !self.is_made(self.next) {
                break;
            }
            let Some(frame) = self.frame(self.next as isize) else { break };
            match &self.plan.lens {
                Some(lens) => sink(&lens.see(self.next as f64 / self.plan.fps, &frame, self.plan.size))?,
                None => sink(&frame)?,
            }
            self.next += 1;
        }
        // The last one is what the next is held against.
        let keep = self.layout().needed_from(self.seen).min(self.next.saturating_sub(1));
        let again = self.layout().seen_again();
        self.made.retain(|&frame, _| frame >= keep || frame < again);
        Ok(())
    }

    fn layout(&self) -> &'a Layout {
        &self.plan.layout
    }
}

/// How much of a pixel is inside a region `[left, upper, right, lower]`: all of it but near the edge.
fn inside([left, upper, right, lower]: [f64; 4], [x, y]: [f64; 2]) -> f64 {
    let depth = (x - left).min(right - x).min(y - upper).min(lower - y);
    (depth / FEATHER).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_passes_into_what_is_around_it() {
        let region = [10.0, 10.0, 40.0, 30.0];
        assert_eq!(inside(region, [5.0, 20.0]), 0.0);
        assert_eq!(inside(region, [25.0, 20.0]), 1.0);
        assert_eq!(inside(region, [12.0, 20.0]), 0.5);
        assert_eq!(inside(region, [25.0, 31.0]), 0.0);
    }
}
