//! `tidings relay`: subscribes to any stream in the world and publishes it on a hub, so that thousands can watch what
//! its origin serves to one.
//!
//! The hub is the relay's memory: the newest id that it published there is where it goes on upstream.
//!
//! | file | noun |
//! |---|---|
//! | `upstream` | the source's items as drafts |

mod upstream;

use clap::Args;
use tidings_client::{Error, EventSource, PublishError, Publisher, Target};

use crate::environment::Environment;
use crate::link::{Batches, HubArgs, SourceArgs, Talk, Trust, again, unpublished, unusable};
use crate::signals::Signals;
use crate::terminal::chain::{chain, visible};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::Color;
use upstream::{Relayed, upstream};

/// From where, and to where.
#[derive(Debug, Args)]
pub(crate) struct RelayArgs {
    /// URL of the stream to listen to
    source: String,
    /// URL of the topic to publish to, such as `http://127.0.0.1:8080/events/orders`
    topic: String,
    /// Go on when the hub refuses an event, and tell of it, instead of ending
    #[arg(long)]
    skip_refused: bool,
    /// Talk in JSON, one line for each change of state
    ///
    /// stderr: {"state":"open"|"connecting"|"closed","status":...,"error":...}, and {"warning":...} for the rest.
    #[arg(long)]
    json: bool,
    /// Follow the standard to the letter upstream, as a browser does
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten, next_help_heading = "The hub")]
    hub: HubArgs,
    #[command(flatten, next_help_heading = "Upstream")]
    upstream: SourceArgs,
}

/// Relays until it is asked to end, or there is no use.
pub(crate) async fn run(args: &RelayArgs, environment: &Environment, color: Color) -> Result<(), Failure> {
    let talk = Talk::new(args.json, color.stderr);
    match relay(args, environment, talk).await {
        Ok(None) => talk.closed(None),
        Ok(Some(error)) if error.is_stop() => talk.closed(Some(&error)),
        Ok(Some(error)) => return Err(talk.failed(&error)),
        Err(failure) => return Err(talk.gave_up(failure)),
    }
    Ok(())
}

/// Returns why the source is over, if it was not asked to end.
async fn relay(args: &RelayArgs, environment: &Environment, talk: Talk) -> Result<Option<Error>, Failure> {
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let relay = Relay { args, publisher: args.publisher(environment, talk)?, talk };
    // Biased: who asks for the end gets it.
    let source = tokio::select! {
        biased;
        _ = signals.next() => return Ok(None),
        source = relay.source() => source?,
    };
    relay.follow(source, &mut signals).await
}

impl RelayArgs {
    fn publisher(&self, environment: &Environment, talk: Talk) -> Result<Publisher, Failure> {
        let builder = self.hub.publisher(&self.topic, &self.trust, environment)?;
        // The events are safe at their origin: to wait for the hub loses none, and to give up may.
        let builder = builder.attempts_max(u32::MAX);
        Ok(builder.on_retry(move |error, wait| talk.warn(&again(error, wait))).build())
    }
}

struct Relay<'a> {
    args: &'a RelayArgs,
    publisher: Publisher,
    talk: Talk,
}

impl Relay<'_> {
    /// The source, from where the relay had come to.
    async fn source(&self) -> Result<EventSource, Failure> {
        let mut builder = self.args.upstream.builder(&self.args.source, &self.args.trust)?;
        if self.args.strict {
            builder = builder.strict();
        }
        if let Some(id) = self.start().await? {
            self.talk.warn(&format!("going on after {}", visible(&id)));
            builder = builder.last_event_id(&id).map_err(|error| unusable(&error))?;
        }
        Ok(builder.build())
    }

    /// The id to go on after: the one that was given, else the newest that is on the hub.
    async fn start(&self) -> Result<Option<String>, Failure> {
        if let Some(id) = self.args.upstream.last_event_id() {
            return Ok(Some(id.to_owned()));
        }
        let found = self.publisher.last_given_id(Target::Url(&self.args.topic)).await;
        found.map_err(|error| unpublished("the hub cannot say how far the relay had come", &error))
    }

    async fn follow(&self, source: EventSource, signals: &mut Signals) -> Result<Option<Error>, Failure> {
        let mut batches = Batches::new(Box::pin(upstream(source, self.talk)));
        loop {
            // Biased: who asks for the end gets it. What was received by then comes again with the next run.
            let batch = tokio::select! {
                biased;
                _ = signals.next() => None,
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else { return Ok(None) };
            self.publish(&batch.items).await?;
            if batch.error.is_some() {
                return Ok(batch.error);
            }
        }
    }

    /// Publishes all of them, or those that the hub takes.
    async fn publish(&self, batch: &[Relayed]) -> Result<(), Failure> {
        let mut left = batch;
        while !left.is_empty() {
            let drafts = left.iter().map(|relayed| &relayed.draft);
            let published = self.publisher.publish_all(Target::Url(&self.args.topic), drafts).await;
            let Err(error) = published else { return Ok(()) };
            let Some((refused, rest)) = refused(left, &error) else {
                return Err(unpublished("the hub takes nothing", &error));
            };
            let what = format!("the hub refused the event {}", visible(&refused.place));
            if !self.args.skip_refused {
                return Err(unpublished(&what, &error).hint("--skip-refused goes on without it"));
            }
            self.talk.warn(&format!("{what}: {}", chain(&error)));
            left = rest;
        }
        Ok(())
    }
}

/// The event that the hub refused and those after it. `None` if it is not about one of them.
fn refused<'a>(batch: &'a [Relayed], error: &PublishError) -> Option<(&'a Relayed, &'a [Relayed])> {
    let published = usize::try_from(error.problem()?.published?).ok()?;
    // 422 is about the key of the whole batch.
    let is_about_one = matches!(error.status()?.as_u16(), 400 | 413);
    batch.get(published..)?.split_first().filter(|_| is_about_one)
}
