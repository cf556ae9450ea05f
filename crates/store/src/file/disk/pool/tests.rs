use super::*;
use crate::file::disk::sim::SimDisk;

fn disk_with(names: &[&str]) -> SimDisk {
    let disk = SimDisk::new(0);
    for name in names {
        disk.create(name).unwrap().write_at(name.as_bytes(), 0).unwrap();
    }
    disk
}

fn pool(disk: &SimDisk, files_max: usize) -> PoolDisk {
    PoolDisk::new(Arc::new(disk.clone()), files_max)
}

fn content(file: &Arc<dyn DiskFile>) -> String {
    let mut bytes = [0; 8];
    let read = file.read_at(&mut bytes, 0).unwrap();
    String::from_utf8(bytes[..read].to_vec()).unwrap()
}

#[test]
fn a_file_that_was_closed_for_others_is_opened_again() {
    let disk = disk_with(&["a", "b", "c"]);
    let pool = pool(&disk, 2);
    let files = ["a", "b", "c"].map(|name| pool.open_ended(name).unwrap());

    let read: Vec<_> = files.iter().chain(&files).map(content).collect();

    assert_eq!(read, ["a", "b", "c", "a", "b", "c"]);
    assert_eq!(disk.open_files(), 2);
}

#[test]
fn the_file_that_was_used_last_stays_open() {
    let disk = disk_with(&["a", "b", "c"]);
    let pool = pool(&disk, 2);
    let [a, b, c] = ["a", "b", "c"].map(|name| pool.open_ended(name).unwrap());

    [&a, &b, &a, &c].into_iter().for_each(|file| _ = content(file));
    disk.remove("a").unwrap();
    disk.remove("b").unwrap();

    assert_eq!(content(&a), "a");
    assert_eq!(b.len().unwrap_err().kind(), io::ErrorKind::NotFound, "it was closed for c");
}

#[test]
fn a_file_that_is_let_go_of_is_closed() {
    let disk = disk_with(&["a"]);
    let pool = pool(&disk, 2);
    let file = pool.open_ended("a").unwrap();
    content(&file);

    drop(file);

    assert_eq!(disk.open_files(), 0);
}

#[test]
fn without_a_descriptor_the_pool_gives_up_its_own() {
    let disk = disk_with(&["a", "b", "c"]);
    let pool = pool(&disk, 10);
    let files = ["a", "b", "c"].map(|name| pool.open_ended(name).unwrap());
    files[..2].iter().for_each(|file| _ = content(file));
    disk.allow_open_files(2);

    assert_eq!(content(&files[2]), "c");
    let kept = pool.create("d").unwrap();
    let also_kept = pool.open("a").unwrap();

    assert!(is_without_descriptor(&files[1].len().unwrap_err()), "two others are open, and not of the pool");
    drop((kept, also_kept));
    assert_eq!(content(&files[1]), "b");
}

#[test]
fn threads_that_read_the_same_files_find_each_one_there() {
    let disk = disk_with(&["a", "b", "c", "d"]);
    let pool = pool(&disk, 2);
    let files = ["a", "b", "c", "d"].map(|name| pool.open_ended(name).unwrap());

    std::thread::scope(|scope| {
        for turn in 0..4 {
            let files = &files;
            scope.spawn(move || {
                for round in 0..500 {
                    let at = (round * (turn + 1) + turn) % files.len();
                    assert_eq!(content(&files[at]), ["a", "b", "c", "d"][at]);
                }
            });
        }
    });

    assert_eq!(disk.open_files(), 2);
}
