//! `tidings relay`: subscribes to any stream in the world and publishes it on a hub, so that thousands can watch what
//! its origin serves to one.
//!
//! The hub is the relay's memory: the newest id that it published there is where it goes on upstream.
//!
//! | file | noun |
//! |---|---|
//! | `upstream` | the source's items as drafts |
//! | `carried` | the origin's ids in a form that every hub takes, and back |
//! | `resume` | where to go on at the source, and what comes again by that |
//! | `mended` | events of the source that are not UTF-8 |
//! | `recent` | what was published last, to notice a source that hands it back |

mod carried;
mod mended;
mod recent;
mod resume;
mod upstream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use tidings_client::{Error, EventSource, EventSourceBuilder, PublishError, Publisher, Target};
use tidings_sse::decode::DecodeError;
use url::Url;

use crate::environment::Environment;
use crate::limits::SAID_CHARS_MAX;
use crate::link::{
    Batches, Finished, HubArgs, Outage, SourceArgs, SourceTokenArgs, Talk, Together, Token, Trust, finish,
    is_of_whole_request, unpublished, unusable,
};
use crate::signals::Signals;
use crate::terminal::chain::{chain, visible};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::Color;
use mended::Mended;
use recent::Recent;
use resume::{Resume, is_sendable};
use upstream::{Memory, Relayed, upstream};

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
    /// stderr: {"state":"open"|"connecting"|"closed","status":...,"error":...}, {"open":{"connection":...}} when the source names the
    /// connection, {"expired":{"reason":...}} when it ends the stream because access is over, and {"warning":...} for the rest.
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
    source_token: SourceTokenArgs,
    #[command(flatten)]
    upstream: SourceArgs,
}

/// What the relay shows to either side.
struct Tokens {
    hub: Option<Token>,
    source: Option<Token>,
}

/// What to try when the source wants to know who asks.
const ACCESS_HINT: &str = "does it want a token? --source-token-file or --source-token-command gives one";

/// Relays until it is asked to end, or there is no use.
pub(crate) async fn run(args: &RelayArgs, environment: &Environment, color: Color) -> Result<(), Failure> {
    let talk = Talk::new(args.json, color.stderr);
    let tokens = args.tokens(environment, talk)?;
    match relay(args, &tokens, talk).await {
        Ok(None) => talk.closed(None),
        Ok(Some(error)) if error.is_stop() => talk.closed(Some(&error)),
        Ok(Some(error)) => {
            let is_known = tokens.source.is_some() || args.upstream.has_authorization();
            return Err(talk.failed(&error, (!is_known).then_some(ACCESS_HINT)));
        }
        Err(failure) => return Err(talk.gave_up(failure)),
    }
    Ok(())
}

/// Returns why the source is over, if it was not asked to end.
async fn relay(args: &RelayArgs, tokens: &Tokens, talk: Talk) -> Result<Option<Error>, Failure> {
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let outage = Arc::new(Outage::new(move |words| talk.warn(words)));
    let publisher = args.publisher(tokens, outage.clone())?;
    let mut relay = Relay {
        args,
        tokens,
        publisher,
        outage,
        talk,
        memory: Arc::new(Mutex::new(Memory { resume: Resume::default(), mended: Mended::new(talk) })),
        escapes_hub_like: false,
        recent: Recent::default(),
        together: Together::default(),
    };
    // A URL that is wrong is told before the hub is waited for.
    let source = relay.source()?;
    // Biased: who asks for the end gets it.
    let resume = tokio::select! {
        biased;
        _ = signals.next() => return Ok(None),
        resume = relay.start() => resume?,
    };
    relay.memory().resume = resume;
    let source = relay.resumed(source)?;
    let ended = relay.follow(source, &mut signals).await;
    let memory = relay.memory();
    memory.mended.tell();
    match ended {
        Ok(Some(Error::TooLarge(limit))) => Err(too_large(limit, memory.resume.id())),
        ended => ended,
    }
}

