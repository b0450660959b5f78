//! Which combinations are kept out of training.
//!
//! A scene is held out when it shows at least one held-out combination: a colour on a kind, a kind
//! doing an action, or two kinds together. About one combination in eleven is held out. The rules
//! depend on nothing but the positions in the `ALL` lists, so a new seed or a new sampler
//! never moves a combination across the split.

use serde::{Deserialize, Serialize};

use crate::event::Action;
use crate::kind::{Colour, Kind};
use crate::scene::Scene;

/// The side of the split that a scene is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// No held-out combination occurs.
    Train,
    /// At least one held-out combination occurs.
    HeldOut,
}

/// One combination in this many is held out.
const ONE_IN: usize = 11;

/// Whether a kind never has this colour in training.
///
/// A Latin-square rule rather than a hash: each kind misses at most one colour, and each colour
/// one or two kinds, so every one of them is well seen on its own.
pub fn holds_out_colour(kind: Kind, colour: Colour) -> bool {
    (kind as usize + 5 * colour as usize) % ONE_IN == 8
}

/// Whether a kind never does this in training. Actions that fewer than three kinds can do are
/// never held out, nor is resting, which the other things of a scene do.
pub fn holds_out_action(kind: Kind, action: Action) -> bool {
    let able = Kind::ALL.iter().filter(|kind| kind.actions().contains(&action)).count();
    able >= 3
        && action != Action::Rests
        && kind.actions().contains(&action)
        && (3 * kind as usize + 3 * action as usize) % ONE_IN == 5
}

/// Whether two kinds are never seen together in training. The order does not matter.
pub fn holds_out_pair(a: Kind, b: Kind) -> bool {
    let (low, high) = (a.min(b) as usize, a.max(b) as usize);
    (6 * low + 5 * high) % ONE_IN == 4
}

/// The held-out combinations that a scene shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HeldOut {
    /// Things (by index) whose kind never has their colour in training.
    pub colours: Vec<usize>,
    /// Events (by index) that the main thing's kind never does in training.
    pub events: Vec<usize>,
    /// Pairs of things (by index) whose kinds are never together in training.
    pub pairs: Vec<(usize, usize)>,
}

impl HeldOut {
    /// Finds every held-out combination in the scene.
    pub fn of(scene: &Scene) -> Self {
        let things = &scene.things;
        let colours =
            (0..things.len()).filter(|&i| holds_out_colour(things[i].kind, things[i].colour)).collect();
        let events = (0..scene.events.len())
            .filter(|&i| holds_out_action(things[0].kind, scene.events[i].action))
            .collect();
        let pairs = (0..things.len())
            .flat_map(|a| (a + 1..things.len()).map(move |b| (a, b)))
            .filter(|&(a, b)| holds_out_pair(things[a].kind, things[b].kind))
            .collect();
        Self { colours, events, pairs }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.colours.is_empty() && self.events.is_empty() && self.pairs.is_empty()
    }

    /// The side of the split that this puts the scene on.
    pub fn split(&self) -> Split {
        if self.is_empty() { Split::Train } else { Split::HeldOut }
    }
}
