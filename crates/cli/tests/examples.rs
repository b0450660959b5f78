//! The examples of the help and of the pages, run as a reader copies them.

mod common;

use common::{kinora, succeed};

const README: &str = include_str!("../../../README.md");
const TIMELINE: &str = include_str!("../../../docs/timeline.md");

/// Those that begin from pictures or make one, and what makes the first clip.
const COMMANDS: [&str; 10] = [
    "generate",
    "image",
    "animate",
    "extend",
    "connect",
    "interpolate",
    "loop",
    "remix",
    "edit",
    "storyboard",
];

/// The blocks of code of a page, without their indentation; empty lines are left out.
fn blocks(page: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in page.lines() {
        match line.strip_prefix("    ") {
            Some(code) => blocks.last_mut().expect("a block").push(code),
            None if line.is_empty() => {}
            None => blocks.push(Vec::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The block of a page that has all of the commands.
fn commands(page: &str) -> Vec<&str> {
    let block = blocks(page).into_iter().find(|block| COMMANDS.iter().all(|command| has(block, command)));
    block.expect("a block with an example of each command")
}

fn has(block: &[&str], command: &str) -> bool {
    block.iter().any(|line| line.starts_with(&format!("kinora {command} ")))
}

#[test]
fn what_the_help_shows_is_on_the_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in COMMANDS {
        let help = succeed(kinora(folder.path(), &format!("{command} --help")));
        let example = help.lines().find_map(|line| line.strip_prefix("Example: "));
        let example = example.unwrap_or_else(|| panic!("{command} --help: expected an example, found none"));
        for (name, page) in [("README.md", README), ("docs/timeline.md", TIMELINE)] {
            assert!(commands(page).contains(&example), "{name}: expected `{example}`, as the help has it");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_pages_can_be_copied_from_top_to_bottom() {
    use std::{fs, process::Command};

    use common::names;

    /// As small as the region of an example lets it be; keys want a terminal.
    const QUICKLY: &str = r#"set -e
        kinora() { case "$1" in play) ;; *) "$KINORA" "$@" --steps 1 --size 64x96 ;; esac; }
    "#;
    let readme = commands(README);
    // The other page has the same and more, which finds the same files.
    let timeline = commands(TIMELINE);
    let (same, more) = timeline.split_at(readme.len().min(timeline.len()));
    assert_eq!(same, readme, "docs/timeline.md: expected what README.md has");

    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script.sh");
    let lines = [&[QUICKLY][..], &readme[..], more].concat();
    fs::write(&script, lines.join("\n")).expect("written");
    let mut command = Command::new("bash");
    command.current_dir(folder.path()).arg(&script).env("KINORA", env!("CARGO_BIN_EXE_kinora"));
    succeed(command);
    // Each has made what it is to write.
    let made = names(folder.path());
    for line in [&readme[..], more].concat() {
        let file = line.split_once(" -o ").map(|(_, file)| file.to_owned());
        assert!(file.is_none_or(|file| made.contains(&file)), "{line}: not in {made:?}");
    }
}
