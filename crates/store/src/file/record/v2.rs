//! Records of version 2. The layout is in `docs/file-format.md`.

#[cfg(test)]
pub(crate) mod any;
#[cfg(test)]
mod tests;

use tidings_core::{BATCH_DIGEST_BYTES, BatchPart, Draft, Epoch, KeyFields, Sequence, UnixMillis};
use tidings_sse::{EventId, EventType};

use super::attribute::{Attribute, Attributes, encoded_len as attribute_len, put};
use super::kind::Kind;
use super::number::{u16_at, u32_at, u64_at};
use super::{Flaw, Record, RecordStamp};
use crate::file::hash::RecordTag;
use crate::limits::RECORD_BYTES_MAX;

/// Bytes before the topic.
pub(super) const HEADER_BYTES: usize = 44;

/// Bytes of the record that begins an epoch.
pub(crate) const EPOCH_RECORD_BYTES: usize = HEADER_BYTES + 16;

const MORE_FOLLOW: u8 = 1;

/// Bytes of what a record says of its batch.
const BATCH_BYTES: usize = 8 + 8 + BATCH_DIGEST_BYTES + 1;

/// Bytes of the record of a draft.
pub(crate) fn encoded_len(draft: &Draft) -> usize {
    let [event_type, id] = [
        draft.event_type().map_or(0, |text| attribute_len(text.as_str().len())),
        draft.id().map_or(0, |text| attribute_len(text.as_str().len())),
    ];
    let retry = draft.retry_ms().map_or(0, |_| attribute_len(size_of::<u64>()));
    let key = draft.key().map_or(0, |key| attribute_len(1 + key.credential().len() + key.as_str().len()));
    let batch = draft.batch_part().map_or(0, |_| attribute_len(BATCH_BYTES));
    HEADER_BYTES + draft.topic().as_str().len() + event_type + id + retry + key + batch + draft.data().len()
}

/// Appends the record of an event, or of the state of something. The draft must be no longer than [`RECORD_BYTES_MAX`] when encoded.
pub(crate) fn encode(stamp: RecordStamp, draft: &Draft, tag: &RecordTag, into: &mut Vec<u8>) {
    let kind = if draft.is_state() { Kind::State } else { Kind::Event };
    encode_with(stamp, kind, draft.topic().as_str(), tag, into, |into| {
        if let Some(event_type) = draft.event_type().map(EventType::as_str) {
            put(Attribute::EventType as u8, &[event_type.as_bytes()], into);
        }
        if let Some(id) = draft.id().map(EventId::as_str) {
            put(Attribute::Id as u8, &[id.as_bytes()], into);
        }
        if let Some(ms) = draft.retry_ms() {
            put(Attribute::Retry as u8, &[&ms.to_le_bytes()], into);
        }
        if let Some(key) = draft.key() {
            let (credential, key) = (key.credential().as_bytes(), key.as_str().as_bytes());
            put(Attribute::Key as u8, &[&[credential.len() as u8], credential, key], into);
        }
        if let Some(part) = draft.batch_part() {
            let (before, through) = (part.before.to_le_bytes(), part.through.to_le_bytes());
            let value = [&before[..], &through, &part.digest, &[u8::from(part.complete)]];
            put(Attribute::Batch as u8, &value, into);
        }
        draft.data()
    });
}

/// Appends the record that begins an epoch after an event, and ends the one before.
pub(crate) fn encode_epoch(
    stamp: RecordStamp,
    begins: Epoch,
    ends: Epoch,
    tag: &RecordTag,
    into: &mut Vec<u8>,
) {
    let body = [begins.0.to_le_bytes(), ends.0.to_le_bytes()].concat();
    encode_with(stamp, Kind::Epoch, "", tag, into, |_| &body);
}

/// Says of a record that no other one of its append follows.
pub(crate) fn end_append(record: &mut [u8], tag: &RecordTag) {
    if let Some(header) = record.first_chunk_mut::<HEADER_BYTES>() {
        header[37] &= !MORE_FOLLOW;
        let tag = tag.of(&header[8..]);
        header[..8].copy_from_slice(&tag.to_le_bytes());
    }
}

/// Appends the record that declares some events to be lost.
pub(crate) fn encode_lost(
    stamp: RecordStamp,
    first: Sequence,
    last: Sequence,
    tag: &RecordTag,
    into: &mut Vec<u8>,
) {
    let body = [first.0.to_le_bytes(), last.0.to_le_bytes()].concat();
    encode_with(stamp, Kind::Lost, "", tag, into, |_| &body);
}

/// Appends a record. `rest` appends its attributes, and returns its data.
fn encode_with<'a>(
    stamp: RecordStamp,
    kind: Kind,
    topic: &str,
    tag: &RecordTag,
    into: &mut Vec<u8>,
    rest: impl FnOnce(&mut Vec<u8>) -> &'a [u8],
) {
    let start = into.len();
    into.extend_from_slice(&[0; HEADER_BYTES]);
    into.extend_from_slice(topic.as_bytes());
    let attributes = into.len();
    let data = rest(into);
    let attributes = into.len() - attributes;
    into.extend_from_slice(data);
    let whole = &mut into[start..];
    let len = whole.len() as u32;
    let checksum = crc32c::crc32c(&whole[HEADER_BYTES..]);
    let header = &mut whole[..HEADER_BYTES];
    header[8..12].copy_from_slice(&checksum.to_le_bytes());
    header[12..16].copy_from_slice(&len.to_le_bytes());
    header[16..24].copy_from_slice(&stamp.sequence.0.to_le_bytes());
    header[24..32].copy_from_slice(&stamp.time.0.to_le_bytes());
    header[32..36].copy_from_slice(&stamp.lag.to_le_bytes());
    header[36] = kind.number();
    header[37] = if stamp.more { MORE_FOLLOW } else { 0 };
    header[38..40].copy_from_slice(&(topic.len() as u16).to_le_bytes());
    header[40..44].copy_from_slice(&(attributes as u32).to_le_bytes());
    let tag = tag.of(&header[8..]);
    header[..8].copy_from_slice(&tag.to_le_bytes());
}

