//! What happens, a line for each thing on standard error, as words or as JSON. Prompts and keys are not written.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use serde_json::{Value, json};

use crate::{clock, config::LogForm};

/// Where lines are written.
#[derive(Clone, Copy, Debug)]
pub struct Journal {
    form: LogForm,
}

impl Journal {
    /// In that form.
    pub fn new(form: LogForm) -> Self {
        Self { form }
    }

    /// Something has happened; `fields` is an object.
    pub fn event(&self, name: &str, fields: Value) {
        if self.form == LogForm::Off {
            return;
        }
        let mut line = line(self.form, clock::now_ms(), name, fields);
        line.push('\n');
        // In one piece, as several threads write; and nobody is left to tell when this fails.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

fn line(form: LogForm, at: i64, name: &str, fields: Value) -> String {
    let Value::Object(fields) = fields else { return name.to_owned() };
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    let seconds = at as f64 / 1000.0;
    if form == LogForm::Json {
        let mut object = json!({ "time": seconds, "event": name });
        fields.for_each(|(key, value)| object[key] = value);
        return object.to_string();
    }
    let mut line = format!("{seconds:.3} {name}");
    for (key, value) in fields {
        let _ = match value.as_str() {
            // A line is a line, whatever a client has sent.
            Some(text) if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') => {
                write!(line, " {key}={text}")
            }
            _ => write!(line, " {key}={value}"),
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_line() {
        let fields = || json!({ "path": "/v1/videos", "status": 200, "what": "a\nb \"c\"", "none": null });
        assert_eq!(
            line(LogForm::Text, 1500, "request", fields()),
            r#"1.500 request path=/v1/videos status=200 what="a\nb \"c\"""#
        );
        let json: Value = serde_json::from_str(&line(LogForm::Json, 1500, "request", fields())).unwrap();
        assert_eq!(
            json,
            json!({ "time": 1.5, "event": "request", "path": "/v1/videos", "status": 200, "what": "a\nb \"c\"" })
        );
    }
}
