//! What is asked of a server: the options that make an event source.

use std::time::Duration;

use clap::Args;
use http::Method;
use http::header::AUTHORIZATION;
use tidings_client::{EventSource, EventSourceBuilder, Limits};

use super::hub::{Header, Trust, unusable};
use super::token::Token;
use crate::config::{Size, duration, size};
use crate::limits::FIELD_BYTES;
use crate::terminal::failure::Failure;

/// How a stream is asked for.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Go on after the event with this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    last_event_id: Option<String>,
    /// Header of every request; can be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<Header>,
    /// Method of the request: GET, or POST with --data
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,
    /// Body of the request, sent again with each reconnection
    ///
    /// What it is must be said with --header 'Content-Type: ...'.
    #[arg(long, value_name = "BODY", allow_hyphen_values = true)]
    data: Option<String>,
    /// Silence after which the connection counts as broken, such as 45s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    idle_timeout: Option<Duration>,
    /// The most data of one event; what is larger ends it [default: 16MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_event_bytes: Option<Size>,
    /// First delay before a reconnection, in milliseconds, until the server names one [default: 3000]
    ///
    /// With --strict it is waited out. Without, it is the most that is waited at first: a random time from 100 ms to that
    /// much, but no more than 30 s, so that those who were cut off together do not come back together.
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    retry: Option<u64>,
}

/// A whole number of milliseconds, as the field `retry` of a stream has it.
pub(crate) fn milliseconds(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "write a whole number of milliseconds, without a unit, such as 3000")
}

impl SourceArgs {
    /// The token that is sent beside the headers: the one that an option has chosen, or else another one, unless a header is one.
    pub(crate) fn token(
        &self,
        chosen: Option<Token>,
        otherwise: impl FnOnce() -> Result<Option<Token>, Failure>,
    ) -> Result<Option<Token>, Failure> {
        match chosen {
            Some(token) if self.has_authorization() => Err(Failure::usage(format!(
                "--header 'Authorization: ...' and {} are both given, and a request has one of them",
                token.chosen_by
            ))
            .hint("leave one of them out")),
            Some(token) => Ok(Some(token)),
            None if self.has_authorization() => Ok(None),
            None => otherwise(),
        }
    }

    /// Whether a header says who asks.
    pub(crate) fn has_authorization(&self) -> bool {
        self.headers.iter().any(|header| header.name == AUTHORIZATION)
    }

    /// An event source that is asked for at `url`, with a token if there is one.
    pub(crate) fn builder(
        &self,
        url: &str,
        trust: &Trust,
        token: Option<&Token>,
    ) -> Result<EventSourceBuilder, Failure> {
        let mut builder = EventSource::builder(url).map_err(|error| unusable(&error))?;
        for Header { name, value } in &self.headers {
            if name == "last-event-id" {
                return Err(Failure::usage("Last-Event-ID changes with every event")
                    .hint("--last-event-id sets the first one"));
            }
            builder = builder.header(name, value).map_err(|error| unusable(&error))?;
        }
        if let Some(id) = &self.last_event_id {
            builder = builder.last_event_id(id).map_err(|error| unusable(&error))?;
        }
        if let Some(silence) = self.idle_timeout {
            let zero = |_| Failure::usage("--idle-timeout must be longer than nothing");
            builder = builder.read_timeout(silence).map_err(zero)?;
        }
        if let Some(token) = token {
            builder = token.on_source(builder)?;
        }
        if let Some(pem) = trust.pem()? {
            builder = builder.root_certificates(&pem).map_err(|error| trust.unusable(&error))?;
        }
        Ok(self.with_any_value(builder))
    }

    /// The settings of which every value is fine.
    fn with_any_value(&self, mut builder: EventSourceBuilder) -> EventSourceBuilder {
        let default = if self.data.is_some() { Method::POST } else { Method::GET };
        builder = builder.method(self.method.clone().unwrap_or(default));
        if let Some(data) = &self.data {
            builder = builder.body(data.clone());
        }
        if let Some(size) = self.max_event_bytes {
            let event_bytes_max = size.bytes();
            let line_bytes_max = event_bytes_max.saturating_add(FIELD_BYTES);
            builder = builder.limits(Limits { line_bytes_max, event_bytes_max });
        }
        match self.retry {
            Some(ms) => builder.retry(Duration::from_millis(ms)),
            None => builder,
        }
    }

    /// The id to go on after, if one was given.
    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }
}
