//! The tokenizer: a word of English or a character of Chinese is a token. Letter case and
//! punctuation do not matter.
//!
//! It is a `tokenizer.json` like any other, read by `tokenizers` and by transformers.

use std::{collections::BTreeSet, fs, path::Path};

use burn::tensor::{Device, Tensor};
use models::umt5::Umt5Encoder;
use serde_json::{Value, json};
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer,
};
use world::Language;

use crate::{
    error::{Result, TrainError},
    files,
};

/// Special tokens, in the order of their ids.
const SPECIAL: [&str; 3] = ["<pad>", "</s>", "<unk>"];
/// The id of padding.
pub const PAD: u32 = 0;
/// The id that ends every prompt.
pub const EOS: u32 = 1;
/// The id of a word that is not in the vocabulary.
pub const UNK: u32 = 2;

/// Turns prompts into a fixed number of ids.
#[derive(Clone, Debug)]
pub struct PromptTokenizer {
    tokenizer: Tokenizer,
    max_length: usize,
}

impl PromptTokenizer {
    /// A tokenizer that knows every word of the world's captions; prompts become `max_length` ids.
    ///
    /// # Errors
    /// Never for the words that `world` lists.
    pub fn for_world(max_length: usize) -> Result<Self> {
        let words = [Language::English, Language::Chinese].map(world::all_caption_words).concat();
        Self::new(&words, max_length)
    }

    /// A tokenizer that knows the tokens of `words`.
    ///
    /// # Errors
    /// Words that `tokenizers` cannot take.
    pub fn new(words: &[String], max_length: usize) -> Result<Self> {
        // The pieces are found by the very pipeline that will look them up.
        let pieces = from_json(&definition(&[]))?;
        let mut vocabulary = BTreeSet::new();
        for word in words {
            vocabulary.extend(split(&pieces, word)?);
        }
        let vocabulary: Vec<String> = vocabulary.into_iter().collect();
        Ok(Self { tokenizer: from_json(&definition(&vocabulary))?, max_length })
    }

    /// Ids from 0 up to this one are in use.
    pub fn vocab_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// The number of ids that every prompt is padded to.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// What an encoder makes of prompts, `[batch, max_length, text_dim]`; zeros where there is padding.
    ///
    /// # Errors
    /// A prompt that the tokenizer refuses.
    pub fn context(&self, encoder: &Umt5Encoder, prompts: &[&str], device: &Device) -> Result<Tensor<3>> {
        let ids = prompts.iter().map(|prompt| self.encode(prompt)).collect::<Result<Vec<_>>>()?;
        Ok(encoder.context(&ids, self.max_length, device))
    }

    /// The ids of a prompt, at most [`max_length`](Self::max_length) with the end mark, and without padding.
    ///
    /// # Errors
    /// A prompt that `tokenizers` refuses.
    pub fn encode(&self, prompt: &str) -> Result<Vec<usize>> {
        Ok(self.encode_with_offsets(prompt)?.0)
    }

    /// The ids of a prompt as in [`encode`](Self::encode), and where each but the end mark begins, in bytes.
    ///
    /// # Errors
    /// A prompt that `tokenizers` refuses.
    pub fn encode_with_offsets(&self, prompt: &str) -> Result<(Vec<usize>, Vec<usize>)> {
        let encoding = self.tokenizer.encode(prompt, false).map_err(refused)?;
        let words = self.max_length - 1;
        let ids = encoding.get_ids().iter().take(words).chain(&[EOS]);
        let offsets = encoding.get_offsets().iter().take(words).map(|&(start, _)| start);
        Ok((ids.map(|&id| id as usize).collect(), offsets.collect()))
    }

    /// The text of ids, without special tokens.
    ///
    /// # Errors
    /// Ids that `tokenizers` refuses.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.tokenizer.decode(ids, true).map_err(refused)
    }

    /// Writes the files that `AutoTokenizer` reads into `folder`.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        let path = folder.join("tokenizer.json");
        let text = self.tokenizer.to_string(true).map_err(refused)?;
        files::write_text(&path, &text)?;
        let [pad, eos, unk] = SPECIAL;
        let names = json!({ "pad_token": pad, "eos_token": eos, "unk_token": unk });
        files::write_json(&folder.join("special_tokens_map.json"), &names)?;
        let mut config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": self.max_length,
            "padding_side": "right",
            "clean_up_tokenization_spaces": false,
        });
        if let (Value::Object(config), Value::Object(names)) = (&mut config, names) {
            config.extend(names);
        }
        files::write_json(&folder.join("tokenizer_config.json"), &config)
    }
}

fn refused(error: tokenizers::Error) -> TrainError {
    TrainError::Tokenizer(error.to_string())
}

fn from_json(definition: &Value) -> Result<Tokenizer> {
    Tokenizer::from_bytes(definition.to_string()).map_err(refused)
}

/// The pieces of a text that are looked up in the vocabulary.
fn split(tokenizer: &Tokenizer, text: &str) -> Result<Vec<String>> {
    let mut normalized = NormalizedString::from(text);
    if let Some(normalizer) = tokenizer.get_normalizer() {
        normalizer.normalize(&mut normalized).map_err(refused)?;
    }
    let mut pieces = PreTokenizedString::from(normalized);
    if let Some(pre_tokenizer) = tokenizer.get_pre_tokenizer() {
        pre_tokenizer.pre_tokenize(&mut pieces).map_err(refused)?;
    }
    let pieces = pieces.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
    Ok(pieces.into_iter().map(|(piece, _, _)| piece.to_owned()).collect())
}

