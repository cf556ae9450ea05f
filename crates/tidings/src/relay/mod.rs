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
use tidings_client::{Draft, PublishError, Publisher, Target};

use crate::Environment;
use crate::chain::{chain, visible};
use crate::failure::{Exit, Failure};
use crate::link::{HubArgs, Trust, unpublished};
use crate::publish::{Batches, again};
use crate::signals::Signals;
use crate::sub::{Color, SourceArgs, Talk, failed};
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
    let told = |failure: Failure| if args.json { failure.told() } else { failure };
    let publisher = args
        .hub
        .publisher(&args.topic, &args.trust, environment)?
        // The events are safe at their origin: to wait for the hub loses none, and to give up may.
        .attempts_max(u32::MAX)
        .on_retry(move |error, wait| talk.warn(&again(error, wait)))
        .build();
    let mut builder = args.upstream.builder(&args.source, &args.trust)?;
    if args.strict {
        builder = builder.strict();
    }
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    // Biased: who asks for the end gets it.
    let start = tokio::select! {
        biased;
        _ = signals.next() => return Ok(()),
        start = start(args, &publisher) => start?,
    };
    if let Some(id) = &start {
        talk.warn(&format!("going on after {}", visible(id)));
        builder = builder.last_event_id(id).map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
    }
    let mut batches = Batches::new(Box::pin(upstream(builder.build(), talk)));
    loop {
        // Biased: who asks for the end gets it. What was received by then comes again with the next run.
        let batch = tokio::select! {
            biased;
            _ = signals.next() => None,
            batch = batches.next() => batch,
        };
        let Some(batch) = batch else { return Ok(()) };
        publish(args, &publisher, talk, &batch.items).await?;
        if let Some(error) = batch.error {
            talk.closed(Some(&error));
            return if error.is_stop() { Ok(()) } else { Err(told(failed(&error))) };
        }
    }
}

/// The id to go on after: the one that was given, else the newest that is on the hub.
async fn start(args: &RelayArgs, publisher: &Publisher) -> Result<Option<String>, Failure> {
    if let Some(id) = args.upstream.last_event_id() {
        return Ok(Some(id.to_owned()));
    }
    let found = publisher.last_given_id(Target::Url(&args.topic)).await;
    found.map_err(|error| unpublished("the hub cannot say how far the relay had come", &error))
}

/// Publishes all of them, or those that the hub takes.
async fn publish(
    args: &RelayArgs,
    publisher: &Publisher,
    talk: Talk,
    batch: &[Relayed],
) -> Result<(), Failure> {
    let mut left = batch;
    while !left.is_empty() {
        let drafts: Vec<&Draft> = left.iter().map(|relayed| &relayed.draft).collect();
        let Err(error) = publisher.publish_all(Target::Url(&args.topic), drafts).await else { return Ok(()) };
        let Some((refused, rest)) = refused(left, &error) else {
            return Err(unpublished("the hub takes nothing", &error));
        };
        let what = format!("the hub refused the event {}", visible(&refused.place));
        if !args.skip_refused {
            return Err(unpublished(&what, &error).hint("--skip-refused goes on without it"));
        }
        talk.warn(&format!("{what}: {}", chain(&error)));
        left = rest;
    }
    Ok(())
}

/// The event that the hub refused and those after it. `None` if it is not about one of them.
fn refused<'a>(batch: &'a [Relayed], error: &PublishError) -> Option<(&'a Relayed, &'a [Relayed])> {
    let published = usize::try_from(error.problem()?.published?).ok()?;
    let is_about_one = matches!(error.status()?.as_u16(), 400 | 413 | 422);
    batch.get(published..)?.split_first().filter(|_| is_about_one)
}
