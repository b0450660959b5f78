//! Where one thing is, as seen from another.

use world::Relation;

use crate::tracks::{Sighting, Track};

/// A thing whose lowest point is by so many pixels lower in the picture is nearer with a probability of 73 %.
const LOWER: f32 = 2.0;

/// The share of the frames in which both are seen and the relation holds; 0 if there is none. Of what is behind or in front it is how likely
/// that is; `flies` is whether the main thing is off the ground all the while.
pub(super) fn relation_share(relation: Relation, main: &Track, other: &Track, flies: bool) -> f32 {
    let both = main.sightings.iter().zip(&other.sightings);
    let both: Vec<_> = both.filter_map(|(main, other)| Some((main.as_ref()?, other.as_ref()?))).collect();
    let share = |holds: &dyn Fn(&Sighting, &Sighting) -> bool| {
        both.iter().filter(|(main, other)| holds(main, other)).count() as f32 / both.len().max(1) as f32
    };
    let share_beside = |holds: &dyn Fn(&Sighting, &Sighting) -> bool| {
        share(&|main, other| holds(main, other) && !is_on_top(main, other))
    };
    match relation {
        Relation::LeftOf => share_beside(&|main, other| aside(main, other) < -0.35),
        Relation::RightOf => share_beside(&|main, other| aside(main, other) > 0.35),
        Relation::OnTopOf => share(&is_on_top),
        Relation::Behind if flies => share_beside(&|main, other| main.distance > other.distance),
        Relation::InFrontOf if flies => share_beside(&|main, other| main.distance < other.distance),
        Relation::Behind | Relation::InFrontOf => {
            let landed = both.iter().max_by(|(a, _), (b, _)| foot(a).total_cmp(&foot(b)));
            if landed.is_none_or(|(main, other)| is_on_top(main, other)) {
                return 0.0;
            }
            // The camera looks down on the ground: what stands nearer stands lower, and what falls or jumps comes down to where it stands.
            let lowest = |[a, b]: [f32; 2], (main, other): &(&Sighting, &Sighting)| {
                [a.max(foot(main)), b.max(foot(other))]
            };
            let [main, other] = both.iter().fold([0.0; 2], lowest);
            let is_nearer = 1.0 / (1.0 + ((other - main) / LOWER).exp());
            if relation == Relation::InFrontOf { is_nearer } else { 1.0 - is_nearer }
        }
    }
}

/// How far the main thing is to the right, in means of both widths.
fn aside(main: &Sighting, other: &Sighting) -> f32 {
    (main.centre.x - other.centre.x) / ((main.extent.x + other.extent.x) / 2.0)
}

/// Above the other, and not beside it: its feet are near the other's top.
fn is_on_top(main: &Sighting, other: &Sighting) -> bool {
    let half_height = (main.extent.y + other.extent.y) / 2.0;
    let gap = (other.centre.y - other.extent.y / 2.0) - foot(main);
    aside(main, other).abs() < 0.5
        && main.centre.y - other.centre.y < -0.5 * half_height
        && (-0.5..1.0).contains(&(gap / other.extent.y.max(1.0)))
}

/// The lower edge of its box.
fn foot(sighting: &Sighting) -> f32 {
    sighting.centre.y + sighting.extent.y / 2.0
}

#[cfg(test)]
mod tests {
    use glam::Vec2;

    use super::*;

    /// A thing of 20 by 20 pixels in these places, frame by frame.
    fn track(places: &[(f32, f32)], distance: f32) -> Track {
        let sighting = |&(x, y): &(f32, f32)| {
            Some(Sighting {
                centre: Vec2::new(x, y),
                extent: Vec2::splat(20.0),
                distance,
                ..Sighting::example()
            })
        };
        Track { sightings: places.iter().map(sighting).collect() }
    }

    fn holding(main: &Track, other: &Track, flies: bool) -> Vec<Relation> {
        Relation::ALL
            .into_iter()
            .filter(|&relation| relation_share(relation, main, other, flies) > 0.6)
            .collect()
    }

    #[test]
    fn what_stands_lower_is_nearer_however_high_it_was() {
        let other = track(&[(64.0, 80.0); 3], 8.0);
        // It falls, and its distance is said wrongly.
        let falls = track(&[(60.0, 20.0), (60.0, 60.0), (60.0, 90.0)], 9.0);
        assert_eq!(holding(&falls, &other, false), [Relation::InFrontOf]);
        assert_eq!(holding(&other, &falls, false), [Relation::Behind]);
        // What flies stands nowhere.
        let flies = track(&[(60.0, 20.0); 3], 6.0);
        assert_eq!(holding(&flies, &other, true), [Relation::InFrontOf]);
        // At one height neither is said.
        assert_eq!(holding(&track(&[(40.0, 80.5); 3], 4.0), &other, false), [Relation::LeftOf]);
    }

    #[test]
    fn what_stands_on_another_is_neither_behind_nor_beside() {
        let (upper, lower) = (track(&[(64.0, 60.0); 3], 8.0), track(&[(64.0, 80.0); 3], 8.0));
        assert_eq!(holding(&upper, &lower, false), [Relation::OnTopOf]);
        assert_eq!(holding(&track(&[(90.0, 80.0); 3], 8.0), &lower, false), [Relation::RightOf]);
        assert!(holding(&upper, &Track { sightings: vec![None; 3] }, false).is_empty());
    }
}
