//! The files and videos that a request is made of.

use std::path::PathBuf;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    app::App,
    body::{Sniffed, Upload},
    ids::Sort,
    jobs::{Given, GivenFile},
    keys::Owner,
    maker::{Place, Role},
    problem::Problem,
    store::{Job, JobKind, Status},
    wire::{CharacterReference, ImageReference, Known, VideoReference},
};

/// Bytes of the largest picture that is fetched.
const MAX_PICTURE: u64 = 32 << 20;

/// Characters of the longest URL, as OpenAI has it: a picture may be in it.
const MAX_URL: usize = 20_971_520;

/// Stills and clips of one request, at most.
const MAX_KNOWN: usize = 32;

/// A job of an owner, by its name.
///
/// # Errors
/// There is none.
pub fn job(app: &App, owner: &Owner, id: &str) -> Result<Job, Problem> {
    let job = if Sort::Video.is_name(id) { app.jobs.get(id)? } else { None };
    let job = job.filter(|job| job.owner == *owner && job.kind == JobKind::Video);
    job.ok_or_else(|| Problem::no_such("video", id))
}

/// A video of an owner that is completed.
///
/// # Errors
/// There is none.
pub fn completed(app: &App, owner: &Owner, id: &str, param: &str) -> Result<Job, Problem> {
    let job = job(app, owner, id).map_err(|problem| problem.param(param))?;
    match job.status {
        Status::Completed => Ok(job),
        Status::Failed => Err(Problem::value(param, "the video has failed").code("video_failed")),
        Status::Queued | Status::InProgress => {
            Err(Problem::value(param, "the video is not completed yet").code("video_not_ready"))
        }
    }
}

/// The file of a video that is completed.
///
/// # Errors
/// It is kept elsewhere, and cannot be brought here now.
pub fn output(app: &App, job: &Job) -> Result<PathBuf, Problem> {
    let path = app.folder.job(&job.id).output(job.kind == JobKind::Image);
    app.jobs.bring(&job.id, &path)?;
    Ok(path)
}

/// The video that a request changes: a file that came with it, or one of the server's.
///
/// # Errors
/// Neither, both, or none that can be changed.
pub fn video(
    app: &App,
    owner: &Owner,
    upload: Option<Upload>,
    reference: Option<VideoReference>,
) -> Result<(Given, Option<Job>), Problem> {
    let role = Role::SourceVideo;
    match (upload, reference) {
        (Some(upload), None) => {
            let sniffed = Sniffed::of(upload.path(), "video", app)?;
            check_is_clip(&sniffed)?;
            Ok((Given { role, file: GivenFile::New(upload), extension: sniffed.extension }, None))
        }
        (None, Some(VideoReference { id })) => {
            let job = completed(app, owner, &id, "video")?;
            Ok((Given { role, file: GivenFile::Shared(output(app, &job)?), extension: "mp4" }, Some(job)))
        }
        (None, None) => {
            let message = "Missing required parameter: 'video'.";
            Err(Problem::bad(message).param("video").code("missing_required_parameter"))
        }
        (Some(_), Some(_)) => Err(Problem::value("video", "expected a file or an id, found both")),
    }
}

/// Refuses a picture.
///
/// # Errors
/// A file of one frame.
pub fn check_is_clip(sniffed: &Sniffed) -> Result<(), Problem> {
    match sniffed.num_frames {
        0 | 1 => Err(Problem::value("video", "expected a clip, found a picture").code("invalid_type")),
        _ => Ok(()),
    }
}

/// The picture that a video begins with: a file that came with the request, or where it is.
///
/// # Errors
/// Both, or no picture.
pub fn first_frame(
    app: &App,
    upload: Option<Upload>,
    reference: Option<ImageReference>,
) -> Result<Option<(Given, Sniffed)>, Problem> {
    let param = "input_reference";
    let upload = match (upload, reference) {
        (None, None) => return Ok(None),
        (Some(upload), None) => upload,
        (None, Some(ImageReference { image_url: Some(url), file_id: None })) => fetched(app, &url, param)?,
        (None, Some(ImageReference { image_url: None, file_id: Some(_) })) => {
            let message = "this server keeps no files; send the picture itself, or an 'image_url'";
            return Err(Problem::value(param, message).code("unsupported"));
        }
        _ => {
            return Err(Problem::value(
                param,
                "expected a file, or exactly one of 'image_url' and 'file_id'",
            ));
        }
    };
    let sniffed = Sniffed::of(upload.path(), param, app)?;
    if sniffed.num_frames != 1 {
        return Err(Problem::value(param, "expected a picture, found a clip").code("invalid_type"));
    }
    let given = Given { role: Role::FirstFrame, file: GivenFile::New(upload), extension: sniffed.extension };
    Ok(Some((given, sniffed)))
}

