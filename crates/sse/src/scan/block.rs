//! Line ends by the block: 64 bytes in, a bit for each of them out.

use wide::u8x16;

/// How many bytes are looked at together: as many as a word has bits.
pub(crate) const BLOCK_BYTES: usize = 64;

/// The CRs and LFs of the first block of a text that has one, or of all the text.
///
/// The lowest bit stands for the first byte.
#[inline(always)]
pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(block) => in_block(block),
        None => in_short(bytes),
    }
}

#[inline(always)]
fn in_block(block: &[u8; BLOCK_BYTES]) -> u64 {
    let (pieces, _) = block.as_chunks();
    pieces.iter().rev().fold(0, |ends, piece| ends << PIECE_BYTES | u64::from(in_piece(piece)))
}

/// Piece by piece. The last one is made whole with bytes that have been looked at before.
#[inline(always)]
fn in_short(bytes: &[u8]) -> u64 {
    let Some(last) = bytes.last_chunk() else {
        return in_bytes(bytes);
    };
    let (pieces, _) = bytes.as_chunks();
    let ends_last = u64::from(in_piece(last)) << (bytes.len() - PIECE_BYTES);
    let place = |(number, piece)| u64::from(in_piece(piece)) << (number * PIECE_BYTES);
    pieces.iter().enumerate().map(place).fold(ends_last, |ends, more| ends | more)
}

/// Byte by byte, where not even one piece fits.
#[inline(never)]
fn in_bytes(bytes: &[u8]) -> u64 {
    let is_end = |byte: &u8| u64::from(matches!(byte, b'\n' | b'\r'));
    bytes.iter().rev().fold(0, |ends, byte| ends << 1 | is_end(byte))
}

/// Whether there may be a line end: whether there is a byte up to the greater of the two.
///
/// One minimum for each piece, and one comparison for all of them.
#[inline(always)]
pub(crate) fn may_end_line(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<BLOCK_BYTES>() {
        let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
        return may_end_line_in(blocks.iter().fold(least(last), |so_far, block| so_far.min(least(block))));
    }
    match bytes.last_chunk::<PIECE_BYTES>() {
        Some(last) => may_end_line_in(least(bytes).min(u8x16::new(*last))),
        None => bytes.iter().any(|byte| *byte <= b'\r'),
    }
}

/// The least bytes of whole pieces.
#[inline(always)]
fn least(bytes: &[u8]) -> u8x16 {
    let (pieces, _) = bytes.as_chunks();
    pieces.iter().fold(u8x16::MAX, |least, piece| least.min(u8x16::new(*piece)))
}

#[inline(always)]
fn may_end_line_in(bytes: u8x16) -> bool {
    bytes.min(u8x16::splat(b'\r')).simd_eq(bytes).any()
}

/// What one vector holds.
const PIECE_BYTES: usize = 16;

#[inline(always)]
fn in_piece(piece: &[u8; PIECE_BYTES]) -> u16 {
    let bytes = u8x16::new(*piece);
    let is_end = bytes.simd_eq(u8x16::splat(b'\n')) | bytes.simd_eq(u8x16::splat(b'\r'));
    is_end.to_bitmask() as u16
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn bytes(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
        let near = prop::sample::select(b"\n\n\r\r\x09\x0b\x0c\x0e\x8a\x8d\0x".to_vec());
        prop::collection::vec(prop_oneof![near, any::<u8>()], len)
    }

    proptest! {
        #[test]
        fn each_line_end_has_its_bit(text in bytes(0..200)) {
            let first = &text[..text.len().min(BLOCK_BYTES)];
            prop_assert_eq!(line_ends(&text), in_bytes(first));
        }

        #[test]
        fn no_line_end_is_missed(text in bytes(0..200)) {
            prop_assert_eq!(may_end_line(&text), text.iter().any(|byte| *byte < 14));
        }
    }
}
