//! Webhooks: what endpoints are told, how that is signed, and how it gets there.

mod deliver;
mod sign;

pub use deliver::{Courier, test_delivery};
pub use sign::{new_secret, secret_hint};

/// What endpoints can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A video is there.
    Completed,
    /// There will be no video.
    Failed,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Completed, Self::Failed];

    /// As clients call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "video.completed",
            Self::Failed => "video.failed",
        }
    }
}
