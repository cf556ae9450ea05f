//! Many lives of a log, with kills, power cuts, failed syncs, older copies put back and tails that go missing, while
//! readers come and go. Whatever happens, each reader has the log as it is, or is told that it has not.
//!
//! The judge of the other trials knows what must still be there. This one knows what each reader has seen, and asks for
//! nothing else than that: a page may only come after a place up to which the reader has exactly what the log has.

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Cursor, EpochStatus, Placement, Reading, Start};

use super::dice::Dice;
use super::failure::append;
use super::judge::all;
use super::play::{LATER, open_store, pass_interval};
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, Trouble, World};
use crate::file::open_error::OpenError;
use crate::file::read::sliced_tests::read;
use crate::file::writer::LogWriter;

const LIVES: usize = 12;
const READERS_MAX: usize = 12;

/// Somebody who has a place, and the events up to there, of which no two are the same.
struct Reader {
    place: Cursor,
    seen: Vec<u64>,
}

/// An older state of the directory, and of what was published then.
struct Copy {
    world: World,
    published: Vec<u64>,
}

/// What the last life has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// At least this many events.
    AtLeast(usize),
    /// What a copy had, or what was left of a log whose tail is missing.
    Anything,
    /// A log that was closed, and whose tail is missing.
    Broken,
}

struct Campaign {
    seed: u64,
    dice: Dice,
    durability: Durability,
    retention: Retention,
    disk: SimDisk,
    /// What was published, in the order of the log, also what retention has taken and what may be gone.
    published: Vec<u64>,
    /// How many events no power cut can take.
    durable: usize,
    readers: Vec<Reader>,
    copies: Vec<Copy>,
    next: u64,
    tally: Tally,
}

/// What has happened, so that the trial can say whether it is what it should be.
#[derive(Debug, Default)]
struct Tally {
    pages: usize,
    gaps: usize,
    refused: usize,
    restored: usize,
    tails: usize,
}

impl Campaign {
    fn new(seed: u64, durability: Durability) -> Self {
        let count = seed.is_multiple_of(3).then_some(15);
        Self {
            seed,
            dice: Dice::new(seed ^ 0xca3b_a196),
            durability,
            retention: Retention { count, ..Retention::default() },
            disk: SimDisk::new(seed),
            published: Vec::new(),
            durable: 0,
            readers: Vec::new(),
            copies: Vec::new(),
            next: 0,
            tally: Tally::default(),
        }
    }

    fn run(mut self) -> Tally {
        let mut left = Left::AtLeast(0);
        for start in 0..LIVES {
            let before = self.disk.world();
            let mut writer = match self.open(start) {
                Ok(writer) if left != Left::Broken => writer,
                // Nothing is lost that is refused: the files are put back as they were.
                Err(OpenError::Corrupt { .. }) if left != Left::AtLeast(0) => {
                    self.tally.refused += 1;
                    assert!(matches!(left, Left::Broken | Left::Anything), "seed {}: refused", self.seed);
                    let Some(copy) = self.copies.pop() else { return self.tally };
                    self.disk.restore(&copy.world);
                    self.published = copy.published;
                    left = Left::Anything;
                    continue;
                }
                Ok(_) => panic!("seed {}: a closed log that has lost its tail is taken", self.seed),
                Err(error) => panic!("seed {}: {error}", self.seed),
            };
            drop(before);
            self.take_stock(&writer, left);
            self.serve(&writer);
            for _ in 0..self.dice.below(8) {
                self.act(&mut writer);
                self.serve(&writer);
            }
            left = self.end(writer);
        }
        self.tally
    }

    fn open(&mut self, start: usize) -> Result<LogWriter, OpenError> {
        open_store(&self.disk, self.durability, self.retention, (ManualClock::at(0), start))
    }

    /// Compares what is there with what was published.
    fn take_stock(&mut self, writer: &LogWriter, left: Left) {
        let held = all(&writer.log);
        let bounds = writer.log.bounds();
        let (floor, head) = (bounds.floor.sequence.0 as usize, bounds.head.sequence.0 as usize);
        if let Left::AtLeast(kept) = left {
            assert!(head >= kept, "seed {}: {kept} events were safe, {head} are there", self.seed);
        }
        let expected = self.published.get(floor..head);
        let held: Vec<_> = held.iter().map(|event| number(event.draft.data())).collect();
        assert_eq!(expected, Some(&held[..]), "seed {}: other events than were published", self.seed);
        self.published.truncate(head);
        self.durable = head;
    }

