//! `kinora vocabulary`

use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args, ValueEnum};
use world::Language;

use crate::failure::print;

#[derive(Args)]
pub struct VocabularyArgs {
    /// Only this language
    #[arg(long, value_enum)]
    language: Option<Code>,

    /// Print one JSON object: language, group, phrases
    #[arg(long)]
    json: bool,
}

/// A language as its ISO 639 code.
#[derive(ValueEnum, Clone, Copy)]
enum Code {
    /// English
    En,
    /// Chinese
    Zh,
}

impl Code {
    fn language(self) -> Language {
        match self {
            Self::En => Language::English,
            Self::Zh => Language::Chinese,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

pub fn run(args: &VocabularyArgs) -> Result<()> {
    let codes = match args.language {
        Some(code) => vec![code],
        None => Code::value_variants().to_vec(),
    };
    let groups = |code: Code| world::vocabulary(code.language());
    if args.json {
        let all = codes.into_iter().map(|code| (code.name(), groups(code))).collect::<BTreeMap<_, _>>();
        return print(&serde_json::to_string(&all)?);
    }
    let lines = codes.into_iter().flat_map(groups);
    let lines = lines.map(|group| format!("{:14} {}", group.name, group.phrases.join(", ")));
    print(&lines.collect::<Vec<_>>().join("\n"))
}
