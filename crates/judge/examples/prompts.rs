//! The prompt sets in `crates/judge/prompts`, as JSON lines.
//!
//!     cargo run --release -p kinora-judge --example prompts -- held-out > crates/judge/prompts/held-out.jsonl

use judge::prompts::PromptSet;

/// Scenes of a set; each gives two prompts.
const SCENES: usize = 120;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let set = PromptSet::named(&name).ok_or("usage: prompts seen|held-out")?;
    for prompt in set.make(SCENES) {
        println!("{}", serde_json::to_string(&prompt)?);
    }
    Ok(())
}
