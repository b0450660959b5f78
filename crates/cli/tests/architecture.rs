//! What ARCHITECTURE.md says is where, is there; what docs/reliability.md promises is tested; and the program is no larger than it may be.

use std::{fs, path::Path};

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

/// Every promise of docs/reliability.md names a test that there is.
#[test]
fn what_is_promised_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut code = String::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                code += &fs::read_to_string(&path).expect("code");
            }
        }
    }
    let page = fs::read_to_string(root.join("docs/reliability.md")).expect("the page");
    let is_test = |name: &&str| name.matches('_').count() > 2 && !name.contains('/');
    let promised: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(promised.len() > 30, "{promised:?}");
    for name in promised {
        assert!(code.contains(&format!("fn {name}()")), "no test is called {name}");
    }
}

/// As it is built for users.
#[test]
#[cfg(not(debug_assertions))]
fn the_program_has_at_most_a_hundred_megabytes() {
    const MOST: u64 = 100_000_000;
    let bytes = fs::metadata(env!("CARGO_BIN_EXE_kinora")).expect("the program").len();
    assert!(bytes <= MOST, "{bytes} bytes");
}
