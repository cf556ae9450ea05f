//! Retention: the oldest segments leave, first the log, then the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_core::{RetentionHold, Sequence, UnixMillis};

use super::ages::{Ages, DecidedBy, Now};
use super::clock_watch::{self, ClockWatch};
use super::config::{FileStoreConfig, Retention};
use super::disk::Disk;
use super::ended::Ended;
use super::held::HeldTime;
use super::log::{Log, LogView};
use super::names;
use super::queue::Queue;
use crate::limits::{AGE_LOOK_MAX, AGE_LOOK_MIN, AGE_PARTS};

/// Lets segments go. Files are removed strictly from the oldest end, so that no crash leaves a hole.
pub(crate) struct Retiring {
    retention: Retention,
    /// Bytes of a segment that is to come.
    segment_bytes: u64,
    /// What keeps events that would leave.
    hold: Option<Arc<RetentionHold>>,
    held: HeldTime,
    ages: Ages,
    clock: ClockWatch,
    /// Whether the writer has looked before.
    has_looked: bool,
    /// Segments that are not part of the log any more, and whose files are still there.
    doomed: VecDeque<Sequence>,
}

/// Why a segment leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// It is too old, as a clock says.
    Age(DecidedBy),
    /// There are too many bytes or events.
    Size,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Age(DecidedBy::Uptime) => "uptime",
            Self::Age(DecidedBy::Date) => "date",
            Self::Size => "size",
        }
    }
}

/// What is to become of the oldest segments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Those that leave now, by their first events.
    leave: Vec<(Sequence, Reason)>,
    /// The last event that retention wants to remove and must not, or that will have to go soon.
    wanted: Option<Sequence>,
    /// The first event of the oldest segment that would leave and is held.
    held: Option<Sequence>,
    /// Bytes of all segments that would leave and are held.
    pub(crate) held_bytes: u64,
}

impl Retiring {
    /// `view` is the log as it was opened, and `last_time` the time of its newest event.
    pub(crate) fn new(config: &FileStoreConfig, view: &LogView, last_time: UnixMillis, now: Now) -> Self {
        clock_watch::tell_start(last_time, now);
        let FileStoreConfig { retention, segment_bytes, hold, .. } = config;
        Self {
            retention: *retention,
            segment_bytes: *segment_bytes,
            hold: hold.clone(),
            held: HeldTime::default(),
            ages: Ages::new(retention.age, now, view.segments.len() - 1),
            clock: ClockWatch::new(now),
            has_looked: false,
            doomed: VecDeque::new(),
        }
    }

    /// Looks at the clocks. To be called before anything is asked that has to do with them.
    pub(crate) fn look(&mut self, view: &LogView, now: Now) {
        let jump = self.clock.look(now);
        if let Some(jump) = jump {
            jump.tell();
            self.ages.doubt(now, view.segments.len() - 1);
        }
        if !std::mem::replace(&mut self.has_looked, true) || jump.is_some() {
            self.tell_of_what_only_the_date_says(view, now);
        }
    }

    /// Events were written to the newest segment.
    pub(crate) fn wrote(&mut self, base: Sequence, now: Now) {
        self.ages.wrote(base, now);
    }

    /// Has the writer of a queue look again after each release.
    pub(crate) fn on_release(&self, queue: &Arc<Queue>) {
        let Some(hold) = &self.hold else { return };
        let queue = Arc::downgrade(queue);
        hold.on_release(move || {
            if let Some(queue) = queue.upgrade() {
                queue.nudge();
            }
        });
    }

