//! A prompt as `WanPipeline` cleans it.

use super::{ftfy, html};

/// The text that a model reads of a prompt: repaired as `ftfy` does; HTML's character references resolved, twice for
/// text that was escaped twice; no space at the ends, and single ones between words.
///
/// Cleaning a second time may resolve what the first has made, so it is done once.
pub(crate) fn clean(prompt: &str) -> String {
    let unescaped = html::unescape(&html::unescape(&ftfy::fix_text(prompt)));
    unescaped.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// As Python's `html.unescape`, twice, and then its whitespace.
    #[test]
    fn prompts_are_cleaned_as_diffusers_does() {
        for (prompt, cleaned) in [
            ("  a red\tball\n\nbounces ", "a red ball bounces"),
            ("Tom &amp; Jerry &lt;3", "Tom & Jerry <3"),
            ("&amp;quot;fog&amp;quot;", "\"fog\""),
            ("&amp;amp;amp;", "&"),
            ("<&amp;amp;amp;", "<&amp;"),
            ("caf&eacute; &#233;&#xE9; &#x1F3C0;", "café éé \u{1F3C0}"),
            ("a&nbsp;b\u{3000}c", "a b c"),
            ("&copy &ampx &notaname; 5 & 6; &#0; &#x110000;", "© &x ¬aname; 5 & 6; \u{FFFD} \u{FFFD}"),
            ("一个红色的球", "一个红色的球"),
            ("&nbsp;", ""),
        ] {
            assert_eq!(clean(prompt), cleaned, "{prompt}");
        }
    }

    /// What `goldens/prompts.py` has recorded.
    #[derive(Deserialize)]
    struct Recorded {
        prompts: Vec<[String; 2]>,
    }

    #[test]
    fn prompts_with_damage_of_every_kind_are_cleaned_as_diffusers_does() {
        let recorded: Recorded = serde_json::from_str(include_str!("../../goldens/prompts.json")).unwrap();
        assert!(recorded.prompts.len() > 200);
        let differ = recorded.prompts.iter().filter(|[prompt, cleaned]| clean(prompt) != *cleaned);
        let differ = differ.map(|[prompt, cleaned]| (prompt, clean(prompt), cleaned)).collect::<Vec<_>>();
        assert!(differ.is_empty(), "prompt, ours, diffusers': {differ:#?}");
    }

    #[test]
    fn the_longest_prompts_of_every_kind_take_no_time() {
        let start = std::time::Instant::now();
        for piece in ["Ã", "â€™", "ð ", "&amp;", "&amp", "\u{1b}[", "œ", "Ð°", "\u{fffd}?", "ÃƒÂ©"]
        {
            let count = 32_000 / piece.chars().count();
            assert!(clean(&piece.repeat(count)).len() <= 32_000 * 4);
        }
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    }
}
