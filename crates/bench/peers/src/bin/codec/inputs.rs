//! The same inputs for everyone.

use std::fmt::Write;

use bytes::Bytes;

/// As much as a socket often gives at once.
const CHUNK_BYTES: usize = 16 << 10;

/// A stream of events, cut into chunks.
pub struct Input {
    pub name: &'static str,
    /// What a decoder is fed.
    pub chunks: Vec<Bytes>,
    /// What an encoder is fed: the data of each event.
    pub texts: Vec<String>,
    pub events: usize,
    /// Of all events' data together, as the check that everybody decoded the same.
    pub data_bytes: usize,
    /// Whether events carry a type and an id.
    pub fields: bool,
}

impl Input {
    pub fn stream_bytes(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    fn new(name: &'static str, texts: Vec<String>, shape: Shape) -> Self {
        let mut stream = String::new();
        let mut ends = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            if shape.fields {
                write!(stream, "event: update{}id: {number:08}{}", shape.eol, shape.eol).unwrap();
            }
            for line in text.split('\n') {
                write!(stream, "data: {line}{}", shape.eol).unwrap();
            }
            stream.push_str(shape.eol);
            ends.push(stream.len());
        }
        let stream = Bytes::from(stream);
        let chunks = match shape.chunking {
            Chunking::Events => {
                let mut start = 0;
                ends.iter().map(|end| stream.slice(std::mem::replace(&mut start, *end)..*end)).collect()
            }
            Chunking::Bytes(size) => (0..stream.len())
                .step_by(size)
                .map(|at| stream.slice(at..stream.len().min(at + size)))
                .collect(),
        };
        let (events, data_bytes) = (texts.len(), texts.iter().map(String::len).sum());
        Self { name, chunks, texts, events, data_bytes, fields: shape.fields }
    }
}

struct Shape {
    chunking: Chunking,
    fields: bool,
    eol: &'static str,
}

enum Chunking {
    Events,
    Bytes(usize),
}

const PLAIN: Shape = Shape { chunking: Chunking::Bytes(CHUNK_BYTES), fields: false, eol: "\n" };

pub fn decode() -> Vec<Input> {
    vec![
        Input::new("json-120", json(1000), PLAIN),
        Input::new("json-120-fields", json(1000), Shape { fields: true, ..PLAIN }),
        Input::new("json-120-crlf", json(1000), Shape { eol: "\r\n", ..PLAIN }),
        Input::new("json-120-each", json(1000), Shape { chunking: Chunking::Events, ..PLAIN }),
        Input::new("token-20", tokens(4000), PLAIN),
        Input::new("token-20-each", tokens(4000), Shape { chunking: Chunking::Events, ..PLAIN }),
        Input::new("text-300-cjk", cjk(500), PLAIN),
        Input::new("64k-one-line", lines(4, 1, 65_536), Shape { chunking: Chunking::Events, ..PLAIN }),
        Input::new("64k-of-1k-lines", lines(4, 64, 1023), Shape { chunking: Chunking::Events, ..PLAIN }),
        Input::new("64k-of-80-lines", lines(4, 819, 79), Shape { chunking: Chunking::Events, ..PLAIN }),
        Input::new("64k-one-line-16k-chunks", lines(4, 1, 65_536), PLAIN),
        Input::new("64k-of-80-lines-16k-chunks", lines(4, 819, 79), PLAIN),
        Input::new("json-120-bytewise", json(100), Shape { chunking: Chunking::Bytes(1), ..PLAIN }),
        Input::new(
            "64k-one-line-bytewise",
            lines(1, 1, 65_536),
            Shape { chunking: Chunking::Bytes(1), ..PLAIN },
        ),
    ]
}

pub fn encode() -> Vec<Input> {
    vec![
        Input::new("json-120", json(1000), PLAIN),
        Input::new("json-120-fields", json(1000), Shape { fields: true, ..PLAIN }),
        Input::new("token-20", tokens(4000), PLAIN),
        Input::new("64k-one-line", lines(4, 1, 65_536), PLAIN),
        Input::new("64k-of-1k-lines", lines(4, 64, 1023), PLAIN),
        Input::new("64k-of-80-lines", lines(4, 819, 79), PLAIN),
    ]
}

/// JSON objects of 120 bytes.
fn json(count: usize) -> Vec<String> {
    let object = |number| {
        let mut text = format!(
            r#"{{"id":{number:08},"kind":"order.updated","customer":"c-{:06}","total":{:07}.25,"items":3,"#,
            number * 7 % 1_000_000,
            number * 13 % 10_000
        );
        let pad = 120 - text.len() - r#""note":""}"#.len();
        write!(text, r#""note":"{}"}}"#, "x".repeat(pad)).unwrap();
        text
    };
    (0..count).map(object).collect()
}

/// What a language model says, a word or two at a time.
fn tokens(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!(r#"{{"t":" word{number:05}"}}"#))
        .map(|text| format!("{text:20}"))
        .collect()
}

/// Three-byte characters.
fn cjk(count: usize) -> Vec<String> {
    (0..count).map(|number| "\u{4f60}\u{597d}\u{4e16}\u{754c}".repeat(25 + number % 3)).collect()
}

fn lines(events: usize, lines: usize, line_bytes: usize) -> Vec<String> {
    let line =
        "the quick brown fox jumps over the lazy dog, ".repeat(line_bytes / 45 + 1)[..line_bytes].to_owned();
    (0..events).map(|_| vec![line.as_str(); lines].join("\n")).collect()
}
