//! Opening a store: what is there, what a crash left of it, and what to go on with.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tidings_core::{Line, Sequence, UnixMillis};

use super::active::Active;
use super::ages::Now;
use super::config::{Durability, FileStoreConfig};
use super::descriptors::LackOfDescriptors;
use super::disk::Disk;
use super::disk::pool::PoolDisk;
use super::fault::Fault;
use super::files::{Files, Found};
use super::group::WriteGroup;
use super::hash::KeyedHash;
use super::header::{FORMAT, SegmentHeader};
use super::host::{Host, Random};
use super::log::{Log, LogView};
use super::mend;
use super::meta::{Life, Meta};
use super::metrics::StoreMetrics;
use super::names;
use super::open_error::OpenError;
use super::recover::{Expectation, Newest, Recovery};
use super::retire::Retiring;
use super::seal::Sealer;
use super::space::Space;
use super::writer::LogWriter;
use crate::limits::SEQUENCE_MAX;

/// Opens a store on a disk that is this process' alone. `seal` makes the sealer.
pub(crate) fn open(
    host: Host,
    config: &FileStoreConfig,
    seal: impl FnOnce(Arc<dyn Disk>, Arc<Log>) -> io::Result<Sealer>,
) -> Result<LogWriter, OpenError> {
    let pooled: Arc<dyn Disk> = Arc::new(PoolDisk::new(host.disk, config.open_files_max));
    let disk = &*pooled;
    let files = Files::list(disk)?;
    let before = Meta::read(disk)?;
    refuse_half(before.as_ref(), &files)?;
    files.clean(disk);

    let hash = before.as_ref().map_or(KeyedHash(host.random.key), |meta| meta.hash);
    let recovery = if config.strict_recovery { Recovery::Strict } else { Recovery::Lenient };
    let expected = expectation(before.as_ref(), config.segment_bytes, recovery);
    let mut found = files.recover(disk, hash, &expected)?;
    if let Some(found) = &mut found {
        // Before `META` is written, which says where the log ended.
        found.go_on_behind_what_is_lost(disk, &hash, config.segment_bytes)?;
    }
    let strict = config.durability == Durability::Fsync;
    let meta = Meta { hash, life: Life::Open { strict, boot: host.boot.clone() }, epoch: None };
    let is_announced = announce(disk, &meta, found.is_some())?;
    let is_new = found.is_none();
    let Found { ended, newest, line } = match found {
        Some(found) => {
            tell_what_is_unsure(before.as_ref(), found.newest.head, host.boot.as_ref());
            found
        }
        None => begin(disk, &host.random, &hash, before.as_ref(), config.segment_bytes)?,
    };

    let Newest { active, head, last_time, .. } = newest;
    let epoch = if is_new { line.epoch() } else { host.random.epoch(Some(&line)) };
    let mut segments: Vec<_> = ended.into_iter().chain([active.segment.clone()]).collect();
    let keys = mend::keys(disk, &mut segments, hash, recovery)?;
    let view = LogView { segments: Arc::new(segments), head, line: Arc::new(line), is_begun: is_new };
    let log = Arc::new(Log::new(hash, view));
    mend::tell(&log.view());
    let sealer = seal(pooled.clone(), log.clone())
        .map_err(|source| OpenError::Io { file: "the sealing thread".to_owned(), source })?;
    sealer.wake();
    let now = Now::of(&*host.clock);
    let retiring = Retiring::new(config, &log.view(), last_time, now);
    let mut space = Space::new(config.disk_free_min);
    space.look(disk, now.uptime);
    if !is_announced {
        space.refused(disk, now.uptime);
    }
    let metrics = StoreMetrics::of(&log, &space);
    Ok(LogWriter {
        log,
        announcer: Arc::default(),
        disk: pooled,
        clock: host.clock,
        durability: config.durability,
        segment_bytes: config.segment_bytes,
        meta,
        is_announced,
        epoch,
        is_begun: is_new,
        sealer,
        active,
        keys,
        retiring,
        space,
        group: WriteGroup::new(hash.tag()),
        head,
        last_time,
        durable: head,
        synced_at: Instant::now(),
        stopped: None,
        lack: LackOfDescriptors::default(),
        metrics,
    })
}

