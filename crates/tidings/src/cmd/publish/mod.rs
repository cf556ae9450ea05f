//! `tidings pub`: publishes to a hub: an argument, standard input line by line, or a `text/event-stream` or lines of JSON on it.
//!
//! | file | noun |
//! |---|---|
//! | `input` | standard input as drafts |
//! | `lines` | bytes as lines of text, whatever they are |
//! | `blocks` | lines of an event-stream as events |
//! | `flaws` | what was not published as it is |
//! | `atomic` | lines of JSON, all or none |

mod atomic;
mod blocks;
mod flaws;
mod input;
mod lines;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tidings_client::{Draft, PublishError, Publisher, Target};

use crate::config::duration;
use crate::environment::Environment;
use crate::limits::INPUT_GIVE_UP_AFTER;
use crate::link::{
    Batches, Finished, HubArgs, Outage, Together, Token, Trust, finish, is_of_hub, milliseconds, unpublished,
    unusable_draft,
};
use crate::signals::Signals;
use crate::terminal::chain::{chain, visible};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::report;
use crate::terminal::talk::tell;
use flaws::{Flaws, Noun};
use input::{Entries, Entry};

/// What to publish, and where.
#[derive(Debug, Args)]
pub(crate) struct PubArgs {
    /// URL of the topic, such as `http://127.0.0.1:8080/events/orders`; with --ndjson without a topic
    url: String,
    /// The event's data; `-` or nothing publishes each line of standard input
    #[arg(allow_negative_numbers = true)]
    data: Option<String>,
    /// Type of the event [default: message]
    #[arg(long, value_name = "TYPE", allow_hyphen_values = true)]
    event: Option<String>,
    /// Id of the event; the hub makes one unless given
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    id: Option<String>,
    /// Reconnection delay for those who receive it, in milliseconds
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    retry: Option<u64>,
    /// Key by which the hub recognises the event if it comes again, also from another run
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    idempotency_key: Option<String>,
    /// Connection that is not sent what is published, by its id
    ///
    /// A stream is told its own id by `tidings.open`, as `connection`; with --json, `tidings sub` prints it. It holds for streams that
    /// follow live.
    #[arg(long, value_name = "ID")]
    except: Option<String>,
    /// Standard input is a text/event-stream: each block is an event, with its own type, id and retry
    #[arg(long, conflicts_with_all = ["data", "event", "id", "retry", "idempotency_key"])]
    event_stream: bool,
    /// Standard input is lines of JSON, each an event with its own topic, and they are published all or none
    ///
    /// Each line is {"topic":...,"data":...,"type":...,"id":...}, of which the last two may be left out. The URL is that of all topics, such as
    /// http://127.0.0.1:8080/events. They are read to their end, at most 1,000 and 4 MiB, and leave in one request with one key. A line that the
    /// hub refuses is told with its number. The ids go to stdout, a line each.
    #[arg(long, conflicts_with_all = ["data", "event", "id", "retry", "event_stream"])]
    ndjson: bool,
    /// How long a hub that is away is tried again, such as 30s or 1d; 0s for one attempt
    ///
    /// Unless set it is 1m, and 1h for standard input once the hub has answered.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    give_up_after: Option<Duration>,
    #[command(flatten)]
    hub: HubArgs,
    #[command(flatten)]
    trust: Trust,
}

/// Publishes what there is. One event's id goes to stdout; of many, how many there were to stderr.
pub(crate) async fn run(args: &PubArgs, environment: &Environment) -> Result<(), Failure> {
    let token = args.hub.token(environment, &|words| tell(&format!("warning: {words}")))?;
    let publisher = args.hub.publisher(&args.url, &args.trust, token.as_ref())?;
    let publisher = match args.give_up_after {
        Some(time) => publisher.give_up_after(time),
        None => publisher,
    };
    let outage = Arc::new(Outage::new(tell));
    let told = outage.clone();
    let publisher = publisher.on_retry(move |error, _| told.failed(error)).build();
    let publisher = match &args.except {
        Some(connection) => publisher.excepting(connection),
        None => publisher,
    };
    if args.ndjson {
        return atomic::publish(args, &publisher, token.as_ref()).await;
    }
    match args.data.as_deref() {
        Some(data) if data != "-" => publish_one(args, &publisher, token.as_ref(), data).await,
        _ => publish_input(args, publisher, token, &outage).await,
    }
}

