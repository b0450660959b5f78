//! API keys: only their hashes are kept, and comparing one takes as long whatever it is.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{ids::hex, random};

/// Who a request is from: the name of its key. Each sees only what is its own.
pub type Owner = String;

/// The owner of everything on a server without keys.
pub const NOBODY: &str = "local";

/// A key's name and hash, written `NAME:HASH`.
///
/// The keys are random, so that there is nothing to guess and one SHA-256 is as good as a slow hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash {
    /// Whose it is.
    pub name: String,
    hash: [u8; 32],
}

/// Letters of the longest name.
const LONGEST_NAME: usize = 64;

impl KeyHash {
    /// Of a key.
    ///
    /// # Errors
    /// A name that is empty, long, or not of letters, digits, `-`, `_` and `.`.
    pub fn of(name: &str, key: &str) -> Result<Self, String> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            return Err(format!("a name of 1 to {LONGEST_NAME} letters, digits, '-', '_' and '.'"));
        }
        Ok(Self { name: name.to_owned(), hash: Sha256::digest(key).into() })
    }

    /// A new key, and what is kept of it.
    ///
    /// # Errors
    /// A name as for [`Self::of`].
    pub fn generate(name: &str) -> Result<(String, Self), String> {
        let key = format!("sk-{}", BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<32>()));
        Self::of(name, &key).map(|hash| (key, hash))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, hex(&self.hash))
    }
}

impl FromStr for KeyHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "NAME:HASH, as --new-key prints it: a key itself is not kept".to_owned();
        let (name, digits) = text.split_once(':').ok_or_else(expected)?;
        let byte = |index: usize| {
            digits.get(2 * index..2 * index + 2).and_then(|two| u8::from_str_radix(two, 16).ok())
        };
        let mut hash = [0; 32];
        for (index, place) in hash.iter_mut().enumerate() {
            *place = byte(index).ok_or_else(expected)?;
        }
        if digits.len() != 2 * hash.len() {
            return Err(expected());
        }
        Ok(Self { hash, ..Self::of(name, "")? })
    }
}

impl TryFrom<String> for KeyHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.to_string()
    }
}

/// Whose `key` is. All are compared, also behind one that fits.
pub(crate) fn owner_of(key: &str, known: &[KeyHash]) -> Option<Owner> {
    let hash: [u8; 32] = Sha256::digest(key).into();
    known.iter().fold(None, |found, key| match bool::from(key.hash.ct_eq(&hash)) {
        true => Some(key.name.clone()),
        false => found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash_alone() {
        let (key, hash) = KeyHash::generate("alice").unwrap();
        let kept: KeyHash = hash.to_string().parse().unwrap();
        assert_eq!(kept, hash);
        assert!(!hash.to_string().contains(&key));
        let bob = KeyHash::of("bob", "secret").unwrap();
        assert_eq!(owner_of(&key, &[kept.clone(), bob.clone()]).as_deref(), Some("alice"));
        assert_eq!(owner_of("secret", &[kept.clone(), bob]).as_deref(), Some("bob"));
        assert_eq!(owner_of("", &[kept]), None);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in [
            "",
            "alice",
            "sk-secret",
            "alice:",
            "alice:12",
            &format!("a b:{}", "0".repeat(64)),
            &"é:é".repeat(40),
        ] {
            assert!(text.parse::<KeyHash>().is_err(), "{text}");
        }
        assert!(format!("a:{}", "0".repeat(66)).parse::<KeyHash>().is_err());
    }
}
