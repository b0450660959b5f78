//! Files that were made to do harm are answered, and at once.

mod common;

use std::fs;

use common::{claim, files, identity};
use credentials::{Anchors, State, sign, verify};

/// A box of an MP4.
fn wrapped(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

#[test]
fn damage_of_every_kind_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut state: u32 = 1;
    let mut random = |most: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % most
    };
    for path in files(folder.path()) {
        sign(&path, &path, identity(), &claim()).unwrap();
        let bytes = fs::read(&path).unwrap();
        for _ in 0..150 {
            let mut changed = bytes.clone();
            for _ in 0..=random(8) {
                let place = random(changed.len().min(20_000));
                changed[place] = [0, 1, 0x7f, 0x80, 0xff, random(256) as u8][random(6)];
            }
            changed.truncate(changed.len() - random(2) * random(changed.len()));
            let path = folder.path().join("changed");
            fs::write(&path, &changed).unwrap();
            if let Ok(report) = verify(&path, &Anchors::default()) {
                assert!(changed == bytes || report.state < State::Valid, "{report:?}");
            }
        }
    }
}

#[test]
fn manifests_in_manifests_and_boxes_in_boxes_are_not_followed_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.mp4");
    for kind in [b"moov", b"jumb", b"meta"] {
        let mut deep = Vec::new();
        for depth in (1..20_000_u32).rev() {
            deep.extend((8 * (20_000 - depth)).to_be_bytes());
            deep.extend(kind);
        }
        // The outermost comes first.
        let deep: Vec<u8> = deep.chunks(8).rev().flatten().copied().collect();
        let c2pa = [
            &[0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81]
                [..],
            &[0; 4],
            b"manifest\0",
            &[0; 8],
            &deep,
        ];
        let file = [wrapped(b"ftyp", b"isom\0\0\x02\0isom"), wrapped(b"uuid", &c2pa.concat()), deep.clone()]
            .concat();
        fs::write(&path, file).unwrap();
        let report = verify(&path, &Anchors::default()).unwrap();
        assert!(report.state < State::Valid, "{report:?}");
    }
}
