//! Compression of messages, `permessage-deflate` (RFC 7692): what is agreed on, and how a client's message is read.
//!
//! Each message is compressed by itself, in both directions. So an event is compressed once for all sockets, and no socket keeps the 300 KB
//! that a history needs.

use flate2::{Decompress, FlushDecompress, Status};
use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderValue};

use super::close::{CloseCode, Fault};
use crate::limits::{SOCKET_EXTENSION_OFFERS_MAX, SOCKET_MESSAGE_STEP_BYTES};

/// What a compressor ends a message with, and a sender leaves out. RFC 7692, 7.2.1.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// An offer that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deflate {
    /// It says how far back the hub's messages may refer, and wants to hear that.
    names_window: bool,
}

impl Deflate {
    /// The first offer that the hub can keep to. RFC 7692, 5.
    pub(super) fn agreed(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).take(SOCKET_EXTENSION_OFFERS_MAX).find_map(Self::of_offer)
    }

    fn of_offer(offer: &str) -> Option<Self> {
        let mut parts = offer.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
            return None;
        }
        let mut seen: Vec<String> = Vec::new();
        let mut names_window = false;
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
                None => (part, None),
            };
            let name = name.to_ascii_lowercase();
            // 5.1: an offer with a parameter that is unknown, badly valued, or given twice is declined.
            let is_good = match (&*name, value) {
                ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
                ("client_max_window_bits", None) => true,
                ("client_max_window_bits", Some(bits)) => matches!(window_bits(bits), Some(8..=15)),
                // Events are compressed once for all, with a window of 32 KiB.
                ("server_max_window_bits", Some(bits)) => window_bits(bits) == Some(15),
                _ => false,
            };
            if !is_good || seen.contains(&name) {
                return None;
            }
            names_window |= name == "server_max_window_bits";
            seen.push(name);
        }
        Some(Self { names_window })
    }

    /// 7.1.1: the hub may ask for messages without a history also if the client did not offer that.
    pub(super) fn answer(self) -> HeaderValue {
        HeaderValue::from_static(match self.names_window {
            false => "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            true => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15"
            }
        })
    }
}