async fn publish_one(
    args: &PubArgs,
    publisher: &Publisher,
    token: Option<&Token>,
    data: &str,
) -> Result<(), Failure> {
    let draft = args.draft(data.to_owned())?;
    let receipt = publisher
        .publish(Target::Url(&args.url), &draft)
        .await
        .map_err(|error| unpublished("the event was not published", &error, token))?;
    report(&format!("the event was published as {}", visible(&receipt.id)), &format!("{}\n", receipt.id));
    Ok(())
}

impl PubArgs {
    fn draft(&self, data: String) -> Result<Draft, Failure> {
        let mut draft = Draft::new(data);
        if let Some(event_type) = &self.event {
            draft = draft.event_type(event_type).map_err(|error| unusable_draft("--event", &error))?;
        }
        if let Some(id) = &self.id {
            draft = draft.id(id).map_err(|error| unusable_draft("--id", &error))?;
        }
        if let Some(ms) = self.retry {
            draft = draft.retry(Duration::from_millis(ms));
        }
        Ok(match &self.idempotency_key {
            Some(key) => draft.idempotency_key(key),
            None => draft,
        })
    }

    fn input(&self, flaws: Arc<Flaws>) -> Result<Entries, Failure> {
        if self.id.is_some() || self.idempotency_key.is_some() {
            return Err(Failure::usage(
                "standard input is many events, and --id or --idempotency-key is of one",
            )
            .hint("give the data as an argument, or ids in a stream with --event-stream"));
        }
        if self.event_stream {
            return Ok(input::events(flaws));
        }
        if std::io::stdin().is_terminal() {
            tell("each line is an event; Ctrl-D ends");
        }
        Ok(input::lines(self.draft(String::new())?, flaws))
    }
}

/// What was published of standard input.
struct Sum {
    published: u64,
    last_id: Option<String>,
    flaws: Arc<Flaws>,
    together: Together,
    /// What is sent with each request.
    token: Option<Token>,
}

async fn publish_input(
    args: &PubArgs,
    mut publisher: Publisher,
    token: Option<Token>,
    outage: &Outage,
) -> Result<(), Failure> {
    let mut sum = Sum::of(if args.event_stream { Noun::Event } else { Noun::Line }, token);
    let mut batches = Batches::new(args.input(sum.flaws.clone())?);
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    loop {
        // Biased: who asks for the end gets it. What was read by then is published.
        let batch = tokio::select! {
            biased;
            _ = signals.next() => None,
            batch = batches.next() => batch,
        };
        let Some(batch) = batch else { break };
        let before = sum.published;
        let finished = finish(sum.publish(args, &publisher, &batch.items), &mut signals).await;
        let is_last = matches!(finished, Finished::Last(_));
        match finished {
            Finished::Done(published) | Finished::Last(published) => published?,
            Finished::Cut => return Err(sum.cut(before, batch.items.len())),
        }
        outage.is_over();
        if args.give_up_after.is_none() {
            publisher = publisher.giving_up_after(INPUT_GIVE_UP_AFTER);
        }
        if let Some(error) = batch.error {
            return Err(Failure::new(Exit::Failed, format!("{}, then {}", sum.words(), chain(&error))));
        }
        if is_last {
            break;
        }
    }
    match sum.flaws.words() {
        None => {
            tell(&sum.words());
            Ok(())
        }
        Some(_) => Err(Failure::new(Exit::Failed, sum.words())),
    }
}

impl Sum {
    fn of(noun: Noun, token: Option<Token>) -> Self {
        let flaws = Arc::new(Flaws::of(noun));
        Self { published: 0, last_id: None, flaws, together: Together::default(), token }
    }

