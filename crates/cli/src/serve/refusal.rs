//! Failures of the engine in the server's kinds.

use engine::Error;
use server::maker::{Kind, Refusal};

/// What a client is told of a failure.
pub fn of(error: &Error) -> Refusal {
    if let Error::Request { field, .. } = error {
        return Refusal::bad(parameter(field), error);
    }
    let kind = match error.kind() {
        engine::Kind::Request => Kind::BadRequest { param: None, code: None },
        engine::Kind::Memory => Kind::OutOfMemory,
        engine::Kind::Cancelled => Kind::Cancelled,
        engine::Kind::Model | engine::Kind::File | engine::Kind::Run => Kind::Internal,
    };
    Refusal::new(kind, error)
}

/// A fault of the server's own.
pub fn internal(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Internal, error)
}

/// What clients call a field of the engine's request.
fn parameter(field: &str) -> &str {
    match field {
        "known" => "video",
        "region" => "regions",
        "loop" => "loop",
        "size and num_frames" => "size",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_cannot_be_is_named_as_the_client_wrote_it() {
        let error = Error::Request { field: "known", expected: "a clip".into(), found: "none".into() };
        let Refusal { kind, message } = of(&error);
        assert_eq!(kind, Refusal::bad("video", "").kind);
        assert!(message.contains("a clip"), "{message}");
        let cancelled = Error::Cancelled { stage: engine::Stage::Denoise, step: 1, total: 2 };
        assert_eq!(of(&cancelled).kind, Kind::Cancelled);
    }
}
