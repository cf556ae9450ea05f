//! A play: publishers of one seed, a store, and a ledger of what the store said.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidings_core::contract::fixture::{ManualClock, draft_with, state};
use tidings_core::{
    BatchPart, Clock, Cursor, Draft, DraftFields, Epoch, Event, IdempotencyKey, KeyFields, Placement,
    RetentionHold, Sequence, StoreError, UnixMillis,
};
use tokio::sync::oneshot;

use super::dice::Dice;
use crate::file::config::{Durability, FileStoreConfig, Retention};
use crate::file::disk::sim::SimDisk;
use crate::file::host::{Host, Random};
use crate::file::log::Log;
use crate::file::open;
use crate::file::open_error::OpenError;
use crate::file::queue::{Append, Queue};
use crate::file::seal::Sealer;
use crate::file::writer::LogWriter;

/// After what time the trials' stores sync under [`LATER`]. No trial takes so long: a play says when it has passed.
const INTERVAL: Duration = Duration::from_secs(3_600);

/// Durability `interval`.
pub(crate) const LATER: Durability = Durability::Interval(INTERVAL);

/// What was promised so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ledger {
    /// Events that were acknowledged, the first one with sequence 1.
    pub(crate) acknowledged: Vec<Draft>,
    /// The place of each.
    pub(crate) places: Vec<Cursor>,
    /// How many events there are where an append ends. An append is there whole or not at all.
    pub(crate) ends: BTreeSet<usize>,
    /// How many events a power cut cannot take any more.
    pub(crate) durable: usize,
    /// New events of appends that were not answered yet, in the order in which they were handed in.
    pub(crate) in_doubt: Vec<Vec<Draft>>,
    /// The first event that must still be there.
    pub(crate) earliest: Sequence,
    /// The epoch of the life that wrote last, once the store was open: that of what is in doubt.
    pub(crate) epoch: Option<Epoch>,
    /// Whether the store was closed in good order and not opened since.
    pub(crate) closed: bool,
}

impl Ledger {
    /// Writes down where the drafts of an append went, and checks that they may have gone there.
    fn note_append(&mut self, drafts: Vec<Draft>, placements: &[Placement]) {
        let part = drafts.last().filter(|last| last.batch_part().is_some());
        if let Some(part) = part
            && let Some(at) = self.newest_part(part)
            && let Some(answer) = self.answer_at(at, part)
        {
            assert!(placements.iter().all(|placement| *placement == answer), "{placements:?}");
            return;
        }
        for (draft, placement) in drafts.into_iter().zip(placements) {
            self.note(draft, *placement);
        }
    }

    /// The number of the newest event held that has the key of a part.
    fn newest_part(&self, part: &Draft) -> Option<usize> {
        let known = self.acknowledged.iter().rposition(|known| known.key() == part.key())?;
        (known >= self.known_from()).then_some(known + 1)
    }

    /// What a draft is answered with if the event of this number has its key.
    fn answer_at(&self, number: usize, draft: &Draft) -> Option<Placement> {
        let known = self.acknowledged.get(number - 1)?.clone();
        let event = Event { cursor: self.place(number)?, time: UnixMillis(0), draft: known };
        Placement::under_known_key(&event, draft)
    }

    /// Writes down where a draft went, and checks that it may have gone there.
    fn note(&mut self, draft: Draft, placement: Placement) {
        let known = self.acknowledged.get(self.known_from()..).unwrap_or_default();
        let is_single = draft.key().is_some() && draft.batch_part().is_none();
        let same_key = known.iter().find(|known| is_single && known.key() == draft.key());
        match (placement, same_key) {
            (Placement::New(place), None) => {
                assert_eq!(Some(place), self.place(self.acknowledged.len() + 1));
                self.acknowledge(draft, place);
            }
            (Placement::Repeated(place), Some(known)) => {
                assert_eq!(Some(place), self.place(place.sequence.0 as usize));
                assert_eq!(self.acknowledged.get(place.sequence.0 as usize - 1), Some(known));
                assert!(known.says_the_same_as(&draft));
            }
            (Placement::KeyReused(place), Some(known)) => {
                assert_eq!(Some(place), self.place(place.sequence.0 as usize));
                assert_eq!(self.acknowledged.get(place.sequence.0 as usize - 1), Some(known));
                assert!(!known.says_the_same_as(&draft));
            }
            // The event with the key may have left in the middle of the round.
            (Placement::Repeated(_) | Placement::KeyReused(_), None) => {}
            (Placement::BatchAt(_), _) => panic!("no part of the batch was known, or it was the one before"),
            (Placement::New(_), Some(_)) => panic!("a key was forgotten"),
        }
    }

