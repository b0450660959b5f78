//! What ARCHITECTURE.md says is where, is there.

use std::path::Path;

/// The paths that a page names in backticks: in the first column of its tables, and wherever there is a slash.
fn paths(page: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    // Every second part is a block of code.
    for line in page.split("```").step_by(2).flat_map(str::lines) {
        let first_column = line.strip_prefix('|').and_then(|row| row.split('|').next()).unwrap_or_default();
        paths.extend(backticked(first_column));
        paths.extend(backticked(line).filter(|token| token.contains('/')));
    }
    paths.retain(|path| !path.starts_with("target/"));
    paths
}

fn backticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Those of `paths` that are not in the workspace.
fn missing<'a>(paths: &[&'a str]) -> Vec<&'a str> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    paths.iter().copied().filter(|path| !root.join(path).exists()).collect()
}

#[test]
fn every_path_of_the_architecture_exists() {
    let paths = paths(include_str!("../../../ARCHITECTURE.md"));
    assert!(paths.contains(&"docs") && paths.contains(&"crates/models/src/wan/vae"), "{paths:?}");
    assert_eq!(missing(&paths), Vec::<&str>::new());
}

#[test]
fn a_path_that_is_not_there_is_found_out() {
    let page =
        "| `gone` | `ours`, `docs/gone.md` |\n```\n`a/b`\n```\n`KINORA_ISA`, `target/gone`, `crates/cli`";
    assert_eq!(missing(&paths(page)), ["gone", "docs/gone.md"]);
}