    /// How long to wait between two looks when nothing else happens; for ever if only appends can change anything.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let age = self.retention.age.map(|age| (age / AGE_PARTS).clamp(AGE_LOOK_MIN, AGE_LOOK_MAX));
        let again = (!self.doomed.is_empty()).then_some(AGE_LOOK_MIN);
        [age, again, self.held.due_in(Instant::now())].into_iter().flatten().min()
    }

    /// Whether the newest segment should end although it is not full. `first` is the time of its first event.
    pub(crate) fn ends(&self, base: Sequence, first: UnixMillis, now: Now) -> bool {
        self.ages.ends(base, first, now)
    }

    /// What the bounds say of the log. `active_bytes` are those of the newest segment.
    pub(crate) fn plan(&self, view: &LogView, active_bytes: u64, now: Now) -> Plan {
        let ended: Vec<_> = view.segments.iter().map_while(|segment| segment.ended.get().copied()).collect();
        let released = self.hold.as_ref().map_or(Sequence(u64::MAX), |hold| hold.released());
        let mut bytes = ended.iter().map(|ended| ended.end).sum::<u64>() + active_bytes;
        let mut plan = Plan::default();
        let mut by_date = self.ages.by_date_now(now);
        for (pair, ended) in view.segments.windows(2).zip(ended) {
            let [segment, next] = pair else { break };
            let last = next.base().previous();
            let left = view.head.next().0.saturating_sub(next.base().0);
            let of_segment = next.base().0 - segment.base().0;
            let mut reason = self.reason((segment.base(), ended), left, bytes, now);
            if reason == Some(Reason::Age(DecidedBy::Date)) {
                reason = reason.filter(|_| by_date > 0);
                by_date = by_date.saturating_sub(1);
            }
            let goes = reason.is_some();
            if !goes && !self.goes_next(left + of_segment, bytes) {
                break;
            }
            bytes -= ended.end;
            if let Some(reason) = reason.filter(|_| last <= released && plan.wanted.is_none()) {
                plan.leave.push((segment.base(), reason));
                continue;
            }
            plan.wanted = Some(last);
            if goes {
                plan.held.get_or_insert(segment.base());
                plan.held_bytes += ended.end;
            }
        }
        plan
    }

    /// Whether what leaves by a plan has been held: what was written before its release must be on the disk then.
    pub(crate) fn takes_what_was_held(&self, plan: &Plan) -> bool {
        self.hold.is_some() && !plan.leave.is_empty()
    }

    /// Lets go what leaves by a plan, and says what is wanted and what is held.
    pub(crate) fn carry_out(&mut self, plan: Plan, log: &Log, disk: &dyn Disk) {
        if let (Some(hold), Some(wanted)) = (&self.hold, plan.wanted) {
            hold.want_through(wanted);
        }
        if let Some(time) = self.held.look(plan.held, Instant::now()) {
            tracing::warn!(
                bytes = plan.held_bytes,
                seconds = time.as_secs(),
                "the log keeps more than its retention says: its oldest events are held for the inbox, which has not carried them forward"
            );
        }
        for (base, reason) in plan.leave {
            log.pop();
            let by = match reason {
                Reason::Age(by) => Some(by),
                Reason::Size => None,
            };
            self.ages.left(base, by);
            self.doomed.push_back(base);
            tracing::info!(base = base.0, decided_by = reason.name(), "a segment has left the log");
        }
        self.remove(disk);
    }

    fn reason(&self, (base, ended): (Sequence, Ended), left: u64, bytes: u64, now: Now) -> Option<Reason> {
        if self.is_over(left, bytes) {
            return Some(Reason::Size);
        }
        self.ages.too_old(base, ended.last_time, now).map(Reason::Age)
    }

    /// Says so if more than one segment is too old and only the date says it: after a start or a jump, that may be wrong.
    fn tell_of_what_only_the_date_says(&self, view: &LogView, now: Now) {
        let ended = view.segments.iter().map_while(|segment| Some((segment.base(), segment.ended.get()?)));
        let by_date = |(base, ended): &(Sequence, &Ended)| {
            self.ages.too_old(*base, ended.last_time, now) == Some(DecidedBy::Date)
        };
        let segments = ended.take(view.segments.len() - 1).filter(by_date).count();
        if segments > 1 {
            let seconds = self.ages.by_date_time(segments).as_secs();
            tracing::warn!(
                segments,
                seconds,
                "segments of the log are older than retention_age by the clock of the machine, and nothing else says so: they leave one \
                 by one, within this time; if the clock is wrong, set it right before that"
            );
        }
    }

    /// Whether a segment will go when the log has one more, and a hold is to be asked for it. So the holder has the time in which that
    /// segment fills, and the log does not grow beyond its bound meanwhile. `left` counts it already.
    fn goes_next(&self, left: u64, bytes: u64) -> bool {
        self.hold.is_some() && self.is_over(left, bytes + self.segment_bytes)
    }

    fn is_over(&self, left: u64, bytes: u64) -> bool {
        let Retention { age: _, bytes: bytes_max, count } = self.retention;
        bytes_max.is_some_and(|bytes_max| bytes > bytes_max)
            || count.is_some_and(|count| left >= count.max(1))
    }

    /// Removes the files. What fails is tried again later.
    fn remove(&mut self, disk: &dyn Disk) {
        while let Some(base) = self.doomed.front().copied() {
            // The index may not be there. One that is left over alone is removed at the next start.
            let _ = disk.remove(&names::index(base));
            match disk.remove(&names::log(base)).and_then(|()| disk.sync_dir()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, base = base.0, "a segment that has left the log could not be removed");
                    return;
                }
                _ => self.doomed.pop_front(),
            };
        }
    }
}
