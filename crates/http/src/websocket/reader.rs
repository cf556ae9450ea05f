//! Frames of a client, to messages. Without I/O: bytes go in, messages and faults come out.
//!
//! Everything that a client can do wrong has a close code here. A reader that has no part of a message holds no memory.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tokio::time::Instant;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode as Code, Control, Data, OpCode};

use super::close::{CloseCode, Fault};
use super::deflate::inflate;
use super::pace::Pace;
use crate::limits::{SOCKET_CONTROL_BYTES_MAX, SOCKET_FREE_FRAGMENT_BYTES_MIN, SOCKET_MESSAGE_STEP_BYTES};

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    Text(String),
    Ping(Bytes),
    Pong,
    /// It closes, with a code or without.
    Close(Option<CloseCode>),
}

/// Puts messages together.
pub(super) struct MessageReader {
    /// What has come and was not looked at.
    incoming: BytesMut,
    /// The frame of which a part has come.
    frame: Option<OpenFrame>,
    /// The payload of the frames of a message so far.
    message: Vec<u8>,
    /// How much of it is whole characters.
    whole_bytes: usize,
    /// A message has begun in a frame before.
    is_fragmented: bool,
    /// Messages may be compressed.
    deflates: bool,
    /// The message under way is compressed.
    is_deflated: bool,
    /// Bytes of a message.
    bytes_max: usize,
    pace: Pace,
}

/// A frame whose header was read.
struct OpenFrame {
    kind: FrameKind,
    is_final: bool,
    mask: [u8; 4],
    /// Bytes of the payload that were read.
    read: usize,
    /// Bytes of the payload that have not come.
    left: usize,
}

enum FrameKind {
    Data,
    /// At most 125 bytes.
    Control(Control, Vec<u8>),
}

impl MessageReader {
    pub(super) fn new(bytes_max: usize, pace: Pace, deflates: bool) -> Self {
        Self {
            incoming: BytesMut::new(),
            frame: None,
            message: Vec::new(),
            whole_bytes: 0,
            is_fragmented: false,
            deflates,
            is_deflated: false,
            bytes_max,
            pace,
        }
    }

    /// How many frames the client may still send.
    pub(super) fn into_pace(self) -> Pace {
        self.pace
    }

