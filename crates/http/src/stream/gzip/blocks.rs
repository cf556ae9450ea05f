//! The bytes of a gzip stream that are no compressed event.
//!
//! What is small, and what is said to one reader alone, stands in stored blocks (RFC 1951, 3.2.4). Behind each of them comes an empty one:
//! that is how compressed events end, too, and Go's reader hands out what it has read when it comes to one, and not before.

use super::Sum;
use crate::limits::STORED_BLOCK_BYTES_MAX;

/// The beginning of a gzip stream (RFC 1952, 2.3): no name, no time, no system.
pub(crate) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// An empty stored block. It says nothing, so it may stand between any two others, and shows whether somebody still reads.
pub(crate) const EMPTY: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// The last block, which is empty, with codes of fixed length.
const LAST: [u8; 2] = [3, 0];

/// Bytes as stored blocks.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let blocks = bytes.len().div_ceil(STORED_BLOCK_BYTES_MAX);
    let mut stored = Vec::with_capacity(bytes.len() + (blocks + 1) * EMPTY.len());
    for block in bytes.chunks(STORED_BLOCK_BYTES_MAX) {
        let len = block.len() as u16;
        stored.push(0);
        stored.extend_from_slice(&len.to_le_bytes());
        stored.extend_from_slice(&(!len).to_le_bytes());
        stored.extend_from_slice(block);
    }
    if !bytes.is_empty() {
        stored.extend_from_slice(&EMPTY);
    }
    stored
}

/// The first bytes of a stream, and their sum.
pub(crate) fn begin(opening: &[u8]) -> (Vec<u8>, Sum) {
    ([&HEADER[..], &stored(opening)].concat(), Sum::of(opening))
}

/// The last bytes of a stream, of which the reader has had what `sum` says.
pub(crate) fn end(sum: Sum, last: &[u8]) -> Vec<u8> {
    [&stored(last)[..], &LAST, &sum.then(Sum::of(last)).trailer()].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_stream_of_stored_blocks_is_what_was_said_and_ends_with_a_true_checksum() {
        for lengths in [vec![0, 0], vec![1, 0], vec![0, 65_535], vec![65_536, 200_000], vec![131_070, 3, 1]] {
            let texts: Vec<Vec<u8>> =
                lengths.iter().map(|len| (0..*len).map(|at| at as u8).collect()).collect();
            let (opening, rest) = texts.split_first().unwrap();
            let (last, middle) = rest.split_last().unwrap();

            let (mut stream, mut sum) = begin(opening);
            for text in middle {
                stream.extend_from_slice(&EMPTY);
                stream.extend_from_slice(&stored(text));
                sum = sum.then(Sum::of(text));
            }
            stream.extend_from_slice(&end(sum, last));

            let mut read = Vec::new();
            GzDecoder::new(&stream[..]).read_to_end(&mut read).unwrap();
            assert_eq!(read, texts.concat(), "{lengths:?}");
        }
    }

    #[test]
    fn a_few_bytes_are_exactly_these() {
        assert_eq!(stored(b":\n"), b"\0\x02\0\xfd\xff:\n\0\0\0\xff\xff");
        assert_eq!(stored(b""), b"");
        assert_eq!(end(Sum::default(), b""), [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
