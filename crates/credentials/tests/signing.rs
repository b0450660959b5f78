//! What is signed is verified, plays as before, and no byte of it can change.

mod common;

use std::{fs, path::Path};

use common::{claim, clip, files, identity};
use credentials::{Anchors, Claim, Error, Identity, Report, State, sign, verify};

/// How many places of a file are changed, spread evenly over it, beside its first ones.
const PLACES: usize = 250;

/// Signs a file beside itself, and gives the new one's bytes.
fn signed(path: &Path) -> Vec<u8> {
    let output = path.with_file_name("signed");
    sign(path, &output, identity(), &claim()).unwrap();
    fs::read(output).unwrap()
}

/// What `bytes` are worth as a file.
fn judged(folder: &Path, bytes: &[u8], anchors: &Anchors) -> Report {
    let path = folder.join("judged");
    fs::write(&path, bytes).unwrap();
    verify(&path, anchors).unwrap()
}

#[test]
fn what_is_signed_is_verified_and_says_who_and_what_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let mut anchors = Anchors::default();
    anchors.add_issuer_of(identity());
    let mut strangers = Anchors::default();
    strangers.add_issuer_of(&Identity::self_made(&folder.path().join("other")).unwrap());
    for path in files(folder.path()) {
        let name = path.display();
        assert_eq!(verify(&path, &anchors).unwrap(), Report::default(), "{name}: nothing yet");
        let bytes = signed(&path);
        let valid = Report {
            state: State::Valid,
            issuer: Some("Kinora self-made certificate".to_owned()),
            program: Some(concat!("Kinora ", env!("CARGO_PKG_VERSION")).to_owned()),
            model: Some("kinora-tiny".to_owned()),
            composite: false,
            created: Some("2027-01-15T08:00:00Z".to_owned()),
            failures: Vec::new(),
        };
        for anchors in [&Anchors::default(), &strangers] {
            assert_eq!(judged(folder.path(), &bytes, anchors), valid, "{name}");
        }
        let trusted = Report { state: State::Trusted, ..valid };
        assert_eq!(judged(folder.path(), &bytes, &anchors), trusted, "{name}");
    }
}

#[test]
fn what_was_there_before_is_told_apart_from_what_a_model_made() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        sign(&path, &path, identity(), &Claim { composite: true, ..claim() }).unwrap();
        let report = verify(&path, &Anchors::default()).unwrap();
        assert_eq!((report.state, report.composite), (State::Valid, true), "{}", path.display());
    }
}

#[test]
fn a_signed_file_plays_as_before_and_keeps_its_record() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        let (before, record) = (media::read(&path).unwrap(), media::read_provenance(&path).unwrap());
        // In its own place, too.
        sign(&path, &path, identity(), &claim()).unwrap();
        assert_eq!(media::read(&path).unwrap(), before, "{}", path.display());
        assert_eq!(media::read_provenance(&path).unwrap(), record, "{}", path.display());
        assert!(!media::summary(&path).unwrap().is_cut_short);
        assert_ne!(verify(&path, &Anchors::default()).unwrap().state, State::Absent);
    }
}

#[test]
fn one_changed_byte_anywhere_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        let bytes = signed(&path);
        let places = (0..PLACES).map(|place| place * (bytes.len() - 1) / (PLACES - 1));
        // What C2PA leaves out is at the beginning and around the manifest, which is there, too.
        let missed: Vec<usize> = (0..bytes.len().min(256))
            .chain(places)
            .filter(|&place| {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << (place % 8);
                let path = folder.path().join("changed");
                fs::write(&path, &changed).unwrap();
                // One whose beginning tells no kind any more is refused.
                verify(&path, &Anchors::default()).is_ok_and(|report| report.state >= State::Valid)
            })
            .collect();
        assert!(missed.is_empty(), "{}, of {} bytes: {missed:?}", path.display(), bytes.len());
    }
}

#[test]
fn bytes_that_are_added_or_missing_are_found_out() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        let bytes = signed(&path);
        let free = [&8_u32.to_be_bytes()[..], b"free"].concat();
        for changed in [[&bytes[..], b"x"].concat(), [&bytes, &free[..]].concat()] {
            let report = judged(folder.path(), &changed, &Anchors::default());
            assert_eq!(report.state, State::Invalid, "{}", path.display());
            assert!(!report.failures.is_empty());
        }
        for len in (20..bytes.len()).step_by(bytes.len() / 50) {
            let report = judged(folder.path(), &bytes[..len], &Anchors::default());
            assert!(matches!(report.state, State::Invalid | State::Absent), "{}: {len}", path.display());
        }
    }
}

#[test]
fn what_cannot_be_signed_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (text, output) = (at("text"), at("output.mp4"));
    fs::write(&text, "once upon a time").unwrap();
    media::write(&clip(), &at("a.mp4"), None).unwrap();
    let whole = fs::read(at("a.mp4")).unwrap();
    fs::write(at("cut.mp4"), &whole[..200]).unwrap();
    sign(&at("a.mp4"), &at("signed.mp4"), identity(), &claim()).unwrap();
    // Of pieces of 255 bytes each, as a GIF has them, no seal can tell where they belong.
    media::write(&clip(), &at("a.gif"), None).unwrap();
    let refused = |name: &str| sign(&at(name), &output, identity(), &claim()).unwrap_err();
    assert!(matches!(refused("text"), Error::UnknownContent { .. }));
    assert!(matches!(refused("signed.mp4"), Error::AlreadySigned { .. }));
    for name in ["cut.mp4", "a.gif"] {
        assert!(matches!(refused(name), Error::Unsignable { .. }), "{name}");
    }
    assert!(matches!(refused("none.mp4"), Error::File(_)));
    assert!(!output.exists());
    assert!(verify(&text, &Anchors::default()).is_err());
}
