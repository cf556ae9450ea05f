//! `verify` finds all that is not as it was written, and says nothing of what is. `info` looks at anything.

use tidings_core::Sequence;
use tidings_store::offline::{Left, Verdict, info, verify};

use crate::directory::{Directory, draft, open_at};
use tidings_core::Store;

fn look(directory: &Directory) -> Verdict {
    verify(&directory.path(), &mut |_| {}).unwrap()
}

#[tokio::test]
async fn a_directory_that_is_whole_is_told_to_be_so_and_is_not_changed() {
    let directory = Directory::filled().await;
    let files: Vec<_> = directory.names("").into_iter().map(|name| (directory.read(&name), name)).collect();
    let mut steps = Vec::new();

    let verdict = verify(&directory.path(), &mut |progress| steps.push(progress)).unwrap();

    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!((verdict.events, verdict.range), (36, Some((Sequence(1), Sequence(36)))));
    assert_eq!((verdict.segments, verdict.indexes), (5, 4));
    assert_eq!(verdict.notes, []);
    assert_eq!(steps.last().map(|last| last.done == last.total), Some(true));
    assert!(files.iter().all(|(bytes, name)| directory.read(name) == *bytes));
}

/// Any byte of any file, of which there are too many to try all: each 997th, and the first and last ones.
#[tokio::test]
async fn a_flipped_bit_anywhere_is_found_and_named() {
    let directory = Directory::filled().await;
    let names = directory.names("").into_iter().filter(|name| name != "LOCK");
    for name in names.collect::<Vec<_>>() {
        let whole = directory.read(&name);
        let ends = (0..whole.len().min(150)).chain(whole.len().saturating_sub(20)..whole.len());
        for at in ends.chain((0..whole.len()).step_by(997)).step_by(if whole.len() < 300 { 1 } else { 5 }) {
            directory.flip(&name, at);

            let verdict = look(&directory);

            let damage = verdict.damage.iter().find(|damage| damage.file == name);
            let damage = damage.unwrap_or_else(|| panic!("{name} at {at}: {verdict:?}"));
            assert!(damage.offset <= at as u64, "{name} at {at}: {damage}");
            let lost: u64 = verdict
                .damage
                .iter()
                .filter_map(|damage| damage.events.as_ref())
                .map(|lost| lost.end().0 - lost.start().0 + 1)
                .sum();
            if verdict.range.is_some() && name.ends_with(".log") {
                assert_eq!(verdict.events + lost, 36, "{name} at {at}: {verdict:?}");
                assert!(lost <= 1, "{name} at {at}: {verdict:?}");
            }
            directory.write(&name, &whole);
        }
    }
    assert!(look(&directory).is_whole());
}

#[tokio::test]
async fn a_cut_a_removed_and_a_swapped_file_are_found() {
    let directory = Directory::filled().await;
    let logs = directory.names(".log");
    for (at, name) in logs.iter().enumerate() {
        let whole = directory.read(name);
        for cut in [0, 10, 64, 65, whole.len() / 2, whole.len() - 1] {
            directory.write(name, &whole[..cut]);
            let verdict = look(&directory);
            assert!(!verdict.is_whole(), "{name} cut at {cut}: {verdict:?}");
            assert!(
                verdict.damage.iter().any(|damage| damage.events.is_some()),
                "{name} cut at {cut}: {verdict:?}"
            );
        }
        directory.remove(name);
        let verdict = look(&directory);
        // Retention takes the oldest one, too.
        assert_eq!(verdict.is_whole(), at == 0, "{name} removed: {verdict:?}");
        let other = directory.read(&logs[(at + 1) % logs.len()]);
        directory.write(name, &other);
        assert!(!look(&directory).is_whole(), "{name} is another one");
        directory.write(name, &whole);
    }
    for name in directory.names(".idx") {
        let whole = directory.read(&name);
        directory.write(&name, &whole[..4_096]);
        assert_eq!(look(&directory).is_whole(), whole.len() == 4_096, "{name}");
        directory.remove(&name);
        let verdict = look(&directory);
        assert!(verdict.is_whole() && verdict.notes.len() == 1, "{verdict:?}");
        directory.write(&name, &whole);
    }
    assert!(look(&directory).is_whole());
}

#[tokio::test]
async fn the_directory_of_a_store_that_is_open_can_be_looked_at_while_it_grows() {
    let directory = Directory::filled().await;
    let store = open_at(&directory.path(), 9_000);
    for number in 0..30 {
        store.append(vec![draft(100 + number, 9_000)]).await.unwrap();

        let verdict = look(&directory);

        assert!(verdict.is_whole(), "{verdict:?}");
        assert_eq!(verdict.range, Some((Sequence(1), Sequence(37 + number))));
    }
    let pid = std::process::id();
    assert_eq!(info(&directory.path()).unwrap().left, Left::Running { pid });
    store.close().await.unwrap();
}

#[tokio::test]
async fn info_tells_what_is_there_without_meta_too() {
    let directory = Directory::filled().await;
    let told = info(&directory.path()).unwrap();
    assert_eq!((told.left.clone(), told.range), (Left::Closed, Some((Sequence(1), Sequence(36)))));
    assert_eq!((told.segments.len(), told.epochs.len(), told.trouble.len()), (5, 3, 0));
    assert_eq!(told.times.map(|(first, last)| (first.0, last.0)), Some((1_000, 3_000)));

    directory.remove("META");

    let without = info(&directory.path()).unwrap();
    assert!(matches!(without.left, Left::Unknown { .. }));
    assert_eq!((without.segments, without.epochs, without.range), (told.segments, told.epochs, told.range));
    assert!(info(directory.dir.path()).is_err());
    assert!(verify(directory.dir.path(), &mut |_| {}).is_err());
}
