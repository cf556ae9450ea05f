//! Bytes as text, the way the standard decodes them.

use alloc::string::String;
use core::str;

/// The bytes as text: as they stand, or mended in `mended`.
///
/// HTML 9.2.6: "Streams must be decoded using the UTF-8 decode algorithm", which turns what is not UTF-8 into
/// U+FFFD and never fails. Decoding each value by itself gives the same text as decoding the stream first:
/// values begin and end at ASCII bytes, and none of those is ever part of a longer sequence.
#[inline]
pub(super) fn decode<'a>(bytes: &'a [u8], mended: &'a mut String) -> &'a str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => mend(bytes, mended),
    }
}

/// Appends the bytes as text.
pub(super) fn append(bytes: &[u8], out: &mut String) {
    match str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => append_mended(bytes, out),
    }
}

#[cold]
fn mend<'a>(bytes: &[u8], mended: &'a mut String) -> &'a str {
    mended.clear();
    append_mended(bytes, mended);
    mended
}

#[cold]
fn append_mended(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push('\u{FFFD}');
        }
    }
}
