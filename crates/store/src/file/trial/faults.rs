//! The campaign of faults: many lives of a log on a disk that does everything a disk, a system and an operator can do to it.
//!
//! Each life is opened as far as it can be read. Operations fail, with every error that a system gives for want of space, of quota, of
//! descriptors, or of a disk that works; the clock jumps. A life ends in good order, by a kill, by a power cut or by a failed sync. Then files are
//! changed, cut, emptied, removed or exchanged.
//!
//! The verdict is one: **what was acknowledged and was durable can be read, or is declared.** A reader that comes with the place of any event that there
//! ever was hears each event behind it, as it was published, or a gap. No place is given to two events. `tests/faults/README.md` says how
//! to run many seeds of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidings_core::contract::fixture::{ManualClock, query};
use tidings_core::{Cursor, Placement, Reading, Sequence, Start, StoreError};

use super::damage::spoil_one;
use super::dice::Dice;
use super::failure::append;
use super::play::{LATER, host, pass_interval};
use super::power::seeds;
use crate::file::config::{Durability, FileStoreConfig, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, Trouble};
use crate::file::fault::Fault;
use crate::file::mend::Mender;
use crate::file::open;
use crate::file::open_error::OpenError;
use crate::file::read::sliced_tests::read;
use crate::file::seal::Sealer;
use crate::file::writer::LogWriter;

const LIVES: usize = 8;
const READERS: usize = 6;

/// How often a segment may be looked at again in one reading, before that counts as going round.
const MENDS: usize = 50;

/// What happened, so that the campaign can say whether it is what it should be.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    lives: usize,
    events: usize,
    gaps: usize,
    lost: usize,
    spoilt: usize,
    refused: usize,
    troubles: usize,
}

struct Campaign {
    seed: u64,
    dice: Dice,
    durability: Durability,
    disk: SimDisk,
    clock: Arc<ManualClock>,
    /// What each place was given to, whether its publisher was answered or not.
    published: HashMap<Cursor, u64>,
    /// The events that must be there or be declared, by sequence.
    promised: BTreeMap<u64, Cursor>,
    /// The last event that a life has shown in good order, and how far a start may fall behind it.
    next: u64,
    tally: Tally,
}

/// How a life has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Killed,
    /// By the power or by syncs that failed: what was not durable may be gone.
    Torn,
}

impl Campaign {
    fn new(seed: u64, durability: Durability) -> Self {
        Self {
            seed,
            dice: Dice::new(seed ^ 0xfa17_5eed),
            durability,
            disk: SimDisk::new(seed),
            clock: ManualClock::at(1_000_000),
            published: HashMap::new(),
            promised: BTreeMap::new(),
            next: 0,
            tally: Tally::default(),
        }
    }

    fn run(mut self) -> Tally {
        for start in 0..LIVES {
            let Some(mut writer) = self.begin(start) else { continue };
            self.tally.lives += 1;
            self.judge(&writer);
            self.live(&mut writer);
            self.judge(&writer);
            let end = self.end(writer);
            self.spoil(end);
        }
        self.tally
    }

    /// Opens the log. None if the system refuses, which an operator mends before the next start.
    fn begin(&mut self, start: usize) -> Option<LogWriter> {
        let troubled = self.dice.chance(1, 4);
        if troubled {
            self.trouble(20);
        }
        let opened = self.open(start);
        self.disk.watch(|_, _| None);
        match opened {
            Ok(writer) => Some(writer),
            Err(OpenError::Io { .. }) if troubled => {
                self.tally.refused += 1;
                None
            }
            Err(error) => panic!("seed {}: {error}", self.seed),
        }
    }

    fn open(&self, start: usize) -> Result<LogWriter, OpenError> {
        let config = FileStoreConfig {
            segment_bytes: 8_192,
            durability: self.durability,
            retention: Retention { count: self.seed.is_multiple_of(3).then_some(40), ..Retention::default() },
            ..FileStoreConfig::default()
        };
        open::open(host(&self.disk, self.clock.clone(), start), &config, |disk, log| {
            Ok(Sealer::Inline(disk, log))
        })
    }

    /// Makes some of the next operations fail.
    fn trouble(&mut self, within: usize) {
        let from = self.dice.below(within) as u64;
        let until = from + [1, 1, 2, 10][self.dice.below(4)];
        let trouble =
            [Trouble::Full, Trouble::Broken, Trouble::Quota, Trouble::NoDescriptor][self.dice.below(4)];
        let mut count = 0;
        self.disk.watch(move |_, _| {
            count += 1;
            (from..until).contains(&(count - 1)).then_some(trouble)
        });
        self.tally.troubles += 1;
    }

