//! A small procedural world with exact ground truth.
//!
//! From a seed comes a [`Scene`]; from a scene and a [`ClipSpec`] the exact truth about every frame
//! ([`simulate`]) and its pixels ([`render`]). [`caption`] says what it shows, in English or Chinese.

#![forbid(unsafe_code)]

mod caption;
mod claims;
mod course;
mod dynamics;
mod event;
mod figure;
mod kind;
mod place;
mod render;
mod sample;
mod scene;
mod simulate;
mod split;
mod truth;

pub use caption::{
    Attribute, Caption, Group, Language, Mention, all_caption_words, camera_words, caption, dense_caption,
    dense_still_caption, expand_prompt, expand_prompts, held_out_prompts, is_chinese, retell, still_caption,
    tell_in_turn, tell_plainly, tell_without_events, thing_words, things_in, unknown_words, vocabulary,
    without_camera,
};
pub use claims::{Claims, EventClaim, RelationClaim, ThingClaim};
pub use event::{Action, Direction, Event};
pub use kind::{Colour, Kind, Size};
pub use place::{CameraMove, Ground, TimeOfDay, Weather};
pub use render::{Mark, falling, render, render_frame, shares};
pub use sample::{ELEVATIONS, GRAVITY, possible_events};
pub use scene::{MOST_THINGS, Neighbour, Relation, Scene, Thing};
pub use simulate::{FIELD_OF_VIEW, camera_amount, simulate, usual_camera};
pub use split::{HeldOut, Split, holds_out_action, holds_out_colour, holds_out_pair};
pub use truth::{
    Camera, ClipSpec, FrameTruth, GroundTruth, Happening, Moment, Posture, Rays, ScreenBox, ThingState,
};
