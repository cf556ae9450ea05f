//! A log that is loaded from a dump is the same log: its events, their places, its epochs, and what it has lost.

use std::convert::Infallible;
use std::path::Path;

use tidings_core::contract::fixture::{page, query, read_all};
use tidings_core::{Bounds, Cursor, Lost, Placement, Reading, Sequence, Start, Store};
use tidings_store::offline::{DumpItem, LoadError, Loader, dump, verify};

use crate::directory::{Directory, draft, open_at};

fn dumped(dir: &Path) -> Vec<DumpItem> {
    let mut items = Vec::new();
    let taken = dump(dir, &mut |_| {}, &mut |item| {
        items.push(item);
        Ok::<_, Infallible>(())
    });
    taken.unwrap();
    items
}

fn load(dir: &Path, items: &[DumpItem]) -> Result<Sequence, LoadError> {
    let mut loader = Loader::begin(dir, 65_536)?;
    items.iter().try_for_each(|item| loader.add(item))?;
    loader.finish()
}

/// What a store answers: its bounds, and what each cursor leads to.
async fn answers(dir: &Path, cursors: &[Cursor]) -> (Bounds, Vec<Reading>) {
    let store = open_at(dir, 1_000_000);
    let bounds = store.bounds();
    let mut readings = Vec::new();
    for cursor in cursors {
        readings.push(store.read(query(Start::After(*cursor), &["**"])).await.unwrap());
    }
    store.close().await.unwrap();
    (bounds, readings)
}

#[tokio::test]
async fn a_log_that_is_loaded_is_the_same_log() {
    let directory = Directory::filled().await;
    let copy = directory.dir.path().join("copy");
    let items = dumped(&directory.path());

    assert_eq!(load(&copy, &items).unwrap(), Sequence(36));

    assert!(verify(&copy, &mut |_| {}).unwrap().is_whole());
    assert_eq!(dumped(&copy), items);
    let cursors: Vec<_> = directory.events.iter().map(|event| event.cursor).collect();
    assert_eq!(answers(&copy, &cursors).await, answers(&directory.path(), &cursors).await);
    // A second load is refused, and changes nothing.
    assert!(matches!(load(&copy, &items), Err(LoadError::NotEmpty { .. })));
    assert_eq!(dumped(&copy), items);
}

/// Damage at many places: whatever is lost, it is lost in the copy, too, and all else is there with its cursor.
#[tokio::test]
async fn what_is_lost_stays_a_gap() {
    let directory = Directory::filled().await;
    let names = directory.names(".log");
    for (round, name) in names.iter().enumerate() {
        for at in [66, 8_200, 17_000, 25_000] {
            let whole = directory.read(name);
            if at >= whole.len() {
                continue;
            }
            directory.flip(name, at);
            let copy = directory.dir.path().join(format!("copy-{round}-{at}"));
            let items = dumped(&directory.path());
            let lost: Vec<_> = items.iter().filter(|item| matches!(item, DumpItem::Lost { .. })).collect();
            // The record of an epoch is no event.
            let is_epoch = lost.is_empty();
            assert!(lost.len() == 1 || at == 66 && round > 0, "{name} at {at}");

            load(&copy, &items).unwrap();

            let verdict = verify(&copy, &mut |_| {}).unwrap();
            assert!(verdict.is_whole(), "{name} at {at}: {verdict:?}");
            if is_epoch {
                assert_eq!(dumped(&copy), items, "{name} at {at}");
            } else if round > 0 || at > 66 {
                assert_eq!(verdict.declared.len(), 1, "{name} at {at}: {verdict:?}");
                assert_eq!(dumped(&copy), items, "{name} at {at}");
            }
            let store = open_at(&copy, 1_000_000);
            assert_eq!(store.bounds().head.sequence, Sequence(36));
            for event in &directory.events {
                let reading =
                    store.read(query(Start::After(event.cursor.previous()), &["**"])).await.unwrap();
                match reading {
                    Reading::Page(page) => assert_eq!(page.events.first(), Some(event)),
                    Reading::Lost { lost: Lost::Damaged | Lost::Expired, .. } => {}
                    other => panic!("{name} at {at}: {other:?}"),
                }
            }
            store.append(vec![draft(99, 10)]).await.unwrap();
            assert_eq!(store.bounds().head.sequence, Sequence(37));
            store.close().await.unwrap();
            assert!(verify(&copy, &mut |_| {}).unwrap().is_whole());
            directory.write(name, &whole);
        }
    }
}

#[tokio::test]
async fn half_a_dump_is_no_log_and_a_load_that_failed_begins_anew() {
    let directory = Directory::filled().await;
    let copy = directory.dir.path().join("copy");
    let items = dumped(&directory.path());
    for bad in [&items[..10], &items[1..], &[items.clone(), items.clone()].concat()] {
        assert!(matches!(load(&copy, bad), Err(LoadError::Order(_))));

        let config = tidings_store::FileStoreConfig { dir: copy.clone(), ..Default::default() };
        let clock = tidings_core::contract::ManualClock::at(1);
        let refused = tidings_store::FileStore::open(config, clock).err().map(|error| error.to_string());
        assert!(refused.as_ref().is_some_and(|refused| refused.contains("was not completed")), "{refused:?}");
        assert!(!verify(&copy, &mut |_| {}).unwrap().is_whole());
    }
    load(&copy, &items).unwrap();
    assert_eq!(dumped(&copy), items);
}

#[tokio::test]
async fn a_dump_of_a_store_that_is_open_is_a_log_up_to_a_place() {
    let directory = Directory::filled().await;
    let store = open_at(&directory.path(), 9_000);
    for number in 0..20 {
        let placed = store.append(vec![draft(100 + number, 9_000)]).await.unwrap();
        let Placement::New(cursor) = placed[0] else { panic!("{placed:?}") };
        let copy = directory.dir.path().join(format!("copy-{number}"));

        let last = load(&copy, &dumped(&directory.path())).unwrap();

        assert_eq!(last, cursor.sequence);
        let loaded = open_at(&copy, 9_000);
        let events = read_all(&loaded, query(Start::Earliest, &["**"])).await;
        assert_eq!(events.len() as u64, last.0);
        assert_eq!(page(&loaded, query(Start::After(cursor), &["**"])).await.events, []);
        loaded.close().await.unwrap();
    }
    store.close().await.unwrap();
}
