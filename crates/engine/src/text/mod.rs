//! From a prompt to what the denoiser reads of it.

mod clean;
mod ftfy;
mod html;

use std::panic::catch_unwind;

use burn::tensor::{Device, Tensor};
use models::{
    umt5::{Umt5Config, Umt5Encoder},
    weights::Weights,
};
use nn::{Pack, Packing};
use serde::Deserialize;
use tokenizers::{Encoding, Tokenizer, TruncationParams};

pub(crate) use self::clean::clean;
use crate::{
    Error, ModelFiles, ModelInfo, Result, cache, cache::Context, finite::is_finite, model::TEXT_ENCODER,
};

/// Tokenizer and text encoder.
#[derive(Debug)]
pub(crate) struct PromptEncoder {
    tokenizer: Tokenizer,
    config: Umt5Config,
    encoder: Encoder,
    max_sequence_length: usize,
    unknown: Option<u32>,
}

/// Where the text encoder is.
#[derive(Debug)]
enum Encoder {
    /// In memory.
    Loaded(Box<Umt5Encoder>),
    /// In its files, to be read layer by layer for each prompt, whose context is kept on the disk.
    Streamed { files: ModelFiles, packing: Option<Packing> },
}

/// Whether a text encoder is streamed: large ones take more memory than all else, and are needed for a moment.
pub(crate) fn is_streamed(config: &Umt5Config) -> bool {
    const MANY_PARAMETERS: f64 = 1e8;
    config.large_parameters() >= MANY_PARAMETERS
}

/// The field of `tokenizer_config.json` that names the token for unknown words.
#[derive(Deserialize)]
struct TokenizerConfig {
    unk_token: Option<serde_json::Value>,
}

impl PromptEncoder {
    /// A small encoder is loaded, packed if that is asked for; of a large one the headers are read.
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
        let empty = Umt5Encoder::new(&info.text_encoder, device)?;
        let encoder = if is_streamed(&info.text_encoder) {
            files.check_weights(TEXT_ENCODER, &empty)?;
            Encoder::Streamed { files: files.clone(), packing }
        } else {
            Encoder::Loaded(Box::new(files.fill_packed(TEXT_ENCODER, empty, packing)?))
        };
        Ok(Self {
            unknown: unknown.and_then(|token| tokenizer.token_to_id(token)),
            tokenizer,
            config: info.text_encoder.clone(),
            encoder,
            max_sequence_length: info.max_sequence_length,
        })
    }

    /// Loads the encoder, and keeps it.
    pub fn keep(&mut self, files: &ModelFiles, device: &Device) -> Result<()> {
        if let Encoder::Streamed { packing, .. } = self.encoder {
            let empty = Umt5Encoder::new(&self.config, device)?;
            self.encoder = Encoder::Loaded(Box::new(files.fill_packed(TEXT_ENCODER, empty, packing)?));
        }
        Ok(())
    }

    /// Packs the encoder's weights.
    pub fn pack(&mut self, with: Packing) {
        match &mut self.encoder {
            Encoder::Loaded(encoder) => encoder.pack(with),
            Encoder::Streamed { packing, .. } => *packing = Some(with),
        }
    }

    /// The context of each prompt, `[prompts, max_sequence_length, d_model]`, zero after its end. `prompts` are clean,
    /// here and below.
    pub fn context(&self, prompts: &[&str], device: &Device) -> Result<Tensor<3>> {
        let length = self.max_sequence_length;
        let mut ids = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            // A tokenizer may add its marks after it has cut the prompt.
            let encoding = self.encode(prompt, true)?;
            let found = encoding.get_ids().iter().take(length).map(|&id| id as usize).collect::<Vec<_>>();
            self.config.check_ids(&found)?;
            ids.push(found);
        }
        match &self.encoder {
            Encoder::Loaded(encoder) => Ok(encoder.context(&ids, length, device)),
            Encoder::Streamed { files, packing } => self.stream(files, *packing, &ids, device),
        }
    }

    /// Contexts that were made before come from the disk; all others in one pass over the encoder's files.
    fn stream(
        &self,
        files: &ModelFiles,
        packing: Option<Packing>,
        ids: &[Vec<usize>],
        device: &Device,
    ) -> Result<Tensor<3>> {
        let shape = [self.max_sequence_length, self.config.d_model];
        // Without a folder for them nobody asks what tells the encoder from others, which is to read all of it.
        let caches: Vec<Option<Context>> = match cache::contexts() {
            Some(folder) => {
                let (encoder, version) = (files.hash_of_text_encoder()?, env!("CARGO_PKG_VERSION"));
                let how = format!("{version} {packing:?} {:?} {shape:?}", kernels::isa());
                let of = |ids| Some(Context::of(&folder, &format!("{encoder} {how} {ids:?}")));
                ids.iter().map(of).collect()
            }
            None => ids.iter().map(|_| None).collect(),
        };
        let read = |cache: &Option<Context>| cache.as_ref()?.read(shape, device);
        let mut contexts: Vec<Option<Tensor<3>>> = caches.iter().map(read).collect();
        let new: Vec<usize> = (0..ids.len()).filter(|&index| contexts[index].is_none()).collect();
        if !new.is_empty() {
            let empty = Umt5Encoder::new(&self.config, device)?;
            let mut weights = Weights::of(&empty, files.weights::<Umt5Encoder>(TEXT_ENCODER)?)?;
            let prompts: Vec<Vec<usize>> = new.iter().map(|&index| ids[index].clone()).collect();
            let made = empty.context_from(&mut weights, packing, &prompts, shape[0], device)?;
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
