//! Somebody from a clip, for a model that knows the world's things by their words: what the judge sees in the clip takes the
//! place of the name.

use std::path::Path;

use judge::Judge;
use server::maker::Refusal;
use world::{Kind, Language};

use super::refusal::internal;

/// The prompt with what is seen in the clip in place of a name, which is in it word for word.
pub fn told(prompt: &str, name: &str, clip: &Path, judge: &Judge) -> Result<String, Refusal> {
    let clip = media::read(clip).map_err(|error| Refusal::bad("characters", error))?;
    let seen = judge.look(&clip).map_err(|error| Refusal::bad("characters", error))?;
    // The one that is seen longest.
    let main = seen.tracks.iter().filter(|track| track.lasts()).max_by_key(|track| track.frames_seen());
    let Some(main) = main else {
        return Err(Refusal::bad(
            "characters",
            format!("{name}: expected a clip in which a thing is seen, found none"),
        ));
    };
    // The class behind all kinds is of what cannot be recognised.
    if main.kinds()[Kind::ALL.len()] > 0.5 {
        let message = format!("{name}: expected a thing of the model's world, found one that is unclear");
        return Err(Refusal::new(server::maker::Kind::Unsupported, message));
    }
    let language = if world::is_chinese(prompt) { Language::Chinese } else { Language::English };
    Ok(replaced(prompt, name, &world::thing_words(main.kind(), main.colour(), language)))
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
