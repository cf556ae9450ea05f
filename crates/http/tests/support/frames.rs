//! HTTP/2 by hand: frames that no library would send.

/// Kinds of frames (RFC 9113, 6).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// Errors (RFC 9113, 7).
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// What a frame begins with.
pub(crate) const FRAME_HEAD_BYTES: usize = 9;

/// The preface, and settings that change nothing.
pub(crate) fn hello() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, b"")].concat()
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a request for a stream of `a`, in literals: GET, https, /events/a, localhost.
pub(crate) fn subscribe() -> Vec<u8> {
    b"\x82\x87\x04\x09/events/a\x01\x09localhost".to_vec()
}

/// The same for a page of history, with `accept: application/json`.
pub(crate) fn get() -> Vec<u8> {
    b"\x82\x87\x04\x09/events/a\x01\x09localhost\x0f\x04\x10application/json".to_vec()
}

/// The same for a publisher, with POST.
pub(crate) fn post() -> Vec<u8> {
    b"\x83\x87\x04\x09/events/a\x01\x09localhost".to_vec()
}

/// A header as a literal (RFC 7541, 6.2): `first` says whether it is to be remembered.
pub(crate) fn literal(first: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[first], &*text(name.as_bytes()), &*text(value)].concat()
}

/// A text and its length in seven bits (RFC 7541, 5.1 and 5.2).
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes.len();
    if rest < 127 {
        out.push(rest as u8);
    } else {
        out.push(127);
        rest -= 127;
        while rest >= 128 {
            out.push((rest % 128) as u8 | 128);
            rest /= 128;
        }
        out.push(rest as u8);
    }
    out.extend_from_slice(bytes);
    out
}
