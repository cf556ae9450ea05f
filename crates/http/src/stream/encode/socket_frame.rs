//! Frames of a WebSocket by the hub: a header and a payload, never masked, never in fragments.
//!
//! The encoder makes those of a stream, and the room `websocket` what is said beside it.

use bytes::Bytes;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::limits::SOCKET_CONTROL_BYTES_MAX;

/// A text message.
pub(crate) fn text(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), payload)
}

/// A text message that is compressed. RFC 7692, 7.2.1: its first frame has RSV1.
pub(crate) fn deflated_text(payload: &[u8]) -> Vec<u8> {
    let mut bytes = text(payload);
    bytes[0] |= 0x40;
    bytes
}

/// An empty pong that answers nothing, which shows whether somebody still reads. RFC 6455, 5.5.3: no answer is expected.
pub(crate) fn probe() -> Bytes {
    Bytes::from_static(&[0x8a, 0])
}

/// The answer to a ping: the same payload.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    frame(OpCode::Control(Control::Pong), payload).into()
}

/// The last frame. RFC 6455, 5.5.1.
pub(crate) fn close(code: u16, reason: &str) -> Bytes {
    let room = SOCKET_CONTROL_BYTES_MAX - 2;
    let reason = &reason[..reason.floor_char_boundary(room)];
    frame(OpCode::Control(Control::Close), &[&code.to_be_bytes(), reason.as_bytes()].concat()).into()
}

/// The answer to a close that has no code.
pub(crate) fn close_without_code() -> Bytes {
    Bytes::from_static(&[0x88, 0])
}

fn frame(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final: true, opcode, ..FrameHeader::default() };
    let length = payload.len() as u64;
    let mut bytes = Vec::with_capacity(header.len(length) + payload.len());
    header.format(length, &mut bytes).expect("memory takes what is written");
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_exactly_these_bytes() {
        assert_eq!(text(b"{}"), b"\x81\x02{}");
        assert_eq!(text(&[b'x'; 126])[..5], *b"\x81\x7e\x00\x7ex");
        assert_eq!(text(&[b'x'; 65_536])[..11], *b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00x");
        assert_eq!(deflated_text(b"ab"), b"\xc1\x02ab");
        assert_eq!(pong(b"ab"), &b"\x8a\x02ab"[..]);
        assert_eq!(close(1_002, "no"), &b"\x88\x04\x03\xeano"[..]);
        assert_eq!(close_without_code(), &b"\x88\x00"[..]);
        assert_eq!(probe(), &b"\x8a\x00"[..]);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let close = close(1_002, &"\u{e9}".repeat(100));

        assert_eq!(close.len(), 2 + 2 + 122);
        assert!(std::str::from_utf8(&close[4..]).is_ok());
    }
}
