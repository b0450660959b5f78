//! What can go wrong, and what the user can do about it.

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a clip could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A clip that is too short to show anything move.
    #[error(
        "a clip of {num_frames} frames at {fps} a second cannot be judged: expected at least {least} frames where {looks} a \
         second are looked at; give a longer MP4 or GIF"
    )]
    TooShort {
        /// Frames.
        num_frames: usize,
        /// Frames a second.
        fps: f64,
        /// Frames.
        least: usize,
        /// Frames a second.
        looks: f64,
    },
    /// A clip of sides that the judge cannot look at.
    #[error(
        "a clip of {width}x{height} pixels cannot be judged: expected sides of at least {least} pixels, and none more than \
         {longest} times the other"
    )]
    Size {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
        /// Pixels.
        least: usize,
        /// The longest side over the other.
        longest: usize,
    },
    /// A clip that plays too long for all of it to be looked at.
    #[error("a clip of {seconds:.0} s cannot be judged: expected at most {most} s; cut it")]
    TooLong {
        /// Seconds.
        seconds: f64,
        /// Seconds.
        most: f64,
    },
    /// A prompt that claims nothing.
    #[error(
        "the prompt {prompt:?} names no thing of the world, so there is nothing to judge; `kinora vocabulary` lists what can be named"
    )]
    NoClaims {
        /// The prompt.
        prompt: String,
    },
    /// The ground truth is not what `kinora world` writes.
    #[error(
        "the ground truth {name} cannot be read: {source}; expected the JSON that `kinora world` writes beside a clip"
    )]
    Truth {
        /// What the file is called.
        name: String,
        /// Which rule is broken.
        source: serde_json::Error,
    },
    /// The clip cannot be read.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// The weights of the judge cannot be read.
    #[error("reading the weights of the judge: {0}")]
    Weights(#[from] models::Error),
    /// A device does not give back what it computed.
    #[error("reading what the recogniser computed: {0}")]
    Device(String),
}
