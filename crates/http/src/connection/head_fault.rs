//! What is wrong with the head of a request that hyper does not take. hyper says little more than that it is wrong, so this
//! looks for the place, in the order in which a reader would.

use crate::access::shown::shown;
use crate::limits::{HEADERS_MAX, URL_BYTES_MAX};

/// What is wrong, in a sentence for the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    TooLarge(String),
    UrlTooLong(String),
    /// It is a version of HTTP that the hub does not speak.
    Version(String),
    Malformed(String),
}

/// Looks at what hyper has left of a head: all of it, unless only the length of the body was wrong. Then the head is gone, and
/// what is left is the body.
pub(crate) fn find_fault(head: &[u8], error: &hyper::Error, head_bytes_max: usize) -> Fault {
    if let Some(fault) = fault_of_length(error) {
        return Fault::Malformed(fault);
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.next().unwrap_or_default();
    if error.is_parse_too_large() {
        return too_large(head, line, head_bytes_max);
    }
    let fault = if head.is_empty() { None } else { fault_of_request_line(line) };
    let fault = fault.or_else(|| lines.take_while(|line| !line.is_empty()).find_map(fault_of_header));
    // A head that has not come whole may be cut anywhere.
    match fault {
        _ if error.is_incomplete_message() => {
            Fault::Malformed("the head of the request ended before its empty line".to_owned())
        }
        Some(fault) => fault,
        None => Fault::Malformed(format!("the head of the request cannot be read: {error}")),
    }
}

/// hyper tells such a fault by its description alone.
fn fault_of_length(error: &hyper::Error) -> Option<String> {
    let rest = match error.to_string().as_str() {
        "invalid content-length parsed" => {
            "invalid content-length; it is a number in digits, and the same if it stands in several lines"
        }
        "invalid transfer-encoding parsed" => {
            "invalid transfer-encoding; the hub takes `chunked` alone, and without it as the last coding the end of the body \
             cannot be known"
        }
        "unexpected transfer-encoding parsed" => {
            "unexpected transfer-encoding; HTTP/1.0 has none, so use content-length or HTTP/1.1"
        }
        _ => return None,
    };
    Some(format!("the head of the request cannot be read: {rest}"))
}

/// The URL is to blame if the first line alone is larger than a head may be.
fn too_large(head: &[u8], line: &[u8], head_bytes_max: usize) -> Fault {
    let url = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if url.len() > URL_BYTES_MAX || line.len() == head.len() {
        let bytes_max = head_bytes_max.min(URL_BYTES_MAX);
        return Fault::UrlTooLong(format!("the URL has more than {bytes_max} bytes, or nearly as many"));
    }
    Fault::TooLarge(if head.len() < head_bytes_max {
        format!("the request has more than {HEADERS_MAX} headers")
    } else {
        format!("the head of the request is larger than {head_bytes_max} bytes (head_bytes_max)")
    })
}

fn fault_of_request_line(line: &[u8]) -> Option<Fault> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, url, version, more) = (parts.next()?, parts.next(), parts.next(), parts.next());
    let malformed = |what: String| {
        Some(Fault::Malformed(format!("{what}; a request begins as in `GET /events/news HTTP/1.1`")))
    };
    if method.is_empty() || !method.iter().copied().all(is_of_name) {
        return malformed(format!("the request begins with `{}`, which is no method", shown(method)));
    }
    let Some(url) = url else { return malformed(format!("the first line is only `{}`", shown(line))) };
    if let Some(byte) = url.iter().find(|byte| byte.is_ascii_control()) {
        return malformed(format!("the URL has {}, which must be percent-encoded", named(*byte)));
    }
    match (version, more) {
        (Some(b"HTTP/1.0" | b"HTTP/1.1"), None) => {}
        (Some(version), None) if version.starts_with(b"HTTP/") => {
            let version = shown(version);
            return Some(Fault::Version(format!("the request is of {version}; use HTTP/1.1")));
        }
        (_, Some(_)) => return malformed("the URL has a space, which must be written as %20".to_owned()),
        (_, None) => return malformed("the first line does not end with a version of HTTP".to_owned()),
    }
    match http::Uri::try_from(url) {
        Ok(_) => None,
        Err(error) => malformed(format!("`{}` is no URL: {error}", shown(url))),
    }
}

/// Values are not shown: they may be secret.
fn fault_of_header(line: &[u8]) -> Option<Fault> {
    let malformed = |what: String| Some(Fault::Malformed(what));
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return malformed(
            "a line of the head begins with white space; a header must stand on one line".to_owned(),
        );
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return malformed(
            "a line of the head has no colon; a header is a name, a colon and a value".to_owned(),
        );
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() {
        return malformed("a header has no name before its colon".to_owned());
    }
    if let Some(byte) = name.iter().find(|byte| !is_of_name(**byte)) {
        return malformed(format!("the name of the header `{}` has {}", shown(name), named(*byte)));
    }
    let byte = value.iter().find(|byte| byte.is_ascii_control() && **byte != b'\t')?;
    malformed(format!("the header `{}` has {}", shown(name), named(*byte)))
}

/// RFC 9110, 5.6.2: what a method or the name of a header is made of.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn named(byte: u8) -> String {
    match byte {
        b' ' => "a space".to_owned(),
        b'\t' => "a tab".to_owned(),
        b'\r' => "a carriage return without a line feed".to_owned(),
        byte if byte.is_ascii_control() => format!("the control character 0x{byte:02x}"),
        byte => format!("the byte 0x{byte:02x}"),
    }
}