    /// The place of an event, in the epoch of the life that wrote it.
    pub(crate) fn place(&self, number: usize) -> Option<Cursor> {
        let place = number.checked_sub(1).and_then(|at| self.places.get(at)).copied();
        place.or_else(|| Some(Cursor::new(self.epoch?, Sequence(number as u64))))
    }

    fn acknowledge(&mut self, draft: Draft, place: Cursor) {
        self.acknowledged.push(draft);
        self.places.push(place);
    }

    /// The epochs in which events were written that were acknowledged, and that of what is in doubt.
    pub(crate) fn epochs(&self) -> Vec<Epoch> {
        let mut epochs: Vec<_> = self.places.iter().map(|place| place.epoch).chain(self.epoch).collect();
        epochs.dedup();
        epochs
    }

    /// How many events there are where an append ends, whether it was answered or not.
    pub(crate) fn possible_ends(&self) -> BTreeSet<usize> {
        let mut ends = self.ends.clone();
        let mut end = self.acknowledged.len();
        for append in &self.in_doubt {
            end += append.len();
            ends.insert(end);
        }
        ends
    }

    /// The event, among those that are there and some that are new, that has the key of a draft.
    fn place_of<'a>(&'a self, draft: &Draft, new: &'a [Draft]) -> Option<&'a Draft> {
        let known = self.acknowledged.iter().skip(self.known_from());
        let mut known = known.chain(self.in_doubt.iter().flatten()).chain(new);
        known.find(|known| draft.key().is_some() && known.key() == draft.key())
    }

    /// The newest of the same that is a part of the batch of a draft.
    fn part_of<'a>(&'a self, draft: &Draft, new: &'a [Draft]) -> Option<&'a BatchPart> {
        let known = self.acknowledged.iter().skip(self.known_from());
        let known = known.chain(self.in_doubt.iter().flatten()).chain(new);
        known.filter(|known| known.key() == draft.key()).last()?.batch_part()
    }

    fn known_from(&self) -> usize {
        self.earliest.0.saturating_sub(1) as usize
    }
}

/// The ledger, also for those who watch the disk.
#[derive(Clone, Default)]
pub(crate) struct Book {
    ledger: Arc<Mutex<Ledger>>,
    log: Arc<Mutex<Option<Arc<Log>>>>,
}

impl Book {
    pub(crate) fn open(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the ledger, with the store's own word on what has left it.
    pub(crate) fn copy(&self) -> Ledger {
        let mut ledger = self.open().clone();
        if let Some(log) = &*self.log.lock().unwrap_or_else(PoisonError::into_inner) {
            ledger.earliest = log.bounds().earliest();
            // Only the newest segment may have events that are not durable.
            let newest = log.view().segments.last().map_or(0, |segment| segment.base().previous().0 as usize);
            ledger.durable = ledger.durable.max(newest);
        }
        ledger
    }

    fn watch(&self, log: &Arc<Log>) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(log.clone());
    }
}

/// How a play is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) durability: Durability,
    pub(crate) rounds: usize,
}

/// The store and its publishers.
pub(crate) struct Play {
    pub(crate) disk: SimDisk,
    pub(crate) book: Book,
    setting: Setting,
    dice: Dice,
    clock: Arc<ManualClock>,
    queue: Arc<Queue>,
    written: usize,
    /// Appends that found no space.
    pub(crate) refused: usize,
}

type Answer = oneshot::Receiver<Result<Vec<Placement>, StoreError>>;

/// Opens the store on a disk, as the machine would after a number of starts.
pub(crate) fn open_store(
    disk: &SimDisk,
    durability: Durability,
    retention: Retention,
    (clock, start): (Arc<dyn Clock>, usize),
) -> Result<LogWriter, OpenError> {
    open_host(host(disk, clock, start), durability, retention)
}

/// Opens the store with a hold.
pub(crate) fn open_held(
    disk: &SimDisk,
    durability: Durability,
    retention: Retention,
    hold: Arc<RetentionHold>,
    (clock, start): (Arc<dyn Clock>, usize),
) -> Result<LogWriter, OpenError> {
    let hold = Some(hold);
    open_config(
        host(disk, clock, start),
        FileStoreConfig { durability, retention, hold, ..FileStoreConfig::default() },
    )
}

/// A machine after a number of starts. Each store that is opened on it gets an epoch of its own.
pub(crate) fn host(disk: &SimDisk, clock: Arc<dyn Clock>, start: usize) -> Host {
    let mut dice = Dice::new(disk.begin_life());
    Host {
        disk: Arc::new(disk.clone()),
        clock,
        boot: Some(format!("start-{start}")),
        random: Random { key: *b"a key for trials", epoch: dice.next() },
    }
}

