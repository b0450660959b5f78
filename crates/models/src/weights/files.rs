//! Which files of a folder hold the weights.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// What comes first where a folder holds both an index of shards and a single file, as the library does that saved
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// diffusers.
    Index,
    /// transformers.
    Single,
}

/// How the files are called that hold the weights of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Weights are in `{stem}.safetensors`, or in shards listed by `{stem}.safetensors.index.json`.
    pub stem: &'static str,
    /// Which of the two is read where a folder has both.
    pub precedence: Precedence,
}

impl Naming {
    /// Of the parts that diffusers saves.
    pub const DIFFUSERS: Self = Self { stem: "diffusion_pytorch_model", precedence: Precedence::Index };
    /// Of the parts that transformers saves.
    pub const TRANSFORMERS: Self = Self { stem: "model", precedence: Precedence::Single };
}

/// A safetensors file or an index of shards, and its variant: `fp16` of `model.fp16.safetensors`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    variant: Option<String>,
    is_index: bool,
}

impl Entry {
    /// What a name says, as diffusers and transformers choose them for weights called `stem`; none for shards, which
    /// their index names.
    fn of(name: &str, stem: &str) -> Option<Self> {
        let rest = name.strip_prefix(stem)?.strip_prefix('.')?;
        let entry = |variant: Option<&str>, is_index| {
            let variant = variant.map(str::to_owned);
            Some(Self { name: name.to_owned(), variant, is_index })
        };
        match rest.split('.').collect::<Vec<_>>().as_slice() {
            ["safetensors"] => entry(None, false),
            ["safetensors", "index", "json"] => entry(None, true),
            [variant, "safetensors"] if !is_shard(variant) => entry(Some(variant), false),
            // Of today, and of diffusers before 0.31.
            ["safetensors", "index", variant, "json"] | ["safetensors", variant, "index", "json"] => {
                entry(Some(variant), true)
            }
            _ => None,
        }
    }
}

/// Whether a name ends as `fp16-00001-of-00002` does.
fn is_shard(variant: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = variant.rsplit('-');
    matches!((parts.next(), parts.next(), parts.next()), (Some(of), Some("of"), Some(at)) if is_number(of) && is_number(at))
}

/// The file with the weights of a part in its folder, or their index.
///
/// With `variant`, the files of that variant; the plain ones if this part has none of it, as diffusers does. Without,
/// the plain ones, or those of the only variant that is there.
///
/// # Errors
/// [`Error::NoWeights`], [`Error::Variants`], or a folder that cannot be read.
pub fn find(folder: &Path, naming: Naming, variant: Option<&str>) -> Result<PathBuf> {
    let io = |source| Error::Io { path: folder.to_owned(), action: "read", source };
    let names = fs::read_dir(folder)
        .and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name().into_string().ok())).collect::<io::Result<Vec<_>>>()
        })
        .map_err(io)?;
    let mut names = names.into_iter().flatten().collect::<Vec<_>>();
    names.sort();
    let name = choose(&names, naming.stem, naming.precedence, variant).map_err(|variants| match variants
        .is_empty()
    {
        true => Error::NoWeights {
            folder: folder.to_owned(),
            expected: format!("`{0}.safetensors` or `{0}.safetensors.index.json`", naming.stem),
        },
        false => Error::Variants { folder: folder.to_owned(), variants },
    })?;
    Ok(folder.join(name))
}

/// The variants of the weights of a part in its folder.
pub fn variants(folder: &Path, naming: Naming) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| Entry::of(&name, naming.stem)?.variant).collect()
}

/// The name to open, or the variants among which there is no choice.
fn choose(
    names: &[String],
    stem: &str,
    precedence: Precedence,
    variant: Option<&str>,
) -> std::result::Result<String, Vec<String>> {
    let entries = names.iter().filter_map(|name| Entry::of(name, stem)).collect::<Vec<_>>();
    let of = |variant: Option<&str>| {
        let mut found =
            entries.iter().filter(|entry| entry.variant.as_deref() == variant).collect::<Vec<_>>();
        found.sort_by_key(|entry| entry.is_index != (precedence == Precedence::Index));
        found.first().map(|entry| entry.name.clone())
    };
    if let Some(name) = variant.and_then(|variant| of(Some(variant))).or_else(|| of(None)) {
        return Ok(name);
    }
    let variants = entries.iter().filter_map(|entry| entry.variant.clone()).collect::<BTreeSet<_>>();
    match (variant, variants.first()) {
        (None, Some(only)) if variants.len() == 1 => of(Some(only)).ok_or_else(Vec::new),
        _ => Err(variants.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        names: &[&str],
        precedence: Precedence,
        variant: Option<&str>,
    ) -> std::result::Result<String, Vec<String>> {
        let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        choose(&names, "model", precedence, variant)
    }

    #[test]
    fn the_only_variant_is_taken_and_the_plain_file_before_it() {
        let fp16 = "model.fp16.safetensors";
        for names in [[fp16, "config.json"], [fp16, "model.fp16-00001-of-00002.safetensors"]] {
            assert_eq!(chosen(&names, Precedence::Index, None).as_deref(), Ok(fp16));
            assert_eq!(chosen(&names, Precedence::Index, Some("fp16")).as_deref(), Ok(fp16));
            assert_eq!(chosen(&names, Precedence::Index, Some("bf16")), Err(vec!["fp16".to_owned()]));
        }
        let both = [fp16, "model.safetensors"];
        assert_eq!(chosen(&both, Precedence::Single, None).as_deref(), Ok("model.safetensors"));
        assert_eq!(chosen(&both, Precedence::Single, Some("fp16")).as_deref(), Ok(fp16));
        assert_eq!(chosen(&both, Precedence::Single, Some("bf16")).as_deref(), Ok("model.safetensors"));
    }

    #[test]
    fn among_several_variants_there_is_no_choice() {
        let names = ["model.fp16.safetensors", "model.bf16.safetensors", "other.fp8.safetensors"];
        assert_eq!(chosen(&names, Precedence::Index, None), Err(vec!["bf16".to_owned(), "fp16".to_owned()]));
        assert_eq!(chosen(&["model.bin"], Precedence::Index, None), Err(Vec::new()));
    }

    #[test]
    fn an_index_is_taken_under_each_of_its_names() {
        for index in ["model.safetensors.index.fp16.json", "model.safetensors.fp16.index.json"] {
            let shards = ["model.fp16-00001-of-00002.safetensors", "model-00001-of-00002.fp16.safetensors"];
            for shard in shards {
                assert_eq!(chosen(&[shard, index], Precedence::Single, None).as_deref(), Ok(index));
                assert_eq!(chosen(&[shard, index], Precedence::Index, Some("fp16")).as_deref(), Ok(index));
            }
        }
    }

    #[test]
    fn beside_a_single_file_the_index_counts_for_diffusers_and_the_file_for_transformers() {
        for middle in ["", ".fp16"] {
            let single = format!("model{middle}.safetensors");
            let index = format!("model.safetensors.index{middle}.json");
            let names = [single.as_str(), index.as_str()];
            assert_eq!(chosen(&names, Precedence::Index, None).as_ref(), Ok(&index));
            assert_eq!(chosen(&names, Precedence::Single, None).as_ref(), Ok(&single));
        }
    }
}
