//! The content of a small file: of a regular one, or of a pipe, as a shell makes for `<(command)` and a service manager for a
//! secret.
//!
//! Whoever opens a named pipe waits until somebody writes to it, for ever if nobody does, and in silence. So a pipe is opened without
//! waiting, and is waited for with a bound and a sentence.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::retry_on_intr;
use tokio::time::Instant;

use crate::limits::{PIPE_PATIENCE, PIPE_WAIT_MAX, TEXT_FILE_BYTES_MAX};
use crate::terminal::talk::tell;

/// Reads a file to its end.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_within(path, PIPE_PATIENCE, PIPE_WAIT_MAX)
}

/// Reads a file to its end. After `patience` it says that it waits, and after `wait` it gives up.
fn read_within(path: &Path, patience: Duration, wait: Duration) -> io::Result<Vec<u8>> {
    let file = File::from(open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?);
    let kind = file.metadata()?.file_type();
    let mut waiting = Waiting { path, end: Instant::now() + wait, wait, patience: Some(patience) };
    let mut bytes = Vec::new();
    if kind.is_file() || kind.is_dir() || kind.is_block_device() {
        file.take(TEXT_FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        let mut part = [0; 4_096];
        while bytes.len() as u64 <= TEXT_FILE_BYTES_MAX {
            // First: a read of a pipe to which nobody has written yet would look like its end.
            waiting.wait(&file)?;
            match (&file).read(&mut part) {
                Ok(0) => break,
                Ok(length) => bytes.extend_from_slice(&part[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }
    if bytes.len() as u64 > TEXT_FILE_BYTES_MAX {
        let text = format!("it is longer than {TEXT_FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

struct Waiting<'a> {
    path: &'a Path,
    end: Instant,
    wait: Duration,
    /// None: it was said already.
    patience: Option<Duration>,
}

impl Waiting<'_> {
    /// Waits until something is there, or the end.
    fn wait(&mut self, file: &File) -> io::Result<()> {
        if let Some(patience) = self.patience {
            if is_ready(file, patience)? {
                return Ok(());
            }
            self.patience = None;
            let seconds = self.wait.as_secs();
            tell(&format!(
                "waiting up to {seconds} seconds for somebody to write to {}",
                self.path.display()
            ));
        }
        if is_ready(file, self.end.saturating_duration_since(Instant::now()))? {
            return Ok(());
        }
        let text = format!(
            "it is no regular file, and nobody has written to it for {} seconds",
            self.wait.as_secs()
        );
        Err(io::Error::new(ErrorKind::TimedOut, text))
    }
}

fn is_ready(file: &File, wait: Duration) -> io::Result<bool> {
    let wait = Timespec {
        tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: wait.subsec_nanos().into(),
    };
    let look = || poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&wait));
    Ok(retry_on_intr(look)? > 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn named_pipe() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        (dir, pipe)
    }

    #[test]
    fn a_named_pipe_to_which_nobody_writes_is_given_up() {
        let (_dir, pipe) = named_pipe();

        let error = read_within(&pipe, Duration::ZERO, Duration::from_millis(1)).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "it is no regular file, and nobody has written to it for 0 seconds");
    }

    #[test]
    fn a_named_pipe_is_read_to_its_end_though_its_writer_comes_late_and_pauses() {
        let (_dir, pipe) = named_pipe();
        let writer = pipe.clone();
        let writer = std::thread::spawn(move || {
            let mut file = File::options().write(true).open(writer).unwrap();
            for part in ["one ", "two"] {
                file.write_all(part.as_bytes()).unwrap();
                std::thread::yield_now();
            }
        });

        let bytes = read_within(&pipe, LONG, LONG).unwrap();

        writer.join().unwrap();
        assert_eq!(bytes, b"one two");
    }

    /// As `<(command)` in a shell gives it, when the command has ended already.
    #[test]
    fn a_pipe_by_its_descriptor_is_read_though_its_writer_has_gone() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"key").unwrap();
        drop(writer);
        let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));

        assert_eq!(read_within(&path, LONG, LONG).unwrap(), b"key");
        assert_eq!(read_within(&path, LONG, LONG).unwrap(), b"", "it was read");
    }

    #[test]
    fn devices_and_directories_are_told_as_they_are() {
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(read(Path::new("/")).unwrap_err().kind(), ErrorKind::IsADirectory);
    }
}
