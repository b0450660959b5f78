//! Reading and writing `config.json`.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// Far more than any `config.json` has.
const LONGEST_TEXT: u64 = 16 << 20;

/// The configuration of one model: the fields of its published `config.json`.
///
/// A missing field has the default of the upstream class; an unknown one is accepted.
pub trait ModelConfig: Serialize + DeserializeOwned {
    /// The upstream class.
    const CLASS: &'static str;

    /// The class of a model of this configuration.
    fn class(&self) -> &'static str {
        Self::CLASS
    }

    /// The fields that name the class and the version of its library in `config.json`.
    fn header(&self) -> Vec<(&'static str, Value)>;

    /// The class that a `config.json` names, if it does.
    fn class_in(json: &Map<String, Value>) -> Option<String>;

    /// Fails if no model can be built from the values, or if they ask for a variant that is not
    /// served.
    fn check(&self) -> Result<()>;

    /// Reads and checks `folder/config.json`.
    fn load(folder: &Path) -> Result<Self> {
        let (path, text) = config_text(folder)?;
        Self::from_json(&path, &text)
    }

    /// Reads and checks the text of a `config.json`; `path` is what errors call it.
    fn from_json(path: &Path, text: &[u8]) -> Result<Self> {
        let path = || path.to_owned();
        let json = |source| Error::Json { path: path(), source };
        let fields: Map<String, Value> = serde_json::from_slice(text).map_err(json)?;
        let named = Self::class_in(&fields);
        // Before the fields are read: those of another class need not make sense here.
        let config = serde_json::from_slice::<Self>(text);
        let class = config.as_ref().map_or(Self::CLASS, Self::class);
        match named {
            Some(found) if found != class => {
                return Err(Error::WrongClass { path: path(), expected: class, found });
            }
            _ => {}
        }
        let config = config.map_err(json)?;
        config.check()?;
        Ok(config)
    }

    /// Writes `folder/config.json`; the folder must exist.
    fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join("config.json");
        let json = |source| Error::Json { path: path.clone(), source };
        let mut fields = Map::from_iter(self.header().into_iter().map(|(k, v)| (k.to_owned(), v)));
        if let Value::Object(own) = serde_json::to_value(self).map_err(json)? {
            fields.extend(own);
        }
        let mut text = serde_json::to_string_pretty(&fields).map_err(json)?;
        text.push('\n');
        Ok(disk::write_atomically(&path, text.as_bytes())?)
    }
}

/// The path and the text of `folder/config.json`.
pub(crate) fn config_text(folder: &Path) -> Result<(PathBuf, Vec<u8>)> {
    let path = folder.join("config.json");
    let text = disk::read_bounded(&path, LONGEST_TEXT)?;
    Ok((path, text))
}

/// The class that the text of a `config.json` names, if it does; `path` is what errors call it.
pub(crate) fn class_named<C: ModelConfig>(path: &Path, text: &[u8]) -> Result<Option<String>> {
    let json = |source| Error::Json { path: path.to_owned(), source };
    Ok(C::class_in(&serde_json::from_slice(text).map_err(json)?))
}

/// The fields that diffusers puts before a model's own.
pub(crate) fn diffusers_header(class: &str) -> Vec<(&'static str, Value)> {
    vec![("_class_name", class.into()), ("_diffusers_version", "0.42.1".into())]
}

/// The class that diffusers recorded.
pub(crate) fn diffusers_class(json: &Map<String, Value>) -> Option<String> {
    json.get("_class_name").and_then(Value::as_str).map(str::to_owned)
}

/// `Ok` if `holds`; otherwise the error that says what the field should be.
pub(crate) fn require(
    class: &'static str,
    field: &'static str,
    found: impl std::fmt::Debug,
    expected: impl Into<String>,
    holds: bool,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Config { class, field, expected: expected.into(), found: format!("{found:?}") })
}

/// Larger than any field of a published configuration; beyond it, sizes would overflow or exhaust memory before the
/// weights could be compared with them.
const LARGEST_SIZE: usize = 1 << 20;

/// `Ok` if a width, a count or another size makes sense.
pub(crate) fn require_size(class: &'static str, field: &'static str, found: usize) -> Result<()> {
    let expected = format!("from 1 to {LARGEST_SIZE}");
    require(class, field, found, expected, (1..=LARGEST_SIZE).contains(&found))
}

