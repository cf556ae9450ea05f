//! What a benchmark is asked to do.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;

use super::error::BenchError;
use super::idle::WARM_UP;
use super::requests::{Requests, Transport};

/// A server's URL, looked up once.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(super) address: SocketAddr,
    pub(super) host: String,
    pub(super) path: String,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or("write an http:// URL; a benchmark speaks no TLS")?;
        let (host, path) = rest.find(['/', '?']).map_or((rest, "/"), |at| rest.split_at(at));
        let named = if host.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let address = named.to_socket_addrs().ok().and_then(|mut found| found.next());
        let address = address.ok_or_else(|| format!("cannot look {host} up"))?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { address, host: host.to_owned(), path })
    }
}

impl Target {
    /// The path of a topic below this one.
    pub(super) fn below(&self, name: &str) -> String {
        let (path, query) = self.path.find('?').map_or((self.path.as_str(), ""), |at| self.path.split_at(at));
        format!("{path}/{name}{query}")
    }
}

/// What all benchmarks take.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Print the result as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Process of the server, to measure its time on the processor and its memory
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// Header for every request, such as 'Authorization: Bearer KEY'
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// File of tokens: subscriber N sends line N as 'Authorization: Bearer TOKEN', publishers send none
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
}

impl Common {
    /// The tokens of so many subscribers; none if they are anonymous.
    pub(super) fn tokens(&self, subscribers: usize) -> Result<Vec<String>, BenchError> {
        let Some(file) = &self.tokens else { return Ok(Vec::new()) };
        let text = std::fs::read_to_string(file)
            .map_err(|error| BenchError::options(format!("cannot read {}: {error}", file.display())))?;
        let tokens: Vec<_> = text.lines().take(subscribers).map(str::to_owned).collect();
        // The token itself is a secret, so the message has its line.
        if let Some(at) = tokens.iter().position(|token| !is_token(token)) {
            return Err(BenchError::options(format!("line {} of {} is no token", at + 1, file.display())));
        }
        if tokens.len() < subscribers {
            let held = tokens.len();
            return Err(BenchError::options(format!(
                "{} has {held} tokens for {subscribers} subscribers",
                file.display()
            )));
        }
        Ok(tokens)
    }

    /// The headers as they stand in a request.
    pub(super) fn header_lines(&self) -> Result<String, BenchError> {
        let mut lines = String::new();
        for header in &self.headers {
            if !header.contains(':') || header.contains(['\r', '\n']) {
                return Err(BenchError::Options {
                    message: format!("{header:?} is no header"),
                    hint: Some("write it as 'Name: value'"),
                });
            }
            lines.push_str(header);
            lines.push_str("\r\n");
        }
        Ok(lines)
    }
}

/// Whether it can stand in a header line: RFC 6750 § 2.1 allows less.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// How subscribers receive events.
#[derive(Debug, Clone, Copy, Args)]
struct SubscribedBy {
    /// Subscribe by WebSocket instead of server-sent events
    #[arg(long)]
    websocket: bool,
}

impl SubscribedBy {
    fn transport(self) -> Transport {
        if self.websocket { Transport::WebSocket } else { Transport::Sse }
    }
}

/// Send events to many subscribers and check that each receives all of them
#[derive(Debug, Args)]
pub struct FanoutArgs {
    /// URL to subscribe to, such as `http://127.0.0.1:8080/events/bench`; the letter n in braces stands for the subscriber's number
    ///
    /// With `mode=long-poll` in its query, each subscriber polls, and polls again as soon as it is answered.
    url: Target,
    /// URL to publish to, if it is another one
    #[arg(long, value_name = "URL")]
    publish_url: Option<Target>,
    /// How many subscribers
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    subscribers: usize,
    /// How many connections publish
    #[arg(long, default_value_t = 64, value_name = "N")]
    publishers: usize,
    /// How many events are measured
    #[arg(long, default_value_t = 200, value_name = "N")]
    events: usize,
    /// How many events are sent before, unmeasured
    #[arg(long, default_value_t = 20, value_name = "N")]
    warm_up: usize,
    /// Bytes of an event's data
    #[arg(long, default_value_t = 128, value_name = "N")]
    bytes: usize,
    /// Publish the next event when all subscribers have the one so many before
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "rate")]
    in_flight: usize,
    /// Publish so many events per second, whatever comes back
    ///
    /// Latency then counts from the moment an event was due, also if the server kept it from being sent.
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// How many more subscribers stand beside the measured ones and never read
    #[arg(long, default_value_t = 0, value_name = "N")]
    stalled: usize,
    /// How many more subscribers there are, each of a topic of its own, that are sent nothing
    #[arg(long, default_value_t = 0, value_name = "N")]
    others: usize,
    #[command(flatten)]
    subscribed_by: SubscribedBy,
    #[command(flatten)]
    pub(super) common: Common,
}

/// When the next event is published.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// When all subscribers have the one so many before.
    InFlight(usize),
    /// So many per second.
    Rate(f64),
}

/// A checked [`FanoutArgs`].
#[derive(Debug)]
pub(super) struct Fanout {
    pub(super) target: Target,
    pub(super) requests: Requests,
    pub(super) publish: Target,
    pub(super) subscribers: usize,
    pub(super) publishers: usize,
    pub(super) events: usize,
    pub(super) warm_up_events: usize,
    pub(super) bytes: usize,
    pub(super) pace: Pace,
    pub(super) stalled: usize,
    pub(super) others: usize,
    pub(super) pid: Option<u32>,
    pub(super) headers: String,
}

