//! A head that hyper cannot read: what its sender is told. Often it is another protocol that came to the wrong port, or one
//! character that nobody sees, so the answer names what was found.

use tokio::io::AsyncWrite;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::connection::head_fault::{Fault, find_fault};
use crate::connection::written::{last_answer, write_within};
use crate::front::Front;

/// Whether hyper has given a connection up because of a head: one that is none, or that ended before its empty line.
pub(crate) fn has_ended(error: &hyper::Error) -> bool {
    error.is_parse() || error.is_incomplete_message()
}

/// Answers. `head` is what hyper has left of it; `begins_with_head` says of one that hyper has taken whether it began as a
/// request of HEAD.
pub(crate) async fn answer<S: AsyncWrite + Unpin>(
    front: &Front,
    stream: &mut S,
    head: &[u8],
    begins_with_head: bool,
    error: &hyper::Error,
) {
    let foreign = Foreign::of(head);
    let problem = match foreign {
        Some(foreign) => Problem::new(ProblemType::BadHead, foreign.detail(front.config().tls.is_some())),
        None => problem(find_fault(head, error, front.config().head_bytes_max)),
    };
    if foreign.is_some() {
        // Its sender seldom shows what it was answered.
        front.refusal_log().tell(&problem, "");
    }
    let is_head = if head.is_empty() { begins_with_head } else { head.starts_with(b"HEAD ") };
    let bytes = match foreign {
        Some(Foreign::Http2) => go_away(),
        _ => last_answer(front.refuse_unread(problem), is_head).await,
    };
    if let Err(error) = write_within(front.config().write_wait_max, stream, &bytes).await {
        tracing::debug!(%error, "the answer to a head that cannot be read was not taken");
    }
}

fn problem(fault: Fault) -> Problem {
    match fault {
        Fault::TooLarge(detail) => Problem::new(ProblemType::HeadTooLarge, detail),
        Fault::UrlTooLong(detail) => Problem::new(ProblemType::UrlTooLong, detail),
        Fault::Version(detail) => Problem::new(ProblemType::UnsupportedVersion, detail),
        Fault::Malformed(detail) => Problem::new(ProblemType::BadHead, detail),
    }
}

/// A protocol that is not HTTP/1, known by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreign {
    /// HTTP/2 from a client that was not told of it by TLS. RFC 9113, 3.3.
    Http2,
    /// RFC 8446, 5.1: a record of type 22, of version 3.
    Tls,
    /// The PROXY protocol, version 1 or 2. hyper has taken the empty lines with which version 2 begins.
    Proxy,
    /// SOCKS, version 4 or 5.
    Socks,
}

impl Foreign {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'R', b'I', b' ', b'*', b' ', b'H', b'T', b'T', b'P', b'/', b'2', ..] => Some(Self::Http2),
            [22, 3, ..] => Some(Self::Tls),
            [b'P', b'R', b'O', b'X', b'Y', b' ', b'T' | b'U', ..] => Some(Self::Proxy),
            [0, b'\r', b'\n', b'Q', b'U', b'I', b'T', b'\n', ..] => Some(Self::Proxy),
            [4 | 5, ..] => Some(Self::Socks),
            _ => None,
        }
    }

    fn detail(self, has_tls: bool) -> &'static str {
        match self {
            Self::Http2 => "this is HTTP/2 without an agreement of TLS on it; use HTTP/1.1 here",
            Self::Tls if has_tls => "this is a TLS connection inside of another; one is enough",
            Self::Tls => {
                "this is the start of a TLS connection, and this port speaks plain HTTP: write http:// in place of \
                 https://, or give the hub a certificate with --tls-cert and --tls-key"
            }
            Self::Proxy => {
                "this is the PROXY protocol, which the hub does not read: switch it off in the proxy (send-proxy, \
                 proxy_protocol), which can name the client in X-Forwarded-For"
            }
            Self::Socks => {
                "this is the start of a SOCKS connection; the hub is a server of HTTP, and no proxy"
            }
        }
    }
}

/// RFC 9113, 3.4 and 6.8: the settings that a server begins with, and a `GOAWAY` that says why (`HTTP_1_1_REQUIRED`).
fn go_away() -> Vec<u8> {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let reason = Foreign::Http2.detail(false).as_bytes();
    let length = u8::try_from(8 + reason.len()).expect("the reason is a short sentence");
    [&settings[..], &[0, 0, length, 7, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 0xd], reason].concat()
}
