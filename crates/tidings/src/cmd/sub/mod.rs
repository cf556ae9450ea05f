//! `tidings sub`: shows a stream of events, of any server in the world.
//!
//! | file | noun |
//! |---|---|
//! | `line` | an item of the stream, for people and for programs |
//! | `data` | the lines of its data |
//! | `hangup` | whether anybody reads the output |

mod data;
pub(super) mod hangup;
mod line;

use std::io::{self, ErrorKind, IsTerminal};

use clap::Args;
use futures_util::FutureExt;
use tidings_client::{EventSource, Item};
use tokio::io::{AsyncWriteExt, BufWriter, Stdout};

use crate::environment::Environment;
use crate::link::{SourceArgs, Talk, Token, TokenArgs, Trust};
use crate::signals::Signals;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::Color;
use line::Style;

/// What to show, and how.
#[derive(Debug, Args)]
pub(crate) struct SubArgs {
    /// URL of the stream, such as `http://127.0.0.1:8080/events/orders`
    url: String,
    /// Print one line of JSON for each event, and for each change of state on stderr
    ///
    /// stdout: {"id":...,"topic":...,"type":...,"data":...,"time":...,"lastEventId":...}, without `id` if the event has none of its own and
    /// without `topic` and `time` if the server does not tell them, which a hub does; for a
    /// gap {"gap":{...}}, for fewer events than --last asked for {"partial":{...}}, and with --comments {"comment":...}. A
    /// later version may add members. stderr: {"state":"open"|"connecting"|"closed","status":...,"error":...},
    /// {"open":{"connection":...}} when a hub names the connection, and {"expired":{"reason":...}} when it ends the stream because
    /// access is over.
    #[arg(long)]
    json: bool,
    /// Follow the standard to the letter, as a browser does
    ///
    /// Every status but 200 and every other content type end it. Without this, 5xx, 408, 425 and 429 are tried again
    /// with back-off, a silence of two and a half announced heartbeats counts as a broken connection, and events whose
    /// type begins with `tidings.` are the hub's own: a gap is shown as one, presence as an event, an unknown type not.
    #[arg(long)]
    strict: bool,
    /// End after N events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End when the stream does; well, if it ends cleanly
    #[arg(long)]
    no_reconnect: bool,
    /// Show comments, too
    #[arg(long)]
    comments: bool,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    trust: Trust,
}

/// Why nothing more is shown.
enum StreamEnd {
    /// It was wished so: enough events, a signal, nobody who reads.
    Wished,
    /// The stream has ended cleanly, and was not to be connected to again.
    Clean,
    /// The server has said that there is nothing more.
    Stopped(tidings_client::Error),
    Failed(tidings_client::Error),
}

/// What to try when the server wants to know who asks.
const ACCESS_HINT: &str = "does it want a token? --token-file or --token-command gives one";

impl SubArgs {
    fn token(&self, environment: &Environment, talk: Talk) -> Result<Option<Token>, Failure> {
        let warn = |words: &str| talk.caution(words);
        self.source.token(self.token.chosen(&warn)?, || TokenArgs::of_environment(environment, &warn))
    }
}

/// Shows a stream until there is a reason to end.
pub(crate) async fn run(args: &SubArgs, environment: &Environment, color: Color) -> Result<(), Failure> {
    let talk = Talk::new(args.json, color.stderr);
    let token = args.token(environment, talk)?;
    let builder = args.source.builder(&args.url, &args.trust, token.as_ref())?;
    let builder = builder.comments(args.comments).reconnect(!args.no_reconnect);
    // For people the time is no news, and the topic of a stream of one topic stands in the URL.
    let builder = if args.json { builder.with_time() } else { builder };
    let source = if args.strict { builder.strict() } else { builder }.build();
    let style = if args.json { programs() } else { Style::People { color: color.stdout } };
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let mut output = Output { out: BufWriter::new(tokio::io::stdout()), style };
    // Biased: who asks for the end gets it, however fast events come.
    let end = tokio::select! {
        biased;
        _ = signals.next() => Ok(StreamEnd::Wished),
        () = hangup::of_stdout() => Ok(StreamEnd::Wished),
        end = follow(source, &mut output, &talk, args.count) => end,
    };
    match end {
        Ok(end) => conclude(end, args, token.is_some(), talk),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            conclude(StreamEnd::Wished, args, token.is_some(), talk)
        }
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write to stdout: {error}"))),
    }
}

fn programs() -> Style {
    Style::Programs { is_terminal: io::stdout().is_terminal() }
}

fn conclude(end: StreamEnd, args: &SubArgs, has_token: bool, talk: Talk) -> Result<(), Failure> {
    let access = (!has_token && !args.source.has_authorization()).then_some(ACCESS_HINT);
    match end {
        StreamEnd::Wished | StreamEnd::Clean => talk.closed(None),
        StreamEnd::Stopped(error) if !args.strict => talk.closed(Some(&error)),
        StreamEnd::Stopped(error) | StreamEnd::Failed(error) => return Err(talk.failed(&error, access)),
    }
    Ok(())
}

/// Shows what comes, and sends it on before it waits for more.
async fn follow(
    mut source: EventSource,
    output: &mut Output,
    talk: &Talk,
    count: Option<u64>,
) -> io::Result<StreamEnd> {
    let mut left = count;
    loop {
        let item = match source.next().now_or_never() {
            Some(item) => item,
            None => {
                output.out.flush().await?;
                source.next().await
            }
        };
        let Some(item) = item else { break };
        let end = match item {
            Ok(item) => {
                output.show(&item, talk).await?;
                left = left.map(|left| left - u64::from(matches!(item, Item::Event(_))));
                (left == Some(0)).then_some(StreamEnd::Wished)
            }
            Err(error) if error.is_stop() => Some(StreamEnd::Stopped(error)),
            Err(error) => Some(StreamEnd::Failed(error)),
        };
        if let Some(end) = end {
            output.out.flush().await?;
            return Ok(end);
        }
    }
    output.out.flush().await?;
    Ok(StreamEnd::Clean)
}

/// stdout.
struct Output {
    out: BufWriter<Stdout>,
    style: Style,
}

impl Output {
    async fn show(&mut self, item: &Item, talk: &Talk) -> io::Result<()> {
        for piece in line::of(item, self.style).into_iter().flatten() {
            self.out.write_all(piece.as_bytes()).await?;
        }
        if talk.is_about(item) {
            // What was received before stands before it.
            self.out.flush().await?;
            talk.say(item);
        }
        Ok(())
    }
}
