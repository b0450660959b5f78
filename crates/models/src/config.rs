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