impl FanoutArgs {
    pub(super) fn plan(&self) -> Result<Fanout, BenchError> {
        if self.rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) || self.in_flight == 0 {
            return Err(BenchError::options("--rate and --in-flight are positive numbers"));
        }
        Ok(Fanout {
            target: self.url.clone(),
            requests: Requests::new(&self.url, &self.common, self.subscribers)?
                .over(self.subscribed_by.transport()),
            publish: self.publish_url.clone().unwrap_or_else(|| self.url.clone()),
            subscribers: self.subscribers,
            publishers: self.publishers,
            events: self.events,
            warm_up_events: self.warm_up,
            bytes: self.bytes,
            pace: self.rate.map_or(Pace::InFlight(self.in_flight), Pace::Rate),
            stalled: self.stalled,
            others: self.others,
            pid: self.common.pid,
            headers: self.common.header_lines()?,
        })
    }
}

/// Publish as fast as the server answers
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// URL to publish to, such as `http://127.0.0.1:8080/events/bench`
    pub(super) url: Target,
    /// How many connections, each with one event under way
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub(super) connections: usize,
    /// How many events
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub(super) events: usize,
    /// Bytes of an event's data
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub(super) bytes: usize,
    /// Send them as one text/event-stream body over a single connection
    #[arg(long)]
    pub(super) batch: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Hold many subscribers that receive nothing, to see what they cost
#[derive(Debug, Args)]
pub struct IdleArgs {
    /// URL to subscribe to; the letter n in braces stands for the subscriber's number
    ///
    /// With `mode=long-poll` in its query, each subscriber waits in a poll.
    pub(super) url: Target,
    /// How many subscribers
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(super) subscribers: usize,
    #[command(flatten)]
    subscribed_by: SubscribedBy,
    #[command(flatten)]
    pub(super) common: Common,
}

impl IdleArgs {
    pub(super) fn requests(&self) -> Result<Requests, BenchError> {
        let requests = Requests::new(&self.url, &self.common, WARM_UP + self.subscribers)?;
        Ok(requests.over(self.subscribed_by.transport()))
    }
}

/// Let many subscribers come back at once, each some events behind
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// URL of a topic of a tidings hub
    pub(super) url: Target,
    /// How many subscribers
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(super) subscribers: usize,
    /// How many events each has missed
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(super) behind: usize,
    /// Bytes of an event's data
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub(super) bytes: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

impl ResumeArgs {
    pub(super) fn requests(&self) -> Result<Requests, BenchError> {
        Requests::new(&self.url, &self.common, self.subscribers)
    }
}

/// Notify users, read their counts and lists, and reach the streams of many of them by one call
#[derive(Debug, Args)]
pub struct InboxArgs {
    /// URL of the inboxes of a hub, such as `http://127.0.0.1:8080/inbox`
    pub(super) url: Target,
    /// Among how many users, whose names are user-0 and so on
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(super) users: usize,
    /// How many notifications, each to one user; 0 for none
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    pub(super) notifications: usize,
    /// How many connections notify, each with one call under way
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub(super) connections: usize,
    /// How many counts are read, and then how many lists of 50; 0 for none
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    pub(super) readings: usize,
    /// How many users have a stream, and are notified by one call; 0 for none
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(super) streams: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

impl InboxArgs {
    pub(super) fn requests(&self) -> Result<Requests, BenchError> {
        Ok(Requests::new(&self.url, &self.common, self.streams)?.at(self.url.below("user-{n}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_lines(header: &str) -> Result<String, BenchError> {
        Common { json: false, pid: None, headers: vec![header.to_owned()], tokens: None }.header_lines()
    }

    #[test]
    fn a_header_is_passed_on_as_a_line_of_the_request() {
        assert_eq!(header_lines("Authorization: Bearer x").unwrap(), "Authorization: Bearer x\r\n");
    }

    #[test]
    fn a_header_that_is_none_or_that_holds_two_is_refused_with_a_hint() {
        for header in ["Authorization", "A: b\r\nC: d"] {
            let Err(BenchError::Options { message, hint }) = header_lines(header) else {
                panic!("{header:?} was taken");
            };
            assert_eq!(message, format!("{header:?} is no header"));
            assert_eq!(hint, Some("write it as 'Name: value'"));
        }
    }

    fn tokens(text: &str, subscribers: usize) -> Result<Vec<String>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let common =
            Common { json: false, pid: None, headers: Vec::new(), tokens: Some(file.path().to_owned()) };
        common
            .tokens(subscribers)
            .map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
    }

    #[test]
    fn each_subscriber_has_a_line_of_the_file_of_tokens() {
        assert_eq!(tokens("a.b.c\nd.e.f\ng.h.i\n", 2), Ok(vec!["a.b.c".to_owned(), "d.e.f".to_owned()]));
        assert_eq!(tokens("a.b.c\n", 2), Err("FILE has 1 tokens for 2 subscribers".to_owned()));
    }

    #[test]
    fn a_line_that_cannot_stand_in_a_header_is_named_and_not_shown() {
        for text in ["a.b.c\n\nd.e.f\n", "a.b.c\nd e f\n"] {
            assert_eq!(tokens(text, 2), Err("line 2 of FILE is no token".to_owned()));
        }
    }
}