/// 5.2: a value may stand in quotes.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// 7.1.2.1: "a decimal integer value without leading zeroes".
fn window_bits(text: &str) -> Option<u8> {
    let is_number = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// A message as it was before it was compressed, of at most so many bytes: a few bytes can stand for very many.
pub(super) fn inflate(message: &[u8], bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let mut decompress = Decompress::new(false);
    let mut text = Vec::new();
    for part in [message, &TAIL] {
        inflate_part(&mut decompress, part, &mut text, bytes_max)?;
    }
    Ok(text)
}

fn inflate_part(
    decompress: &mut Decompress,
    mut part: &[u8],
    text: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), Fault> {
    loop {
        if text.len() > bytes_max {
            let reason = "a message is larger than the hub takes, once it is decompressed";
            return Err(Fault { code: CloseCode::TOO_LARGE, reason });
        }
        if text.len() == text.capacity() {
            // One byte more than is taken shows that there is more.
            text.reserve_exact(SOCKET_MESSAGE_STEP_BYTES.min(bytes_max + 1 - text.len()));
        }
        let before = (decompress.total_in(), text.len());
        let status = decompress.decompress_vec(part, text, FlushDecompress::None);
        let taken = (decompress.total_in() - before.0) as usize;
        part = &part[taken..];
        match status {
            Err(_) => return Err(NOT_DEFLATED),
            // 7.2.3.4: a block may say that it is the last one, and others may follow.
            Ok(Status::StreamEnd) => decompress.reset(false),
            // All was taken, and there was room for more than came of it.
            Ok(Status::Ok | Status::BufError) if part.is_empty() && text.len() < text.capacity() => {
                return Ok(());
            }
            Ok(Status::Ok | Status::BufError)
                if taken == 0 && text.len() == before.1 && text.len() < text.capacity() =>
            {
                return Err(NOT_DEFLATED);
            }
            Ok(Status::Ok | Status::BufError) => {}
        }
    }
}

const NOT_DEFLATED: Fault = Fault {
    code: CloseCode::NOT_UTF8,
    reason: "a message says that it is compressed, and cannot be decompressed",
};

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    fn answer(offers: &[&str]) -> Option<String> {
        let lines =
            offers.iter().map(|offer| (SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(offer).unwrap()));
        Deflate::agreed(&lines.collect()).map(|deflate| deflate.answer().to_str().unwrap().to_owned())
    }

    #[test]
    fn an_offer_is_taken_if_the_hub_can_keep_to_it() {
        let plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let window = format!("{plain}; server_max_window_bits=15");

        for offer in [
            "permessage-deflate",
            "PerMessage-Deflate ; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=\"9\"; server_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate; CLIENT_NO_CONTEXT_TAKEOVER",
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        ] {
            assert_eq!(answer(&[offer]).as_deref(), Some(plain), "{offer}");
        }
        assert_eq!(answer(&["x", "permessage-deflate; server_max_window_bits=15"]), Some(window));
        for offer in [
            "",
            "permessage-bzip2",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=015",
            "permessage-deflate; server_max_window_bits=+15",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; unknown",
            "permessage-deflate;",
        ] {
            assert_eq!(answer(&[offer]), None, "{offer}");
        }
    }

    #[test]
    fn no_more_offers_are_looked_at_than_a_browser_would_make() {
        let many = "x,".repeat(SOCKET_EXTENSION_OFFERS_MAX);

        assert_eq!(answer(&[&(many + "permessage-deflate")]), None);
    }

    /// As a client sends it.
    fn deflated(text: &[u8], flush: FlushCompress) -> Vec<u8> {
        let mut compress = Compress::new(Compression::best(), false);
        let mut bytes = Vec::with_capacity(text.len() + 1_000);
        compress.compress_vec(text, &mut bytes, flush).unwrap();
        bytes
    }

    fn sent(text: &[u8]) -> Vec<u8> {
        deflated(text, FlushCompress::Sync).strip_suffix(&TAIL).unwrap().to_vec()
    }

    #[test]
    fn a_message_is_read_as_it_was() {
        for text in ["", "x", "{\"a\":1}", &"ab".repeat(40_000), &"z".repeat(100_000)] {
            assert_eq!(inflate(&sent(text.as_bytes()), 100_000).unwrap(), text.as_bytes());
            // RFC 7692, 7.2.3.4 and 7.2.3.5: a last block, and then an empty one; and two of them.
            let mut last = deflated(text.as_bytes(), FlushCompress::Finish);
            last.push(0);
            assert_eq!(inflate(&last, 100_000).unwrap(), text.as_bytes());
            let two = [deflated(text.as_bytes(), FlushCompress::Finish), sent(b"y")].concat();
            assert_eq!(inflate(&two, 100_001).unwrap(), (text.to_owned() + "y").as_bytes());
        }
        // The examples of RFC 7692, 7.2.3.1, 7.2.3.3 and 7.2.3.6.
        for hello in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            assert_eq!(inflate(hello, 5).unwrap(), b"Hello");
        }
    }

    #[test]
    fn a_message_that_becomes_too_large_and_one_that_is_none_are_faults() {
        let bomb = sent(&vec![0; 50_000_000]);
        assert!(bomb.len() < 50_000);
        let code = |message: &[u8], bytes_max| inflate(message, bytes_max).map_err(|fault| fault.code);

        assert_eq!(code(&bomb, 1_000_000), Err(CloseCode::TOO_LARGE));
        assert_eq!(code(&sent(b"123456"), 5), Err(CloseCode::TOO_LARGE));
        assert_eq!(code(&sent(b"123456"), 6).unwrap(), b"123456");
        for none in [&b"\xff"[..], b"\x06", b"\x07", b"hello", &[0xee; 1_000]] {
            assert_eq!(code(none, 1_000), Err(CloseCode::NOT_UTF8), "{none:?}");
        }
    }
}
