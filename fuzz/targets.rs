//! What is fuzzed: every reader of files, called as the program calls it. `crates/engine/tests/corpus.rs` replays the
//! corpus through these functions. Whatever the bytes, they must return: no panic, no endless work, no memory without
//! bound.
#![allow(dead_code)] // each target uses one of them

use std::sync::{Arc, LazyLock, Once};

use engine::{ModelFiles, ModelInfo, VideoRequest, parse_tokenizer};
use models::{
    ModelConfig,
    umt5::Umt5Config,
    wan::{AutoencoderKlWanConfig, WanTransformer3dConfig},
    weights::{Source, shard_index as parse_shard_index},
};

/// The largest safetensors file whose values are read too.
const SMALL: usize = 1 << 20;

pub fn mp4(bytes: &[u8]) {
    if let Some((length, rest)) = bytes.split_at_checked(4) {
        clip(&[length, b"ftyp", rest].concat());
    }
}

pub fn gif(bytes: &[u8]) {
    clip(&[&b"GIF89a"[..], bytes].concat());
}

pub fn png(bytes: &[u8]) {
    clip(&[&b"\x89PNG\r\n\x1a\n"[..], bytes].concat());
}

/// What the headers tell must be what decoding gives, wherever both succeed.
fn clip(bytes: &[u8]) {
    let (summary, clip) = (media::inspect(bytes), media::decode(bytes));
    if let (Ok(summary), Ok(clip)) = (summary, clip) {
        assert_eq!((summary.shape.width, summary.shape.height), (clip.width(), clip.height()));
        assert_eq!(summary.shape.num_frames, clip.num_frames());
    }
}

pub fn safetensors(bytes: &[u8]) {
    let Ok(mut source) = Source::bytes("fuzzed", bytes) else { return };
    let keys: Vec<String> = source.keys().map(str::to_owned).collect();
    let values = source.num_values().unwrap_or(u64::MAX);
    for key in keys {
        assert!(source.find(&key).is_some());
        if bytes.len() <= SMALL && values <= SMALL as u64 {
            let _ = source.read(&key, |_| ());
        }
    }
}

pub fn shard_index(bytes: &[u8]) {
    let _ = parse_shard_index(bytes);
}

/// The first byte chooses whose configuration it is.
pub fn config(bytes: &[u8]) {
    let Some((&whose, json)) = bytes.split_first() else { return };
    match whose % 5 {
        0 => drop(check::<Umt5Config>(json)),
        1 => drop(check::<WanTransformer3dConfig>(json).map(|config| config.token_grid([1, 16, 16]))),
        2 => drop(check::<AutoencoderKlWanConfig>(json).map(|config| config.latent_size([17, 128, 128]))),
        3 => {
            let text = std::str::from_utf8(json).ok();
            if let Some(config) = text.and_then(|json| diffusion::SchedulerConfig::from_json(json).ok()) {
                let _ = (config.sampler(), config.shift(), config.variance(), config.schedule(30));
            }
        }
        _ => drop(serde_json::from_slice::<engine::NativeClip>(json)),
    }
}

fn check<C: ModelConfig>(json: &[u8]) -> Option<C> {
    let config: C = serde_json::from_slice(json).ok()?;
    config.check().ok()?;
    Some(config)
}

pub fn tokenizer(bytes: &[u8]) {
    // The library panics on some files, which is caught; the fuzzer's hook would end the process before.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    if let Ok(tokenizer) = parse_tokenizer(bytes) {
        let _ = tokenizer.encode("a red ball left of 一个 blue cube", true);
    }
}

/// A request as `--request` has it, resolved against the embedded model.
pub fn request(bytes: &[u8]) {
    static INFO: LazyLock<Arc<ModelInfo>> =
        LazyLock::new(|| ModelInfo::read(&ModelFiles::Embedded).expect("the embedded model"));
    let Ok(request) = serde_json::from_slice::<VideoRequest>(bytes) else { return };
    if let Ok(plan) = request.resolve(&INFO) {
        assert!(plan.size.width > 0 && plan.size.height > 0 && plan.num_frames > 0);
        // What was resolved is a request too, and the same one.
        let again = plan.request.resolve(&INFO).expect("a plan's request can be served");
        assert_eq!(again.request, plan.request);
    }
}
