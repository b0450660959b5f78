//! Putting a manifest into a file.

use std::{
    io::{Read, Seek, Write},
    path::Path,
};

use c2pa::{Builder, jumbf_io};
use disk::AtomicFile;
use serde_json::Value;
use uuid::Uuid;

use crate::{Claim, Error, Identity, Result, anchors::Anchors, file, seal};

/// Writes the file at `input` to `output` with a manifest inside that states `claim`, signed by `identity`. All else of it stays as
/// it is, but for the numbers by which an MP4 says where its pictures are. The file at `output`, which may be `input` itself, appears
/// whole or not at all.
///
/// # Errors
/// A file that cannot be read or written, is no MP4, PNG, JPEG or WebP, is damaged, or has a manifest already.
pub fn sign(input: &Path, output: &Path, identity: &Identity, claim: &Claim) -> Result<()> {
    let (mut source, media_type) = file::open(input)?;
    let unsignable = |reason: String| Error::Unsignable { path: input.into(), reason };
    match jumbf_io::load_jumbf_from_stream(media_type, &mut source) {
        Err(c2pa::Error::JumbfNotFound) => {}
        Ok(_) => return Err(Error::AlreadySigned { path: input.into() }),
        Err(error) => return Err(unsignable(error.to_string())),
    }
    let label = label();
    let mut sealed = |seal: &str| -> Result<(AtomicFile, Option<String>)> {
        let mut file = AtomicFile::create(output)?;
        let manifest = claim.manifest(media_type, &label, seal);
        let manifest = embed(&mut source, &mut file, media_type, identity, manifest);
        let manifest = manifest.map_err(|error| unsignable(error.to_string()))?;
        let found = seal::of(&mut file, media_type, &manifest).map_err(disk::unreadable(output))?;
        Ok((file, found))
    };
    // What is sealed depends on how long the manifest is, which does not depend on the seal: measure once, then write.
    let (_, seal) = sealed(seal::BLANK)?;
    let seal = seal.ok_or_else(|| unsignable("its manifest would be in several pieces".to_owned()))?;
    let (file, again) = sealed(&seal)?;
    if again.as_ref() != Some(&seal) {
        return Err(unsignable("it changed while it was signed".to_owned()));
    }
    Ok(file.commit()?)
}

/// The name of a new manifest.
pub fn label() -> String {
    format!("urn:c2pa:{}", Uuid::new_v4())
}

/// Writes all of `source` and a manifest to `output`. Returns the manifest as it was written.
pub fn embed(
    source: &mut (impl Read + Seek + Send),
    output: &mut (impl Read + Write + Seek + Send),
    media_type: &str,
    identity: &Identity,
    manifest: Value,
) -> Result<Vec<u8>, c2pa::Error> {
    source.rewind()?;
    let context = Anchors::default().context()?;
    let mut builder = Builder::from_context(context).with_definition(manifest)?;
    builder.sign(identity.signer(), media_type, source, output)
}
