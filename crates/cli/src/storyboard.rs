//! `kinora storyboard`: a request in a file for people to write.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use engine::VideoRequest;
use serde_json::{Map, Value};

use crate::{
    failure::usage,
    generate::{GenerateArgs, run_as},
};

/// The longest file that is read.
const MAX_BYTES: u64 = 2 << 20;

#[derive(Args)]
pub struct StoryboardArgs {
    /// TOML with the fields of a request, such as size and seed; a table of spans with from, to (seconds) and prompt for
    /// each part, and one of what is known, with file and at for each picture. What it does not say can be said by flags
    file: PathBuf,

    #[command(flatten)]
    generate: GenerateArgs,
}

pub fn run(StoryboardArgs { file, generate }: StoryboardArgs) -> Result<()> {
    let said = read(&file)?;
    run_as(generate, |request, _| over(request, said, &file))
}

fn read(file: &Path) -> Result<Map<String, Value>> {
    let bytes = disk::read_bounded(file, MAX_BYTES)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| usage(format!("{}: expected TOML, found what is no text", file.display())))?;
    toml::from_str(&text).map_err(|error| usage(format!("{}: {error}", file.display())))
}

/// What a file says in place of what flags say; its paths are seen from where it lies.
fn over(request: VideoRequest, said: Map<String, Value>, file: &Path) -> Result<VideoRequest> {
    let wrong = |error: serde_json::Error| usage(format!("{}: {error}", file.display()));
    let has_length = ["seconds", "num_frames"].iter().any(|field| said.contains_key(*field));
    let mut fields = serde_json::to_value(&request).map_err(wrong)?;
    let usual = serde_json::to_value(VideoRequest::default()).map_err(wrong)?;
    let is_flag = |field: &str| fields.get(field) != usual.get(field);
    // A file with spans has no other prompt.
    let twice = |field: &&String| is_flag(field) || field.as_str() == "spans" && is_flag("prompt");
    if let Some(field) = said.keys().find(twice) {
        let flag = if field == "spans" { "prompt" } else { field };
        return Err(usage(format!(
            "{flag}: expected by a flag or in {} ({field}), found both",
            file.display()
        )));
    }
    if let Value::Object(fields) = &mut fields {
        fields.extend(said);
    }
    let mut request: VideoRequest = serde_json::from_value(fields).map_err(wrong)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    for known in &mut request.known {
        known.file = folder.join(&known.file);
    }
    if !has_length && request.num_frames.is_none() && request.seconds.is_none() {
        // As long as it tells something.
        request.seconds = request.spans.last().map(|span| span.to);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use engine::{Known, Span};

    use super::*;

    fn read_over(text: &str) -> Result<VideoRequest> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("story.toml");
        std::fs::write(&file, text).unwrap();
        let mut request = over(VideoRequest { seed: 7, ..VideoRequest::default() }, read(&file)?, &file)?;
        for known in &mut request.known {
            known.file = known.file.strip_prefix(folder.path()).unwrap().into();
        }
        Ok(request)
    }

    #[test]
    fn a_story_is_a_request() {
        let text = r#"
            size = "96x64"
            [[spans]]
            from = 0
            to = 1.5
            prompt = "a red ball rolls"
            [[spans]]
            from = 1.5
            to = 3
            prompt = "a red ball bounces"
            [[known]]
            file = "first.png"
        "#;
        let span = |from, to, prompt: &str| Span { from, to, prompt: prompt.into() };
        let expected = VideoRequest {
            seed: 7,
            size: Some("96x64".parse().unwrap()),
            seconds: Some(3.0),
            spans: vec![span(0.0, 1.5, "a red ball rolls"), span(1.5, 3.0, "a red ball bounces")],
            known: vec![Known::new("first.png")],
            ..VideoRequest::default()
        };
        assert_eq!(read_over(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("sise = \"96x64\"", "sise"),
            ("size = ", "story.toml"),
            ("[[spans]]\nfrom = 0", "to"),
            ("seed = 8", "found both"),
        ] {
            let message = read_over(text).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
