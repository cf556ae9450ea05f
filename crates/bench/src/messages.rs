//! The messages of a WebSocket, as a tidings hub sends them: each a frame of its own, with a document of JSON.

use std::borrow::Cow;
use std::io;

use serde::Deserialize;

use super::connection::{Said, is_own_type, not_a_stream};

/// The opcode of a text, in a frame that is a whole message.
const TEXT: u8 = 0x81;

/// The opcode of a close.
const CLOSE: u8 = 0x88;

/// What has come and is no whole frame yet.
#[derive(Default)]
pub(super) struct Messages(Vec<u8>);

/// A document that is an event has these members. The others, such as the one that tells where the stream begins, have no data.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default, rename = "type")]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

impl Messages {
    /// Takes what has come, and calls `heard` with each event in it.
    pub(super) fn take(&mut self, bytes: &[u8], heard: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
        if self.0.is_empty() {
            let rest = read(bytes, heard)?;
            self.0.extend_from_slice(rest);
            return Ok(());
        }
        self.0.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.0);
        let rest = read(&held, heard)?;
        self.0 = rest.to_vec();
        Ok(())
    }
}

/// Reads whole frames, and returns what is left.
fn read<'a>(mut bytes: &'a [u8], heard: &mut impl FnMut(Said<'_>)) -> io::Result<&'a [u8]> {
    while let Some((opcode, payload, rest)) = frame(bytes) {
        match opcode {
            TEXT => hear(payload, heard)?,
            CLOSE => return Err(not_a_stream("the server has closed the WebSocket")),
            // A pong, which shows whether somebody still reads.
            _ => {}
        }
        bytes = rest;
    }
    Ok(bytes)
}

fn hear(payload: &[u8], heard: &mut impl FnMut(Said<'_>)) -> io::Result<()> {
    let document: Document<'_> =
        serde_json::from_slice(payload).map_err(|error| not_a_stream(&error.to_string()))?;
    if let Some(data) = &document.data
        && !document.event_type.is_some_and(|event_type| is_own_type(&event_type))
    {
        heard(Said::Message(data));
    }
    Ok(())
}

/// The first byte and the payload of the first frame, and what comes after it. None if it is not whole. RFC 6455, 5.2.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (length, rest) = match second & 0x7f {
        126 => {
            rest.split_first_chunk().map(|(length, rest)| (u64::from(u16::from_be_bytes(*length)), rest))?
        }
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (u64::from(length), rest),
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((*first, payload, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str) -> Vec<u8> {
        let mut frame = vec![TEXT];
        match document.len() {
            length @ ..126 => frame.push(length as u8),
            length => {
                frame.push(126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend(document.as_bytes());
        frame
    }

    #[test]
    fn events_are_heard_however_the_bytes_are_cut() {
        let long = format!(r#"{{"id":"b","type":"message","data":"{}"}}"#, "x".repeat(200));
        let frames = [text(r#"{"cursor":"1-0","heartbeat_ms":15000}"#), vec![0x8a, 0], text(&long)];
        let behind = [
            text(r#"{"type":"tidings.presence","data":"{}"}"#),
            text(r#"{"id":"c","type":"message","data":"\"\n"}"#),
        ];
        let frames = [frames.concat(), behind.concat()].concat();

        for piece in 1..frames.len() {
            let (mut messages, mut heard) = (Messages::default(), Vec::new());
            for bytes in frames.chunks(piece) {
                let mut hear = |said: Said<'_>| {
                    let Said::Message(data) = said else { return };
                    heard.push(data.to_owned());
                };
                messages.take(bytes, &mut hear).unwrap();
            }
            assert_eq!(heard, ["x".repeat(200), "\"\n".to_owned()], "in pieces of {piece}");
        }
    }

    #[test]
    fn a_close_ends_the_benchmark() {
        let closed = Messages::default().take(&[CLOSE, 2, 3, 232], &mut |_| {});

        assert!(closed.is_err());
    }
}
