//! Standard error: the only place that writes to it. Talk never fails and never stops the work: what nobody can take is
//! lost.
//!
//! Three things can be wrong with standard error. It is full (a disk), or closed (a pipe whose reader has gone): then a write
//! fails, and the failure is ignored. Or it is a pipe or a terminal that nobody reads at present: then a write would block its
//! thread, and with it everybody who wants to talk. So this looks for room first, and waits for it a moment at most once in ten
//! seconds. The look and the write are two calls: a pipe that another process fills in between blocks all the same.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use super::guard;
use crate::limits::{TALK_BYTES_AT_ONCE, TALK_WAIT_INTERVAL, TALK_WAIT_MAX};

/// When somebody last waited for room.
static LAST_WAIT: Mutex<Option<Instant>> = Mutex::new(None);

/// Whether only the beginning of the last text was written. It changes under the lock of standard error.
static IS_TORN: AtomicBool = AtomicBool::new(false);

/// Records of the log that were lost since one was written.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Says one line, or several, on standard error.
pub(crate) fn tell(line: &str) {
    try_tell(line);
}

/// Says one line of JSON.
pub(crate) fn tell_json(line: &str) {
    write(&for_stderr(format!("{line}\n").as_bytes(), guard::json));
}

/// Draws over the line that the cursor is in, for people at a terminal.
pub(crate) fn draw(text: &str) {
    write(text.as_bytes());
}

/// Says one line if it can be written. Returns whether it was.
pub(crate) fn try_tell(line: &str) -> bool {
    write(&for_stderr(format!("{line}\n").as_bytes(), guard::words))
}

/// A text as it may be written to standard error, which may be a terminal.
fn for_stderr(text: &[u8], guard: fn(&str) -> Cow<'_, str>) -> Cow<'_, [u8]> {
    match std::str::from_utf8(text) {
        Ok(text) if io::stderr().is_terminal() => match guard(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        _ => Cow::Borrowed(text),
    }
}

/// Makes a writer of log records, each of which is written as a whole.
pub(crate) struct LogWriter {
    /// The form of the log.
    pub(crate) json: bool,
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &LogWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 && !write(self.lost(lost).as_bytes()) {
            LOST.fetch_add(lost + 1, Ordering::Relaxed);
        } else if !write(&for_stderr(record, if self.json { guard::json } else { guard::words })) {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogWriter {
    /// A record about records that were lost.
    fn lost(&self, lost: u64) -> String {
        let why = "lines of the log were lost, because nobody took them from standard error";
        if self.json {
            return format!("{{\"level\":\"WARN\",\"message\":\"{why}\",\"lines\":{lost}}}\n");
        }
        format!(" WARN {lost} {why}\n")
    }
}

/// Returns whether all of it was written.
fn write(text: &[u8]) -> bool {
    // Waits before it takes the lock, so that nobody else has to wait as long.
    if !has_room() {
        return false;
    }
    let mut stderr = io::stderr().lock();
    let mut is_torn = IS_TORN.load(Ordering::Relaxed);
    // Another thread may have taken the room.
    let is_written =
        has_room_within(Duration::ZERO) && write_parts(&mut stderr, has_room, &mut is_torn, text);
    IS_TORN.store(is_torn, Ordering::Relaxed);
    is_written
}

/// Writes a text in parts for which there is room. Behind one of which only the beginning was written it begins a line.
fn write_parts(
    sink: &mut impl Write,
    mut has_room: impl FnMut() -> bool,
    is_torn: &mut bool,
    text: &[u8],
) -> bool {
    let line_end: &[u8] = if *is_torn { b"\n" } else { b"" };
    let text = [line_end, text].concat();
    for (index, part) in text.chunks(TALK_BYTES_AT_ONCE).enumerate() {
        if index > 0 && !has_room() {
            return false;
        }
        let mut left = part;
        while !left.is_empty() {
            match sink.write(left) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return false,
                Ok(bytes) => {
                    left = &left[bytes..];
                    *is_torn = true;
                }
            }
        }
    }
    *is_torn = false;
    true
}

/// Whether a write would not block. Waits for that if nobody has waited lately.
fn has_room() -> bool {
    has_room_within(Duration::ZERO) || may_wait(&LAST_WAIT, Instant::now()) && has_room_within(TALK_WAIT_MAX)
}

/// Whether to wait now. If so, nobody else will for a while.
fn may_wait(last: &Mutex<Option<Instant>>, now: Instant) -> bool {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let may_wait = last.is_none_or(|last| now.saturating_duration_since(last) >= TALK_WAIT_INTERVAL);
    if may_wait {
        *last = Some(now);
    }
    may_wait
}

/// Whether a write would not block, now or after a wait. A pipe that says so takes `TALK_BYTES_AT_ONCE`: poll(2), pipe(7).
fn has_room_within(wait: Duration) -> bool {
    let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
    let stderr = io::stderr();
    let look = || poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&wait));
    // An error is one of the write, too, which tells it at once.
    !matches!(retry_on_intr(look), Ok(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_is_slow_is_waited_for_once_in_a_while() {
        let (last, begin) = (Mutex::new(None), Instant::now());

        let waits = [0, 1, 9, 10, 11, 19, 20]
            .map(|seconds| may_wait(&last, begin + Duration::from_secs(seconds)).then_some(seconds));

        assert_eq!(waits, [Some(0), None, None, Some(10), None, None, Some(20)]);
    }

    #[test]
    fn a_text_begins_a_line_behind_one_that_was_cut() {
        let (mut written, mut is_torn) = (Vec::new(), false);
        let long = [b'x'; TALK_BYTES_AT_ONCE + 1];

        assert!(!write_parts(&mut written, || false, &mut is_torn, &long));
        assert!(is_torn);
        written.clear();
        assert!(write_parts(&mut written, || false, &mut is_torn, b"a\n"));
        assert!(write_parts(&mut written, || true, &mut is_torn, b"b\n"));

        assert_eq!(written, b"\na\nb\n");
    }

    #[test]
    fn a_text_of_which_a_full_disk_took_a_part_is_cut() {
        let (mut disk, mut is_torn) = ([0; 3], false);

        assert!(!write_parts(&mut disk.as_mut_slice(), || true, &mut is_torn, b"long\n"));
        assert!(is_torn);
        // And one of which it took nothing is not.
        is_torn = false;
        assert!(!write_parts(&mut [].as_mut_slice(), || true, &mut is_torn, b"long\n"));
        assert!(!is_torn);
    }
}