    /// Lets each reader read on that comes now, one page each. Some stay away for lives.
    fn serve(&mut self, writer: &LogWriter) {
        let view = writer.log.view();
        let bounds = writer.log.bounds();
        for reader in &mut self.readers {
            if self.dice.chance(3, 4) {
                continue;
            }
            let place = reader.place;
            let has_what_is_there = self.published.starts_with(&reader.seen);
            match read(&view, &writer.log.hash, &query(Start::After(place), &["**"])).unwrap() {
                Reading::Page(page) => {
                    assert!(
                        has_what_is_there,
                        "seed {}: a loss is not told to a reader at {place}",
                        self.seed
                    );
                    assert_eq!(page.after, place);
                    reader.seen.extend(page.events.iter().map(|event| number(event.draft.data())));
                    reader.place = page.next;
                    assert_eq!(reader.seen.len() as u64, page.next.sequence.0, "seed {}", self.seed);
                    assert!(self.published.starts_with(&reader.seen), "seed {}: skipped", self.seed);
                    self.tally.pages += 1;
                }
                Reading::Lost { resumes_after, .. } => {
                    let is_expired = place.sequence < bounds.floor.sequence;
                    // An epoch that a power cut took with its first event has never been.
                    let is_unknown = view.status_of(place.epoch) == EpochStatus::Unknown;
                    assert!(
                        !has_what_is_there || is_expired || is_unknown,
                        "seed {}: a reader at {place} is told of a loss, and has lost nothing",
                        self.seed
                    );
                    let common = reader.seen.iter().zip(&self.published).take_while(|(one, two)| one == two);
                    let least = (common.count() as u64).max(bounds.floor.sequence.0);
                    assert!(resumes_after.sequence.0 <= least, "seed {}: more is skipped", self.seed);
                    reader.seen = self.published[..resumes_after.sequence.0 as usize].to_vec();
                    reader.place = resumes_after;
                    self.tally.gaps += 1;
                }
            }
        }
    }

    fn act(&mut self, writer: &mut LogWriter) {
        match self.dice.below(8) {
            0 => pass_interval(writer),
            1 => writer.tend(),
            2 => self.join(writer),
            _ => {
                let data = format!("{} {}", self.next, "x".repeat([1, 400, 3_000][self.dice.below(3)]));
                let placements = append(writer, &data).unwrap();
                assert!(matches!(placements[..], [Placement::New(place)] if place.epoch == writer.epoch));
                self.published.push(self.next);
                self.next += 1;
            }
        }
        self.durable = writer.durable.0 as usize;
    }

    /// Somebody comes, and has everything up to one of the events.
    fn join(&mut self, writer: &LogWriter) {
        let held = all(&writer.log);
        let at = self.dice.below(held.len() + 1);
        let place = match at.checked_sub(1) {
            Some(last) => held[last].cursor,
            None => writer.log.bounds().floor,
        };
        let seen = self.published[..place.sequence.0 as usize].to_vec();
        if self.readers.len() == READERS_MAX {
            let one = self.dice.below(READERS_MAX);
            self.readers.swap_remove(one);
        }
        self.readers.push(Reader { place, seen });
    }

    /// Ends a life, and does something to what it has left.
    fn end(&mut self, mut writer: LogWriter) -> Left {
        if self.dice.chance(1, 3) {
            let copy = Copy { world: self.disk.world(), published: self.published.clone() };
            self.copies.push(copy);
        }
        let mut is_closed = false;
        let left = match self.dice.below(5) {
            0 => {
                is_closed = true;
                writer.close().unwrap();
                Left::AtLeast(self.published.len())
            }
            1 => {
                drop(writer);
                let left = self.disk.world().after_power_cut(&mut self.dice);
                self.disk.restore(&left);
                Left::AtLeast(self.durable)
            }
            2 => {
                // All syncs fail, and the system drops what it could not write.
                self.disk.watch(|_, _| Some(Trouble::Broken));
                pass_interval(&mut writer);
                self.disk.watch(|_, _| None);
                drop(writer);
                let left = self.disk.world().after_eviction();
                self.disk.restore(&left);
                Left::AtLeast(self.durable)
            }
            _ => {
                drop(writer);
                Left::AtLeast(self.published.len())
            }
        };
        match self.dice.below(6) {
            0 if !self.copies.is_empty() => {
                let copy = self.copies.swap_remove(self.dice.below(self.copies.len()));
                self.disk.restore(&copy.world);
                self.published = copy.published;
                self.tally.restored += 1;
                Left::Anything
            }
            1 => self.lose_tail(is_closed),
            _ => left,
        }
    }

    /// Takes the newest segment, or what is in it.
    fn lose_tail(&mut self, is_closed: bool) -> Left {
        let names = self.disk.list().unwrap();
        let newest = names.iter().filter(|name| name.ends_with(".log")).max().unwrap().clone();
        let file = self.disk.open(&newest).unwrap();
        let bytes = file.len().unwrap();
        // With nothing in it, nothing is lost.
        let base: usize = newest[..20].parse().unwrap();
        let had_events = self.published.len() >= base;
        match self.dice.below(3) {
            0 => self.disk.remove(&newest).unwrap(),
            1 => file.set_len(64).unwrap(),
            _ => file.write_at(&vec![0; bytes.saturating_sub(64) as usize], 64).unwrap(),
        }
        file.sync_data().unwrap();
        self.disk.sync_dir().unwrap();
        self.tally.tails += 1;
        if is_closed && had_events { Left::Broken } else { Left::Anything }
    }
}

/// The number that an event begins with.
fn number(data: &[u8]) -> u64 {
    let text = std::str::from_utf8(data).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_was_acknowledged_is_there_or_its_readers_are_told() {
    let mut sum = Tally::default();
    for durability in [Durability::Fsync, LATER, Durability::None] {
        for seed in seeds(80) {
            let tally = Campaign::new(seed, durability).run();
            sum.pages += tally.pages;
            sum.gaps += tally.gaps;
            sum.refused += tally.refused;
            sum.restored += tally.restored;
            sum.tails += tally.tails;
        }
    }

    // Each of these happened often, or the trial is not what it should be.
    println!("{sum:?}");
    assert!(sum.pages > 1_000 && sum.gaps > 100, "{sum:?}");
    assert!(sum.restored > 50 && sum.tails > 50 && sum.refused > 5, "{sum:?}");
}
