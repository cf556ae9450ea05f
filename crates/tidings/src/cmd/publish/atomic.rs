//! Lines of JSON on standard input, published all or none.

use std::io::IsTerminal;

use tidings_client::{AtomicBatch, PublishError, Publisher, Target};
use tokio::io::AsyncReadExt;

use super::PubArgs;
use crate::limits::ATOMIC_INPUT_BYTES_MAX;
use crate::link::{Token, unpublished};
use crate::signals::Signals;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::report;
use crate::terminal::talk::tell;

/// Reads standard input to its end, and publishes it in one request. Nothing is published before all of it is read.
pub(super) async fn publish(
    args: &PubArgs,
    publisher: &Publisher,
    token: Option<&Token>,
) -> Result<(), Failure> {
    if std::io::stdin().is_terminal() {
        tell("each line is an event as JSON; Ctrl-D publishes them");
    }
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let batch = tokio::select! {
        biased;
        _ = signals.next() => return Err(Failure::new(Exit::Failed, "a signal came before the end of standard input; nothing was published")),
        batch = read() => batch?,
    };
    let batch = match &args.idempotency_key {
        Some(key) => batch.idempotency_key(key),
        None => batch,
    };
    let published = tokio::select! {
        biased;
        _ = signals.next() => {
            return Err(Failure::new(Exit::Failed, "a signal came; the hub has not answered whether it has the events"));
        }
        published = publisher.publish_atomically(Target::Url(&args.url), &batch) => published,
    };
    let ids = published.map_err(|error| refused(&error, token))?.ids;
    let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
    report(&format!("{} were published", counted(ids.len())), &lines);
    Ok(())
}

async fn read() -> Result<AtomicBatch, Failure> {
    let mut lines = Vec::new();
    let limit = ATOMIC_INPUT_BYTES_MAX as u64;
    let read = tokio::io::stdin().take(limit + 1).read_to_end(&mut lines).await;
    read.map_err(|error| {
        Failure::new(Exit::Failed, format!("standard input cannot be read: {error}; nothing was published"))
    })?;
    if lines.len() > ATOMIC_INPUT_BYTES_MAX {
        let words =
            format!("standard input has more than {ATOMIC_INPUT_BYTES_MAX} bytes; nothing was published");
        return Err(Failure::new(Exit::Failed, words)
            .hint("no more than that is published all or none; give it in several parts"));
    }
    Ok(AtomicBatch::from_ndjson(lines))
}

fn refused(error: &PublishError, token: Option<&Token>) -> Failure {
    let what = match error {
        PublishError::Unreachable { .. } => "the hub has not answered whether it has the events",
        _ => "nothing was published",
    };
    let failure = unpublished(what, error, token);
    match error.status().map(|status| status.as_u16()) {
        Some(404 | 405 | 415) => failure.hint("a hub takes lines of JSON at /events, without a topic"),
        // The hub's words say which of its limits it is.
        Some(413) if error.problem().is_some_and(|problem| problem.kind.is_some()) => {
            failure.hint("give it in several parts")
        }
        _ => failure,
    }
}

fn counted(events: usize) -> String {
    if events == 1 { "1 event".to_owned() } else { format!("{events} events") }
}
