//! How a record of the making is told from any other comment: it is the JSON object `{"kinora": …}`.
//! The same text goes into an MP4 comment tag, a GIF comment and a PNG text chunk, so that other
//! programs show it and copying between containers keeps it.

use serde_json::{Value, json};

const KEY: &str = "kinora";

/// One line of JSON. Characters beyond ASCII are escaped, as GIF comments are 7-bit.
pub(crate) fn to_comment(provenance: &Value) -> String {
    let mut comment = String::new();
    for character in json!({ KEY: provenance }).to_string().chars() {
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

/// The value given to [`to_comment`], or `None` for a comment of another kind.
pub(crate) fn from_comment(comment: &str) -> Option<Value> {
    match serde_json::from_str(comment) {
        Ok(Value::Object(mut object)) if object.len() == 1 => object.remove(KEY),
        _ => None,
    }
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
            assert_eq!(from_comment(&comment), Some(value));
        }
    }

    #[test]
    fn other_comments_are_not_records() {
        for comment in ["", "made with a camera", "{}", "[1]", r#"{"kinora":1,"other":2}"#, r#"{"other":{}}"#]
        {
            assert_eq!(from_comment(comment), None, "{comment}");
        }
    }
}
