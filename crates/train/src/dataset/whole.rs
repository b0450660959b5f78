//! How much of a data set there should be, so that half of one is not taken for all of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Subset, count};
use crate::error::{Result, TrainError};

/// How many items each subset is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Of clips to train on.
    pub clips: usize,
    /// Of stills.
    pub stills: usize,
    /// Of held-out clips.
    pub validation: usize,
}

impl Plan {
    /// The number of a subset.
    pub fn of(&self, subset: Subset) -> usize {
        match subset {
            Subset::Clips => self.clips,
            Subset::Stills => self.stills,
            Subset::Validation => self.validation,
        }
    }

    /// Fails unless the data set in `folder` has all of it; `advice` says how the rest is made.
    ///
    /// # Errors
    /// [`TrainError::Partial`], or a data set that cannot be read.
    pub fn check(&self, folder: &Path, advice: &str) -> Result<()> {
        for subset in Subset::ALL {
            let (found, expected) = (count(&folder.join(subset.name()))?, self.of(subset));
            if found < expected {
                let (path, what, advice) = (folder.into(), subset.name(), advice.to_owned());
                return Err(TrainError::Partial { path, what, found, expected, advice });
            }
        }
        Ok(())
    }
}
