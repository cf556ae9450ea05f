//! In which form a subscriber hears, and how it asks for that.

use serde_json::{Map, Value, json};

use crate::support::websocket::HANDSHAKE;

/// The page that frames an iframe.
pub(crate) const APP: &str = "https://app.example";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    EventStream,
    /// With a topic and a time at each event.
    EventStreamWithTime,
    /// By `POST /subscribe`.
    EventStreamByPost,
    Envelope,
    Lines,
    Poll,
    LongPoll,
    Page,
    WebSocket,
    Iframe,
}

/// What a subscriber asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) topics: Vec<&'static str>,
    /// `last_event_id`, `since` and so on.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// What it shows to be let in.
    pub(crate) token: Option<String>,
}

/// A request as every carrier can send it.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Transport {
    pub(crate) const ALL: [Self; 10] = [
        Self::EventStream,
        Self::EventStreamWithTime,
        Self::EventStreamByPost,
        Self::Envelope,
        Self::Lines,
        Self::Poll,
        Self::LongPoll,
        Self::Page,
        Self::WebSocket,
        Self::Iframe,
    ];

    /// As the documentation calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EventStream => "server-sent events",
            Self::EventStreamWithTime => "the same, `with=time`",
            Self::EventStreamByPost => "the same, by `POST /subscribe`",
            Self::Envelope => "`envelope=json`",
            Self::Lines => "lines of JSON",
            Self::Poll => "`mode=poll`",
            Self::LongPoll => "`mode=long-poll`",
            Self::Page => "a page that waits",
            Self::WebSocket => "WebSocket",
            Self::Iframe => "`mode=iframe`",
        }
    }

    /// Whether an answer ends, and the client comes back.
    pub(crate) fn is_finite(self) -> bool {
        matches!(self, Self::Poll | Self::LongPoll | Self::Page)
    }

    /// Whether a request waits at the hub while there is nothing to hear.
    pub(crate) fn waits(self) -> bool {
        self != Self::Poll
    }

    pub(crate) fn ask(self, wanted: &Wanted) -> Ask {
        let Wanted { topics, parameters, token } = wanted;
        let mut parameters = parameters.clone();
        parameters.extend(self.parameters());
        let mut ask = if self == Self::EventStreamByPost {
            Ask {
                method: "POST",
                target: "/subscribe".to_owned(),
                headers: vec![("content-type", "application/json".to_owned())],
                body: body(topics, &parameters),
            }
        } else {
            let (path, mut query) = match topics[..] {
                [topic] if !topic.contains('*') => (format!("/events/{topic}"), Vec::new()),
                _ => ("/events".to_owned(), topics.iter().map(|topic| format!("topic={topic}")).collect()),
            };
            query.extend(parameters.iter().map(|(name, value)| format!("{name}={value}")));
            let target = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
            Ask { method: "GET", target, headers: Vec::new(), body: String::new() }
        };
        ask.headers.push(("accept", self.accept().to_owned()));
        ask.headers.extend(token.iter().map(|token| ("authorization", format!("Bearer {token}"))));
        if self == Self::WebSocket {
            let lines = HANDSHAKE.lines().filter_map(|line| line.split_once(": "));
            ask.headers.extend(lines.map(|(name, value)| (name, value.to_owned())));
        }
        ask
    }

    fn accept(self) -> &'static str {
        match self {
            Self::EventStream
            | Self::EventStreamWithTime
            | Self::EventStreamByPost
            | Self::Envelope
            | Self::Poll
            | Self::LongPoll => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::Page => "application/json",
            Self::WebSocket => "*/*",
            Self::Iframe => "text/html,application/xhtml+xml,*/*;q=0.8",
        }
    }

    /// Its own parameters.
    fn parameters(self) -> Vec<(&'static str, String)> {
        let own: &[(&'static str, &str)] = match self {
            Self::EventStream | Self::EventStreamByPost | Self::Lines | Self::WebSocket => &[],
            Self::EventStreamWithTime => &[("with", "time")],
            Self::Envelope => &[("envelope", "json")],
            Self::Poll => &[("mode", "poll")],
            Self::LongPoll => &[("mode", "long-poll")],
            Self::Page => &[("wait", "25s")],
            Self::Iframe => &[("mode", "iframe"), ("origin", APP)],
        };
        own.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }
}

fn body(topics: &[&str], parameters: &[(&'static str, String)]) -> String {
    let mut body = Map::from_iter([("topics".to_owned(), json!(topics))]);
    body.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    Value::Object(body).to_string()
}