/// The content of `tokenizer.json` for these words.
fn definition(vocabulary: &[String]) -> Value {
    let words = SPECIAL.iter().copied().chain(vocabulary.iter().map(String::as_str));
    let vocab: serde_json::Map<String, Value> =
        words.enumerate().map(|(id, word)| (word.to_owned(), id.into())).collect();
    let added: Vec<Value> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, token)| {
            json!({
                "id": id, "content": token, "special": true, "normalized": false,
                "single_word": false, "lstrip": false, "rstrip": false,
            })
        })
        .collect();
    let eos = SPECIAL[EOS as usize];
    let first = json!({ "Sequence": { "id": "A", "type_id": 0 } });
    let second = json!({ "Sequence": { "id": "B", "type_id": 0 } });
    let end = json!({ "SpecialToken": { "id": eos, "type_id": 0 } });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": { "type": "Sequence", "normalizers": [
            // Spaces around Chinese characters make each a word of its own.
            {
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": false, "lowercase": true,
            },
            { "type": "Replace", "pattern": { "Regex": r"\p{P}+" }, "content": " " },
        ]},
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, end],
            "pair": [first, end, second, end],
            "special_tokens": { eos: { "id": eos, "ids": [EOS], "tokens": [eos] } },
        },
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": SPECIAL[UNK as usize] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(tokenizer: &PromptTokenizer, prompt: &str) -> Vec<u32> {
        tokenizer.encode(prompt).unwrap().into_iter().map(|id| id as u32).collect()
    }

    /// The words of a prompt that are not in the vocabulary, as they are written.
    fn unknown_words(tokenizer: &PromptTokenizer, prompt: &str) -> Vec<String> {
        let encoding = tokenizer.tokenizer.encode(prompt, false).unwrap();
        let pairs = encoding.get_ids().iter().zip(encoding.get_offsets());
        let unknown = pairs.filter(|(id, _)| **id == UNK);
        unknown.map(|(_, &(start, end))| prompt[start..end].to_owned()).collect()
    }

    #[test]
    fn both_languages_round_trip() {
        let tokenizer = PromptTokenizer::for_world(48).unwrap();
        for (prompt, back) in [
            ("A red ball, bounces on the GRASS.", "a red ball bounces on the grass"),
            ("一个红色的球在草地上弹跳。", "一 个 红 色 的 球 在 草 地 上 弹 跳"),
            ("", ""),
        ] {
            let ids = ids(&tokenizer, prompt);
            assert_eq!(ids.last(), Some(&EOS));
            assert!(!ids.contains(&PAD) && !ids.contains(&UNK), "{ids:?}");
            assert_eq!(tokenizer.decode(&ids).unwrap(), back);
            assert!(unknown_words(&tokenizer, prompt).is_empty());
        }
    }

    #[test]
    fn unknown_words_are_named_as_written() {
        let tokenizer = PromptTokenizer::for_world(48).unwrap();
        let prompt = "a Quixotic red ball, 一只鲸";
        assert_eq!(unknown_words(&tokenizer, prompt), ["Quixotic", "鲸"]);
        assert_eq!(ids(&tokenizer, prompt).iter().filter(|&&id| id == UNK).count(), 2);
    }

    #[test]
    fn long_prompts_are_cut_before_the_end_mark() {
        let tokenizer = PromptTokenizer::for_world(6).unwrap();
        let ids = ids(&tokenizer, &"red ".repeat(20));
        assert_eq!((ids.len(), ids[5]), (6, EOS));
        assert!(ids[..5].iter().all(|&id| id == ids[0] && id > UNK));
    }

    #[test]
    fn every_caption_is_known_and_short_enough() {
        use rand::{Rng, SeedableRng};
        let tokenizer = PromptTokenizer::for_world(48).unwrap();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut cut = 0;
        for index in 0..400 {
            let scene = world::Scene::sample(rng.random(), world::Split::Train);
            let language = [Language::English, Language::Chinese][index % 2];
            for text in [
                world::caption(&scene, language, &mut rng).text,
                world::still_caption(&scene, language, &mut rng).text,
            ] {
                assert_eq!(unknown_words(&tokenizer, &text), Vec::<String>::new(), "{text}");
                let used = ids(&tokenizer, &text).len();
                assert!(used < tokenizer.max_length(), "{used} tokens: {text}");
            }
            let dense = world::dense_caption(&scene, language, &mut rng).text;
            assert_eq!(unknown_words(&tokenizer, &dense), Vec::<String>::new(), "{dense}");
            cut += usize::from(ids(&tokenizer, &dense).len() >= tokenizer.max_length());
        }
        // Three things in Chinese may lose the camera at their end.
        assert!(cut <= 4, "{cut} of 400 dense captions are too long");
    }

    #[test]
    fn what_is_saved_is_read_alike() {
        let folder = tempfile::tempdir().unwrap();
        let tokenizer = PromptTokenizer::for_world(48).unwrap();
        tokenizer.save(folder.path()).unwrap();
        let read = Tokenizer::from_file(folder.path().join("tokenizer.json")).unwrap();
        assert_eq!(read.encode("红 ball", true).unwrap().get_ids(), ids(&tokenizer, "红 ball"));
    }
}
