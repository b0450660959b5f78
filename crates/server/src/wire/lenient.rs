//! Values as JSON has them, or as texts, which is all that forms can send.

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};
use serde_json::Value;

/// A number, a truth value, a list or an object; or a text that is one as JSON. Nothing, if it is null or empty.
///
/// # Errors
/// Any other.
pub fn value<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => serde_json::from_str(text.trim()).map_err(|_| {
            Error::custom(format!("invalid type: the text {:?}", text.chars().take(60).collect::<String>()))
        })?,
        value => value,
    };
    Option::<T>::deserialize(value).map_err(Error::custom)
}

/// A text; nothing, if it is null or empty.
///
/// # Errors
/// Anything else.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wanted {
        #[serde(default, deserialize_with = "value")]
        number: Option<f64>,
        #[serde(default, deserialize_with = "value")]
        is: Option<bool>,
        #[serde(default, deserialize_with = "value")]
        list: Option<Vec<u64>>,
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
    }

    #[test]
    fn texts_are_what_they_mean() {
        let all =
            Wanted { number: Some(4.5), is: Some(true), list: Some(vec![1, 2]), text: Some("4".into()) };
        let read = |json: &str| serde_json::from_str::<Wanted>(json);
        assert_eq!(read(r#"{"number": 4.5, "is": true, "list": [1, 2], "text": "4"}"#).unwrap(), all);
        assert_eq!(read(r#"{"number": "4.5", "is": "true", "list": "[1, 2]", "text": "4"}"#).unwrap(), all);
        let none = Wanted { number: None, is: None, list: None, text: None };
        assert_eq!(read("{}").unwrap(), none);
        assert_eq!(read(r#"{"number": null, "is": "", "list": null, "text": ""}"#).unwrap(), none);
        for json in [
            r#"{"number": "four"}"#,
            r#"{"number": true}"#,
            r#"{"is": "yes"}"#,
            r#"{"list": "1"}"#,
            r#"{"text": 4}"#,
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains("invalid type"), "{json}: {error}");
        }
    }
}
