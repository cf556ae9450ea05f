//! Retention: the oldest segments leave, first the log, then the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_core::{RetentionHold, Sequence, UnixMillis};

use super::config::Retention;
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
    /// Segments that are not part of the log any more, and whose files are still there.
    doomed: VecDeque<Sequence>,
}

/// What is to become of the oldest segments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Those that leave now, by their first events.
    leave: Vec<Sequence>,
    /// The last event that retention wants to remove and must not, or that will have to go soon.
    wanted: Option<Sequence>,
    /// The first event of the oldest segment that would leave and is held.
    held: Option<Sequence>,
    /// Bytes of all segments that would leave and are held.
    pub(crate) held_bytes: u64,
}

impl Retiring {
    pub(crate) fn new(retention: Retention, segment_bytes: u64, hold: Option<Arc<RetentionHold>>) -> Self {
        Self { retention, segment_bytes, hold, held: HeldTime::default(), doomed: VecDeque::new() }
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

    /// Whether a segment with such a first and last event should end although it is not full.
    pub(crate) fn ends(&self, first: UnixMillis, last: UnixMillis, now: UnixMillis) -> bool {
        let Some(age) = self.retention.age else { return false };
        is_older(first, age / AGE_PARTS, now) || is_older(last, age, now)
    }

    /// What the bounds say of the log. `active_bytes` are those of the newest segment.
    pub(crate) fn plan(&self, view: &LogView, active_bytes: u64, now: UnixMillis) -> Plan {
        let ended: Vec<_> = view.segments.iter().map_while(|segment| segment.ended.get().copied()).collect();
        let released = self.hold.as_ref().map_or(Sequence(u64::MAX), |hold| hold.released());
        let mut bytes = ended.iter().map(|ended| ended.end).sum::<u64>() + active_bytes;
        let mut plan = Plan::default();
        for (pair, ended) in view.segments.windows(2).zip(ended) {
            let [segment, next] = pair else { break };
            let last = next.base().previous();
            let left = view.head.next().0.saturating_sub(next.base().0);
            let of_segment = next.base().0 - segment.base().0;
            let goes = self.goes(ended, left, bytes, now);
            if !goes && !self.goes_next(left + of_segment, bytes) {
                break;
            }
            bytes -= ended.end;
            if goes && last <= released && plan.wanted.is_none() {
                plan.leave.push(segment.base());
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
        for base in plan.leave {
            log.pop();
            self.doomed.push_back(base);
            tracing::info!(base = base.0, "a segment has left the log");
        }
        self.remove(disk);
    }

    fn goes(&self, ended: Ended, left: u64, bytes: u64, now: UnixMillis) -> bool {
        self.retention.age.is_some_and(|age| is_older(ended.last_time, age, now)) || self.is_over(left, bytes)
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

fn is_older(time: UnixMillis, age: Duration, now: UnixMillis) -> bool {
    u128::from(now.0.saturating_sub(time.0)) > age.as_millis()
}
