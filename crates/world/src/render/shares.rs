//! Which things are seen where.

use glam::Vec2;

use super::tracer;
use crate::scene::Scene;
use crate::simulate::figures;
use crate::truth::{ClipSpec, GroundTruth};

/// Rays along each side of a cell.
const RAYS: usize = 2;

/// The share of each thing in each cell of a frame, from 0 to 1: `[things, height / cell, width / cell]`. A cell is a
/// square of `cell` pixels, of which a few rays are asked.
///
/// # Panics
/// If the truth has no such frame, or `cell` is 0.
pub fn shares(scene: &Scene, truth: &GroundTruth, spec: &ClipSpec, frame: usize, cell: usize) -> Vec<f32> {
    let state = &truth.frames[frame];
    let figures = figures(scene, state);
    let tracer = tracer(scene, &figures, state, spec);
    let [rows, columns] = [spec.height / cell, spec.width / cell];
    let mut shares = vec![0.0; scene.things.len() * rows * columns];
    for row in 0..rows * RAYS {
        for column in 0..columns * RAYS {
            let ray = (Vec2::new(column as f32, row as f32) + 0.5) * (cell as f32 / RAYS as f32);
            if let Some(thing) = tracer.thing_at(ray) {
                let cell = (thing * rows + row / RAYS) * columns + column / RAYS;
                shares[cell] += 1.0 / (RAYS * RAYS) as f32;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::Split;

    #[test]
    fn things_are_seen_where_their_boxes_are_and_as_much_as_they_are_visible() {
        let spec = ClipSpec::default();
        let cell = 8;
        let mut seen = 0;
        for seed in 0..40 {
            let scene = Scene::sample(seed, Split::Train);
            let truth = crate::simulate(&scene, &spec);
            let frame = seed as usize % spec.num_frames;
            let shares = shares(&scene, &truth, &spec, frame, cell);
            let columns = spec.width / cell;
            let cells = columns * (spec.height / cell);
            for (thing, shares) in shares.chunks_exact(cells).enumerate() {
                let state = &truth.frames[frame].things[thing];
                let Some(outline) = state.screen_box else { continue };
                for (index, &share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                    let corner = Vec2::new((index % columns) as f32, (index / columns) as f32) * cell as f32;
                    let inside = corner.cmplt(outline.max).all()
                        && (corner + cell as f32).cmpgt(outline.min).all()
                        && share <= 1.0;
                    assert!(inside, "seed {seed}, thing {thing}: cell at {corner} outside of {outline:?}");
                }
                let area: f32 = shares.iter().sum::<f32>() * (cell * cell) as f32;
                let size = (outline.max - outline.min).element_product();
                assert!(area <= size * 1.2 + 64.0, "seed {seed}: {area} of {size} pixels");
                if state.visibility == 0.0 {
                    assert_eq!(area, 0.0, "seed {seed}: a hidden thing is seen");
                } else if state.visibility > 0.9 && size > 400.0 {
                    assert!(area > 0.15 * size, "seed {seed}: {area} of {size} pixels");
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "only {seen} things were in full view");
    }
}
