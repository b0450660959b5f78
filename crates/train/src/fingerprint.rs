//! What tells contents apart, whatever they are called. Against mistakes and failing disks, not against adversaries.

use std::{collections::BTreeMap, path::Path};

use engine::ModelFiles;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::error::{Result, TrainError};

/// The fingerprint of each input of a run, by the name of the flag that points to it.
pub type Inputs = BTreeMap<String, String>;

/// The XXH3 of some bytes, in hexadecimal.
pub fn of(bytes: &[u8]) -> String {
    hexadecimal(xxh3_64(bytes))
}

/// The SHA-256 of all files of the model in `folder`, which `flag` named.
///
/// # Errors
/// A folder that is no model.
pub fn of_model(flag: &'static str, folder: &Path) -> Result<String> {
    let files = ModelFiles::Folder { path: folder.into(), variant: None };
    files.hash().map_err(TrainError::part(flag))
}

/// The fingerprint of what comes in pieces: the same for any pieces.
#[derive(Default)]
pub struct Fingerprint(Xxh3Default);

impl Fingerprint {
    /// Adds bytes behind those before.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// That of all bytes, in hexadecimal.
    pub fn finish(&self) -> String {
        hexadecimal(self.0.digest())
    }
}

fn hexadecimal(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter_and_bits_do() {
        let mut pieces = Fingerprint::default();
        [&b"a red"[..], b"", b" ball"].iter().for_each(|piece| pieces.add(piece));
        assert_eq!(pieces.finish(), of(b"a red ball"));
        assert_ne!(of(b"a red ball"), of(b"a red balm"));
        // The value that the published implementation gives for no bytes.
        assert_eq!(of(b""), "2d06800538d394c2");
    }
}
