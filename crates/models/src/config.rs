//! Reading and writing `config.json`.

use std::{fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Error, Result, weights::write_atomically};

/// The configuration of one model: the fields of its published `config.json`.
///
/// A missing field has the default of the upstream class; an unknown one is accepted.
pub trait ModelConfig: Serialize + DeserializeOwned {
    /// The upstream class.
    const CLASS: &'static str;

    /// The fields that name the class and the version of its library in `config.json`.
    fn header() -> Vec<(&'static str, Value)>;

    /// The class that a `config.json` names, if it does.
    fn class_in(json: &Map<String, Value>) -> Option<String>;

    /// Fails if no model can be built from the values, or if they ask for a variant that is not
    /// served.
    fn check(&self) -> Result<()>;

    /// Reads and checks `folder/config.json`.
    fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let text = fs::read_to_string(&path).map_err(|source| Error::Io {
            path: path.clone(),
            action: "read",
            source,
        })?;
        let json = |source| Error::Json { path: path.clone(), source };
        let fields: Map<String, Value> = serde_json::from_str(&text).map_err(json)?;
        match Self::class_in(&fields) {
            Some(found) if found != Self::CLASS => {
                return Err(Error::WrongClass { path, expected: Self::CLASS, found });
            }
            _ => {}
        }
        let config: Self = serde_json::from_str(&text).map_err(json)?;
        config.check()?;
        Ok(config)
    }

    /// Writes `folder/config.json`; the folder must exist.
    fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join("config.json");
        let json = |source| Error::Json { path: path.clone(), source };
        let mut fields = Map::from_iter(Self::header().into_iter().map(|(k, v)| (k.to_owned(), v)));
        if let Value::Object(own) = serde_json::to_value(self).map_err(json)? {
            fields.extend(own);
        }
        let mut text = serde_json::to_string_pretty(&fields).map_err(json)?;
        text.push('\n');
        write_atomically(&path, text.as_bytes())
    }
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

#[cfg(test)]
mod tests {
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
    fn broken_json_is_located() {
        let message =
            Umt5Config::load(folder_with("{\"d_model\": ,}").path()).expect_err("broken").to_string();
        assert!(message.contains("config.json") && message.contains("line 1"), "{message}");
    }
}