    fn live(&mut self, writer: &mut LogWriter) {
        if self.dice.chance(1, 3) {
            self.trouble(60);
        }
        for _ in 0..self.dice.below(25) {
            if writer.stopped.is_some() {
                break;
            }
            match self.dice.below(10) {
                0 => pass_interval(writer),
                1 => writer.tend(),
                2 => self.jump(),
                _ => self.publish(writer),
            }
        }
        self.disk.watch(|_, _| None);
    }

    /// The clock goes on, or jumps by up to a year in either direction.
    fn jump(&mut self) {
        use tidings_core::Clock;
        let now = self.clock.now().0;
        let far = [10, 60_000, 86_400_000, 31_536_000_000][self.dice.below(4)];
        let by = self.dice.next() % far;
        self.clock.set(if self.dice.chance(2, 3) { now + by } else { now.saturating_sub(by) });
    }

    fn publish(&mut self, writer: &mut LogWriter) {
        let number = self.next;
        self.next += 1;
        let data = format!("{number} {}", "x".repeat([1, 40, 400, 3_000][self.dice.below(4)]));
        let place = Cursor::new(writer.epoch, writer.head.next());
        match append(writer, &data) {
            Ok(placements) => {
                assert_eq!(placements, [Placement::New(place)], "seed {}", self.seed);
                let before = self.published.insert(place, number);
                assert!(
                    before.is_none_or(|before| before == number),
                    "seed {}: {place} is given twice",
                    self.seed
                );
                self.promised.insert(place.sequence.0, place);
            }
            // It may be there, or not.
            Err(StoreError::Stopped(_)) => _ = self.published.insert(place, number),
            Err(StoreError::Full(_) | StoreError::Unavailable(_)) => {}
            Err(error) => panic!("seed {}: {error}", self.seed),
        }
    }

    fn end(&mut self, mut writer: LogWriter) -> End {
        let durable = writer.durable.0;
        let end = match self.dice.below(4) {
            0 if writer.stopped.is_none() => match writer.close() {
                Ok(()) => End::Closed,
                Err(_) => End::Torn,
            },
            1 => {
                drop(writer);
                let left = self.disk.world().after_power_cut(&mut self.dice);
                self.disk.restore(&left);
                End::Torn
            }
            2 => {
                self.disk.watch(|_, _| Some(Trouble::Broken));
                pass_interval(&mut writer);
                self.disk.watch(|_, _| None);
                drop(writer);
                let left = self.disk.world().after_eviction();
                self.disk.restore(&left);
                End::Torn
            }
            _ => {
                drop(writer);
                End::Killed
            }
        };
        if end == End::Torn {
            self.promised.retain(|sequence, _| *sequence <= durable);
        }
        end
    }

    /// Does to the files what disks and people do. Of a log that was not closed, the end of the newest segment may be what a crash tore, and
    /// nobody can tell the one from the other.
    fn spoil(&mut self, end: End) {
        if self.dice.chance(1, 3) {
            return;
        }
        for _ in 0..self.dice.below(3) {
            let names = self.disk.list().unwrap();
            let files = names.iter().filter(|name| name.ends_with(".log") || name.ends_with(".idx"));
            let newest = names.iter().filter(|name| name.ends_with(".log")).max();
            let oldest = names.iter().filter(|name| name.ends_with(".log")).min();
            let spared = |name: &&&String| end == End::Closed || Some(**name) != newest;
            let files: Vec<_> =
                files.filter(|name| spared(&name) && Some(*name) != oldest).cloned().collect();
            if files.is_empty() {
                return;
            }
            spoil_one(&self.disk, &files, &mut self.dice);
            self.tally.spoilt += 1;
        }
        // What is damaged stays damaged.
        for name in self.disk.list().unwrap() {
            self.disk.open(&name).unwrap().sync_data().unwrap();
        }
        self.disk.sync_dir().unwrap();
    }

