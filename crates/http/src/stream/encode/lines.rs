//! JSON, one document a line: for programs, and for `jq`.

use std::time::Duration;

use bytes::Bytes;
use tidings_core::presence::Notice;
use tidings_core::{Cursor, Gap, Transport};

use super::{Dialect, FirstBytes, Heartbeat, Opening, Whereabouts, words};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::presence::document;

/// `application/x-ndjson`.
pub(super) struct Lines;

impl Dialect for Lines {
    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn transport(&self) -> Transport {
        Transport::Lines
    }

    fn opening(&self, first: &FirstBytes<'_>, _: Opening) -> Bytes {
        words::opening(first).into_iter().map(line).collect::<Vec<_>>().concat().into()
    }

    fn open(&self, whereabouts: Whereabouts, _: Opening) -> Option<Bytes> {
        Some(line(words::open(whereabouts)))
    }

    fn cursor(&self, place: Cursor, _: Opening) -> Option<Bytes> {
        Some(line(words::cursor(place)))
    }

    fn heartbeat(&self, whereabouts: Whereabouts, _: Opening, _: bool, _: bool) -> Heartbeat {
        // An empty line would do, but most programs read each line as a document.
        Heartbeat { bytes: line(words::heartbeat(whereabouts)), tells: true }
    }

    fn probe(&self) -> Bytes {
        // Space before a document belongs to no document.
        Bytes::from_static(b" ")
    }

    fn gap(&self, gap: &Gap) -> Bytes {
        line(words::gap(gap))
    }

    fn presence(&self, notice: &Notice) -> Bytes {
        line(words::own_event("tidings.presence", &document::text(notice)))
    }

    fn expired(&self, _: Cursor, reason: &str) -> Bytes {
        line(words::error(Problem::new(ProblemType::InvalidCredentials, reason)))
    }

    fn farewell(&self, place: Cursor, retry: Duration) -> Bytes {
        line(words::farewell(place, retry))
    }
}

fn line(mut document: String) -> Bytes {
    document.push('\n');
    document.into()
}

#[cfg(test)]
mod tests {
    use tidings_core::{ConnectionId, Epoch, Lost, Partial, Sequence, UnixMillis};

    use super::super::FirstBlock;
    use super::*;

    const PLACE: Cursor = Cursor { epoch: Epoch(36), sequence: Sequence(7) };
    const WHEREABOUTS: Whereabouts = Whereabouts {
        place: PLACE,
        connection: ConnectionId::new(46_655),
        heartbeat: Duration::from_secs(15),
        time: UnixMillis(1_700_000_000_000),
    };
    const OPEN: &str =
        r#"{"cursor":"10-7","heartbeat_ms":15000,"time":"2023-11-14T22:13:20.000Z","connection":"zzz""#;

    fn opened(block: FirstBlock<'_>) -> String {
        let first = FirstBytes { whereabouts: WHEREABOUTS, retry: Duration::from_secs(3), block };
        String::from_utf8(Lines.opening(&first, Opening::default()).to_vec()).unwrap()
    }

    #[test]
    fn a_stream_begins_with_its_place_and_a_gap_comes_in_the_same_document() {
        let gap = Gap { requested: "\"x\"".to_owned(), lost: Lost::Expired, resumes_after: PLACE };
        let partial = Partial { requested: "last 5".to_owned(), begins_after: PLACE };

        assert_eq!(opened(FirstBlock::Place), format!("{OPEN}}}\n"));
        assert_eq!(opened(FirstBlock::Later), format!("{OPEN}}}\n"));
        assert_eq!(
            opened(FirstBlock::Gap(&gap)),
            format!(
                "{OPEN}{}\n",
                r#","gap":{"requested":"\"x\"","reason":"expired","resumes_after":"10-7"}}"#
            )
        );
        assert_eq!(
            opened(FirstBlock::Partial(&partial)),
            format!(
                "{OPEN}}}\n{}\n",
                r#"{"type":"tidings.partial","data":"{\"requested\":\"last 5\",\"begins_after\":\"10-7\"}"}"#
            )
        );
    }

    #[test]
    fn what_the_hub_says_is_exactly_these_lines() {
        let gap = Gap { requested: "x".to_owned(), lost: Lost::Unknown, resumes_after: PLACE };
        let error = r#"{"error":{"type":"urn:tidings:problem:invalid-credentials","title":"Unauthorized","status":401,"detail":"it is over"}}"#;

        assert_eq!(
            Lines.gap(&gap),
            "{\"gap\":{\"requested\":\"x\",\"reason\":\"unknown\",\"resumes_after\":\"10-7\"}}\n"
        );
        assert_eq!(Lines.cursor(PLACE, Opening::Nothing).unwrap(), "{\"cursor\":\"10-7\"}\n");
        let heartbeat = Lines.heartbeat(WHEREABOUTS, Opening::Nothing, true, false);
        assert_eq!(heartbeat.bytes, "{\"cursor\":\"10-7\",\"heartbeat_ms\":15000}\n");
        assert!(heartbeat.tells);
        assert_eq!(Lines.expired(PLACE, "it is over"), format!("{error}\n"));
        assert_eq!(
            Lines.farewell(PLACE, Duration::from_millis(1_234)),
            "{\"cursor\":\"10-7\",\"retry_ms\":1234}\n"
        );
    }
}
