//! From a prompt to what the denoiser reads of it.

mod clean;
mod ftfy;
mod html;

use std::panic::catch_unwind;

use burn::tensor::{Device, Tensor};
use models::family::{TextEncoder, TextEncoderConfig};
use nn::Packing;
use serde::Deserialize;
use tokenizers::{Encoding, Tokenizer, TruncationParams};

pub(crate) use self::clean::clean;
use crate::{
    Error, ModelFiles, ModelInfo, Result, cache, cache::Context, finite::is_finite, model::PartName,
    parts::Part,
};

/// Tokenizer and text encoder.
#[derive(Debug)]
pub(crate) struct PromptEncoder {
    tokenizer: Tokenizer,
    config: TextEncoderConfig,
    files: ModelFiles,
    packing: Option<Packing>,
    device: Device,
    /// A small one; a large one is read layer by layer for each prompt, whose context is kept on the disk.
    encoder: Part<TextEncoder>,
    is_streamed: bool,
    max_sequence_length: usize,
    unknown: Option<u32>,
}

/// The field of `tokenizer_config.json` that names the token for unknown words.
#[derive(Deserialize)]
struct TokenizerConfig {
    unk_token: Option<serde_json::Value>,
}

impl PromptEncoder {
    /// Reads the tokenizer; the encoder is read for the first prompt.
    pub fn open(
        files: &ModelFiles,
        info: &ModelInfo,
        packing: Option<Packing>,
        device: &Device,
    ) -> Result<Self> {
        let file = "tokenizer/tokenizer.json";
        let malformed = |error: tokenizers::Error| Error::Malformed {
            path: files.path(file),
            what: "the tokenizer".into(),
            expected: "a file of the tokenizers library".into(),
            found: error.to_string(),
        };
        let mut tokenizer = parse_tokenizer(&files.read(file)?).map_err(malformed)?;
        let truncation =
            TruncationParams { max_length: info.max_sequence_length, ..TruncationParams::default() };
        // Padding is added here, beside the mask that goes with it.
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(malformed)?;
        let config: TokenizerConfig = files.json("tokenizer/tokenizer_config.json")?;
        let unknown = config.unk_token.as_ref().and_then(|token| token.as_str());
        let encoder = {
            let (files, config, device) = (files.clone(), info.text_encoder.clone(), device.clone());
            Part::when_needed(move || {
                Ok(config.load(files.weights(PartName::TextEncoder)?, packing, &device)?)
            })
        };
        Ok(Self {
            unknown: unknown.and_then(|token| tokenizer.token_to_id(token)),
            tokenizer,
            is_streamed: info.text_encoder.is_large(),
            config: info.text_encoder.clone(),
            files: files.clone(),
            packing,
            device: device.clone(),
            encoder,
            max_sequence_length: info.max_sequence_length,
        })
    }

    /// Loads the encoder, and keeps it.
    pub fn keep(&mut self) -> Result<()> {
        self.is_streamed = false;
        self.encoder.keep()
    }

    /// Loads the encoder if it is small: what is wrong with it shows before the work.
    pub fn prepare(&self) -> Result<()> {
        if self.is_streamed { Ok(()) } else { self.encoder.keep() }
    }

    /// The context of each prompt, `[prompts, max_sequence_length, d_model]`, zero after its end. `prompts` are clean,
    /// here and below.
    pub fn context(&self, prompts: &[&str]) -> Result<Tensor<3>> {
        let ids = self.ids(prompts)?;
        match self.is_streamed {
            true => self.stream(&ids),
            false => Ok(self.encoder.get()?.context(&ids, self.max_sequence_length, &self.device)),
        }
    }

    fn ids(&self, prompts: &[&str]) -> Result<Vec<Vec<usize>>> {
        let ids_of = |prompt: &&str| {
            let encoding = self.encode(prompt, true)?;
            // A tokenizer may add its marks after it has cut the prompt.
            let ids = encoding.get_ids().iter().take(self.max_sequence_length);
            let ids = ids.map(|&id| id as usize).collect::<Vec<_>>();
            self.config.check_ids(&ids)?;
            Ok(ids)
        };
        prompts.iter().map(ids_of).collect()
    }

    /// How many tokens the longest of these prompts has, cut to what is read, and how many prompts there are.
    pub fn longest(&self, prompts: &[&str]) -> Result<[usize; 2]> {
        let ids = self.ids(prompts)?;
        Ok([ids.len(), ids.iter().map(Vec::len).max().unwrap_or_default()])
    }

