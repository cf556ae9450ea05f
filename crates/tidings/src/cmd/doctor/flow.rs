//! A stream as its bytes come: when the first block is whole, when heartbeats come, and how it ends.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use tidings_client::Error;
use tokio::time::{Instant, timeout_at};

use super::ask::{Begun, is_event_stream};
use super::inflate::Inflate;
use super::remedy::Fault;
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

    /// Who has sent the client away, if somebody has.
    pub(super) fn sent_away(&self) -> Option<SentAway> {
        SentAway::of(self.headers(), &self.beginning)
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

/// Who has sent a client away: with the time to come back, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentAway {
    /// The hub, which has no room.
    ByHub,
    /// A proxy in the hub's place, because it does not reach the hub: a browser's `EventSource` would give up for good at a 502.
    ByProxy,
}

impl SentAway {
    /// `None` if it is another answer. `piece` is the beginning of a stream, behind these headers.
    pub(super) fn of(headers: &HeaderMap, piece: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(piece);
        let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
        let is_retry_alone = lines.peek().is_some() && lines.all(|line| line.starts_with("retry:"));
        is_retry_alone.then(|| if is_of_hub(headers) { Self::ByHub } else { Self::ByProxy })
    }

    /// Words for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::ByHub => {
                "the hub has no room for one stream more, or for one more of this sender, or it is ending"
            }
            Self::ByProxy => {
                "a proxy answers in the hub's place, because it does not reach the hub: is the hub running, and is its address in the \
                 configuration of the proxy right?"
            }
        }
    }

    /// What mends it, if a line of a configuration does.
    pub(super) fn fault(self) -> Option<Fault> {
        match self {
            Self::ByHub => Some(Fault::HubIsFull),
            Self::ByProxy => None,
        }
    }
}

/// Whether a hub has written the head of a stream. By all that a hub says against caches, buffers and sniffing, because proxies take some of
/// it out (nginx: `X-Accel-Buffering`). One of them is enough. `nosniff` alone is not, where a proxy adds it to every answer.
fn is_of_hub(headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| {
        let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.any(|value| value.to_ascii_lowercase().contains(word))
    };
    says("cache-control", "no-transform")
        || says("x-accel-buffering", "no")
        || (says("x-content-type-options", "nosniff") && headers.contains_key("cross-origin-resource-policy"))
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
    fn who_sends_a_client_away_says_when_to_come_back_and_nothing_else() {
        let of = |piece: &[u8]| SentAway::of(&HeaderMap::new(), piece);

        assert_eq!(of(b"retry: 3000\n"), Some(SentAway::ByProxy));
        assert_eq!(of(b"retry: 3000\n\n"), Some(SentAway::ByProxy));
        assert_eq!(of(b""), None);
        assert_eq!(of(b": heartbeat 15000\nretry: 3000\n\n"), None);
    }

    #[test]
    fn a_hub_that_sends_away_is_known_by_one_of_its_headers() {
        let of = |lines: &[(&'static str, &'static str)]| {
            let headers = lines.iter().map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            });
            SentAway::of(&headers.collect(), b"retry: 3000\n")
        };
        let nosniff = ("x-content-type-options", "nosniff");

        assert_eq!(of(&[("cache-control", "no-store, No-Transform")]), Some(SentAway::ByHub));
        assert_eq!(of(&[("x-accel-buffering", "no")]), Some(SentAway::ByHub));
        assert_eq!(of(&[nosniff, ("cross-origin-resource-policy", "same-origin")]), Some(SentAway::ByHub));
        assert_eq!(of(&[nosniff]), Some(SentAway::ByProxy));
        assert_eq!(of(&[("cache-control", "no-cache")]), Some(SentAway::ByProxy));
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
