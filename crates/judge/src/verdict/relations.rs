//! Where one thing is, as seen from another.

use world::Relation;

use crate::tracks::{Sighting, Track};

/// The share of the frames in which both are seen and the relation holds; 0 if there is none.
pub(super) fn relation_share(relation: Relation, main: &Track, other: &Track) -> f32 {
    let both = main.sightings.iter().zip(&other.sightings);
    let both: Vec<bool> =
        both.filter_map(|(main, other)| Some(holds(relation, main.as_ref()?, other.as_ref()?))).collect();
    both.iter().filter(|holds| **holds).count() as f32 / both.len().max(1) as f32
}

fn holds(relation: Relation, main: &Sighting, other: &Sighting) -> bool {
    let to = main.centre - other.centre;
    let half = (main.extent + other.extent) / 2.0;
    // Above the other, and not beside it: its feet are near the other's top.
    let gap = (other.centre.y - other.extent.y / 2.0) - (main.centre.y + main.extent.y / 2.0);
    let is_on_top = to.x.abs() < 0.5 * half.x && to.y < -0.5 * half.y && gap > -0.5 * other.extent.y;
    match relation {
        Relation::LeftOf => to.x < -0.35 * half.x && !is_on_top,
        Relation::RightOf => to.x > 0.35 * half.x && !is_on_top,
        Relation::Behind => main.distance > other.distance && !is_on_top,
        Relation::InFrontOf => main.distance < other.distance && !is_on_top,
        Relation::OnTopOf => is_on_top,
    }
}