/// The relay ends rather than go on behind such an event: those who watch would miss it and never know. Nobody knows how large
/// it is, since it is not read further.
fn too_large(limit: DecodeError, last_id: Option<&str>) -> Failure {
    let which = match last_id {
        Some(id) => {
            let id: String = id.chars().take(SAID_CHARS_MAX).collect();
            format!("the event of the source that follows {}", visible(&id))
        }
        None => "an event of the source, which has given no id before it".to_owned(),
    };
    Failure::new(Exit::Failed, format!("cannot relay {which}: {limit}")).hint(
        "--max-event-bytes SIZE takes larger ones, and the hub needs event_bytes_max as large; --last-event-id ID goes on \
         after ID, such as that of this event, without it",
    )
}

impl RelayArgs {
    fn tokens(&self, environment: &Environment, talk: Talk) -> Result<Tokens, Failure> {
        let warn = |words: &str| talk.caution(words);
        let hub = self.hub.token(environment, &warn)?;
        let otherwise = || match SourceTokenArgs::of_environment(environment, &warn)? {
            // A source of somebody else must not see what is meant for the hub.
            None if self.is_within_one_origin() => Ok(hub.clone()),
            token => Ok(token),
        };
        let source = self.upstream.token(self.source_token.chosen(&warn)?, otherwise)?;
        Ok(Tokens { hub, source })
    }

    fn is_within_one_origin(&self) -> bool {
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        origin(&self.source).is_some_and(|source| Some(source) == origin(&self.topic))
    }

    fn publisher(&self, tokens: &Tokens, outage: Arc<Outage>) -> Result<Publisher, Failure> {
        let builder = self.hub.publisher(&self.topic, &self.trust, tokens.hub.as_ref())?;
        // The events are safe at their origin: to wait for the hub loses none, and to give up may.
        let builder = builder.give_up_after(Duration::MAX);
        Ok(builder.on_retry(move |error, _| outage.failed(error)).build())
    }
}

struct Relay<'a> {
    args: &'a RelayArgs,
    tokens: &'a Tokens,
    publisher: Publisher,
    outage: Arc<Outage>,
    talk: Talk,
    memory: Arc<Mutex<Memory>>,
    /// The source has ids that the hub knows as its own, as if it were a copy of the hub or the hub itself.
    escapes_hub_like: bool,
    recent: Recent,
    together: Together,
}