    /// Publishes all of them, but for those that are too long or, of an event-stream, refused one by one.
    async fn publish(
        &mut self,
        args: &PubArgs,
        publisher: &Publisher,
        entries: &[Entry],
    ) -> Result<(), Failure> {
        let target = Target::Url(&args.url);
        let mut left = entries;
        while !left.is_empty() {
            let now = first_in_one_request(self.together.first(left));
            let receipt = match now {
                [entry] if entry.has_cr() => {
                    publisher.publish(target, &entry.draft).await.map(|receipt| (1, Some(receipt.id)))
                }
                _ => {
                    let receipt = publisher.publish_all(target, now.iter().map(|entry| &entry.draft)).await;
                    receipt.map(|receipt| (receipt.published, receipt.id))
                }
            };
            match receipt {
                Ok((published, id)) => {
                    self.published += published;
                    self.last_id = id.or(self.last_id.take());
                    self.together.taken(now.len());
                    self.tell_mended(now);
                    left = &left[now.len()..];
                }
                Err(error) if self.together.refused(now.len(), &error) => {}
                Err(error) => {
                    let published = error.problem().and_then(|problem| problem.published);
                    self.published += published.unwrap_or(0);
                    let Some(at) = refused(now, published, &error, args.event_stream) else {
                        self.flaws.words().into_iter().for_each(|flaws| tell(&flaws));
                        let what = format!("{}, and the next was not", self.published_in_words());
                        return Err(unpublished(&what, &error, self.token.as_ref()));
                    };
                    self.tell_mended(&now[..at]);
                    self.tell_refused(now[at].line, &error);
                    left = &left[at + 1..];
                }
            }
        }
        Ok(())
    }

    /// Tells which of those that were published are not as they were. One that is left out is told for that alone.
    fn tell_mended(&self, published: &[Entry]) {
        published.iter().filter(|entry| entry.is_mended).for_each(|entry| self.flaws.mended(entry.line));
    }

    fn tell_refused(&self, line: u64, error: &PublishError) {
        if !is_too_long(error) {
            return self.flaws.refused(line, &chain(error));
        }
        let why = match error.refusal().filter(|_| !is_of_hub(error)) {
            Some(refusal) => {
                format!("is longer than a server in front of the hub takes, which answered {refusal}")
            }
            None => "is longer than the hub takes".to_owned(),
        };
        self.flaws.too_long(line, &why);
    }

    /// A signal came while the hub was away, `read` events of one batch were on their way, and `before` were published before it.
    fn cut(&self, before: u64, read: usize) -> Failure {
        let left = u64::try_from(read).unwrap_or(u64::MAX).saturating_sub(self.published - before);
        let words = format!("{}; the hub has not answered whether it has the next {left}", self.words());
        Failure::new(Exit::Failed, words)
    }

    fn words(&self) -> String {
        let flaws = self.flaws.words().map_or_else(String::new, |flaws| format!("; {flaws}"));
        format!("{}{flaws}", self.published_in_words())
    }

    fn published_in_words(&self) -> String {
        let events = if self.published == 1 { "event" } else { "events" };
        let last =
            self.last_id.as_deref().map_or_else(String::new, |id| format!(", the last as {}", visible(id)));
        format!("{} {events} published{last}", self.published)
    }
}

impl Entry {
    /// Whether its data has a carriage return. An event-stream knows it as the end of a line, so it would arrive as LF.
    fn has_cr(&self) -> bool {
        self.draft.data().contains('\r')
    }
}

/// The entries of the next request: those that an event-stream can carry, or one that it cannot, whose data is a body of its own.
fn first_in_one_request(entries: &[Entry]) -> &[Entry] {
    let plain = entries.iter().take_while(|entry| !entry.has_cr()).count();
    &entries[..plain.max(1)]
}

/// Where the entry stands that was refused. `None` if the refusal is not about one of them, so that the next would be refused, too.
fn refused(
    entries: &[Entry],
    published: Option<u64>,
    error: &PublishError,
    is_stream: bool,
) -> Option<usize> {
    let at = match published {
        Some(published) => usize::try_from(published).ok()?,
        // Something in front of the hub refused the only one, or the hub a body that is one event.
        None if is_too_long(error) => 0,
        None => return None,
    };
    // What is wrong with a line but its length was given by a flag, and is wrong with all.
    let is_bad_event = is_stream && error.status()?.as_u16() == 400;
    (at < entries.len() && (is_bad_event || is_too_long(error))).then_some(at)
}

fn is_too_long(error: &PublishError) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 413)
}
