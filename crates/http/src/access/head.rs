//! The head of a request, as far as it must be beyond doubt before anything is decided by it.
//!
//! Two programs that read one request differently let one of them be deceived: a proxy checks the first of two lines, the hub
//! would use the second. So a header that decides something stands once, and the host has one meaning.

use std::net::IpAddr;

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri, Version};

use super::host::Host;
use super::origin::default_port;
use super::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

pub(super) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(super) const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
pub(super) const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The headers that decide something and are no lists, with the problem if one of them is given twice. `Idempotency-Key` has a
/// problem of its own, and counts where it is read.
const ONCE: [(HeaderName, ProblemType); 8] = [
    (HOST, ProblemType::BadHost),
    (ORIGIN, ProblemType::RepeatedHeader),
    (AUTHORIZATION, ProblemType::RepeatedHeader),
    (CONTENT_TYPE, ProblemType::RepeatedHeader),
    (CONTENT_LENGTH, ProblemType::RepeatedHeader),
    (SEC_FETCH_SITE, ProblemType::RepeatedHeader),
    (SEC_FETCH_MODE, ProblemType::RepeatedHeader),
    (HeaderName::from_static("last-event-id"), ProblemType::RepeatedHeader),
];

/// What the server has left out of a head before the hub could see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// A `Content-Length` beside a `Transfer-Encoding`.
    Length,
    /// The fragment of the URL.
    Fragment,
}

/// What a decision is made by.
pub(crate) struct RequestHead<'a> {
    /// The host that the request is for. A request of HTTP/1.0 need not name one.
    pub(super) host: Option<Host>,
    pub(super) headers: &'a HeaderMap,
    /// Who sent it, if a connection brought it.
    pub(super) peer: Option<IpAddr>,
}

impl<'a> RequestHead<'a> {
    /// Reads the head of a request. A request that a program has made and that no connection brought, without `peer`, need
    /// not name a host.
    pub(crate) fn read(request: &'a Parts, peer: Option<IpAddr>) -> Result<Self, Problem> {
        let headers = &request.headers;
        request.extensions.get().map_or(Ok(()), |left_out| Err(with_left_out(*left_out)))?;
        check_repetitions(headers)?;
        check_transfer_coding(headers)?;
        let header = headers.get(HOST);
        let host = host(request.version, &request.uri, header)?;
        let names_host = match request.version {
            Version::HTTP_09 | Version::HTTP_10 => true,
            // RFC 9112, 3.2: a request without the header is answered 400, also where its URL is absolute and names the host.
            Version::HTTP_11 => header.is_some(),
            _ => host.is_some(),
        };
        if !names_host && peer.is_some() {
            return Err(bad_host("the request has no `Host`".to_owned()));
        }
        Ok(Self { host, headers, peer })
    }

    /// The value of `Origin`.
    pub(super) fn origin(&self) -> Option<&'a HeaderValue> {
        self.headers.get(ORIGIN)
    }

    /// Host and origin for a sentence in a problem or a log.
    pub(super) fn shown_host(&self) -> String {
        self.host.as_ref().map_or_else(|| "no host".to_owned(), |host| format!("host `{host}`"))
    }

    pub(super) fn shown_origin(&self) -> String {
        self.origin()
            .map_or_else(|| "no origin".to_owned(), |origin| format!("origin `{}`", shown(origin.as_bytes())))
    }
}

/// RFC 9112, 6.1: with a length and a coding "such a message might indicate an attempt to perform request smuggling", and a
/// server may refuse it. A fragment is no part of the target of a request (RFC 9112, 3.2): what follows the `#` in the name of a
/// topic would be lost.
fn with_left_out(left_out: LeftOut) -> Problem {
    match left_out {
        LeftOut::Length => {
            let detail = "the head of the request has `content-length` and `transfer-encoding`, so its body could end in two \
                          places; send one of them";
            Problem::new(ProblemType::BadHead, detail)
        }
        LeftOut::Fragment => {
            let detail = "the URL of the request has a fragment, which belongs to a browser and not to a request; write %23 \
                          for each `#` that is part of a name, and leave the rest out";
            Problem::new(ProblemType::Fragment, detail)
        }
    }
}

