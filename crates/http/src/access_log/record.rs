//! A record: a request that is over, as a line of text or of JSON. Nothing in it is as it came: what a client has chosen is
//! escaped and has a bound, and neither the query nor parameters of the path are kept.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use http::Version;
use jiff::Timestamp;
use serde::Serialize;
use tidings_core::UnixMillis;

use crate::limits::{ACCESS_LOG_METHOD_BYTES_MAX, ACCESS_LOG_PATH_BYTES_MAX, ACCESS_LOG_USER_BYTES_MAX};

/// The status in the line of a request whose client has left before the answer. It is no status of HTTP: nginx has made it known.
const CLIENT_GONE: u16 = 499;

/// Stands before the name of a key, where users have their names without anything.
const KEY_MARK: &str = "key:";

const ESCAPED_KEY_MARK: &str = "key%3A";

/// A request that is over.
#[derive(Debug, Clone)]
pub struct AccessRecord {
    pub(super) time: UnixMillis,
    pub(super) address: Option<IpAddr>,
    pub(super) user: Option<String>,
    /// The name of the key that was shown.
    pub(super) key: Option<String>,
    /// Method, path and version. None of one that could not be read.
    pub(super) request: Option<(String, String, Version)>,
    /// None if the client left before it was answered.
    pub(super) status: Option<u16>,
    pub(super) bytes: u64,
    pub(super) duration: Duration,
}

/// The record as JSON. `level` and `target` are those of the other records of a log.
#[derive(Serialize)]
struct RecordDocument<'a> {
    level: &'static str,
    target: &'static str,
    time: String,
    address: Option<String>,
    user: Option<&'a str>,
    key: Option<&'a str>,
    method: Option<&'a str>,
    path: Option<&'a str>,
    status: u16,
    bytes: u64,
    duration_ms: u64,
}

impl AccessRecord {
    /// The line in the Common Log Format, with the duration in seconds behind it, and without a line end.
    pub fn text(&self) -> String {
        let time = self.timestamp();
        let time = time.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let address = self.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
        let user = self.sender();
        let request = match &self.request {
            Some((method, path, version)) => format!("{method} {path} {version:?}"),
            None => "-".to_owned(),
        };
        let (status, bytes, seconds) = (self.status(), self.bytes, self.duration.as_secs_f64());
        format!("{address} - {user} [{time}] \"{request}\" {status} {bytes} {seconds:.3}")
    }

    /// The line as a JSON object, without a line end.
    pub fn json(&self) -> String {
        let (method, path) =
            self.request.as_ref().map(|(method, path, _)| (method.as_str(), path.as_str())).unzip();
        let document = RecordDocument {
            level: "INFO",
            target: "access",
            time: format!("{:.3}", self.timestamp()),
            address: self.address.map(|address| address.to_string()),
            user: self.user.as_deref(),
            key: self.key.as_deref(),
            method,
            path,
            status: self.status(),
            bytes: self.bytes,
            duration_ms: u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
        };
        serde_json::to_string(&document).expect("a record has texts and numbers alone")
    }

    /// The user, or else the key, in one word. No user is written as a key.
    fn sender(&self) -> Cow<'_, str> {
        match (&self.user, &self.key) {
            (Some(user), _) => match user.strip_prefix(KEY_MARK) {
                Some(rest) => format!("{ESCAPED_KEY_MARK}{rest}").into(),
                None => user.into(),
            },
            (None, Some(key)) => format!("{KEY_MARK}{key}").into(),
            (None, None) => "-".into(),
        }
    }

    fn timestamp(&self) -> Timestamp {
        let ms = i64::try_from(self.time.0).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
    }

    fn status(&self) -> u16 {
        self.status.unwrap_or(CLIENT_GONE)
    }
}

pub(super) fn escaped_method(method: &str) -> String {
    escaped(method.bytes(), ACCESS_LOG_METHOD_BYTES_MAX)
}

pub(super) fn escaped_user(user: &str) -> String {
    escaped(user.bytes(), ACCESS_LOG_USER_BYTES_MAX)
}

/// A path as it came, without what stands behind a `;` in a segment, or behind an encoded `?`: clients that put a token there
/// are wrong, and the log must not keep it.
pub(super) fn escaped_path(path: &str) -> String {
    let mut kept = Vec::new();
    // A segment is read no further than what can be told of it.
    for (number, segment) in path.split('/').enumerate() {
        if kept.len() > ACCESS_LOG_PATH_BYTES_MAX {
            break;
        }
        if number > 0 {
            kept.push(b'/');
        }
        let hidden = [";", "%3B", "%3b", "%3F", "%3f"].iter().filter_map(|mark| segment.find(mark)).min();
        match hidden {
            Some(at) => {
                kept.extend(segment[..at].bytes().take(ACCESS_LOG_PATH_BYTES_MAX + 1));
                kept.extend(b";...");
            }
            None => kept.extend(segment.bytes().take(ACCESS_LOG_PATH_BYTES_MAX + 1)),
        }
    }
    escaped(kept.into_iter(), ACCESS_LOG_PATH_BYTES_MAX)
}

