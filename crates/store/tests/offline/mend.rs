//! A repair leaves a log that is whole: what can be read is there with its cursor, and what cannot is declared, for ever.

use std::path::Path;

use tidings_core::contract::fixture::query;
use tidings_core::{Lost, Reading, Sequence, Start, Store};
use tidings_store::OpenError;
use tidings_store::offline::{Repair, RepairError, repair, verify};

use crate::directory::{Directory, draft, names, open_at};

fn mend(directory: &Directory, round: usize) -> Repair {
    repair(&directory.path(), Some(&directory.dir.path().join(format!("aside-{round}")))).unwrap()
}

/// Each event is read as it was, or its place is a gap.
async fn assert_told(directory: &Directory, what: &str) -> usize {
    let store = open_at(&directory.path(), 1_000_000);
    assert_eq!(store.bounds().head.sequence, Sequence(36), "{what}");
    let mut lost = 0;
    for event in &directory.events {
        match store.read(query(Start::After(event.cursor.previous()), &["**"])).await.unwrap() {
            Reading::Page(page) if page.events.first() == Some(event) => {}
            // An epoch may have begun in what cannot be read.
            Reading::Lost { lost: Lost::Damaged | Lost::Expired | Lost::OtherEpoch, .. } => lost += 1,
            other => panic!("{what}: {other:?} instead of {}", event.cursor),
        }
    }
    let placed = store.append(vec![draft(99, 10)]).await.unwrap();
    assert!(format!("{placed:?}").contains("37"), "{what}: {placed:?}");
    store.close().await.unwrap();
    lost
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    for name in names(from, "") {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[tokio::test]
async fn what_is_damaged_is_taken_out_and_declared_and_all_else_stays() {
    let directory = Directory::filled().await;
    let whole = directory.dir.path().join("whole");
    copy(&directory.path(), &whole);
    assert_eq!(repair(&directory.path(), None).unwrap(), Repair::default());
    let mut round = 0;
    for name in directory.names(".log") {
        let bytes = std::fs::read(whole.join(&name)).unwrap();
        let middle = bytes.len() / 2;
        let mut cases = vec![9, 20, 50, 66, 70, 100, 130, 8_200, middle, bytes.len() - 1];
        cases.retain(|at| *at < bytes.len());
        for at in cases.into_iter().map(Some).chain([None]) {
            round += 1;
            copy(&whole, &directory.path());
            let what = format!("{name} at {at:?}");
            match at {
                Some(at) => directory.flip(&name, at),
                None => directory.write(&name, &bytes[..middle]),
            }
            let before = std::fs::read(directory.path().join(&name)).unwrap();

            let planned = repair(&directory.path(), None).unwrap();
            assert!(!planned.steps.is_empty() && planned.kept.is_none(), "{what}");
            assert_eq!(
                std::fs::read(directory.path().join(&name)).unwrap(),
                before,
                "{what}: a plan changes nothing"
            );
            let done = mend(&directory, round);

            assert_eq!(done.steps, planned.steps, "{what}");
            let (aside, kept) = done.kept.unwrap();
            assert!(kept.contains(&name), "{what}: {kept:?}");
            assert_eq!(std::fs::read(aside.join(&name)).unwrap(), before, "{what}");
            let verdict = verify(&directory.path(), &mut |_| {}).unwrap();
            assert!(verdict.is_whole(), "{what}: {verdict:?}");
            assert_eq!(repair(&directory.path(), None).unwrap(), Repair::default(), "{what}");
            let lost = assert_told(&directory, &what).await;
            let most = if at.is_some() { 1 } else { 9 };
            assert!(lost <= most, "{what}: {lost} are lost");
            let verdict = verify(&directory.path(), &mut |_| {}).unwrap();
            assert!(verdict.is_whole(), "{what}, gone on: {verdict:?}");
        }
    }
}

#[tokio::test]
async fn meta_is_made_anew_of_any_segment_and_cursors_stay_good() {
    let directory = Directory::filled().await;
    let whole = directory.dir.path().join("whole");
    copy(&directory.path(), &whole);
    let text = std::fs::read(whole.join("META")).unwrap();
    for round in 0..=text.len() {
        copy(&whole, &directory.path());
        match round < text.len() {
            true => directory.flip("META", round),
            false => directory.remove("META"),
        }
        assert!(!verify(&directory.path(), &mut |_| {}).unwrap().is_whole());

        let done = mend(&directory, round);

        assert_eq!(done.steps.len(), 1, "{round}");
        assert!(verify(&directory.path(), &mut |_| {}).unwrap().is_whole());
        assert_eq!(assert_told(&directory, "META").await, 0);
    }
}

/// Segments of before there was a copy have zeros there. The key is found near what is left of `META`.
#[tokio::test]
async fn a_flipped_bit_in_the_key_is_found_without_a_copy_too() {
    let directory = Directory::filled().await;
    for name in directory.names(".log") {
        let mut bytes = directory.read(&name);
        bytes[48..64].fill(0);
        let checksum = crc32c::crc32c(&bytes[12..64]);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        directory.write(&name, &bytes);
    }
    assert!(verify(&directory.path(), &mut |_| {}).unwrap().is_whole());
    let text = directory.read("META");
    let key = text.windows(5).position(|bytes| bytes == b"hash ").unwrap() + 5;
    for at in key..key + 32 {
        for bit in 0..8 {
            let mut bytes = text.clone();
            bytes[at] ^= 1 << bit;
            directory.write("META", &bytes);

            let planned = repair(&directory.path(), None);

            assert_eq!(planned.unwrap().steps.len(), 1, "byte {at}, bit {bit}");
        }
    }
    directory.remove("META");
    assert!(matches!(repair(&directory.path(), None), Err(RepairError::NoKey)));
}

#[tokio::test]
async fn an_index_is_made_anew_and_a_segment_that_is_missing_is_declared() {
    let directory = Directory::filled().await;
    let index = directory.names(".idx")[1].clone();
    let right = directory.read(&index);
    directory.flip(&index, 500);
    assert_eq!(mend(&directory, 1).steps.len(), 1);
    assert_eq!(directory.read(&index), right);

    let second = directory.names(".log")[1].clone();
    directory.remove(&second);
    let done = mend(&directory, 2);
    assert_eq!(done.steps.iter().filter(|step| step.lost.is_some()).count(), 1);
    let verdict = verify(&directory.path(), &mut |_| {}).unwrap();
    assert!(verdict.is_whole() && verdict.declared.len() == 1, "{verdict:?}");
    assert!(assert_told(&directory, "a segment is missing").await > 0);
}

#[tokio::test]
async fn a_directory_that_a_store_has_is_not_repaired() {
    let directory = Directory::filled().await;
    let store = open_at(&directory.path(), 9_000);

    let refused = repair(&directory.path(), Some(&directory.dir.path().join("aside")));

    assert!(matches!(refused, Err(RepairError::Open(OpenError::InUse { .. }))), "{refused:?}");
    store.close().await.unwrap();
}