/// RFC 9113, 6.5.2, says what the size of a head over HTTP/2 is. h2 answers a larger one by itself, without content, so it is
/// told a larger bound than this.
pub(crate) fn check_size(request: &Parts, bytes_max: usize) -> Result<(), Problem> {
    let fields = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
    let bytes = request.uri.path().len() + request.uri.query().map_or(0, str::len) + fields.sum::<usize>();
    if bytes <= bytes_max {
        return Ok(());
    }
    let detail = format!("the head of the request is larger than {bytes_max} bytes (head_bytes_max)");
    Err(Problem::new(ProblemType::HeadTooLarge, detail))
}

fn check_repetitions(headers: &HeaderMap) -> Result<(), Problem> {
    // Nearly every request has no header twice, and to look for each of these would cost it more than all other checks.
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    for (name, problem_type) in &ONCE {
        let lines = headers.get_all(name).iter().count();
        if lines > 1 {
            return Err(Problem::repeated(*problem_type, name.as_str(), lines));
        }
    }
    Ok(())
}

/// RFC 9112, 3.2.2: "When an origin server receives a request with an absolute-form of request-target, the origin server
/// MUST ignore the received Host header field". In HTTP/2 the place of the target's host is `:authority`, and RFC 9113,
/// 8.3.1, lets a server refuse a request in which the two differ.
fn host(version: Version, uri: &Uri, header: Option<&HeaderValue>) -> Result<Option<Host>, Problem> {
    let header = header.map(|value| parsed("`Host`", value.as_bytes())).transpose()?;
    let target =
        uri.authority().map(|text| parsed("the host of the URL", text.as_str().as_bytes())).transpose()?;
    let default = uri.scheme_str().and_then(default_port);
    let port = |host: &Host| host.port().or(default);
    match (&header, &target) {
        (Some(header), Some(target))
            if version >= Version::HTTP_2
                && (header.name(), port(header)) != (target.name(), port(target)) =>
        {
            Err(bad_host(format!(
                "`Host` is `{header}` and `:authority` is `{target}`; they must be the same"
            )))
        }
        _ => Ok(target.or(header)),
    }
}

fn parsed(which: &str, text: &[u8]) -> Result<Host, Problem> {
    let host = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    let refuse = || {
        bad_host(format!(
            "{which} is `{}`, and no host name or address with at most a port behind it",
            shown(text)
        ))
    };
    host.ok_or_else(refuse)
}

fn bad_host(detail: String) -> Problem {
    Problem::new(ProblemType::BadHost, detail)
}

/// RFC 9112, 6.1: "A server that receives a request message with a transfer coding it does not understand SHOULD respond with
/// 501 (Not Implemented)", and "A sender MUST NOT apply the chunked transfer coding more than once". hyper looks at the last
/// coding alone.
fn check_transfer_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(first) = headers.get(TRANSFER_ENCODING) else { return Ok(()) };
    let lines: Vec<_> = headers.get_all(TRANSFER_ENCODING).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() == 1 && first.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let codings = lines.iter().flat_map(|line| line.split(|byte| *byte == b','));
    let (mut count, mut are_chunked) = (0, true);
    for coding in codings {
        count += 1;
        are_chunked &= coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    }
    let shown = || shown(&lines.join(&b", "[..]));
    if are_chunked {
        let detail = format!(
            "the request has the transfer coding `chunked` {count} times (`transfer-encoding: {}`), and may have it once",
            shown()
        );
        return Err(Problem::new(ProblemType::RepeatedHeader, detail));
    }
    let detail = format!("the transfer coding is `{}`; the hub takes `chunked` alone", shown());
    Err(Problem::new(ProblemType::UnsupportedTransferCoding, detail))
}
