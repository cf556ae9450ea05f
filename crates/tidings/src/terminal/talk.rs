//! Standard error: the only place that writes to it. Talk never fails and never stops the work: what nobody can take is
//! lost.
//!
//! Three things can be wrong with standard error. It is full (a disk), or closed (a pipe whose reader has gone): then a write
//! fails, and the failure is ignored. Or it is a pipe or a terminal that nobody reads at present: then a write would block its
//! thread, and with it everybody who wants to talk. So this waits for room a moment, once, and until there is room again it
//! does not wait at all.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use tracing_subscriber::fmt::MakeWriter;

use crate::limits::{TALK_BYTES_AT_ONCE, TALK_WAIT_MAX};

/// Whether the last line found no room.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// Records of the log that were lost since one was written.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Says one line, or several, on standard error.
pub(crate) fn tell(line: &str) {
    write(format!("{line}\n").as_bytes());
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
        } else if !write(record) {
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
    let mut stderr = io::stderr().lock();
    for part in text.chunks(TALK_BYTES_AT_ONCE) {
        if !has_room(&stderr) || stderr.write_all(part).is_err() {
            return false;
        }
    }
    true
}

/// Whether a write would not block. A pipe that says so takes `TALK_BYTES_AT_ONCE`: poll(2), pipe(7).
fn has_room(stderr: &io::StderrLock<'_>) -> bool {
    let wait = if IS_STUCK.load(Ordering::Relaxed) { Duration::ZERO } else { TALK_WAIT_MAX };
    let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
    let look = || poll(&mut [PollFd::new(stderr, PollFlags::OUT)], Some(&wait));
    // An error is one of the write, too, which tells it at once.
    let is_stuck = matches!(retry_on_intr(look), Ok(0));
    IS_STUCK.store(is_stuck, Ordering::Relaxed);
    !is_stuck
}
