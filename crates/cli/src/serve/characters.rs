//! Somebody from a clip, for a model that knows the world's things by their words: what the judge sees in the clip takes the
//! place of the name.

use std::path::Path;

use judge::Judge;
use serde::{Deserialize, Serialize};
use server::maker::Refusal;
use world::{Colour, Kind, Language};

use super::refusal::internal;

/// Who is seen in a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    kind: Kind,
    colour: Colour,
}

/// Looks at a clip.
pub fn meet(clip: &Path, judge: &Judge) -> Result<Seen, Refusal> {
    let clip = media::read(clip).map_err(|error| Refusal::bad("video", error))?;
    let seen = judge.look(&clip).map_err(|error| Refusal::bad("video", error))?;
    // The one that is seen longest.
    let main = seen.tracks.iter().filter(|track| track.lasts()).max_by_key(|track| track.frames_seen());
    let Some(main) = main else {
        return Err(Refusal::bad("video", "expected a clip in which a thing is seen, found none"));
    };
    // The class behind all kinds is of what cannot be recognised.
    if main.kinds()[Kind::ALL.len()] > 0.5 {
        let message = "video: expected a thing of the model's world, found one that is unclear";
        return Err(Refusal::new(server::maker::Kind::Unsupported, message));
    }
    Ok(Seen { kind: main.kind(), colour: main.colour() })
}

/// The prompt with who was seen in place of a name, which is in it word for word.
pub fn told(prompt: &str, name: &str, Seen { kind, colour }: Seen) -> String {
    let language = if world::is_chinese(prompt) { Language::Chinese } else { Language::English };
    replaced(prompt, name, &world::thing_words(kind, colour, language))
}

/// The prompt with words in place of a name; an article before the name goes.
fn replaced(prompt: &str, name: &str, words: &str) -> String {
    ["the ", "The ", "a ", "A ", "an ", "An "]
        .iter()
        .map(|article| format!("{article}{name}"))
        .find(|named| prompt.contains(named.as_str()))
        .map_or_else(
            || prompt.replace(name, words),
            |named| prompt.replace(&named, words).replace(name, words),
        )
}

/// A judge, read when it is first needed.
pub fn judge(slot: &std::sync::OnceLock<Judge>) -> Result<&Judge, Refusal> {
    if let Some(judge) = slot.get() {
        return Ok(judge);
    }
    let judge = Judge::embedded().map_err(internal)?;
    Ok(slot.get_or_init(|| judge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_is_seen() {
        assert_eq!(replaced("Mossy walks to the left", "Mossy", "a red dog"), "a red dog walks to the left");
        assert_eq!(replaced("the Mossy rests", "Mossy", "a red dog"), "a red dog rests");
        assert_eq!(replaced("毛毛向左走", "毛毛", "一只红色的狗"), "一只红色的狗向左走");
    }
}
