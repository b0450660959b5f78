//! First weights from another model: a run's averaged weights, or a folder of diffusers parts.

use std::path::Path;

use burn::module::Module;

use crate::{
    checkpoint,
    error::{Result, TrainError},
    parameters::{self, Entry},
};

/// How a parameter grows out of a smaller model's, so that the larger model computes the same at first.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// The parameter's shape, with dimensions split up so that a smaller one's values are its first corner: the rest
    /// becomes zeros.
    pub grid: Vec<usize>,
    /// If the other model has a parameter of this name, and none like this one, this one begins as zeros.
    pub beside: Option<String>,
}

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

    /// Another choice of what lies side by side in a parameter, if there is one of this name: its values, as `[.., theirs,
    /// inner]` with so many `theirs`, become `[.., chosen, inner]`, with zeros where none is chosen. `dimension` is that of
    /// its shape.
    ///
    /// # Panics
    /// Choices that are not among `theirs`, or shapes that are not such.
    pub fn choose(&mut self, name: &str, dimension: usize, theirs: usize, chosen: &[Option<usize>]) {
        let mut at = 0;
        for entry in &mut self.entries {
            let range = at..at + entry.len();
            if entry.name != name {
                at = range.end;
                continue;
            }
            let inner: usize = entry.shape[dimension + 1..].iter().product();
            let groups = self.values[range.clone()].chunks_exact(theirs * inner);
            let values: Vec<f32> = groups
                .flat_map(|group| {
                    chosen.iter().map(move |from| from.map(|from| &group[from * inner..][..inner]))
                })
                .flat_map(|from| from.map_or_else(|| vec![0.0; inner], <[f32]>::to_vec))
                .collect();
            entry.shape[dimension] = entry.shape[dimension] / theirs * chosen.len();
            self.values.splice(range, values);
            return;
        }
    }

    /// Takes over every parameter that `other` has by the same name and in the same shape, or in a smaller one out of which
    /// it grows, but for those in whose name one of `left` occurs, and returns the names of those that stay as they are.
    ///
    /// # Errors
    /// Something in `left` that occurs in no name, or less than half of the values of the smaller one to be taken over:
    /// then it is another model; `source` says whose.
    pub fn take_over(
        &mut self,
        other: &Self,
        source: &Path,
        left: &[String],
        growth: impl Fn(&Entry) -> Growth,
    ) -> Result<Vec<String>> {
        let leaves = |left: &String| self.entries.iter().any(|entry| entry.name.contains(left.as_str()));
        if let Some(unknown) = left.iter().find(|left| !leaves(left)) {
            let names = self.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
            let expected = format!("a part of a parameter's name, of {names}");
            return Err(TrainError::Setting { flag: "--anew", expected, found: unknown.clone() });
        }
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
            let is_left = left.iter().any(|left| entry.name.contains(left.as_str()));
            let named =
                other.entries.iter().position(|theirs| theirs.name == entry.name).filter(|_| !is_left);
            let grown = named.and_then(|index| {
                let values = &other.values[theirs[index].clone()];
                Some((in_corner(&growth(entry).grid, &other.entries[index].shape, values)?, values.len()))
            });
            match grown {
                Some((grown, of_theirs)) => {
                    taken += of_theirs;
                    self.values[range].copy_from_slice(&grown);
                }
                None => anew.push(entry.name.clone()),
            }
        }
        let smaller = self.values.len().min(other.values.len());
        if 2 * taken < smaller {
            return Err(TrainError::Mismatch {
                path: source.into(),
                what: "parameters".into(),
                expected: format!("at least half of the {smaller} that it and this model may have in common"),
                found: format!("{taken} of the same name and shape"),
            });
        }
        Ok(anew)
    }

    /// Zeros for each of those named `anew` beside one that was taken over.
    pub fn begin_as_nothing(&mut self, anew: &[String], beside: impl Fn(&Entry) -> Option<String>) {
        let mut at = 0;
        for entry in &self.entries {
            let range = at..at + entry.len();
            at = range.end;
            let is_anew = |name: &String| anew.contains(name);
            let taken =
                |name: &String| self.entries.iter().any(|entry| entry.name == *name) && !is_anew(name);
            if is_anew(&entry.name) && beside(entry).as_ref().is_some_and(taken) {
                self.values[range].fill(0.0);
            }
        }
    }
}

/// A parameter of the dimensions `grid` whose first corner has the `values` of one of the dimensions `shape`; the first of
/// these may be several of the grid's in one. None if that does not fit.
fn in_corner(grid: &[usize], shape: &[usize], values: &[f32]) -> Option<Vec<f32>> {
    // All but one of the dimensions that were split up are the same in both.
    let split = grid.len().checked_sub(shape.len())?;
    let outer: usize = grid[..split].iter().product();
    let first = shape.first().copied().unwrap_or(1);
    let mut corner = grid[..split].to_vec();
    corner.push(first.checked_div(outer).filter(|inner| inner * outer == first)?);
    corner.extend(shape.get(1..).unwrap_or_default());
    let fits = corner.len() == grid.len() && corner.iter().zip(grid).all(|(theirs, own)| theirs <= own);
    if !fits {
        return None;
    }
    let mut grown = vec![0.0; grid.iter().product()];
    for (at, &value) in values.iter().enumerate() {
        let (mut rest, mut to, mut stride) = (at, 0, 1);
        for (&theirs, &own) in corner.iter().zip(grid).rev() {
            to += rest % theirs * stride;
            rest /= theirs;
            stride *= own;
        }
        grown[to] = value;
    }
    Some(grown)
}