/// Opens the store on a machine. Segments are small, and sealed in the order of everything else.
pub(crate) fn open_host(
    host: Host,
    durability: Durability,
    retention: Retention,
) -> Result<LogWriter, OpenError> {
    open_config(host, FileStoreConfig { durability, retention, ..FileStoreConfig::default() })
}

/// Opens what a disk has damaged, as far as it can be read.
pub(crate) fn open_damaged(disk: &SimDisk, start: usize) -> Result<LogWriter, OpenError> {
    let config = FileStoreConfig { segment_bytes: 8_192, open_files_max: 3, ..FileStoreConfig::default() };
    let host = host(disk, ManualClock::at(0), start);
    open::open(host, &config, |disk, log| Ok(Sealer::Inline(disk, log)))
}

pub(crate) fn open_config(host: Host, config: FileStoreConfig) -> Result<LogWriter, OpenError> {
    // A crash leaves nothing that strict recovery would refuse.
    // And few files are open, so that most readings open one again.
    let config = FileStoreConfig { segment_bytes: 8_192, strict_recovery: true, open_files_max: 3, ..config };
    open::open(host, &config, |disk, log| Ok(Sealer::Inline(disk, log)))
}

/// Hands appends to the writer as publishers do, all at once, and lets it take a turn.
pub(crate) fn take_turn(writer: &mut LogWriter, queue: &Arc<Queue>, appends: Vec<Append>) {
    for append in appends {
        assert!(queue.push(append).is_ok(), "the queue is open");
    }
    assert!(writer.turn(queue, &mut Vec::new()));
}

/// Lets the time pass after which a sync is due, and lets the writer see to it.
pub(crate) fn pass_interval(writer: &mut LogWriter) {
    if let Some(long_ago) = writer.synced_at.checked_sub(INTERVAL) {
        writer.synced_at = long_ago;
    }
    writer.tend();
}

