//! What fuzzing found and grew from, replayed: every reader of files returns for every file of the corpus, and for each
//! cut short, and with each of its first bytes changed.

#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::{fs, path::Path};

/// Bytes at the start of a file that are changed one by one.
const HEADER: usize = 64;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let files: Vec<_> =
        fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    assert!(!files.is_empty(), "{name}: no files");
    for path in files {
        let bytes = fs::read(&path).expect("a file");
        target(&bytes);
        for end in (0..bytes.len()).step_by((bytes.len() / 16).max(1)) {
            target(&bytes[..end]);
        }
        for at in 0..bytes.len().min(HEADER) {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            target(&changed);
        }
    }
}

macro_rules! replayed {
    ($($name:ident),+) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name), targets::$name);
            }
        )+
    };
}

replayed!(mp4, gif, png, safetensors, shard_index, config, tokenizer, request);
