//! Content credentials (C2PA): a signed statement inside a video or a picture of what made it, and whether such a statement
//! still fits its file.
//!
//! ```text
//! Identity   a private key and its certificates: one's own, or made once and kept in a folder
//! Claim      what is stated: which model, when
//!
//! sign    file + Identity + Claim ──> the same file with a manifest inside, whole or not at all
//! verify  file + Anchors ──> Report   absent, invalid, valid or trusted; who signed, what made it, what is wrong
//! ```
//!
//! The manifest and the signature are C2PA's, by the `c2pa` crate, so other programs read them. C2PA leaves some bytes of a file
//! out of its hash, so each manifest made here also has a [seal](SEAL): a hash of every byte that neither the claim nor the signature
//! covers. Nothing here uses a network.

#![forbid(unsafe_code)]

mod anchors;
mod certificate;
mod claim;
mod error;
mod file;
mod identity;
mod pem;
mod report;
mod seal;
mod sign;
mod signer;
mod verify;

pub use anchors::Anchors;
pub use claim::Claim;
pub use error::{Error, Result};
pub use identity::Identity;
pub use report::{Report, State};
pub use seal::LABEL as SEAL;
pub use sign::sign;
pub use verify::verify;
