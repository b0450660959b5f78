//! Keys of forms: `video[id]`, `characters[][id]`, `tags[]`.

use serde_json::{Map, Value, map::Entry};

/// Objects and lists within each other, at most.
const MAX_DEPTH: usize = 6;

/// Entries of a list, at most.
const MAX_ITEMS: usize = 64;

/// A step into an object or a list.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    Key(&'a str),
    Item,
}

/// Puts a value where its key says.
///
/// # Errors
/// A key that makes no sense, or that was there before.
pub fn insert(object: &mut Value, key: &str, value: Value) -> Result<(), String> {
    let steps = steps(key)?;
    put(object, &steps, value).map_err(|reason| format!("the field '{key}' {reason}"))
}

fn steps(key: &str) -> Result<Vec<Step<'_>>, String> {
    let malformed = || format!("the field '{key}' has brackets that make no sense");
    let (first, mut rest) = key.split_at(key.find('[').unwrap_or(key.len()));
    if first.is_empty() {
        return Err("a field has no name".to_owned());
    }
    let mut steps = vec![Step::Key(first)];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (name, behind) = inner.ok_or_else(malformed)?;
        // Some clients number the entries; they come in order all the same.
        let is_item = name.bytes().all(|byte| byte.is_ascii_digit());
        steps.push(if is_item { Step::Item } else { Step::Key(name) });
        rest = behind;
        if steps.len() > MAX_DEPTH || name.contains('[') {
            return Err(malformed());
        }
    }
    Ok(steps)
}

fn put(place: &mut Value, steps: &[Step<'_>], value: Value) -> Result<(), &'static str> {
    const TWICE: &str = "is there twice";
    const OTHER: &str = "is of two kinds";
    match steps {
        [] => Ok(()),
        [Step::Key(key), rest @ ..] => {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let object = place.as_object_mut().ok_or(OTHER)?;
            match (object.entry(*key), rest) {
                (Entry::Occupied(_), []) => Err(TWICE),
                (Entry::Vacant(entry), []) => {
                    entry.insert(value);
                    Ok(())
                }
                (entry, rest) => put(entry.or_insert(Value::Null), rest, value),
            }
        }
        [Step::Item, rest @ ..] => {
            if place.is_null() {
                *place = Value::Array(Vec::new());
            }
            let items = place.as_array_mut().ok_or(OTHER)?;
            // `a[][x]=1&a[][y]=2&a[][x]=3` are two entries.
            let goes_on = match (items.last(), rest) {
                (Some(Value::Object(last)), [Step::Key(key), rest @ ..]) => {
                    !last.contains_key(*key) || matches!(rest, [Step::Item, ..])
                }
                _ => false,
            };
            if !goes_on {
                if items.len() == MAX_ITEMS {
                    return Err("has too many entries");
                }
                items.push(Value::Null);
            }
            match (items.last_mut(), rest) {
                (Some(last), []) => {
                    *last = value;
                    Ok(())
                }
                (Some(last), rest) => put(last, rest, value),
                (None, _) => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(pairs: &[(&str, &str)]) -> Result<Value, String> {
        let mut object = json!({});
        pairs.iter().try_for_each(|(key, value)| insert(&mut object, key, json!(value)))?;
        Ok(object)
    }

    #[test]
    fn keys_say_where_values_belong() {
        let read = object(&[
            ("prompt", "a"),
            ("input_reference[image_url]", "u"),
            ("characters[][id]", "1"),
            ("characters[][id]", "2"),
            ("tags[]", "x"),
            ("tags[]", "y"),
            ("spans[0][from]", "0"),
            ("spans[0][to]", "1"),
            ("spans[1][from]", "1"),
        ]);
        let expected = json!({
            "prompt": "a",
            "input_reference": { "image_url": "u" },
            "characters": [{ "id": "1" }, { "id": "2" }],
            "tags": ["x", "y"],
            "spans": [{ "from": "0", "to": "1" }, { "from": "1" }],
        });
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn keys_that_make_no_sense_are_refused() {
        for key in ["", "[a]", "a[", "a[b", "a[b]c", "a[[b]]", &format!("a{}", "[b]".repeat(9))] {
            assert!(object(&[(key, "1")]).is_err() || key == "{key}");
        }
        assert!(object(&[("a", "1"), ("a", "2")]).is_err());
        assert!(object(&[("a", "1"), ("a[b]", "2")]).is_err());
        assert!(object(&[("a[]", "1"), ("a[b]", "2")]).is_err());
        assert!(object(&[("a[]", "1"); 65]).is_err());
    }
}