/// Bytes as visible ASCII without quotes and backslashes, at most so many; `...` stands for the rest. Nothing is written as
/// the `-` that stands for nothing.
fn escaped(bytes: impl Iterator<Item = u8>, bytes_max: usize) -> String {
    let mut text = String::new();
    for byte in bytes {
        let is_plain = byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if text.len() + if is_plain { 1 } else { 3 } > bytes_max {
            text.push_str("...");
            break;
        }
        if is_plain {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    if text.is_empty() || text == "-" { "%2D".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> AccessRecord {
        AccessRecord {
            time: UnixMillis(1_700_000_000_007),
            address: Some([192, 0, 2, 1].into()),
            user: Some(escaped_user("u1")),
            key: None,
            request: Some((escaped_method("GET"), escaped_path("/events/a"), Version::HTTP_11)),
            status: Some(200),
            bytes: 12,
            duration: Duration::from_millis(4),
        }
    }

    #[test]
    fn a_line_is_exactly_these_bytes() {
        assert_eq!(
            record().text(),
            "192.0.2.1 - u1 [14/Nov/2023:22:13:20 +0000] \"GET /events/a HTTP/1.1\" 200 12 0.004"
        );
        assert_eq!(
            record().json(),
            "{\"level\":\"INFO\",\"target\":\"access\",\"time\":\"2023-11-14T22:13:20.007Z\",\"address\":\"192.0.2.1\",\
             \"user\":\"u1\",\"key\":null,\"method\":\"GET\",\"path\":\"/events/a\",\"status\":200,\"bytes\":12,\"duration_ms\":4}"
        );
    }

    #[test]
    fn what_is_not_known_is_a_hyphen_or_null_and_a_client_that_has_left_is_499() {
        let record = AccessRecord { address: None, user: None, request: None, status: None, ..record() };

        assert_eq!(record.text(), "- - - [14/Nov/2023:22:13:20 +0000] \"-\" 499 12 0.004");
        assert!(record.json().contains(
            "\"address\":null,\"user\":null,\"key\":null,\"method\":null,\"path\":null,\"status\":499,"
        ));
    }

    #[test]
    fn a_key_is_told_by_its_name_and_no_user_passes_for_one() {
        for (user, key, told) in [
            (Some("u1"), Some("backend"), "u1"),
            (None, Some("backend"), "key:backend"),
            (Some("key:backend"), None, "key%3Abackend"),
            (Some("key:"), None, "key%3A"),
            (Some("keys"), None, "keys"),
        ] {
            let record =
                AccessRecord { user: user.map(escaped_user), key: key.map(escaped_user), ..record() };
            assert!(record.text().starts_with(&format!("192.0.2.1 - {told} [")), "{}", record.text());
            assert!(record.json().contains(&format!(
                "\"user\":{},\"key\":{},",
                serde_json::to_string(&user).unwrap(),
                serde_json::to_string(&key).unwrap()
            )));
        }
    }

    #[test]
    fn nothing_that_a_client_has_chosen_breaks_a_line_or_is_long() {
        assert_eq!(escaped_user("a b\"\\\n\u{e9}"), "a%20b%22%5C%0A%C3%A9");
        assert_eq!(escaped_user("-"), "%2D");
        assert_eq!(escaped_user(""), "%2D");
        assert_eq!(escaped_path("/a\u{202e}\"]b"), "/a%E2%80%AE%22]b");
        for long in ["x".repeat(100_000), "/".repeat(100_000), "\u{e9}/".repeat(50_000)] {
            let path = escaped_path(&long);
            assert!(path.len() <= ACCESS_LOG_PATH_BYTES_MAX + 3 && path.ends_with("..."), "{path}");
            assert!(escaped_user(&long).len() <= ACCESS_LOG_USER_BYTES_MAX + 3);
            assert!(escaped_method(&long).len() <= ACCESS_LOG_METHOD_BYTES_MAX + 3);
        }
    }

    #[test]
    fn what_may_be_a_token_in_a_path_is_left_out() {
        for path in ["/events/a;token=S3CRET/b", "/events/a%3Ftoken=S3CRET/b", "/events/a%3btoken%3fS3CRET/b"]
        {
            assert_eq!(escaped_path(path), "/events/a;.../b", "{path}");
        }
    }
}