    /// Whether nothing has to be read for these prompts: all of their contexts are kept on the disk.
    pub fn is_kept(&self, prompts: &[&str]) -> Result<bool> {
        if !self.is_streamed {
            return Ok(false);
        }
        let caches = self.caches(&self.ids(prompts)?)?;
        Ok(caches.iter().all(|cache| cache.as_ref().is_some_and(Context::exists)))
    }

    /// Where the contexts of prompts are kept, if anywhere.
    fn caches(&self, ids: &[Vec<usize>]) -> Result<Vec<Option<Context>>> {
        // Without a folder for them nobody asks what tells the encoder from others, which is to read all of it.
        let Some(folder) = cache::contexts() else { return Ok(ids.iter().map(|_| None).collect()) };
        let (encoder, version) = (self.files.hash_of_text_encoder()?, env!("CARGO_PKG_VERSION"));
        let shape = [self.max_sequence_length, self.config.dim()];
        let how = format!("{version} {:?} {:?} {shape:?}", self.packing, kernels::isa());
        let of = |ids| Some(Context::of(&folder, &format!("{encoder} {how} {ids:?}")));
        Ok(ids.iter().map(of).collect())
    }

    /// Contexts that were made before come from the disk; all others in one pass over the encoder's files.
    fn stream(&self, ids: &[Vec<usize>]) -> Result<Tensor<3>> {
        let Self { files, packing, device, .. } = self;
        let shape = [self.max_sequence_length, self.config.dim()];
        let caches = self.caches(ids)?;
        let read = |cache: &Option<Context>| cache.as_ref()?.read(shape, device);
        let mut contexts: Vec<Option<Tensor<3>>> = caches.iter().map(read).collect();
        let new: Vec<usize> = (0..ids.len()).filter(|&index| contexts[index].is_none()).collect();
        if !new.is_empty() {
            let weights = files.weights(PartName::TextEncoder)?;
            let prompts: Vec<Vec<usize>> = new.iter().map(|&index| ids[index].clone()).collect();
            let made = self.config.context_streamed(weights, *packing, &prompts, shape[0], device)?;
            for (row, &index) in new.iter().enumerate() {
                let context = made.clone().narrow(0, row, 1);
                if let Some(cache) = caches[index].as_ref().filter(|_| is_finite(&context)) {
                    cache.write(&context);
                }
                contexts[index] = Some(context);
            }
        }
        Ok(Tensor::cat(contexts.into_iter().flatten().collect(), 0))
    }

    fn encode(&self, prompt: &str, add_special_tokens: bool) -> Result<Encoding> {
        self.tokenizer.encode(prompt, add_special_tokens).map_err(|e| Error::Tokenizer(e.to_string()))
    }

    /// The end of a prompt that is longer than what the model reads.
    pub fn unread<'a>(&self, prompt: &'a str) -> Result<Option<&'a str>> {
        let encoding = self.encode(prompt, true)?;
        let places = |encoding: &Encoding, skip: usize| {
            let words = encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask()).skip(skip);
            words.filter(|&(_, &special)| special == 0).map(|(&(start, _), _)| start).min()
        };
        let overflowing = encoding.get_overflowing().iter().filter_map(|rest| places(rest, 0));
        let start = overflowing.chain(places(&encoding, self.max_sequence_length)).min();
        Ok(start.and_then(|start| prompt.get(start..)).map(str::trim).filter(|rest| !rest.is_empty()))
    }

    /// The most tokens of a prompt that are read.
    pub fn max_sequence_length(&self) -> usize {
        self.max_sequence_length
    }

    /// The words of a prompt that the tokenizer has no token for, as they are written, in order and each once.
    pub fn unknown_words(&self, prompt: &str) -> Result<Vec<String>> {
        let Some(unknown) = self.unknown else { return Ok(Vec::new()) };
        let encoding = self.encode(prompt, false)?;
        // What is not read may be unknown too.
        let parts = std::iter::once(&encoding).chain(encoding.get_overflowing());
        let mut words = Vec::<String>::new();
        for (&id, &(start, end)) in parts.flat_map(|part| part.get_ids().iter().zip(part.get_offsets())) {
            let word = prompt.get(start..end).unwrap_or_default();
            if id == unknown && word.chars().any(char::is_alphabetic) && !words.iter().any(|w| w == word) {
                words.push(word.to_owned());
            }
        }
        Ok(words)
    }
}

/// The tokenizer of a `tokenizer.json`.
///
/// # Errors
/// A file that the tokenizers library does not read; where it panics on one, what it says then.
pub fn parse_tokenizer(text: &[u8]) -> tokenizers::Result<Tokenizer> {
    let parsed = catch_unwind(|| Tokenizer::from_bytes(text));
    parsed.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(message.unwrap_or("the library gave up").to_owned().into())
    })
}