    /// Bytes have come.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
    }

    /// The next message of what has come. None if there is none.
    pub(super) fn next(&mut self, now: Instant) -> Result<Option<Came>, Fault> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.open_frame(now)? {
                    Some(frame) => frame,
                    None => break,
                },
            };
            self.read_payload(&mut frame)?;
            if frame.left > 0 {
                self.frame = Some(frame);
                break;
            }
            if let Some(came) = self.close_frame(frame)? {
                return Ok(Some(came));
            }
        }
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
        }
        Ok(None)
    }

    /// Throws away what has come: nobody looks at it any more.
    pub(super) fn forget(&mut self) {
        self.incoming = BytesMut::new();
    }

    /// Whether a part of a message has come.
    pub(super) fn is_inside_message(&self) -> bool {
        self.is_fragmented || self.frame.is_some() || !self.incoming.is_empty()
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> usize {
        self.message.capacity() + self.incoming.len()
    }

    /// The last message was a publish that is taken, which has limits of its own.
    pub(super) fn does_not_count(&mut self) {
        self.pace.does_not_count();
    }

    /// The last message counts as this many frames more.
    pub(super) fn counts_more(&mut self, frames: usize) {
        self.pace.counts_more(frames);
    }

    fn open_frame(&mut self, now: Instant) -> Result<Option<OpenFrame>, Fault> {
        let mut cursor = Cursor::new(&self.incoming[..]);
        let parsed = FrameHeader::parse(&mut cursor);
        let parsed = parsed.map_err(|_| Fault::protocol("a frame has an opcode that means nothing"))?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let header_length = cursor.position() as usize;
        let FrameHeader { is_final, rsv1, rsv2, rsv3, opcode, mask } = header;
        // RFC 7692, 6: the first frame of a message says whether it is compressed.
        let begins = matches!(opcode, OpCode::Data(Data::Text | Data::Binary));
        let may_say_deflated = self.deflates && begins;
        if rsv1 && !may_say_deflated || rsv2 || rsv3 {
            return Err(Fault::protocol("a frame has a reserved bit that means nothing"));
        }
        // RFC 6455, 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        let mask = mask.ok_or(Fault::protocol("a frame is not masked"))?;
        // 5.2: "the minimal number of bytes MUST be used to encode the length".
        if header_length != header.len(length) {
            return Err(Fault::protocol("the length of a frame is written with more bytes than it needs"));
        }
        let kind = match opcode {
            OpCode::Control(_) if length > SOCKET_CONTROL_BYTES_MAX as u64 => {
                return Err(Fault::protocol("a control frame has more than 125 bytes"));
            }
            OpCode::Control(_) if !is_final => {
                return Err(Fault::protocol("a control frame is fragmented"));
            }
            OpCode::Control(control) => FrameKind::Control(control, Vec::new()),
            OpCode::Data(data) => {
                self.check_order(data)?;
                self.is_deflated = rsv1 || self.is_fragmented && self.is_deflated;
                FrameKind::Data
            }
        };
        let held = match kind {
            FrameKind::Data => self.message.len() as u64,
            FrameKind::Control(..) => 0,
        };
        if length.saturating_add(held) > self.bytes_max as u64 {
            return Err(Fault {
                code: CloseCode::TOO_LARGE,
                reason: "a message is larger than the hub takes",
            });
        }
        let is_inner = matches!(opcode, OpCode::Data(Data::Continue)) && !is_final;
        // The bytes of a message are bounded, and its end counts.
        if !is_inner || length < SOCKET_FREE_FRAGMENT_BYTES_MIN {
            self.pace.came(now)?;
        }
        self.incoming.advance(header_length);
        // No more than `bytes_max`.
        Ok(Some(OpenFrame { kind, is_final, mask, read: 0, left: length as usize }))
    }

    /// Whether a frame of a message may come now.
    fn check_order(&self, data: Data) -> Result<(), Fault> {
        match data {
            Data::Continue if !self.is_fragmented => {
                Err(Fault::protocol("a message goes on that has not begun"))
            }
            Data::Continue => Ok(()),
            _ if self.is_fragmented => Err(Fault::protocol("a message begins inside another")),
            Data::Text => Ok(()),
            Data::Binary => {
                Err(Fault { code: CloseCode::NOT_TEXT, reason: "messages are text; this one is binary" })
            }
            Data::Reserved(_) => Err(Fault::protocol("a frame has an opcode that means nothing")),
        }
    }

    fn read_payload(&mut self, frame: &mut OpenFrame) -> Result<(), Fault> {
        let count = frame.left.min(self.incoming.len());
        let mut payload = self.incoming.split_to(count);
        for (at, byte) in payload.iter_mut().enumerate() {
            *byte ^= frame.mask[(frame.read + at) & 3];
        }
        frame.read += count;
        frame.left -= count;
        match &mut frame.kind {
            FrameKind::Control(_, control) => control.extend_from_slice(&payload),
            FrameKind::Data => {
                let needed = self.message.len() + count;
                if needed > self.message.capacity() {
                    // As it comes, not as it is announced: a header alone holds nothing.
                    let capacity = needed.next_multiple_of(SOCKET_MESSAGE_STEP_BYTES).min(self.bytes_max);
                    self.message.reserve_exact(capacity - self.message.len());
                }
                self.message.extend_from_slice(&payload);
                if !self.is_deflated {
                    self.check_text()?;
                }
            }
        }
        Ok(())
    }

    /// RFC 6455, 8.1: a text that is no UTF-8 is refused with the byte that makes it so, however much of it is still to come.
    fn check_text(&mut self) -> Result<(), Fault> {
        match std::str::from_utf8(&self.message[self.whole_bytes..]) {
            Ok(_) => self.whole_bytes = self.message.len(),
            // The rest of a character may come.
            Err(error) if error.error_len().is_none() => self.whole_bytes += error.valid_up_to(),
            Err(_) => return Err(NOT_UTF8),
        }
        Ok(())
    }

    fn close_frame(&mut self, frame: OpenFrame) -> Result<Option<Came>, Fault> {
        match frame.kind {
            FrameKind::Control(Control::Close, payload) => closing(&payload).map(Some),
            FrameKind::Control(Control::Ping, payload) => Ok(Some(Came::Ping(payload.into()))),
            FrameKind::Control(Control::Pong | Control::Reserved(_), _) => Ok(Some(Came::Pong)),
            FrameKind::Data => {
                self.is_fragmented = !frame.is_final;
                if self.is_fragmented {
                    return Ok(None);
                }
                self.whole_bytes = 0;
                let mut message = std::mem::take(&mut self.message);
                if std::mem::take(&mut self.is_deflated) {
                    message = inflate(&message, self.bytes_max)?;
                }
                let text = String::from_utf8(message);
                text.map(|text| Some(Came::Text(text))).map_err(|_| NOT_UTF8)
            }
        }
    }
}

const NOT_UTF8: Fault = Fault { code: CloseCode::NOT_UTF8, reason: "a text is not UTF-8" };

