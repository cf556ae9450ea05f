//! Writes a stream with every kind of block to stdout: `cargo run -p tidings-sse --example write`.

use std::error::Error;
use std::io::{self, IoSlice, Write};

use tidings_sse::encode::{Comment, Event};
use tidings_sse::{EventId, EventType, Retry};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();

    // Where the client is and when to come back, before anything has happened. No listener hears it.
    out.write_all(&Event::new().id(&EventId::new("0")?).retry(Retry::from_ms(2_000)).to_vec())?;
    out.write_all(&Comment::new(" heartbeat every 15 s").to_vec())?;

    // Small events of one batch share a buffer, and leave in one write.
    let tick = EventType::new("tick")?;
    let mut batch = Vec::new();
    for number in 1..=3 {
        let id = EventId::new(number.to_string())?;
        Event::new().event_type(&tick).id(&id).data(&format!("{{\"number\": {number}}}")).encode(&mut batch);
    }
    out.write_all(&batch)?;

    // A large one is not copied: its lines go out from where they are.
    let report = "first line\nsecond line\n".repeat(3);
    let event = Event::new().data(&report);
    let mut slices: Vec<IoSlice<'_>> = event.pieces().into_iter().map(IoSlice::new).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let written = out.write_vectored(rest)?;
        IoSlice::advance_slices(&mut rest, written);
    }

    // What a person typed is refused, not written, if it is more than one line.
    if let Err(error) = EventType::new("tick\ndata: pwned") {
        writeln!(io::stderr(), "refused: {error}")?;
    }
    Ok(())
}