/// Refuses a directory from which somebody has taken a part.
pub(crate) fn refuse_half(before: Option<&Meta>, files: &Files) -> Result<(), Fault> {
    let what = match before.map(|meta| &meta.life) {
        Some(Life::Loading) => {
            "a load or a backup into this directory was not completed, and what is there is no whole log"
                .to_owned()
        }
        None if !files.logs.is_empty() => "it is missing, and there is a log".to_owned(),
        Some(Life::Closed { head: event } | Life::Failed { durable: event, .. })
            if files.logs.is_empty() && *event > Sequence::ZERO =>
        {
            format!("the log had event {event}, and there is no log")
        }
        Some(Life::Closed { head: event } | Life::Failed { durable: event, .. })
            if event.0 > SEQUENCE_MAX =>
        {
            format!("it names event {event}, which no log can reach")
        }
        _ => return Ok(()),
    };
    Err(Fault::corrupt(names::META, 0, what))
}

/// What the last process says of the newest segment.
fn expectation(before: Option<&Meta>, segment_bytes: u64, recovery: Recovery) -> Expectation {
    let reaches = match before.map(|meta| &meta.life) {
        Some(Life::Closed { head }) => Some((*head, "the store was closed")),
        Some(Life::Failed { durable, .. }) => Some((*durable, "a sync failed")),
        Some(Life::Open { .. } | Life::Loading) | None => None,
    };
    let is_closed = matches!(before, Some(Meta { life: Life::Closed { .. }, .. }));
    Expectation { reaches, is_closed, segment_bytes, recovery }
}

/// Writes `META`. False if there is no space, and a log to be read meanwhile.
fn announce(disk: &dyn Disk, meta: &Meta, has_log: bool) -> Result<bool, OpenError> {
    match meta.write(disk) {
        Err(fault) if fault.is_full() && has_log => {
            tracing::warn!(%fault, "there is no space left: the log can be read, and takes no event until there is");
            Ok(false)
        }
        written => Ok(written.map(|()| true)?),
    }
}

/// Begins a log.
fn begin(
    disk: &dyn Disk,
    random: &Random,
    hash: &KeyedHash,
    before: Option<&Meta>,
    segment_bytes: u64,
) -> Result<Found, OpenError> {
    if before.is_some() {
        tracing::warn!(
            "there is no segment: if the log had events, they are gone, and their readers hear of a gap"
        );
    }
    let epoch = random.epoch(None);
    let header = SegmentHeader {
        format: FORMAT,
        epoch,
        base: Sequence::ZERO.next(),
        time_before: UnixMillis::default(),
        key_check: hash.check(),
    };
    let active = Active::create(disk, header, hash, segment_bytes)?;
    let newest =
        Newest { active, head: Sequence::ZERO, last_time: UnixMillis::default(), lost_through: None };
    Ok(Found { ended: Vec::new(), newest, line: Line::new(epoch) })
}

/// Says in which respect a log that is gone on with cannot be known to be whole.
fn tell_what_is_unsure(before: Option<&Meta>, head: Sequence, now: Option<&String>) {
    match before.map(|meta| &meta.life) {
        Some(Life::Failed { acknowledged, .. }) if *acknowledged > head => {
            tracing::error!(
                "the last process could not make events durable: events {} to {acknowledged} were acknowledged and are \
                 gone; their readers hear of a gap",
                head.next()
            );
        }
        Some(Life::Failed { .. }) => {
            tracing::warn!(%head, "the last process could not make events durable; all that it acknowledged is there");
        }
        Some(Life::Open { strict: false, boot }) if boot.is_none() || boot.as_ref() != now => {
            tracing::warn!(
                %head,
                "the machine has started anew since the log was written under a weak durability: events that were \
                 acknowledged last may be gone; their readers hear of a gap"
            );
        }
        Some(Life::Open { .. }) => {
            tracing::info!(%head, "the log was not closed; it goes on after its last event");
        }
        Some(Life::Closed { .. } | Life::Loading) | None => {}
    }
}
