//! The access log of the process: takes the records of requests and writes them to its file, or to standard error.
//!
//! Nothing waits for it. It writes on a thread that may block, some lines together; meanwhile records wait in a queue with a
//! bound, and beyond that they are left out and counted. The file is opened again at SIGHUP, so that logrotate can move it away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tidings_http::{AccessLog, AccessRecord, AccessRecords};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::config::{Config, LogFormat};
use crate::limits::{ACCESS_LOG_END_WAIT_MAX, ACCESS_LOG_LINES_AT_ONCE};
use crate::signals::Hangups;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::talk;

/// The name in place of a file that means standard error.
const STDERR: &str = "stderr";

/// The access log at work, if the configuration asks for one.
#[must_use = "its last lines have to be waited for"]
pub(super) struct AccessLogging(Option<Running>);

struct Running {
    task: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

/// Where lines go.
enum Sink {
    Stderr,
    File(LogFile),
}

struct LogFile {
    path: PathBuf,
    file: File,
    /// Whether only the beginning of the last line was written.
    is_torn: bool,
    /// Whether the last write failed, which is told once.
    is_failing: bool,
}

/// What takes records and writes them.
struct Writer {
    log: AccessLog,
    records: AccessRecords,
    hangups: Hangups,
    json: bool,
    sink: Sink,
}

impl AccessLogging {
    /// Begins to write, and returns what the front is to put its records into.
    #[expect(clippy::disallowed_methods, reason = "the access log at work keeps the task and waits for it")]
    pub(super) fn start(config: &Config) -> Result<(Self, Option<AccessLog>), Failure> {
        let Some(path) = &config.access_log else { return Ok((Self(None), None)) };
        let sink = if path == Path::new(STDERR) { Sink::Stderr } else { Sink::File(LogFile::open(path)?) };
        let hangups = Hangups::new()
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
        let (log, records) = AccessLog::new();
        let json = config.log_format == LogFormat::Json;
        let writer = Writer { log: log.clone(), records, hangups, json, sink };
        let (end, ending) = oneshot::channel();
        let task = tokio::spawn(writer.run(ending));
        Ok((Self(Some(Running { task, end })), Some(log)))
    }

    /// Writes what has come, unless that takes too long.
    pub(super) async fn finish(self) {
        let Some(Running { mut task, end }) = self.0 else { return };
        let _ = end.send(());
        if timeout(ACCESS_LOG_END_WAIT_MAX, &mut task).await.is_err() {
            task.abort();
        }
    }
}

impl Writer {
    async fn run(mut self, mut ending: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(ACCESS_LOG_LINES_AT_ONCE);
        let mut ends = false;
        while !ends {
            // Biased: a file that was moved away is left before more is written, and a flood must not keep the hub from ending.
            tokio::select! {
                biased;
                _ = &mut ending => ends = true,
                () = self.hangups.next() => {
                    self.sink = blocking(self.sink, Sink::reopened).await;
                }
                taken = self.records.next(&mut batch, ACCESS_LOG_LINES_AT_ONCE) => {
                    if taken == 0 {
                        return;
                    }
                    self.sink = write(self.sink, &self.log, self.json, &mut batch).await;
                }
            }
        }
        while let Some(record) = self.records.try_next() {
            batch.push(record);
            if batch.len() == ACCESS_LOG_LINES_AT_ONCE {
                self.sink = write(self.sink, &self.log, self.json, &mut batch).await;
            }
        }
        write(self.sink, &self.log, self.json, &mut batch).await;
    }
}

/// Writes records, of which none is left then.
async fn write(sink: Sink, log: &AccessLog, json: bool, batch: &mut Vec<AccessRecord>) -> Sink {
    let lines: Vec<_> =
        batch.drain(..).map(|record| if json { record.json() } else { record.text() }).collect();
    let log = log.clone();
    blocking(sink, move |mut sink| {
        log.count_dropped(sink.write(&lines));
        sink
    })
    .await
}

/// Does what may block on a thread for that.
#[expect(
    clippy::disallowed_methods,
    reason = "a file is written and opened, and at the end of the hub it is awaited"
)]
async fn blocking(sink: Sink, work: impl FnOnce(Sink) -> Sink + Send + 'static) -> Sink {
    // It fails only if `work` panics, or at the end of the runtime, and then there is nothing to write to.
    spawn_blocking(move || work(sink)).await.unwrap_or(Sink::Stderr)
}

impl Sink {
    /// Writes lines. The answer is how many were lost.
    fn write(&mut self, lines: &[String]) -> u64 {
        match self {
            Self::Stderr => lines.iter().filter(|line| !talk::try_tell(line)).count() as u64,
            Self::File(file) => file.write(lines),
        }
    }

    fn reopened(self) -> Self {
        match self {
            Self::Stderr => Self::Stderr,
            Self::File(file) => Self::File(file.reopened()),
        }
    }
}

impl LogFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = open(path).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot open the access log {}: {error}", path.display()))
                .hint("access_log names a file, or is stderr")
        })?;
        Ok(Self { path: path.to_owned(), file, is_torn: ends_torn(path), is_failing: false })
    }

    /// The file that has the name now. If it cannot be opened, the old one is kept.
    fn reopened(self) -> Self {
        match open(&self.path) {
            Ok(file) => Self { file, is_torn: ends_torn(&self.path), ..self },
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "the access log cannot be opened again, and goes on in the old file");
                self
            }
        }
    }

    /// All of the lines, or none that can be relied on: a full disk takes a part of them.
    fn write(&mut self, lines: &[String]) -> u64 {
        if lines.is_empty() {
            return 0;
        }
        let begin = if self.is_torn { "\n" } else { "" };
        let text = [begin, &lines.join("\n"), "\n"].concat();
        let written = self.file.write_all(text.as_bytes());
        self.is_torn = written.is_err();
        let was_failing = std::mem::replace(&mut self.is_failing, written.is_err());
        match written {
            Ok(()) => 0,
            Err(error) => {
                // A pipe whose reader is slow is full now and then: that lines are left out is told where they are counted.
                if !was_failing && error.kind() != ErrorKind::WouldBlock {
                    tracing::warn!(path = %self.path.display(), %error, "the access log cannot be written");
                }
                lines.len() as u64
            }
        }
    }
}

/// Whether a file ends in the middle of a line: its disk was full, or its writer was killed. What is added would be the rest of that
/// line otherwise. A file that may only be written has no such answer, and neither has what is no regular file.
fn ends_torn(path: &Path) -> bool {
    let is_regular = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0);
    is_regular && last_byte(path).is_ok_and(|last| last != b'\n')
}

fn last_byte(path: &Path) -> io::Result<u8> {
    let mut file = File::open(path)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0])
}

/// It names people, so it is not for everybody.
///
/// It never waits. A named pipe would let nobody open it before somebody reads it, and nobody write while its reader does not: the hub
/// would neither start nor end. One that is open for reading as well has no such moment; what it has no room for is left out.
fn open(path: &Path) -> io::Result<File> {
    let is_pipe = fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    let never_waits = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new()
        .read(is_pipe)
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(never_waits)
        .open(path)
}
