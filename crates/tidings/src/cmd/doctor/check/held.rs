//! Whether the beginning of a stream arrives at once, plain and compressed.

use std::time::Duration;

use http::HeaderValue;
use http::header::ACCEPT_ENCODING;
use tokio::time::Instant;

use crate::cmd::doctor::ask::{Asker, NoAnswer, Question};
use crate::cmd::doctor::flow::{Flow, Next, SentAway};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::Target;
use crate::limits::DOCTOR_FIRST_BLOCK_WAIT;

const BUFFERING: &str = "buffering";
const COMPRESSION: &str = "compression";

/// What became of a stream that was asked for.
pub(in crate::cmd::doctor) enum Opened {
    /// Its first block was there after this time.
    Flows { flow: Box<Flow>, after: Duration },
    /// Nothing came, or the head alone.
    Held(Head),
    /// It is no stream, in these words.
    Refused(String),
    /// It is told when to come back.
    SentAway(SentAway),
    /// The connection broke before the first block, in these words.
    Broke(String),
}

/// What has come of a stream that is held back.
pub(in crate::cmd::doctor) enum Head {
    /// Nothing.
    Missing,
    /// The head, with what the hub says against buffers.
    Asks,
    /// The head, without that.
    Silent,
}

impl Head {
    fn words(&self) -> &'static str {
        match self {
            Self::Missing => "nothing of a stream has arrived",
            Self::Asks => {
                "the head of a stream has arrived, with the `X-Accel-Buffering: no` of the hub, which something does not obey, and no \
                 event behind it"
            }
            Self::Silent => {
                "the head of a stream has arrived, without the `X-Accel-Buffering: no` of the hub, which nginx takes out and obeys, and no \
                 event behind it"
            }
        }
    }
}

/// Opens a stream, and waits for its first block.
pub(in crate::cmd::doctor) async fn open(asker: &Asker, question: &Question) -> Opened {
    let begin = Instant::now();
    let flow = match asker.begin(question, DOCTOR_FIRST_BLOCK_WAIT).await {
        Ok(begun) => Flow::of(begun),
        Err(NoAnswer::Late(_)) => return Opened::Held(Head::Missing),
        Err(other) => return Opened::Broke(other.words()),
    };
    opened(flow, begin).await
}

/// Waits for the first block of a stream whose head has come.
pub(in crate::cmd::doctor) async fn opened(mut flow: Flow, begin: Instant) -> Opened {
    if !flow.is_stream() {
        return Opened::Refused(format!("it was answered {}", flow.status()));
    }
    // The way to the head may have been long, and is none of this.
    match flow.first_block(Instant::now() + DOCTOR_FIRST_BLOCK_WAIT).await {
        Next::Bytes => Opened::Flows { flow: Box::new(flow), after: begin.elapsed() },
        Next::Nothing => Opened::Held(if flow.headers().contains_key("x-accel-buffering") {
            Head::Asks
        } else {
            Head::Silent
        }),
        Next::Ended => match flow.sent_away() {
            Some(by) => Opened::SentAway(by),
            None => Opened::Broke("it ended before its first block".to_owned()),
        },
        Next::Broke(words) => Opened::Broke(words),
    }
}

/// The question for a stream that begins with a block at once.
pub(in crate::cmd::doctor) fn question(target: &Target) -> Question {
    Question::stream(target.url(&[("since", "now"), ("opening", "always")]))
}

/// Looks whether a stream arrives. `whole_took` is the time that an answer took that ends. Returns the stream if it flows.
pub(in crate::cmd::doctor) async fn look(
    asker: &Asker,
    target: &Target,
    whole_took: Duration,
) -> (Check, Option<Flow>) {
    let whole = milliseconds(whole_took);
    match open(asker, &question(target)).await {
        Opened::Flows { flow, after } => {
            let words = format!("the beginning of a stream arrives at once, after {}", milliseconds(after));
            (Check::well(BUFFERING, words), Some(*flow))
        }
        Opened::Held(head) => {
            let words = format!(
                "{} within {} s, while an answer that ends arrives after {whole}: something holds answers back, and events with \
                 them; `?mode=long-poll` arrives all the same",
                head.words(),
                DOCTOR_FIRST_BLOCK_WAIT.as_secs()
            );
            (Check::finding(BUFFERING, words).mended_by(Fault::Held), None)
        }
        Opened::SentAway(by) => (Check::finding(BUFFERING, by.words()).mended_by(by.fault()), None),
        Opened::Refused(words) | Opened::Broke(words) => {
            let words =
                format!("a stream does not begin, while an answer that ends arrives after {whole}: {words}");
            (Check::finding(BUFFERING, words), None)
        }
    }
}

/// Looks whether a stream arrives for a client that takes gzip, as browsers do.
pub(in crate::cmd::doctor) async fn look_compressed(asker: &Asker, target: &Target) -> Check {
    let question = question(target).with(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    match open(asker, &question).await {
        Opened::Flows { flow, after } if flow.is_compressed() => Check::well(
            COMPRESSION,
            format!("a stream is compressed, and arrives at once, after {}", milliseconds(after)),
        ),
        Opened::Flows { .. } => Check::well(COMPRESSION, "nothing compresses a stream"),
        Opened::Held(_) => {
            let words = format!(
                "a stream arrives at once for a client that takes no compression, and nothing within {} s for one that takes gzip, \
                 as browsers do: something compresses it, and waits until there is enough",
                DOCTOR_FIRST_BLOCK_WAIT.as_secs()
            );
            Check::finding(COMPRESSION, words).mended_by(Fault::HeldCompressed)
        }
        Opened::SentAway(by) => Check::unknown(COMPRESSION, by.words()),
        Opened::Refused(words) | Opened::Broke(words) => Check::finding(
            COMPRESSION,
            format!("a client that takes gzip, as browsers do, gets no stream: {words}"),
        )
        .mended_by(Fault::HeldCompressed),
    }
}

/// A time for people.
pub(in crate::cmd::doctor) fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