/// `Ok` if f32, in which models compute, can hold a number.
pub(crate) fn require_finite(class: &'static str, field: &'static str, found: f64) -> Result<()> {
    require(class, field, found, "a number that 32 bits can hold", (found as f32).is_finite())
}

/// `Ok` if f32 can hold a number, and it is more than 0 there.
pub(crate) fn require_positive(class: &'static str, field: &'static str, found: f64) -> Result<()> {
    let single = found as f32;
    let expected = "a positive number that 32 bits can hold";
    require(class, field, found, expected, single.is_finite() && single > 0.0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{umt5::Umt5Config, wan::AutoencoderKlWanConfig, wan::WanTransformer3dConfig};

    fn folder_with(json: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("config.json"), json).expect("written");
        folder
    }

    #[test]
    fn missing_fields_have_the_upstream_defaults_and_unknown_ones_are_accepted() {
        let json = r#"{"_class_name": "WanTransformer3DModel", "num_layers": 2, "window_size": [-1, -1]}"#;
        let config = WanTransformer3dConfig::load(folder_with(json).path()).expect("loaded");
        assert_eq!(config, WanTransformer3dConfig { num_layers: 2, ..Default::default() });
    }

    #[test]
    fn a_saved_configuration_names_its_class() {
        let folder = tempfile::tempdir().expect("a folder");
        AutoencoderKlWanConfig::default().save(folder.path()).expect("saved");
        let text = fs::read_to_string(folder.path().join("config.json")).expect("read");
        assert!(text.contains(r#""_class_name": "AutoencoderKLWan""#), "{text}");
        assert_eq!(AutoencoderKlWanConfig::load(folder.path()).expect("loaded"), Default::default());
        Umt5Config::default().save(folder.path()).expect("saved");
        assert_eq!(Umt5Config::load(folder.path()).expect("loaded"), Default::default());
    }

    #[test]
    fn another_class_is_refused() {
        let json = r#"{"_class_name": "AutoencoderKLWan"}"#;
        let message = WanTransformer3dConfig::load(folder_with(json).path()).expect_err("a VAE").to_string();
        assert!(
            message.contains("AutoencoderKLWan") && message.contains("WanTransformer3DModel"),
            "{message}"
        );
    }

    #[test]
    fn what_is_preconditioned_is_of_a_class_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let data_std = [vec![None; 12], vec![Some(0.5); 4]].concat();
        let config = WanTransformer3dConfig { data_std, ..Default::default() };
        config.save(folder.path()).expect("saved");
        let text = fs::read_to_string(folder.path().join("config.json")).expect("read");
        assert!(text.contains(r#""_class_name": "KinoraTransformer3DModel""#), "{text}");
        assert_eq!(WanTransformer3dConfig::load(folder.path()).expect("loaded"), config);
        // By diffusers' name it would be taken for a model that needs no guess.
        let message = refusal::<WanTransformer3dConfig>(&text.replace("KinoraTransformer", "WanTransformer"));
        assert!(message.contains("KinoraTransformer3DModel"), "{message}");
        let plain = r#"{"_class_name": "KinoraTransformer3DModel"}"#;
        assert!(refusal::<WanTransformer3dConfig>(plain).contains("WanTransformer3DModel"));
        for stds in ["[0.5]", "[null, 0.5, 0.5]", "[0.0, 1.0]", "[-1.0, 1.0]"] {
            let json = format!(r#"{{"in_channels": 2, "out_channels": 2, "data_std": {stds}}}"#);
            assert!(refusal::<WanTransformer3dConfig>(&json).contains("data_std"), "{stds}");
        }
    }

    #[test]
    fn what_is_shown_beside_latents_is_of_that_class_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let data_std = vec![Some(0.5); 16];
        let config =
            WanTransformer3dConfig { in_channels: 20, shown_channels: 4, data_std, ..Default::default() };
        config.save(folder.path()).expect("saved");
        let text = fs::read_to_string(folder.path().join("config.json")).expect("read");
        assert!(text.contains(r#""_class_name": "KinoraTransformer3DModel""#), "{text}");
        let loaded = WanTransformer3dConfig::load(folder.path()).expect("loaded");
        assert_eq!((loaded.latent_channels(), &loaded), (16, &config));
        for shown in ["16", "17", "18446744073709551615"] {
            let json = format!(r#"{{"in_channels": 16, "shown_channels": {shown}}}"#);
            assert!(refusal::<WanTransformer3dConfig>(&json).contains("shown_channels"), "{shown}");
        }
    }

    #[test]
    fn broken_json_is_located() {
        let message =
            Umt5Config::load(folder_with("{\"d_model\": ,}").path()).expect_err("broken").to_string();
        assert!(message.contains("config.json") && message.contains("line 1"), "{message}");
    }

    fn refusal<C: ModelConfig>(json: &str) -> String {
        C::from_json(Path::new("config.json"), json.as_bytes()).map(|_| ()).expect_err(json).to_string()
    }

    #[test]
    fn numbers_that_f32_cannot_hold_are_refused_by_name() {
        for number in ["1e39", "-1e39", "1e300"] {
            for (json, field) in [
                (
                    format!(r#"{{"z_dim": 2, "latents_mean": [0, {number}], "latents_std": [1, 1]}}"#),
                    "latents_mean",
                ),
                (
                    format!(r#"{{"z_dim": 2, "latents_mean": [0, 0], "latents_std": [{number}, 1]}}"#),
                    "latents_std",
                ),
                (format!(r#"{{"dropout": {number}}}"#), "dropout"),
            ] {
                let message = refusal::<AutoencoderKlWanConfig>(&json);
                assert!(message.contains(field), "{message}");
            }
            let message = refusal::<WanTransformer3dConfig>(&format!(r#"{{"eps": {number}}}"#));
            assert!(message.contains("`eps`"), "{message}");
            for field in ["layer_norm_epsilon", "initializer_factor", "dropout_rate"] {
                let message = refusal::<Umt5Config>(&format!(r#"{{"{field}": {number}}}"#));
                assert!(message.contains(field), "{message}");
            }
        }
        for number in ["0", "-1", "1e-60", "-0.0"] {
            let message = refusal::<WanTransformer3dConfig>(&format!(r#"{{"eps": {number}}}"#));
            assert!(message.contains("`eps`"), "{message}");
            let message = refusal::<Umt5Config>(&format!(r#"{{"layer_norm_epsilon": {number}}}"#));
            assert!(message.contains("layer_norm_epsilon"), "{message}");
            let message = refusal::<AutoencoderKlWanConfig>(&format!(
                r#"{{"z_dim": 1, "latents_mean": [0], "latents_std": [{number}]}}"#
            ));
            assert!(message.contains("latents_std"), "{message}");
        }
    }

    #[test]
    fn hostile_text_is_refused_and_no_size_overflows() {
        let largest = u64::MAX.to_string();
        let deep = format!("{{\"a\": {}", "[".repeat(100_000));
        for text in
            ["", "null", "[]", "{", "\"x\"", "{\"eps\": NaN}", "{\"eps\": 1e999}", &deep, "\u{feff}{}"]
        {
            refusal::<WanTransformer3dConfig>(text);
            refusal::<AutoencoderKlWanConfig>(text);
            refusal::<Umt5Config>(text);
        }
        for value in [largest.as_str(), "0", "-1", "1.5", "\"1\"", "[]", "{}", "true"] {
            for field in [
                "num_attention_heads",
                "attention_head_dim",
                "in_channels",
                "text_dim",
                "freq_dim",
                "ffn_dim",
            ] {
                refusal::<WanTransformer3dConfig>(&format!(r#"{{"{field}": {value}}}"#));
            }
            for field in [
                "base_dim",
                "z_dim",
                "num_res_blocks",
                "in_channels",
                "out_channels",
                "scale_factor_temporal",
            ] {
                refusal::<AutoencoderKlWanConfig>(&format!(r#"{{"{field}": {value}}}"#));
            }
            for field in ["vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads"] {
                refusal::<Umt5Config>(&format!(r#"{{"{field}": {value}}}"#));
            }
        }
        refusal::<Umt5Config>(&format!(r#"{{"relative_attention_num_buckets": {}}}"#, u64::MAX - 3));
        refusal::<WanTransformer3dConfig>(&format!(r#"{{"patch_size": [{largest}, {largest}, 2]}}"#));
        refusal::<AutoencoderKlWanConfig>(&format!(r#"{{"dim_mult": [{largest}, 1, 1, 1]}}"#));
    }
}
