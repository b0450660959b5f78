//! Forms of several parts: texts into the object, files onto the disk as they come.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Body, Upload, brackets, too_long};
use crate::{
    app::{App, BODY_UNIT},
    jobs::has_room,
    problem::Problem,
};

/// Parts of a form, at most.
const MAX_PARTS: usize = 256;

/// Bytes of all texts of a form: a picture as a data URL may be one.
const MAX_TEXT_BYTES: usize = 24 << 20;

/// Bytes of a file, after which it is asked again whether the disk has room.
const LOOK_EVERY: usize = 8 << 20;

/// Fields that are files; a part of another name is a text, whatever it calls itself.
const FILES: [&str; 3] = ["input_reference", "video", "file"];

/// Reads all of it.
pub async fn read(request: Request, app: &Arc<App>) -> Result<Body, Problem> {
    let malformed =
        |reason: String| Problem::bad(format!("The form makes no sense: {reason}.")).code("invalid_form");
    let failed = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_long((app.settings.max_body_mib as usize) << 20),
        _ => malformed("its parts cannot be told apart, or it is cut short".to_owned()),
    };
    let form = Multipart::from_request(request, app).await;
    let mut form = form.map_err(|_| malformed("its header names no boundary".to_owned()))?;
    let (mut fields, mut files) = (json!({}), BTreeMap::new());
    let (mut parts, mut text_bytes) = (0, 0);
    let budget = app.body_budget.clone().try_acquire_many_owned(0);
    let mut budget = budget.map_err(Problem::internal)?;
    while let Some(mut part) = form.next_field().await.map_err(failed)? {
        parts += 1;
        if parts > MAX_PARTS {
            return Err(malformed(format!("it has more than {MAX_PARTS} parts")));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if is_file(&part, &name) {
            let mut upload = Upload::create(&app.folder.incoming()).await?;
            let mut unseen = usize::MAX;
            while let Some(chunk) = part.chunk().await.map_err(failed)? {
                if unseen >= LOOK_EVERY {
                    unseen = 0;
                    if !app.blocking(|app| Ok(has_room(app)?)).await? {
                        return Err(Problem::disk_full());
                    }
                }
                unseen += chunk.len();
                upload.append(&chunk).await?;
            }
            let upload = upload.finish().await?;
            if files.insert(name.clone(), upload).is_some() {
                return Err(malformed(format!("the file '{name}' is there twice")));
            }
            continue;
        }
        let mut text = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(failed)? {
            text_bytes += chunk.len();
            if text_bytes > MAX_TEXT_BYTES {
                return Err(too_long(MAX_TEXT_BYTES));
            }
            let units = text_bytes.div_ceil(BODY_UNIT) - budget.num_permits();
            // Who waited here with a part of it could wait for others that do so too.
            match app.body_budget.clone().try_acquire_many_owned(units as u32) {
                Ok(more) => budget.merge(more),
                Err(_) => {
                    let message = "Too many long requests at once.";
                    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, message);
                    return Err(problem.code("unavailable").retry_after(1));
                }
            }
            text.extend_from_slice(&chunk);
        }
        let text =
            String::from_utf8(text).map_err(|_| malformed(format!("the text of '{name}' is not UTF-8")))?;
        brackets::insert(&mut fields, &name, Value::String(text)).map_err(malformed)?;
    }
    Ok(Body { fields, files })
}

/// A client may send bytes without a name of their own, and a text may come with one.
fn is_file(part: &Field<'_>, name: &str) -> bool {
    let is_text = part.content_type().is_none_or(|kind| kind.starts_with("text/plain"));
    FILES.contains(&name) && (part.file_name().is_some() || !is_text)
}
