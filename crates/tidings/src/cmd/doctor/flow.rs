//! A stream as its bytes come: when the first block is whole, when heartbeats come, and how it ends.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use tidings_client::Error;
use tokio::time::{Instant, timeout_at};

use super::ask::{Begun, is_event_stream};
use super::inflate::Inflate;
use crate::limits::DOCTOR_STREAM_BYTES_KEPT;
use crate::terminal::chain::{chain, excerpt};

/// A stream that has begun.
pub(super) struct Flow {
    begun: Begun,
    inflate: Inflate,
    /// The first bytes, as far as they are kept.
    beginning: Vec<u8>,
    /// The last bytes.
    end: Vec<u8>,
}

/// What happened next.
#[derive(Debug)]
pub(super) enum Next {
    Bytes,
    /// Nothing came until then.
    Nothing,
    /// The stream has ended in good order.
    Ended,
    /// The connection broke, in these words.
    Broke(String),
}

impl Flow {
    pub(super) fn of(begun: Begun) -> Self {
        let inflate = Inflate::of(&begun.answer.headers);
        Self { begun, inflate, beginning: Vec::new(), end: Vec::new() }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.begun.answer.status
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.begun.answer.headers
    }

    /// Whether the answer is a stream of events.
    pub(super) fn is_stream(&self) -> bool {
        let of = self.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        self.status() == StatusCode::OK && of.is_some_and(|of| is_event_stream(&of))
    }

    /// Whether something has compressed it.
    pub(super) fn is_compressed(&self) -> bool {
        self.inflate.is_needed()
    }

    /// Waits for bytes.
    pub(super) async fn next(&mut self, until: Instant) -> Next {
        match timeout_at(until, self.begun.answer.bytes()).await {
            Err(_) => Next::Nothing,
            Ok(Ok(None)) => Next::Ended,
            Ok(Ok(Some(bytes))) => match self.inflate.bytes(&bytes) {
                Ok(bytes) => {
                    self.keep(&bytes);
                    Next::Bytes
                }
                Err(error) => Next::Broke(excerpt(&error.to_string())),
            },
            Ok(Err(Error::Broken { source, .. })) => Next::Broke(chain(&*source)),
            Ok(Err(error)) => Next::Broke(chain(&error)),
        }
    }

    /// Waits until the first block is whole.
    pub(super) async fn first_block(&mut self, until: Instant) -> Next {
        loop {
            match self.next(until).await {
                Next::Bytes if self.has_block() => return Next::Bytes,
                Next::Bytes if self.beginning.len() < DOCTOR_STREAM_BYTES_KEPT => {}
                Next::Bytes => return Next::Broke("its first block does not end".to_owned()),
                other => return other,
            }
        }
    }

    /// Whether a hub has sent its client away: with the time to come back, and nothing else.
    pub(super) fn is_sent_away(&self) -> bool {
        is_sent_away(&self.beginning)
    }

    /// The longest silence that the hub announces.
    pub(super) fn heartbeat(&self) -> Option<Duration> {
        heartbeat(&self.beginning)
    }

    /// Whether the hub itself has ended it: with the time to come back as its last line.
    pub(super) fn is_dismissed(&self) -> bool {
        let end = String::from_utf8_lossy(&self.end);
        end.lines().rfind(|line| !line.is_empty()).is_some_and(|line| line.starts_with("retry:"))
    }

    fn has_block(&self) -> bool {
        self.beginning.windows(2).any(|pair| pair == b"\n\n")
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = DOCTOR_STREAM_BYTES_KEPT - self.beginning.len();
        self.beginning.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.end.extend_from_slice(bytes);
        let surplus = self.end.len().saturating_sub(DOCTOR_STREAM_BYTES_KEPT);
        self.end.drain(..surplus);
    }
}

/// Whether a piece of a stream is the answer of a hub that has no room: `retry` alone.
pub(super) fn is_sent_away(piece: &[u8]) -> bool {
    let text = String::from_utf8_lossy(piece);
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("retry:"))
}

/// The heartbeat that the first line of a stream announces.
pub(super) fn heartbeat(piece: &[u8]) -> Option<Duration> {
    let text = String::from_utf8_lossy(piece);
    let millis: u64 = text.lines().next()?.strip_prefix(": heartbeat ")?.trim().parse().ok()?;
    // What is longer than a day announces nothing.
    (1..=86_400_000).contains(&millis).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_has_no_room_says_when_to_come_back_and_nothing_else() {
        assert!(is_sent_away(b"retry: 3000\n"));
        assert!(is_sent_away(b"retry: 3000\n\n"));
        assert!(!is_sent_away(b""));
        assert!(!is_sent_away(b": heartbeat 15000\nretry: 3000\n\n"));
    }

    #[test]
    fn a_heartbeat_is_a_time_of_at_most_a_day() {
        let of = |text: &str| heartbeat(text.as_bytes()).map(|time| time.as_millis());

        assert_eq!(of(": heartbeat 15000\nretry: 1\n"), Some(15_000));
        for none in [
            "",
            ": heartbeat 0\n",
            ": heartbeat x\n",
            ": heartbeat 99999999999999999999\n",
            ": heartbeat 86400001\n",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
