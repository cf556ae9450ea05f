//! `tidings pub`: publishes to a hub: an argument, standard input line by line, or a `text/event-stream` on it.
//!
//! | file | noun |
//! |---|---|
//! | `input` | standard input as drafts |
//! | `lines` | bytes as lines of text, whatever they are |
//! | `flaws` | lines that were not published as they are |

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
    Batches, Finished, HubArgs, Outage, Together, Trust, finish, milliseconds, unpublished, unusable_draft,
};
use crate::signals::Signals;
use crate::terminal::chain::chain;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::report;
use crate::terminal::talk::tell;
use flaws::Flaws;
use input::{Entries, Entry};

/// What to publish, and where.
#[derive(Debug, Args)]
pub(crate) struct PubArgs {
    /// URL of the topic, such as `http://127.0.0.1:8080/events/orders`
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
    /// Standard input is a text/event-stream: each block is an event, with its own type, id and retry
    #[arg(long, conflicts_with_all = ["data", "event", "id", "retry", "idempotency_key"])]
    event_stream: bool,
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
    let publisher = args.hub.publisher(&args.url, &args.trust, environment)?;
    let publisher = match args.give_up_after {
        Some(time) => publisher.give_up_after(time),
        None => publisher,
    };
    let outage = Arc::new(Outage::new(tell));
    let told = outage.clone();
    let publisher = publisher.on_retry(move |error, _| told.failed(error)).build();
    match args.data.as_deref() {
        Some(data) if data != "-" => publish_one(args, &publisher, data).await,
        _ => publish_input(args, publisher, &outage).await,
    }
}

async fn publish_one(args: &PubArgs, publisher: &Publisher, data: &str) -> Result<(), Failure> {
    let draft = args.draft(data.to_owned())?;
    let receipt = publisher
        .publish(Target::Url(&args.url), &draft)
        .await
        .map_err(|error| unpublished("the event was not published", &error))?;
    report(&format!("the event was published as {}", receipt.id), &format!("{}\n", receipt.id));
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
            return Ok(input::events());
        }
        if std::io::stdin().is_terminal() {
            tell("each line is an event; Ctrl-D ends");
        }
        Ok(input::lines(self.draft(String::new())?, flaws))
    }
}

/// What was published of standard input.
#[derive(Default)]
struct Sum {
    published: u64,
    last_id: Option<String>,
    flaws: Arc<Flaws>,
    together: Together,
}

async fn publish_input(args: &PubArgs, publisher: Publisher, outage: &Outage) -> Result<(), Failure> {
    let mut publisher = publisher;
    let mut sum = Sum::default();
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
        Some(flaws) => Err(Failure::new(Exit::Failed, format!("{}; {flaws}", sum.words()))),
    }
}

impl Sum {
    /// Publishes all of them, but for lines that are too long for the hub, or for what stands before it.
    async fn publish(
        &mut self,
        args: &PubArgs,
        publisher: &Publisher,
        entries: &[Entry],
    ) -> Result<(), Failure> {
        let mut left = entries;
        while !left.is_empty() {
            let now = self.together.first(left);
            let drafts = now.iter().map(|entry| &entry.draft);
            match publisher.publish_all(Target::Url(&args.url), drafts).await {
                Ok(receipt) => {
                    self.published += receipt.published;
                    self.last_id = receipt.id.or(self.last_id.take());
                    self.together.taken(now.len());
                    left = &left[now.len()..];
                }
                Err(error) if self.together.refused(now.len(), &error) => {}
                Err(error) => {
                    let published = error.problem().and_then(|problem| problem.published);
                    self.published += published.unwrap_or(0);
                    match too_long(now, published, &error) {
                        None => {
                            let what = format!("{}, and the next was not", self.words());
                            return Err(unpublished(&what, &error));
                        }
                        Some((at, line)) => {
                            self.flaws.skipped(line, "is longer than the hub takes");
                            left = &left[at + 1..];
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A signal came while the hub was away, `read` events of one batch were on their way, and `before` were published before it.
    fn cut(&self, before: u64, read: usize) -> Failure {
        let left = u64::try_from(read).unwrap_or(u64::MAX).saturating_sub(self.published - before);
        let words = format!("{}; the hub has not answered whether it has the next {left}", self.words());
        Failure::new(Exit::Failed, words)
    }

    fn words(&self) -> String {
        let events = if self.published == 1 { "event" } else { "events" };
        let last = self.last_id.as_deref().map_or_else(String::new, |id| format!(", the last as {id}"));
        format!("{} {events} published{last}", self.published)
    }
}

/// Which line was refused because it is too long, and where it stands. `None` if it was another refusal, or another input: an
/// event-stream that lacks one event is not the stream that was given.
fn too_long(entries: &[Entry], published: Option<u64>, error: &PublishError) -> Option<(usize, u64)> {
    if error.status()?.as_u16() != 413 {
        return None;
    }
    let at = match published {
        Some(published) => usize::try_from(published).ok()?,
        // Something in front of the hub refused the only one.
        None => 0,
    };
    let line = entries.get(at)?.line?;
    Some((at, line))
}
