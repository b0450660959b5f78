//! First weights from another model: a run's averaged weights, or a folder of diffusers parts.

use std::path::Path;

use burn::module::Module;

use crate::{
    checkpoint,
    error::{Result, TrainError},
    parameters::{self, Entry},
};

/// A model's parameters as one flat list, with where each lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Where each lies.
    pub entries: Vec<Entry>,
    /// All values.
    pub values: Vec<f32>,
}

impl Parameters {
    /// Those of a module.
    ///
    /// # Errors
    /// A tensor that its device does not give back.
    pub fn of<M: Module>(module: &M) -> Result<Self> {
        Ok(Self { entries: parameters::entries(module), values: parameters::gather(module)? })
    }

    /// Takes over every parameter that `other` has by the same name and in the same shape, and returns the names of
    /// those that stay as they are.
    ///
    /// # Errors
    /// If less than half of the values are taken over: then it is another model; `source` says whose.
    pub fn take_over(&mut self, other: &Self, source: &Path) -> Result<Vec<String>> {
        let parts = |of: &Self| {
            let mut at = 0;
            of.entries
                .iter()
                .map(|entry| {
                    at += entry.len();
                    at - entry.len()..at
                })
                .collect::<Vec<_>>()
        };
        let (own, theirs) = (parts(self), parts(other));
        let (mut taken, mut anew) = (0, Vec::new());
        for (entry, range) in self.entries.iter().zip(own) {
            match other.entries.iter().position(|theirs| theirs == entry) {
                Some(index) => {
                    taken += range.len();
                    self.values[range].copy_from_slice(&other.values[theirs[index].clone()]);
                }
                None => anew.push(entry.name.clone()),
            }
        }
        if 2 * taken < self.values.len() {
            return Err(TrainError::Mismatch {
                path: source.into(),
                what: "parameters".into(),
                expected: format!("at least half of the {} of this model", self.values.len()),
                found: format!("{taken} of the same name and shape"),
            });
        }
        Ok(anew)
    }
}

/// The averaged weights of the run in `folder`; if there is none, what `read` makes of the folder.
///
/// # Errors
/// A checkpoint that cannot be read, or those of `read`.
pub fn of_folder<M: Module>(folder: &Path, read: impl FnOnce(&Path) -> Result<M>) -> Result<Parameters> {
    if checkpoint::list(folder)?.is_empty() {
        Parameters::of(&read(folder)?)
    } else {
        checkpoint::averaged(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(entries: &[(&str, &[usize])], value: f32) -> Parameters {
        let entries: Vec<_> = entries
            .iter()
            .map(|(name, shape)| Entry { name: (*name).into(), shape: shape.to_vec() })
            .collect();
        let len = entries.iter().map(Entry::len).sum();
        Parameters { entries, values: vec![value; len] }
    }

    #[test]
    fn what_fits_is_taken_over_and_the_rest_is_named() {
        let mut own = parameters(&[("a", &[2, 2]), ("b", &[3]), ("c", &[1])], 0.0);
        let other = parameters(&[("b", &[4]), ("a", &[2, 2])], 1.0);
        let anew = own.take_over(&other, Path::new("other")).unwrap();
        assert_eq!(anew, ["b", "c"]);
        assert_eq!(own.values, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn another_model_is_refused() {
        let mut own = parameters(&[("a", &[2, 2]), ("b", &[5])], 0.0);
        let other = parameters(&[("a", &[2, 2])], 1.0);
        let message = own.take_over(&other, Path::new("other")).unwrap_err().to_string();
        assert!(message.contains("other: parameters") && message.contains("found 4"), "{message}");
    }
}