impl Play {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            disk: SimDisk::new(setting.seed),
            book: Book::default(),
            dice: Dice::new(setting.seed),
            clock: ManualClock::at(1_000),
            queue: Arc::new(Queue::new()),
            written: 0,
            refused: 0,
            setting,
        }
    }

    /// Plays until the end, or until the store fails.
    pub(crate) fn run(&mut self) -> Result<(), OpenError> {
        let mut writer = self.open()?;
        for _ in 0..self.setting.rounds {
            self.clock.set(1_000 + 50 * self.written as u64);
            if writer.stopped.is_some() {
                return Ok(());
            }
            match self.dice.below(12) {
                0 => {
                    let closed = self.close(writer).is_ok();
                    let mut book = self.book.open();
                    book.closed = closed;
                    if closed {
                        book.durable = book.acknowledged.len();
                    }
                    drop(book);
                    writer = self.open()?;
                }
                // The process dies, the machine does not.
                1 => {
                    drop(writer);
                    writer = self.open()?;
                }
                2 => writer.tend(),
                3..=5 => self.pass_interval(&mut writer),
                _ => self.publish(&mut writer),
            }
        }
        Ok(())
    }

    fn close(&mut self, writer: LogWriter) -> Result<(), StoreError> {
        self.queue.close();
        writer.run(&self.queue)
    }

    fn open(&mut self) -> Result<LogWriter, OpenError> {
        // Some plays keep everything.
        let count = (!self.setting.seed.is_multiple_of(3)).then_some(20);
        let age = self.setting.seed.is_multiple_of(5).then_some(Duration::from_secs(4));
        let retention = Retention { count, age, bytes: None };
        let mut writer = open_store(&self.disk, self.setting.durability, retention, (self.clock.clone(), 0))?;
        self.queue = Arc::new(Queue::new());
        self.book.watch(&writer.log);
        let mut book = self.book.open();
        book.closed = false;
        // What nobody was told of may have been kept all the same; from now on it is a fact.
        let head = writer.log.bounds().head.sequence.0 as usize;
        let ends = book.possible_ends();
        let doubtful: Vec<_> = std::mem::take(&mut book.in_doubt).into_iter().flatten().collect();
        let kept =
            head.checked_sub(book.acknowledged.len()).expect("the memory of the system outlives a process");
        for draft in doubtful.into_iter().take(kept) {
            let place = book.place(book.acknowledged.len() + 1).expect("a store was open before");
            book.acknowledge(draft, place);
        }
        book.epoch = Some(writer.epoch);
        book.ends = ends.into_iter().filter(|end| *end <= head).collect();
        // What a start shows, it has made durable.
        book.durable = head;
        drop(book);
        writer.tend();
        Ok(writer)
    }

    /// Lets the time pass after which what was acknowledged must be on the disk.
    fn pass_interval(&mut self, writer: &mut LogWriter) {
        pass_interval(writer);
        if self.setting.durability == LATER && writer.stopped.is_none() {
            let mut book = self.book.open();
            book.durable = book.acknowledged.len();
        }
    }

    /// Some publishers publish at once.
    fn publish(&mut self, writer: &mut LogWriter) {
        // The turn does this, too. It must be done before the ledger says which keys are known.
        writer.tend();
        let (mut appends, mut answers) = (Vec::new(), Vec::new());
        // Now and then so many that the writer expects them back after its answer.
        let count = if self.dice.chance(1, 12) { 9 } else { 1 + self.dice.below(4) };
        for _ in 0..count {
            let drafts = match self.dice.chance(1, 4) {
                true => self.part(),
                false => (0..=self.dice.below(3)).map(|_| self.draft(true)).collect(),
            };
            let (reply, answer) = oneshot::channel();
            let fresh = self.fresh(&drafts);
            self.book.open().in_doubt.push(fresh.clone());
            answers.push((answer, drafts.clone(), fresh));
            appends.push(Append { drafts, reply });
        }
        take_turn(writer, &self.queue, appends);
        self.note(answers);
    }

    /// Writes down what the store answered.
    fn note(&mut self, answers: Vec<(Answer, Vec<Draft>, Vec<Draft>)>) {
        let mut ledger = self.book.copy();
        let mut in_doubt = Vec::new();
        for (mut answer, drafts, fresh) in answers {
            match answer.try_recv() {
                Ok(Ok(placements)) => {
                    ledger.note_append(drafts, &placements);
                    let end = ledger.acknowledged.len();
                    ledger.ends.insert(end);
                }
                Ok(Err(StoreError::Full(_))) => self.refused += 1,
                Ok(Err(StoreError::Stopped(_))) => in_doubt.push(fresh),
                other => panic!("unexpected answer: {other:?}"),
            }
        }
        ledger.in_doubt = in_doubt;
        if self.setting.durability == Durability::Fsync {
            ledger.durable = ledger.acknowledged.len();
        }
        *self.book.open() = ledger;
    }

    /// Those drafts of an append that will be placed.
    fn fresh(&self, drafts: &[Draft]) -> Vec<Draft> {
        let ledger = self.book.copy();
        let part = drafts.last().and_then(|last| Some((last, last.batch_part()?)));
        if let Some((last, part)) = part {
            let known = ledger.part_of(last, &[]);
            let is_placed = known.is_none_or(|known| part.goes_on_behind(known));
            return if is_placed { drafts.to_vec() } else { Vec::new() };
        }
        let mut fresh = Vec::new();
        for draft in drafts {
            if ledger.place_of(draft, &fresh).is_none() {
                fresh.push(draft.clone());
            }
        }
        fresh
    }

    /// Some events of one of a few batches, most of the time from where it stands.
    fn part(&mut self) -> Vec<Draft> {
        let key = IdempotencyKey::parse(KeyFields { credential: "me", key: "batch" }).unwrap();
        let other = IdempotencyKey::parse(KeyFields { credential: "you", key: "batch" }).unwrap();
        let key = if self.dice.chance(1, 2) { key } else { other };
        let mut drafts: Vec<_> = (0..=self.dice.below(3)).map(|_| self.draft(false)).collect();
        let nothing = BatchPart { before: 0, through: 0, digest: [0; 16], complete: false };
        let last = drafts.pop().unwrap().ending_part(key.clone(), nothing);
        let known = self.book.copy().part_of(&last, &[]).map_or(0, |known| known.through);
        let before = if self.dice.chance(1, 5) { self.dice.below(9) as u64 } else { known };
        let through = before + drafts.len() as u64 + 1;
        let complete = self.dice.chance(1, 40);
        let part = BatchPart { before, through, digest: [through as u8; 16], complete };
        drafts.push(last.ending_part(key, part));
        drafts
    }

    fn draft(&mut self, may_have_key: bool) -> Draft {
        self.written += 1;
        let number = self.written;
        let topic = ["a", "b", "c/d", "c/e"][self.dice.below(4)];
        let filler = [0, 10, 100, 1_500, 10_000][self.dice.below(5)];
        let id = self.dice.chance(1, 2).then(|| format!("id-{}", number % 50));
        let key = (may_have_key && self.dice.chance(1, 5)).then(|| format!("key-{}", number % 40));
        let fields = DraftFields {
            id: id.as_deref(),
            key: key.as_deref().map(KeyFields::from),
            ..DraftFields::default()
        };
        let data = format!("{} {}", if key.is_some() { number % 80 } else { number }, "x".repeat(filler));
        let draft = draft_with(topic, &data, fields);
        // Among those with one key, the same that say the same.
        if number.is_multiple_of(5) { state(draft) } else { draft }
    }
}
