//! What goes over the wire: requests as they may come, answers as clients expect them. The description at `/openapi.json` is
//! made of these types.

mod image;
mod lenient;
mod list;
mod model;
mod request;
mod video;
mod webhook;

pub use image::{ImageAnswer, ImageData, MakeImage};
pub use list::{List, ListQuery};
pub use model::Model;
pub use request::{
    CharacterReference, CreateCharacter, CreateCharacterForm, CreateVideo, EditVideo, ExtendVideo,
    Extensions, FileForm, ImageReference, Known, RemixVideo, VideoReference, check_prompt, check_strength,
};
pub use video::{Character, Deleted, Links, Plan, Provenance, Video, seconds_text};
pub use webhook::{
    ChangeEndpoint, CreateEndpoint, Endpoint, EventTypes, RotateSecret, TestEndpoint, TestResult,
    check_endpoint_name, check_event_types, event_of,
};