/// Names for people to read: a part of the model of which nothing is missing among `names` is named as one.
pub fn grouped(names: &[String], entries: &[Entry]) -> Vec<String> {
    let is_whole = |part: &str| {
        let of_part =
            |name: &str| name == part || name.strip_prefix(part).is_some_and(|rest| rest.starts_with('.'));
        entries.iter().filter(|entry| of_part(&entry.name)).all(|entry| names.contains(&entry.name))
    };
    let largest = |name: &String| {
        let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        ends.map(|end| &name[..end]).find(|part| is_whole(part)).unwrap_or(name).to_owned()
    };
    let mut found: Vec<String> = names.iter().map(largest).collect();
    found.dedup();
    found
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

    fn as_it_is(entry: &Entry) -> Growth {
        Growth { grid: entry.shape.clone(), beside: None }
    }

    #[test]
    fn a_larger_one_grows_out_of_a_smaller() {
        // Rows of two groups of three outputs out of such of two, and more inputs.
        let own = [2.0, 3.0, 0.0, 4.0, 5.0, 0.0, 0.0, 0.0, 0.0, 6.0, 7.0, 0.0, 8.0, 9.0, 0.0, 0.0, 0.0, 0.0];
        let theirs = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        assert_eq!(in_corner(&[2, 3, 3], &[4, 2], &theirs).unwrap(), own);
        assert_eq!(in_corner(&[3], &[2], &[1.0, 2.0]).unwrap(), [1.0, 2.0, 0.0]);
        for (grid, shape) in [(&[2, 3][..], &[3, 3][..]), (&[2, 3, 3], &[5, 2]), (&[2], &[2, 2])] {
            assert_eq!(in_corner(grid, shape, &[0.0; 16][..shape.iter().product()]), None);
        }

        let mut own = parameters(&[("in", &[2, 3]), ("layers.0.out", &[2]), ("layers.1.out", &[2])], 5.0);
        let other = parameters(&[("in", &[2, 1]), ("layers.0.out", &[2])], 1.0);
        let anew = own.take_over(&other, Path::new("other"), &[], as_it_is).unwrap();
        assert_eq!(anew, ["layers.1.out"]);
        own.begin_as_nothing(&anew, |entry| entry.name.ends_with(".out").then(|| "layers.0.out".into()));
        assert_eq!(own.values, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        let mut fresh = parameters(&[("layers.0.out", &[2])], 5.0);
        fresh.begin_as_nothing(&["layers.0.out".into()], |_| Some("layers.0.out".into()));
        assert_eq!(fresh.values, [5.0, 5.0]);
    }

    #[test]
    fn what_lies_side_by_side_can_be_chosen() {
        let mut of = parameters(&[("a", &[1]), ("out", &[4, 2]), ("z", &[1])], 7.0);
        of.values[1..9].copy_from_slice(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        // Two groups of two rows each: the second row, none, and the first.
        of.choose("out", 0, 2, &[Some(1), None, Some(0)]);
        assert_eq!(of.entries[1].shape, [6, 2]);
        let chosen = [2.0, 3.0, 0.0, 0.0, 0.0, 1.0, 6.0, 7.0, 0.0, 0.0, 4.0, 5.0];
        assert_eq!(of.values, [&[7.0], &chosen[..], &[7.0]].concat());
        of.choose("out", 1, 2, &[Some(1)]);
        assert_eq!(of.values, [7.0, 3.0, 0.0, 1.0, 7.0, 0.0, 5.0, 7.0]);
        of.choose("none", 0, 1, &[]);
        assert_eq!(of.values.len(), 8);
    }

    #[test]
    fn what_fits_is_taken_over_and_the_rest_is_named() {
        let mut own = parameters(&[("a", &[2, 2]), ("b", &[3]), ("c", &[1])], 0.0);
        let other = parameters(&[("b", &[4]), ("a", &[2, 2])], 1.0);
        let anew = own.take_over(&other, Path::new("other"), &[], as_it_is).unwrap();
        assert_eq!(anew, ["b", "c"]);
        assert_eq!(own.values, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_to_start_anew_does() {
        let entries: [(&str, &[usize]); 3] =
            [("first.bias", &[1]), ("first.weight", &[2]), ("last.bias", &[1])];
        let (mut own, other) = (parameters(&entries, 0.0), parameters(&entries, 1.0));
        let anew = own.take_over(&other, Path::new("other"), &["last".into()], as_it_is).unwrap();
        assert_eq!((anew, own.values.clone()), (vec!["last.bias".to_owned()], vec![1.0, 1.0, 1.0, 0.0]));
        let refused =
            own.take_over(&other, Path::new("other"), &["frist".into()], as_it_is).unwrap_err().to_string();
        assert!(refused.contains("--anew") && refused.contains("first.weight"), "{refused}");
    }

    #[test]
    fn whole_parts_are_named_as_one() {
        let of = ["a.x", "a.y", "b.x", "b.1.x", "b.1.y", "b.10.x"].map(|name| (name, &[1][..]));
        let of = parameters(&of, 0.0);
        let names = ["a.x", "a.y", "b.1.x", "b.1.y"].map(str::to_owned);
        assert_eq!(grouped(&names, &of.entries), ["a", "b.1"]);
    }

    #[test]
    fn another_model_is_refused() {
        let mut own = parameters(&[("a", &[2, 2]), ("b", &[5])], 0.0);
        let other = parameters(&[("a", &[2, 2]), ("b", &[6])], 1.0);
        let message = own.take_over(&other, Path::new("other"), &[], as_it_is).unwrap_err().to_string();
        assert!(message.contains("other: parameters") && message.contains("found 4"), "{message}");
        // A part of it is not.
        let part = parameters(&[("a", &[2, 2])], 1.0);
        assert_eq!(own.take_over(&part, Path::new("part"), &[], as_it_is).unwrap(), ["b"]);
    }
}