/// What a close frame says. RFC 6455, 5.5.1 and 7.4.
fn closing(payload: &[u8]) -> Result<Came, Fault> {
    let (code, reason) = match payload {
        [] => return Ok(Came::Close(None)),
        [_] => return Err(Fault::protocol("a close frame has one byte")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !Code::from(code).is_allowed() {
        return Err(Fault::protocol("a close frame has a code that nobody may send"));
    }
    if std::str::from_utf8(reason).is_err() {
        return Err(Fault { code: CloseCode::NOT_UTF8, reason: "the reason of a close frame is not UTF-8" });
    }
    Ok(Came::Close(Some(CloseCode(code))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 100_000;
    const MASK: [u8; 4] = [1, 2, 3, 0xf0];

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length @ ..65_536 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ MASK[at & 3]));
        frame
    }

    /// What comes of some bytes, in pieces of a length.
    fn read(bytes: &[u8], piece: usize) -> (Vec<Came>, Option<u16>, MessageReader) {
        let now = Instant::now();
        let mut reader = MessageReader::new(BYTES_MAX, Pace::new(now), false);
        let mut all = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.take(piece);
            loop {
                match reader.next(now) {
                    Ok(None) => break,
                    Ok(Some(came)) => all.push(came),
                    Err(fault) => return (all, Some(fault.code.0), reader),
                }
            }
        }
        (all, None, reader)
    }

    fn text(text: &str) -> Came {
        Came::Text(text.to_owned())
    }

    #[test]
    fn messages_come_whole_however_they_are_cut_and_nothing_is_held_after_them() {
        let large = "x".repeat(70_000);
        let bytes = [
            masked(0x81, b"one"),
            masked(0x01, "tw\u{f6}".as_bytes()),
            masked(0x89, b"ping"),
            masked(0x80, b" three"),
            masked(0x81, b""),
            masked(0x8a, b"pong"),
            masked(0x81, large.as_bytes()),
            masked(0x88, b"\x03\xe8bye"),
        ]
        .concat();

        for piece in [1, 2, 3, 7, 4_096, bytes.len()] {
            let (came, fault, reader) = read(&bytes, piece);
            let expected = [
                text("one"),
                Came::Ping(Bytes::from_static(b"ping")),
                text("tw\u{f6} three"),
                text(""),
                Came::Pong,
                text(&large),
                Came::Close(Some(CloseCode(1_000))),
            ];
            assert_eq!((&came[..], fault), (&expected[..], None), "in pieces of {piece}");
            assert_eq!((reader.held(), reader.is_inside_message()), (0, false));
        }
    }

    #[test]
    fn each_fault_has_its_code() {
        let huge = [&[0x81, 0xff][..], &(16_777_216_u64).to_be_bytes(), &MASK].concat();
        let endless = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &MASK].concat();
        let fragments = [masked(0x01, &[b'x'; 60_000]), masked(0x00, &[b'x'; 60_000])].concat();
        let long_way = [&[0x81, 0xfe, 0, 1][..], &MASK, b"x"].concat();
        for (name, bytes, code) in [
            ("not masked", b"\x81\x01x".to_vec(), 1_002),
            ("a reserved bit", masked(0xc1, b"x"), 1_002),
            ("another reserved bit", masked(0xa1, b"x"), 1_002),
            ("the third reserved bit", masked(0x91, b"x"), 1_002),
            ("a reserved opcode of data", masked(0x83, b"x"), 1_002),
            ("a reserved opcode of control", masked(0x8b, b""), 1_002),
            ("a ping of 126 bytes", masked(0x89, &[b'x'; 126]), 1_002),
            ("a ping in fragments", masked(0x09, b"x"), 1_002),
            ("a close in fragments", masked(0x08, b""), 1_002),
            ("a length that is longer than it needs to be", long_way, 1_002),
            ("no beginning", masked(0x80, b"x"), 1_002),
            ("a beginning inside", [masked(0x01, b"x"), masked(0x81, b"y")].concat(), 1_002),
            ("binary", masked(0x82, b"x"), 1_003),
            ("no UTF-8", masked(0x81, b"\xff"), 1_007),
            ("half a character", masked(0x81, b"\xc3"), 1_007),
            ("16 MiB", huge, 1_009),
            ("a length without end", endless, 1_009),
            ("fragments", fragments, 1_009),
            ("a close of one byte", masked(0x88, b"\x03"), 1_002),
            ("a close with 1005", masked(0x88, b"\x03\xed"), 1_002),
            ("a close with 999", masked(0x88, b"\x03\xe7"), 1_002),
            ("a close whose reason is no text", masked(0x88, b"\x03\xe8\xff"), 1_007),
        ] {
            for piece in [1, bytes.len()] {
                assert_eq!(read(&bytes, piece).1, Some(code), "{name}, in pieces of {piece}");
            }
        }
    }

    /// A header of a large message costs nothing before its payload comes.
    #[test]
    fn what_is_announced_is_not_held() {
        let header = [&[0x81, 0xff][..], &(99_000_u64).to_be_bytes(), &MASK].concat();

        let (_, fault, reader) = read(&header, header.len());

        assert_eq!((fault, reader.held()), (None, 0));
        assert!(reader.is_inside_message());
    }

    #[test]
    fn empty_fragments_without_end_are_too_many_frames() {
        let bytes = [masked(0x01, b""), masked(0x00, b"").repeat(100_000)].concat();

        assert_eq!(read(&bytes, bytes.len()).1, Some(4_101));
        assert_eq!(read(&masked(0x89, b"").repeat(100_000), 4_096).1, Some(4_101));
    }
}
