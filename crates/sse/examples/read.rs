//! Reads a stream from stdin and says what is in it, line by line as it arrives:
//! `curl -sN http://127.0.0.1:8080/stream | cargo run -p tidings-sse --example read`.

use std::error::Error;
use std::io::{self, Read, Write};

use tidings_sse::Decoder;
use tidings_sse::decode::{Item, Limits, Report};

fn main() -> Result<(), Box<dyn Error>> {
    let limits = Limits { line_bytes_max: 1 << 20, event_bytes_max: 1 << 20 };
    let mut decoder = Decoder::new().with_limits(limits).with_report(Report::ALL);
    let mut chunk = vec![0; 16 << 10];
    let (mut stdin, mut out) = (io::stdin().lock(), io::stdout().lock());
    loop {
        let bytes = stdin.read(&mut chunk)?;
        if bytes == 0 {
            break;
        }
        let mut feed = decoder.feed(&chunk[..bytes]);
        while let Some(item) = feed.next()? {
            say(&item, &mut out)?;
        }
    }
    decoder.reconnect();
    writeln!(out, "the end; a reconnect would send Last-Event-ID: {:?}", decoder.last_event_id())?;
    Ok(())
}

fn say(item: &Item<'_>, out: &mut impl Write) -> io::Result<()> {
    match item {
        Item::Event(event) => {
            writeln!(out, "{} {:?}, last id {:?}", event.type_or_message(), event.data, event.last_event_id)
        }
        Item::Comment(text) => writeln!(out, "comment {text:?}"),
        Item::Retry(retry) => writeln!(out, "reconnect after {retry} ms"),
        Item::Id(id) => writeln!(out, "now at {id:?}"),
    }
}