/// The characters of a video, whose names are in the prompt.
///
/// # Errors
/// Too many, unknown ones, or one that the prompt does not name.
pub fn characters(
    app: &App,
    owner: &Owner,
    references: Vec<CharacterReference>,
    prompt: &str,
) -> Result<Vec<Given>, Problem> {
    let most = app.settings.max_characters;
    if references.len() as u64 > most {
        return Err(Problem::value("characters", format!("expected at most {most}")));
    }
    let character = |CharacterReference { id }| {
        let known = if Sort::Character.is_name(&id) { app.records.character(owner, &id)? } else { None };
        let character = known.ok_or_else(|| Problem::no_such("character", &id).param("characters"))?;
        if !prompt.contains(&character.name) {
            let message = format!("the prompt does not name '{}' word for word", character.name);
            return Err(Problem::value("characters", message));
        }
        let path = app.folder.character(&character.id);
        let extension = Sniffed::of(&path, "characters", app)?.extension;
        let role = Role::Character { name: character.name, seen: character.seen };
        Ok(Given { role, file: GivenFile::Shared(path), extension })
    };
    references.into_iter().map(character).collect()
}

/// The stills and clips that are a part of a video.
///
/// # Errors
/// Too many, or some that are none.
pub fn known(app: &App, owner: &Owner, known: Vec<Known>) -> Result<Vec<Given>, Problem> {
    let param = "known";
    if known.len() > MAX_KNOWN {
        return Err(Problem::value(param, format!("expected at most {MAX_KNOWN}")));
    }
    let given = |Known { image_url, video, at, strength }: Known| {
        crate::wire::check_strength(param, strength)?;
        let at = at.unwrap_or(Place::Seconds(0.0));
        if let Place::Seconds(seconds) = at
            && !(seconds >= 0.0 && seconds.is_finite())
        {
            return Err(Problem::value(param, "expected 'at' to be 0 seconds or more, or \"end\""));
        }
        let role = Role::Known { at, strength: strength.unwrap_or(0.0) };
        match (image_url, video) {
            (Some(url), None) => {
                let upload = fetched(app, &url, param)?;
                let extension = Sniffed::of(upload.path(), param, app)?.extension;
                Ok(Given { role, file: GivenFile::New(upload), extension })
            }
            (None, Some(VideoReference { id })) => {
                let job = completed(app, owner, &id, param)?;
                Ok(Given { role, file: GivenFile::Shared(output(app, &job)?), extension: "mp4" })
            }
            _ => Err(Problem::value(param, "expected 'image_url' or 'video' in each, and one of them")),
        }
    };
    known.into_iter().map(given).collect()
}

/// The picture at a URL.
fn fetched(app: &App, url: &str, param: &str) -> Result<Upload, Problem> {
    let folder = app.folder.incoming();
    if let Some(rest) = url.strip_prefix("data:") {
        if url.chars().count() > MAX_URL {
            return Err(
                Problem::too_large(format!("This data URL has more than {MAX_URL} characters.")).param(param)
            );
        }
        let coded = rest.split_once(',').filter(|(kind, _)| kind.ends_with(";base64"));
        let bytes = coded.and_then(|(_, coded)| BASE64_STANDARD.decode(coded.trim()).ok());
        let bytes = bytes.ok_or_else(|| Problem::value(param, "expected a data URL in base64"))?;
        return Upload::of(&folder, &bytes);
    }
    if !app.settings.fetch_images {
        let message =
            "this server fetches nothing from the web (see --fetch-images); send a file or a data URL";
        return Err(Problem::value(param, message).code("unsupported"));
    }
    let bytes = app.net.get(url, MAX_PICTURE);
    let bytes =
        bytes.map_err(|reason| Problem::value(param, format!("the picture is not to be had: {reason}")))?;
    Upload::of(&folder, &bytes)
}
