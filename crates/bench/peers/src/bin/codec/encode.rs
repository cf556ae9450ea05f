//! The encoders. Each makes its event from borrowed text and appends it to one buffer, which keeps its capacity.

use std::fmt::Write;
use std::hint::black_box;

use tidings_sse::encode::Event;
use tidings_sse::{EventId, EventType};

use crate::contender::Contender;
use crate::inputs::Input;

pub const CONTENDERS: &[Contender] = &[
    ("encode: tidings-sse", tidings),
    ("encode: tidings-sse, to_vec", tidings_to_vec),
    ("encode: sse-codec 0.3.3", sse_codec),
    ("encode: sse-stream 0.3.0, to Bytes", sse_stream),
    ("limit: memcpy to buffer", limit_memcpy),
    ("limit: memcpy to new Vec", limit_to_vec),
    ("limit: memchr2, then memcpy", limit_scan_memcpy),
];

fn tidings(input: &Input) -> (usize, usize) {
    let mut out = Vec::with_capacity(2 * input.stream_bytes());
    let (event_type, id) = fields();
    for text in &input.texts {
        let mut event = Event::new().data(black_box(text.as_str()));
        if input.fields {
            event = event.event_type(&event_type).id(&id);
        }
        event.encode(&mut out);
    }
    black_box(&out);
    (input.texts.len(), input.data_bytes)
}

fn tidings_to_vec(input: &Input) -> (usize, usize) {
    let (event_type, id) = fields();
    for text in &input.texts {
        let mut event = Event::new().data(black_box(text.as_str()));
        if input.fields {
            event = event.event_type(&event_type).id(&id);
        }
        black_box(event.to_vec());
    }
    (input.texts.len(), input.data_bytes)
}

fn fields() -> (EventType, EventId) {
    (EventType::new("update").unwrap(), EventId::new("00000042").unwrap())
}

fn sse_codec(input: &Input) -> (usize, usize) {
    let mut out = String::with_capacity(2 * input.stream_bytes());
    for text in &input.texts {
        let event = match input.fields {
            true => sse_codec::Event::message("update", black_box(text), "00000042"),
            false => sse_codec::Event::message("message", black_box(text), None),
        };
        writeln!(out, "{event}").unwrap();
    }
    black_box(&out);
    (input.texts.len(), input.data_bytes)
}

/// Takes owned text and gives an allocation of its own: beside `to_vec`.
fn sse_stream(input: &Input) -> (usize, usize) {
    for text in &input.texts {
        let mut event = sse_stream::Sse::default().data(black_box(text.as_str()));
        if input.fields {
            event = event.event("update").id("00000042");
        }
        black_box(event.encode().unwrap());
    }
    (input.texts.len(), input.data_bytes)
}

fn limit_memcpy(input: &Input) -> (usize, usize) {
    let mut out: Vec<u8> = Vec::with_capacity(2 * input.stream_bytes());
    for text in &input.texts {
        out.extend_from_slice(black_box(text.as_bytes()));
    }
    black_box(&out);
    (0, 0)
}

fn limit_to_vec(input: &Input) -> (usize, usize) {
    for text in &input.texts {
        black_box(black_box(text.as_bytes()).to_vec());
    }
    (0, 0)
}

fn limit_scan_memcpy(input: &Input) -> (usize, usize) {
    let mut out: Vec<u8> = Vec::with_capacity(2 * input.stream_bytes());
    for text in &input.texts {
        let text = black_box(text.as_bytes());
        black_box(memchr::memchr2(b'\n', b'\r', text));
        out.extend_from_slice(text);
    }
    black_box(&out);
    (0, 0)
}
