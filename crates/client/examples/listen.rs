//! Prints what a stream says, and what becomes of its connection: `listen URL [LAST_EVENT_ID]`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is run by hand, and what it prints is what it is for"
)]

use std::error::Error;

use tidings_client::{EventSource, Item};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: listen URL [LAST_EVENT_ID]")?;
    let id = arguments.next().unwrap_or_default();
    let mut source = EventSource::builder(&url)?.last_event_id(&id)?.comments(true).build();
    while let Some(item) = source.next().await {
        match item? {
            Item::Open(open) => eprintln!("connected to {}", open.url),
            Item::Event(event) => {
                println!("{} {} {:?}", event.type_or_message(), event.last_event_id, event.data);
            }
            Item::Gap(gap) => eprintln!("gap: {gap:?}"),
            Item::Comment(text) => eprintln!("comment:{text}"),
            Item::Reconnecting(again) => eprintln!("{}; once more in {:?}", chain(&again.error), again.after),
            _ => {}
        }
    }
    Ok(())
}

/// An error and what caused it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}