impl Relay<'_> {
    fn source(&self) -> Result<EventSourceBuilder, Failure> {
        let token = self.tokens.source.as_ref();
        let builder = self.args.upstream.builder(&self.args.source, &self.args.trust, token)?;
        Ok(if self.args.strict { builder.strict() } else { builder })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The source, from the place on that is remembered.
    fn resumed(&self, mut builder: EventSourceBuilder) -> Result<EventSource, Failure> {
        let memory = self.memory();
        if memory.resume.is_beyond_id() {
            let words = "the last id of the source has a control character, which no header can carry";
            self.talk.warn(&match memory.resume.id() {
                Some(_) => format!("{words}: going on after the one before it, and without what is relayed already"),
                None => format!("{words}, and it has given no other: what it sends without one may be missing or come twice"),
            });
        }
        if let Some(id) = memory.resume.id() {
            let shown: String = id.chars().take(SAID_CHARS_MAX).collect();
            self.talk.warn(&format!("going on after {}", visible(&shown)));
            if id.trim_matches([' ', '\t']) != id {
                self.talk.warn("that id has white space at an end, which the header that carries it loses");
            }
            builder = builder.last_event_id(id).map_err(|error| unusable(&error))?;
        }
        Ok(builder.build())
    }

    /// Where to go on: at the id that was given, else where the newest events on the hub tell.
    async fn start(&self) -> Result<Resume, Failure> {
        if let Some(id) = self.args.upstream.last_event_id() {
            if !is_sendable(id) {
                return Err(Failure::usage(
                    "--last-event-id has a control character, which no header can carry",
                ));
            }
            return Ok(Resume::after(id));
        }
        let newest = self.publisher.newest(Target::Url(&self.args.topic)).await;
        let what = "the hub cannot say how far the relay had come";
        let newest = newest.map_err(|error| self.unpublished(what, &error))?;
        self.outage.is_over();
        Ok(Resume::behind(&newest))
    }

    async fn follow(&mut self, source: EventSource, signals: &mut Signals) -> Result<Option<Error>, Failure> {
        let mut batches = Batches::new(Box::pin(upstream(source, self.talk, self.memory.clone())));
        loop {
            // Biased: who asks for the end gets it. What was received by then comes again with the next run.
            let batch = tokio::select! {
                biased;
                _ = signals.next() => None,
                batch = batches.next() => batch,
            };
            let Some(batch) = batch else { return Ok(None) };
            match finish(self.publish(batch.items), signals).await {
                Finished::Done(published) => published?,
                Finished::Last(published) => return published.map(|()| None),
                Finished::Cut => return Ok(None),
            }
            self.outage.is_over();
            match batch.error {
                None => {}
                // The connection had ended, and the wait for the next one is over.
                Some(Error::LastEventId { .. }) => {
                    self.memory().resume.begin_again();
                    let source = self.resumed(self.source()?)?;
                    batches = Batches::new(Box::pin(upstream(source, self.talk, self.memory.clone())));
                }
                error => return Ok(error),
            }
        }
    }

    fn unpublished(&self, what: &str, error: &PublishError) -> Failure {
        unpublished(what, error, self.tokens.hub.as_ref())
    }

    /// Publishes all of them, or those that the hub takes.
    async fn publish(&mut self, batch: Vec<Relayed>) -> Result<(), Failure> {
        let mut left = if self.escapes_hub_like { escape_hub_like(batch) } else { batch };
        while !left.is_empty() {
            if left.iter().any(|relayed| self.recent.holds(relayed.origin_id())) {
                return Err(Failure::new(
                    Exit::Failed,
                    "the source hands back what the relay publishes, without end",
                )
                .hint("relay to a topic that the source does not stream"));
            }
            let now = self.together.first(&left);
            let drafts = now.iter().map(|relayed| &relayed.draft);
            let published = self.publisher.publish_all(Target::Url(&self.args.topic), drafts).await;
            let Err(error) = published else {
                self.recent.add(now);
                let taken = now.len();
                self.together.taken(taken);
                left.drain(..taken);
                continue;
            };
            let refused = refused(now, &error);
            if self.together.refused(now.len(), &error) {
                continue;
            }
            let Some(index) = refused else {
                return Err(self.unpublished("the hub takes nothing", &error));
            };
            self.recent.add(&left[..index]);
            let rest = left.split_off(index);
            if is_of_reserved_id(&error) && rest[0].has_hub_like_id() {
                self.escapes_hub_like = true;
                left = escape_hub_like(rest);
                continue;
            }
            let what = format!("the hub refused the event {}", visible(&rest[0].place));
            if !self.args.skip_refused {
                return Err(self.unpublished(&what, &error).hint("--skip-refused goes on without it"));
            }
            self.talk.warn(&format!("{what}: {}", chain(&error)));
            left = rest.into_iter().skip(1).collect();
        }
        Ok(())
    }
}

/// The same events, but for ids that have the form of those that a hub gives.
fn escape_hub_like(batch: Vec<Relayed>) -> Vec<Relayed> {
    let escape = |relayed: Relayed| {
        if relayed.has_hub_like_id() { relayed.escaped() } else { vec![relayed] }
    };
    batch.into_iter().flat_map(escape).collect()
}

/// Whether the hub takes the event's id for one of its own.
fn is_of_reserved_id(error: &PublishError) -> bool {
    error.problem().is_some_and(|problem| problem.kind.as_deref() == Some("urn:tidings:problem:reserved-id"))
}

/// Where in the batch the event stands that the hub refused. `None` if it is not about one of them.
fn refused(batch: &[Relayed], error: &PublishError) -> Option<usize> {
    if is_of_whole_request(error) {
        return (batch.len() == 1).then_some(0);
    }
    let published = usize::try_from(error.problem()?.published?).ok()?;
    // 422 is about the key of the whole batch.
    let is_about_one = matches!(error.status()?.as_u16(), 400 | 413);
    (is_about_one && published < batch.len()).then_some(published)
}