/// The length that a header gives. It is that of a record only if the tag is right.
pub(super) fn length(header: &[u8; HEADER_BYTES]) -> Result<usize, Flaw> {
    let len = u32_at(header, 12) as usize;
    match len {
        0 if header.iter().all(|byte| *byte == 0) => Err(Flaw::Empty),
        HEADER_BYTES..=RECORD_BYTES_MAX => Ok(len),
        _ => Err(Flaw::Broken("the record's length is impossible")),
    }
}

/// The sequence that a header gives, tag unseen. There must be a header.
pub(super) fn sequence(bytes: &[u8]) -> Sequence {
    Sequence(u64_at(bytes, 16))
}

/// What a header says whose tag is right: the length, the place and the kind of a record, whose other bytes may be wrong.
pub(super) fn head(bytes: &[u8], tag: &RecordTag) -> Option<(usize, RecordStamp, Kind)> {
    let header = bytes.first_chunk::<HEADER_BYTES>()?;
    let len = length(header).ok().filter(|_| tag.of(&header[8..]) == u64_at(header, 0))?;
    Some((len, stamp(header), Kind::parse(header[36])?))
}

/// Reads the record that the bytes begin with.
pub(super) fn parse<'a>(bytes: &'a [u8], tag: &RecordTag) -> Result<Record<'a>, Flaw> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Err(Flaw::Short(HEADER_BYTES)) };
    let len = length(header)?;
    // First the tag: what a publisher sent is never looked at as a record.
    if tag.of(&header[8..]) != u64_at(header, 0) {
        return Err(Flaw::Broken("the record's tag is not one of this log's"));
    }
    let Some(whole) = bytes.get(..len) else { return Err(Flaw::Short(len)) };
    if crc32c::crc32c(&whole[HEADER_BYTES..]) != u32_at(header, 8) {
        return Err(Flaw::Broken("the record's checksum is not that of its bytes"));
    }
    fields(header, whole)
}

fn fields<'a>(header: &[u8; HEADER_BYTES], whole: &'a [u8]) -> Result<Record<'a>, Flaw> {
    let kind = Kind::parse(header[36]).ok_or(Flaw::UnknownKind(header[36]))?;
    if header[37] & !MORE_FOLLOW != 0 {
        return Err(Flaw::Foreign("the record has flags that this version does not know"));
    }
    let overrun = Flaw::Foreign("the record's fields overrun its end");
    let rest = &whole[HEADER_BYTES..];
    let (topic, rest) = rest.split_at_checked(u16_at(header, 38).into()).ok_or(overrun)?;
    let (attributes, data) = rest.split_at_checked(u32_at(header, 40) as usize).ok_or(overrun)?;
    let attributes = match attributes {
        [] => Attributes::default(),
        bytes => Attributes::parse(bytes).ok_or(Flaw::Foreign("the record's attributes are none"))?,
    };
    let key = match attributes.key {
        Some([credential, rest @ ..]) => {
            let (credential, key) = rest.split_at_checked(usize::from(*credential)).ok_or(overrun)?;
            KeyFields { credential: text(credential)?, key: text(key)? }
        }
        Some([]) => return Err(overrun),
        None => KeyFields::default(),
    };
    let retry_ms = match attributes.retry {
        Some(bytes) => Some(u64::from_le_bytes(bytes.try_into().map_err(|_| overrun)?)),
        None => None,
    };
    Ok(Record {
        stamp: stamp(header),
        kind,
        len: whole.len(),
        topic: text(topic)?,
        event_type: text(attributes.event_type)?,
        id: text(attributes.id)?,
        key,
        batch_part: attributes.batch.map(batch_part).transpose()?,
        retry_ms,
        data,
    })
}

fn stamp(header: &[u8; HEADER_BYTES]) -> RecordStamp {
    RecordStamp {
        sequence: sequence(header),
        time: UnixMillis(u64_at(header, 24)),
        lag: u32_at(header, 32),
        more: header[37] & MORE_FOLLOW != 0,
    }
}

fn batch_part(value: &[u8]) -> Result<BatchPart, Flaw> {
    let value: &[u8; BATCH_BYTES] =
        value.try_into().map_err(|_| Flaw::Foreign("the record does not say how far its batch has come"))?;
    let mut digest = [0; BATCH_DIGEST_BYTES];
    digest.copy_from_slice(&value[16..16 + BATCH_DIGEST_BYTES]);
    let (before, through) = (u64_at(value, 0), u64_at(value, 8));
    Ok(BatchPart { before, through, digest, complete: value[BATCH_BYTES - 1] != 0 })
}

fn text(bytes: &[u8]) -> Result<&str, Flaw> {
    std::str::from_utf8(bytes).map_err(|_| Flaw::Foreign("a field of the record is not UTF-8"))
}
