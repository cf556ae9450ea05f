//! Records of version 1, which are read and not written any more. The layout is in `docs/file-format.md`.

#[cfg(test)]
pub(crate) mod encode;
#[cfg(test)]
mod tests;

use tidings_core::{Sequence, UnixMillis};

use super::kind::Kind;
use super::number::{u16_at, u32_at, u64_at};
use super::{Flaw, Record, RecordStamp};
use crate::limits::RECORD_BYTES_MAX;

/// Bytes before the fields.
pub(super) const HEADER_BYTES: usize = 36;

const HAS_RETRY: u8 = 1;
const MORE_FOLLOW: u8 = 2;

/// The length that a header claims, checksum unseen.
pub(super) fn length(header: &[u8; HEADER_BYTES]) -> Result<usize, Flaw> {
    let len = u32_at(header, 4) as usize;
    match len {
        0 if header.iter().all(|byte| *byte == 0) => Err(Flaw::Empty),
        HEADER_BYTES..=RECORD_BYTES_MAX => Ok(len),
        _ => Err(Flaw::Broken("the record's length is impossible")),
    }
}

/// The sequence that a header claims, checksum unseen. There must be a header.
pub(super) fn sequence(bytes: &[u8]) -> Sequence {
    Sequence(u64_at(bytes, 8))
}

/// Reads the record that the bytes begin with.
pub(super) fn parse(bytes: &[u8]) -> Result<Record<'_>, Flaw> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Err(Flaw::Short(HEADER_BYTES)) };
    let len = length(header)?;
    let Some(whole) = bytes.get(..len) else { return Err(Flaw::Short(len)) };
    if crc32c::crc32c(&whole[4..]) != u32_at(header, 0) {
        return Err(Flaw::Broken("the record's checksum is not that of its bytes"));
    }
    fields(header, whole)
}

fn fields<'a>(header: &[u8; HEADER_BYTES], whole: &'a [u8]) -> Result<Record<'a>, Flaw> {
    let flags = header[28];
    if flags & !(HAS_RETRY | MORE_FOLLOW) != 0 {
        return Err(Flaw::Broken("the record has flags that version 1 does not know"));
    }
    let mut rest = &whole[HEADER_BYTES..];
    let retry_ms = match flags & HAS_RETRY {
        0 => None,
        _ => Some(u64_at(take(&mut rest, 8)?, 0)),
    };
    let topic = text(&mut rest, u16_at(header, 30))?;
    let event_type = text(&mut rest, u16_at(header, 32))?;
    let id = text(&mut rest, u16_at(header, 34))?;
    let key = text(&mut rest, header[29].into())?.into();
    let (stamp, kind, len) = (stamp(header), Kind::Event, whole.len());
    Ok(Record { stamp, kind, len, topic, event_type, id, key, batch_part: None, retry_ms, data: rest })
}

fn stamp(header: &[u8; HEADER_BYTES]) -> RecordStamp {
    RecordStamp {
        sequence: sequence(header),
        time: UnixMillis(u64_at(header, 16)),
        lag: u32_at(header, 24),
        more: header[28] & MORE_FOLLOW != 0,
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Flaw> {
    let (field, after) =
        rest.split_at_checked(count).ok_or(Flaw::Broken("the record's fields overrun its end"))?;
    *rest = after;
    Ok(field)
}

fn text<'a>(rest: &mut &'a [u8], count: u16) -> Result<&'a str, Flaw> {
    std::str::from_utf8(take(rest, count.into())?)
        .map_err(|_| Flaw::Broken("a field of the record is not UTF-8"))
}
