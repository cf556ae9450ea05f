//! `tidings inbox count`: how many notifications of a user are unread, once or for as long as somebody watches.

use std::io::{self, ErrorKind, Write};

use clap::Args;
use serde::{Deserialize, Serialize};
use tidings_client::{EventSource, InboxQuestion, Item};
use tidings_inbox::User;

use super::hub::{HubUrl, InboxHubArgs, user};
use crate::cmd::sub::hangup;
use crate::environment::Environment;
use crate::link::Talk;
use crate::signals::Signals;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::{Color, say, say_json};

/// Whose count.
#[derive(Debug, Args)]
pub(crate) struct CountArgs {
    /// URL of the hub, such as `http://127.0.0.1:8080`
    url: HubUrl,
    /// Name of the user
    #[arg(value_parser = user)]
    user: User,
    /// Keep running, and print the count each time it changes
    #[arg(long)]
    watch: bool,
    /// Print lines of JSON, such as {"count":2,"version":45}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: InboxHubArgs,
}

/// As the hub tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Unread {
    count: u64,
    version: u64,
}

/// What to try when the hub wants to know who asks.
const ACCESS_HINT: &str = "does the hub need a token? give it by --token-file or --token-command";

/// Prints the count, and what becomes of it.
pub(super) async fn run(args: &CountArgs, environment: &Environment, color: Color) -> Result<(), Failure> {
    if args.watch {
        return watch(args, environment, Talk::new(args.json, color.stderr)).await;
    }
    let hub = args.hub.connect(&args.url, environment)?;
    let question = InboxQuestion::get([args.user.as_str(), "count"]);
    let unread: Unread = hub.ask(&question, "the count cannot be read").await?;
    if args.json { say_json(&args.line(unread)) } else { say(&args.line(unread)) }
}

async fn watch(args: &CountArgs, environment: &Environment, talk: Talk) -> Result<(), Failure> {
    let token = args.hub.token(environment)?;
    let source = args.hub.stream(&args.url, &args.user, token.as_ref())?.build();
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    // Biased: who asks for the end gets it.
    let end = tokio::select! {
        biased;
        _ = signals.next() => Ok(None),
        () = hangup::of_stdout() => Ok(None),
        end = follow(source, args, talk) => end,
    };
    match end {
        Ok(Some(error)) if !error.is_stop() => {
            Err(talk.failed(&error, token.is_none().then_some(ACCESS_HINT)))
        }
        Ok(end) => {
            talk.closed(end.as_ref());
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write to stdout: {error}"))),
    }
}

/// Prints counts until the stream is over. The hub's word counts: nothing is added up here.
async fn follow(
    mut source: EventSource,
    args: &CountArgs,
    talk: Talk,
) -> io::Result<Option<tidings_client::Error>> {
    let mut latest = Latest::default();
    let mut stdout = io::stdout();
    while let Some(item) = source.next().await {
        match item {
            Ok(Item::Event(event)) if event.type_or_message() == "unread" => {
                let told = serde_json::from_str(&event.data).ok().and_then(|unread| latest.hear(unread));
                if let Some(unread) = told {
                    stdout.write_all(args.line(unread).as_bytes())?;
                    stdout.flush()?;
                }
            }
            Ok(item) => {
                if matches!(item, Item::Open(_)) {
                    latest.is_first = true;
                }
                if talk.is_about(&item) {
                    talk.say(&item);
                }
            }
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(None)
}

impl CountArgs {
    fn line(&self, unread: Unread) -> String {
        if self.json {
            return serde_json::to_string(&unread).unwrap_or_default() + "\n";
        }
        format!("{}\n", unread.count)
    }
}

/// The newest count that was heard.
#[derive(Default)]
struct Latest {
    heard: Option<Unread>,
    /// The next one is the first of a connection, which always counts: after a restored copy versions may go back.
    is_first: bool,
}

impl Latest {
    /// What is to be printed: a count that is another one than was printed last.
    fn hear(&mut self, unread: Unread) -> Option<Unread> {
        let is_newer = self.heard.is_none_or(|heard| unread.version > heard.version);
        if !(std::mem::take(&mut self.is_first) || is_newer) {
            return None;
        }
        let before = self.heard.replace(unread);
        before.is_none_or(|before| before.count != unread.count).then_some(unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_count_of_a_connection_holds_and_later_ones_only_if_they_are_newer() {
        let mut latest = Latest::default();
        let mut hear = |is_open: bool, count, version| {
            latest.is_first |= is_open;
            latest.hear(Unread { count, version }).map(|unread| unread.count)
        };

        assert_eq!(hear(true, 3, 10), Some(3));
        assert_eq!(hear(false, 4, 12), Some(4));
        assert_eq!(hear(false, 3, 11), None);
        assert_eq!(hear(false, 4, 13), None);
        assert_eq!(hear(true, 4, 13), None);
        assert_eq!(hear(true, 1, 5), Some(1));
        assert_eq!(hear(false, 2, 6), Some(2));
    }
}