    /// Lets a reader without a place, and readers with places of events that there are or were, hear all of the log.
    fn judge(&mut self, writer: &LogWriter) {
        let bounds = writer.log.bounds();
        let (floor, head) = (bounds.floor.sequence.0, bounds.head.sequence.0);
        let last = self.promised.keys().next_back().copied().unwrap_or(0);
        assert!(head >= last, "seed {}: event {last} was promised, and the log ends with {head}", self.seed);
        let heard = self.hear(writer, Start::Earliest, floor);
        for (sequence, place) in self.promised.range(floor + 1..) {
            let found = heard.get(sequence).map(|found| found.sequence);
            assert!(found.is_none_or(|found| found == place.sequence), "seed {}: {place}", self.seed);
        }
        // What cannot be read can be read by nobody, and is declared; it need not be watched any more.
        self.tally.lost += self.promised.range(floor + 1..).filter(|(at, _)| !heard.contains_key(at)).count();
        self.promised.retain(|sequence, _| *sequence > floor && heard.contains_key(sequence));
        let places: Vec<_> = self.published.keys().copied().collect();
        for _ in 0..READERS.min(places.len()) {
            let place = places[self.dice.below(places.len())];
            self.hear(writer, Start::After(place), place.sequence.0);
        }
    }

    /// The number, if it was published at this place, in whichever epoch.
    fn number_at(&self, place: Cursor, number: Option<u64>) -> Option<u64> {
        let mut known = self.published.iter();
        known.find(|(at, known)| at.sequence == place.sequence && Some(**known) == number).and(number)
    }

    /// Reads to the end, and checks that each event is the one that was published at its place, and that no place is passed over in silence. The
    /// events that were heard, by sequence.
    fn hear(&mut self, writer: &LogWriter, mut start: Start, mut after: u64) -> BTreeMap<u64, Cursor> {
        let mender = Mender::new(writer.log.clone(), Arc::new(self.disk.clone()));
        let (mut heard, mut mends) = (BTreeMap::new(), 0);
        loop {
            let view = writer.log.view();
            let place = match read(&view, &writer.log.hash, &query(start.clone(), &["**"])) {
                Ok(Reading::Page(page)) => {
                    for event in &page.events {
                        after += 1;
                        let data = std::str::from_utf8(event.draft.data()).unwrap();
                        let number = data.split(' ').next().and_then(|number| number.parse().ok());
                        assert_eq!(
                            event.cursor.sequence.0, after,
                            "seed {}: events are passed over",
                            self.seed
                        );
                        let was = self.published.get(&event.cursor).copied();
                        // Behind a place where an epoch may have begun, events have another one than they had.
                        let was = was.or_else(|| self.number_at(event.cursor, number));
                        assert_eq!(was, number, "seed {}: {}", self.seed, event.cursor);
                        heard.insert(after, event.cursor);
                    }
                    assert_eq!(
                        page.next.sequence,
                        Sequence(after),
                        "seed {}: places are passed over",
                        self.seed
                    );
                    self.tally.events += page.events.len();
                    if !page.has_more() {
                        return heard;
                    }
                    page.next
                }
                Ok(Reading::Lost { resumes_after, .. }) => {
                    self.tally.gaps += 1;
                    // It is told once.
                    assert!(self.tally.gaps < 1_000_000 && start != Start::After(resumes_after));
                    resumes_after
                }
                Err(Fault::Damaged { base, .. }) => {
                    mends += 1;
                    assert!(mends < MENDS, "seed {}: a segment is looked at again and again", self.seed);
                    mender.mend_now(base).unwrap();
                    continue;
                }
                other => panic!("seed {}: {other:?}", self.seed),
            };
            after = place.sequence.0;
            start = Start::After(place);
        }
    }
}

#[test]
fn what_was_acknowledged_can_be_read_or_is_declared_whatever_fails() {
    let mut sum = Tally::default();
    for seed in seeds(60) {
        for durability in [Durability::Fsync, LATER] {
            let tally = Campaign::new(seed, durability).run();
            sum = Tally {
                lives: sum.lives + tally.lives,
                events: sum.events + tally.events,
                gaps: sum.gaps + tally.gaps,
                lost: sum.lost + tally.lost,
                spoilt: sum.spoilt + tally.spoilt,
                refused: sum.refused + tally.refused,
                troubles: sum.troubles + tally.troubles,
            };
        }
    }

    println!("{sum:?}");
    // Each of these happened often, or the campaign is not what it should be.
    assert!(sum.lives > 300 && sum.events > 5_000 && sum.gaps > 100, "{sum:?}");
    assert!(sum.lost > 20 && sum.spoilt > 100 && sum.refused > 5 && sum.troubles > 100, "{sum:?}");
}
