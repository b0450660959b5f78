//! From a prompt to what the denoiser reads of it.

use burn::tensor::{Device, Tensor};
use htmlize::unescape;
use models::umt5::Umt5Encoder;
use nn::{Pack, Packing};
use serde::Deserialize;
use tokenizers::{Tokenizer, TruncationParams};

use crate::{Error, ModelFiles, ModelInfo, Result};

/// Tokenizer and text encoder.
#[derive(Debug)]
pub(crate) struct PromptEncoder {
    tokenizer: Tokenizer,
    encoder: Umt5Encoder,
    max_sequence_length: usize,
    unknown: Option<u32>,
}

/// The field of `tokenizer_config.json` that names the token for unknown words.
#[derive(Deserialize)]
struct TokenizerConfig {
    unk_token: Option<serde_json::Value>,
}

impl PromptEncoder {
    pub fn load(files: &ModelFiles, info: &ModelInfo, device: &Device) -> Result<Self> {
        let file = "tokenizer/tokenizer.json";
        let malformed = |error: tokenizers::Error| Error::Malformed {
            path: files.path(file),
            what: "the tokenizer".into(),
            expected: "a file of the tokenizers library".into(),
            found: error.to_string(),
        };
        let mut tokenizer = Tokenizer::from_bytes(files.read(file)?).map_err(malformed)?;
        let truncation =
            TruncationParams { max_length: info.max_sequence_length, ..TruncationParams::default() };
        // Padding is added here, beside the mask that goes with it.
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(malformed)?;
        let config: TokenizerConfig = files.json("tokenizer/tokenizer_config.json")?;
        let unknown = config.unk_token.as_ref().and_then(|token| token.as_str());
        Ok(Self {
            unknown: unknown.and_then(|token| tokenizer.token_to_id(token)),
            tokenizer,
            encoder: files.fill("text_encoder", Umt5Encoder::new(&info.text_encoder, device)?)?,
            max_sequence_length: info.max_sequence_length,
        })
    }

    /// Packs the encoder's weights.
    pub fn pack(&mut self, packing: Packing) {
        self.encoder.pack(packing);
    }

    /// The context of each prompt, `[prompts, max_sequence_length, d_model]`, zero after its end.
    pub fn context(&self, prompts: &[&str], device: &Device) -> Result<Tensor<3>> {
        let length = self.max_sequence_length;
        let mut ids = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let encoding =
                self.tokenizer.encode(clean(prompt), true).map_err(|e| Error::Tokenizer(e.to_string()))?;
            // A tokenizer may add its marks after it has cut the prompt.
            let found = encoding.get_ids().iter().take(length).map(|&id| id as usize).collect::<Vec<_>>();
            self.encoder.config().check_ids(&found)?;
            ids.push(found);
        }
        Ok(self.encoder.context(&ids, length, device))
    }

    /// The words of a prompt that the tokenizer has no token for, as they are written, in order and each once.
    pub fn unknown_words(&self, prompt: &str) -> Result<Vec<String>> {
        let Some(unknown) = self.unknown else { return Ok(Vec::new()) };
        let prompt = clean(prompt);
        let encoding =
            self.tokenizer.encode(prompt.as_str(), false).map_err(|e| Error::Tokenizer(e.to_string()))?;
        let mut words = Vec::<String>::new();
        for (&id, &(start, end)) in encoding.get_ids().iter().zip(encoding.get_offsets()) {
            let word = prompt.get(start..end).unwrap_or_default();
            if id == unknown && word.chars().any(char::is_alphabetic) && !words.iter().any(|w| w == word) {
                words.push(word.to_owned());
            }
        }
        Ok(words)
    }
}

/// A prompt as `WanPipeline` cleans it: HTML's character references are resolved, twice for text that was escaped
/// twice; no space is at the ends, and single ones are between words. (`ftfy`, which diffusers uses where it is
/// installed, also repairs text that was decoded wrongly.)
pub(crate) fn clean(prompt: &str) -> String {
    let once = unescape(prompt);
    unescape(&*once).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `html.unescape`, twice, and then its whitespace.
    #[test]
    fn prompts_are_cleaned_as_diffusers_does() {
        for (prompt, cleaned) in [
            ("  a red\tball\n\nbounces ", "a red ball bounces"),
            ("Tom &amp; Jerry &lt;3", "Tom & Jerry <3"),
            ("&amp;quot;fog&amp;quot;", "\"fog\""),
            ("&amp;amp;amp;", "&amp;"),
            ("caf&eacute; &#233;&#xE9; &#x1F3C0;", "café éé \u{1F3C0}"),
            ("a&nbsp;b\u{3000}c", "a b c"),
            ("&copy &ampx &notaname; 5 & 6; &#0; &#x110000;", "© &x ¬aname; 5 & 6; \u{FFFD} \u{FFFD}"),
            ("一个红色的球", "一个红色的球"),
            ("&nbsp;", ""),
        ] {
            assert_eq!(clean(prompt), cleaned, "{prompt}");
        }
    }
}
