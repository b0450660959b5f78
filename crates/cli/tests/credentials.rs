//! `kinora sign` and `kinora verify`, as a script uses them.

mod common;

use std::{fs, path::Path, process::Command};

use common::{SMALL, fail, generate, kinora, succeed};
use serde_json::Value;

/// `kinora` with a home of its own.
fn at_home(folder: &Path, arguments: &str) -> Command {
    let mut command = kinora(folder, arguments);
    command.env("XDG_DATA_HOME", folder.join("home")).env("XDG_CONFIG_HOME", folder.join("home"));
    for variable in ["KINORA_DATA", "KINORA_CERTIFICATE", "KINORA_PRIVATE_KEY", "KINORA_CONFIG"] {
        command.env_remove(variable);
    }
    command
}

/// What `kinora verify` prints of files that are not all good.
fn refused(mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_signed_is_verified_until_a_byte_of_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["a.mp4", "growing.mp4"] {
        let growing = if name == "growing.mp4" { "--growing" } else { "" };
        succeed(generate(folder.path(), "a red ball", &format!("{SMALL} {growing} -o {name}")));
        let (clip, record) = (media::read(&at(name)), media::read_provenance(&at(name)));
        assert!(
            refused(at_home(folder.path(), &format!("verify {name}"))).contains("no content credentials")
        );
        succeed(at_home(folder.path(), &format!("sign {name} -o signed.mp4")));
        let line = succeed(at_home(folder.path(), "verify signed.mp4"));
        assert!(
            line.contains("valid") && line.contains("known here") && line.contains("kinora-tiny"),
            "{line}"
        );
        assert_eq!(media::read(&at("signed.mp4")).expect("a clip"), clip.expect("a clip"));
        let kept = media::read_provenance(&at("signed.mp4")).expect("a record");
        assert_eq!(kept, record.expect("a record"));
    }
    let message = fail(at_home(folder.path(), "sign signed.mp4"), 1);
    assert!(message.contains("already"), "{message}");

    // To somebody else it is a stranger's, until they believe the certificate.
    let elsewhere = |arguments: &str| {
        let mut command = at_home(folder.path(), arguments);
        command.env("XDG_DATA_HOME", folder.path().join("elsewhere"));
        command
    };
    assert!(succeed(elsewhere("verify signed.mp4")).contains("not known here"));
    let trusting = "verify --trust home/kinora/serve/certificate.pem --json signed.mp4";
    let report: Value = serde_json::from_str(&succeed(elsewhere(trusting))).expect("one JSON object");
    assert_eq!(report["credentials"]["state"], "trusted");

    let mut bytes = fs::read(at("signed.mp4")).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(at("changed.mp4"), bytes).expect("written");
    let lines = refused(at_home(folder.path(), "verify signed.mp4 changed.mp4 none.mp4"));
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines[0].contains(": valid") && lines[1].contains("changed.mp4: invalid"), "{lines:?}");
    assert!(lines[2].contains("none.mp4") && lines.len() == 3, "{lines:?}");
}

#[test]
fn what_kinora_did_not_make_is_not_signed_as_if_it_had() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = media::Clip::new(64, 48, 8.0, vec![9; 64 * 48 * 3]).expect("a clip");
    media::write(&clip, &folder.path().join("own.mp4"), None).expect("written");
    let message = fail(at_home(folder.path(), "sign own.mp4"), 2);
    assert!(message.contains("record"), "{message}");
    fail(at_home(folder.path(), "sign own.mp4 --certificate a.pem"), 2);
    fail(at_home(folder.path(), "verify"), 2);
}
