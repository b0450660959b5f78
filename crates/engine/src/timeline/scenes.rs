//! What is seen when: the prompts of a request, by time.

use super::{Span, camera::with_camera};
use crate::VideoRequest;

/// The stretches of a video of so many seconds in which one thing is to be seen, in order; one for all of it, if the request
/// says nothing of times. What is in no span has the prompt of the one before it, or of the first.
pub(crate) fn scenes(request: &VideoRequest, seconds: f64) -> Vec<Span> {
    let mut times = vec![0.0];
    times.extend(request.spans.iter().map(|span| span.from));
    times.extend(request.camera.iter().flat_map(|camera| camera.times(seconds)));
    times.retain(|time| *time < seconds || *time == 0.0);
    times.sort_by(f64::total_cmp);
    times.dedup();
    let ends = times.iter().copied().skip(1).chain([seconds]);
    let mut scenes: Vec<Span> = Vec::new();
    for (&from, to) in times.iter().zip(ends) {
        let span = request.spans.iter().rfind(|span| span.from <= from).or(request.spans.first());
        let prompt = span.map_or(&request.prompt, |span| &span.prompt);
        let camera = request.camera.as_ref().and_then(|camera| camera.at(from, seconds));
        let prompt = camera.map_or_else(|| prompt.clone(), |camera| with_camera(prompt, camera));
        match scenes.last_mut() {
            Some(last) if last.prompt == prompt => last.to = to,
            _ => scenes.push(Span { from, to, prompt }),
        }
    }
    scenes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(request: &VideoRequest) -> Vec<(f64, f64, String)> {
        scenes(request, 4.0).into_iter().map(|scene| (scene.from, scene.to, scene.prompt)).collect()
    }

    #[test]
    fn spans_and_camera_cut_a_video_into_scenes() {
        let request = VideoRequest { prompt: "a ball".into(), ..VideoRequest::default() };
        assert_eq!(told(&request), [(0.0, 4.0, "a ball".into())]);
        let camera = Some("zoom in; pan left".parse().unwrap());
        let moved = VideoRequest { camera, ..request.clone() };
        let (zooms, pans) = ("a ball, the camera zooms in", "a ball, the camera pans left");
        assert_eq!(told(&moved), [(0.0, 2.0, zooms.into()), (2.0, 4.0, pans.into())]);
        let span = |from, to, prompt: &str| Span { from, to, prompt: prompt.into() };
        let spans = vec![span(0.0, 1.0, "a dog"), span(1.0, 4.0, "a cat")];
        let both = VideoRequest { spans, camera: Some("pan left @2-9".parse().unwrap()), ..request };
        let expected = [
            (0.0, 1.0, "a dog".into()),
            (1.0, 2.0, "a cat".into()),
            (2.0, 4.0, "a cat, the camera pans left".into()),
        ];
        assert_eq!(told(&both), expected);
    }
}
