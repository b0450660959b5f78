//! How a record of the making is told from any other comment: it is the JSON object `{"kinora": …}`.
//! The same text goes into an MP4 comment tag, a GIF comment and a PNG text chunk, so that other
//! programs show it and copying between containers keeps it.

use serde_json::{Value, json};

use crate::{Error, Result, error::Malformed};

const KEY: &str = "kinora";

/// The longest record of the making that is read or written. The longest prompts that can be asked for take a third
/// of it.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

/// One line of JSON, the same for equal values, whatever order their fields are in memory. Characters beyond ASCII are escaped, as GIF comments are 7-bit.
pub(crate) fn to_comment(provenance: &Value) -> String {
    let mut record = json!({ KEY: provenance });
    record.sort_all_objects();
    let mut comment = String::new();
    for character in record.to_string().chars() {
        if character.is_ascii() {
            comment.push(character);
        } else {
            // JSON allows these only inside strings, where a \u escape of each UTF-16 unit is equal.
            for unit in character.encode_utf16(&mut [0; 2]) {
                comment.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    comment
}

/// Fails for a record that could not be read again.
pub(crate) fn check(provenance: &Value) -> Result<()> {
    match to_comment(provenance).len() {
        0..=MAX_RECORD_BYTES => Ok(()),
        len => Err(Error::InvalidClip {
            expected: format!("a record of the making of at most {MAX_RECORD_BYTES} bytes"),
            found: format!("{len} bytes"),
        }),
    }
}

/// The value given to [`to_comment`], or `None` for a comment of another kind.
pub(crate) fn from_comment(comment: &str) -> std::result::Result<Option<Value>, Malformed> {
    if comment.len() > MAX_RECORD_BYTES {
        // Only a record begins so.
        return match comment.starts_with(&format!("{{\"{KEY}\":")) {
            true => Err(Malformed::new(format!(
                "its record of the making has {} bytes, more than {MAX_RECORD_BYTES}",
                comment.len()
            ))),
            false => Ok(None),
        };
    }
    Ok(match serde_json::from_str(comment) {
        Ok(Value::Object(mut object)) if object.len() == 1 => object.remove(KEY),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_comes_back() {
        for value in [
            json!(null),
            json!("text"),
            json!({ "prompt": "红色的球 \u{1F3C0} \"quoted\"\n\\", "seed": u64::MAX, "scale": 5.5 }),
        ] {
            let comment = to_comment(&value);
            assert!(comment.is_ascii() && !comment.contains('\n'), "{comment}");
            assert_eq!(from_comment(&comment).unwrap(), Some(value));
        }
    }

    #[test]
    fn equal_records_are_equal_texts() {
        let texts = [r#"{"b":{"d":1,"c":2},"a":3}"#, r#"{"a":3,"b":{"c":2,"d":1}}"#];
        let [one, other] = texts.map(|text| to_comment(&serde_json::from_str(text).unwrap()));
        assert_eq!((one.as_str(), other.as_str()), (r#"{"kinora":{"a":3,"b":{"c":2,"d":1}}}"#, one.as_str()));
    }

    #[test]
    fn other_comments_are_not_records() {
        for comment in ["", "made with a camera", "{}", "[1]", r#"{"kinora":1,"other":2}"#, r#"{"other":{}}"#]
        {
            assert_eq!(from_comment(comment).unwrap(), None, "{comment}");
        }
    }

    #[test]
    fn a_record_has_a_bound_and_a_depth() {
        let long = "x".repeat(MAX_RECORD_BYTES);
        assert!(check(&json!(long)).is_err() && check(&json!("x")).is_ok());
        assert!(from_comment(&to_comment(&json!(long))).is_err());
        assert_eq!(from_comment(&long).unwrap(), None);
        let deep = format!("{{\"kinora\":{}", "[".repeat(MAX_RECORD_BYTES / 2));
        assert_eq!(from_comment(&deep).unwrap(), None);
    }
}
