//! The client's side of a scenario.

use std::time::Duration;

use tidings_client::{Error, EventSource, Item, ReadyState};
use tokio::time::{Instant, timeout};

use super::{ExpectedEvent, Options, Scenario};
use crate::support::server::Server;

/// Long enough for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the client saw.
#[derive(Debug, Default)]
struct Seen {
    opens: usize,
    events: Vec<ExpectedEvent>,
    errors: Vec<&'static str>,
    first_error_after: Option<Duration>,
    is_over: bool,
}

impl Scenario {
    /// Plays the scenario, and says what was wrong.
    pub(crate) async fn play(self, strict: bool) -> Vec<String> {
        let server = self.start_server();
        let mut source = self.options.source(&server.url("/source"), strict);
        let mut seen = Seen::default();
        let began = Instant::now();
        if timeout(PATIENCE, self.run(&server, &mut source, &mut seen, began)).await.is_err() {
            return vec![format!("{}: saw only {seen:?} of {:?}", self.name, self.expect)];
        }
        if let Some(quiet_ms) = self.expect.quiet_ms {
            self.drive(&server, &mut source, &mut seen, began, Duration::from_millis(quiet_ms)).await;
        }
        let wrong = self.check(&server, &source, &seen);
        wrong.into_iter().map(|words| format!("{}: {words}; saw {seen:?}", self.name)).collect()
    }

    /// Drives the client until all that is expected has been seen.
    async fn run(&self, server: &Server, source: &mut EventSource, seen: &mut Seen, began: Instant) {
        if let Some(within_ms) = self.expect.within_ms {
            return self.drive(server, source, seen, began, Duration::from_millis(within_ms)).await;
        }
        let mut requests = server.requests();
        while !self.is_complete(seen, requests.borrow_and_update().len()) {
            tokio::select! {
                // Not biased: either brings news, and the order between them means nothing.
                item = source.next(), if !seen.is_over => self.take(server, source, seen, began, item),
                change = requests.changed() => change.unwrap(),
            }
        }
    }

    /// Drives the client for a while.
    async fn drive(
        &self,
        server: &Server,
        source: &mut EventSource,
        seen: &mut Seen,
        began: Instant,
        time: Duration,
    ) {
        let until = Instant::now() + time;
        while let Ok(item) = tokio::time::timeout_at(until, source.next()).await {
            self.take(server, source, seen, began, item);
            if seen.is_over {
                return tokio::time::sleep_until(until).await;
            }
        }
    }

    fn take(
        &self,
        server: &Server,
        source: &mut EventSource,
        seen: &mut Seen,
        began: Instant,
        item: Option<Result<Item, Error>>,
    ) {
        match item {
            Some(Ok(Item::Open(_))) => seen.opens += 1,
            Some(Ok(Item::Event(event))) => seen.events.push(ExpectedEvent {
                r#type: event.type_or_message().to_owned(),
                data: event.data,
                last_event_id: event.last_event_id,
            }),
            Some(Ok(Item::Reconnecting(_)) | Err(_)) => {
                seen.errors.push(name(source.ready_state()));
                seen.first_error_after.get_or_insert(began.elapsed());
                server.accept();
            }
            Some(Ok(_)) => {}
            None => seen.is_over = true,
        }
        self.close_if_asked(source, seen);
    }

    fn close_if_asked(&self, source: &mut EventSource, seen: &Seen) {
        for connection in &self.connections {
            let closes = connection.client_closes_after_error == Some(seen.errors.len())
                || connection.client_closes_after_event == Some(seen.events.len());
            if closes {
                source.close();
            }
        }
    }

    fn is_complete(&self, seen: &Seen, requests: usize) -> bool {
        let expect = &self.expect;
        if expect.final_state.is_some() {
            return seen.is_over;
        }
        seen.opens >= expect.opens.unwrap_or(0)
            && seen.events.len() >= expect.events.as_ref().map_or(0, Vec::len)
            && seen.errors.len() >= expect.errors.as_ref().map_or(0, Vec::len)
            && (expect.error_within_ms.is_none() || !seen.errors.is_empty())
            && requests >= expect.requests.unwrap_or(self.must_connect())
    }

    /// How many connections must have been made for all that is said of requests to have been checked.
    fn must_connect(&self) -> usize {
        if self.connections.iter().any(|connection| connection.repeat) {
            return 1;
        }
        self.connections.iter().filter(|connection| !connection.refuse).count()
    }

    fn check(&self, server: &Server, source: &EventSource, seen: &Seen) -> Vec<String> {
        let expect = &self.expect;
        let requests = server.requests().borrow().clone();
        let mut wrong = self.check_requests(&requests);
        let mut claim = |holds: bool, what: &str| {
            if !holds {
                wrong.push(what.to_owned());
            }
        };
        claim(expect.opens.is_none_or(|opens| opens == seen.opens), "opens");
        claim(expect.events.as_ref().is_none_or(|events| *events == seen.events), "events");
        claim(expect.errors.as_ref().is_none_or(|errors| *errors == seen.errors), "errors");
        claim(expect.requests.is_none_or(|count| count == requests.len()), "requests");
        claim(expect.max_requests.is_none_or(|max| requests.len() <= max), "too many requests");
        let state = expect.final_state.as_deref();
        claim(state.is_none_or(|state| state == name(source.ready_state())), "final state");
        let deadline = expect.error_within_ms.map(Duration::from_millis);
        claim(
            deadline.is_none_or(|deadline| seen.first_error_after.is_some_and(|at| at <= deadline)),
            "late",
        );
        wrong
    }
}

impl Options {
    fn source(&self, url: &str, strict: bool) -> EventSource {
        let mut builder = EventSource::builder(url).unwrap();
        if strict {
            builder = builder.strict();
        }
        for (name, value) in &self.headers {
            builder = builder.header(name.as_str(), value.as_str().unwrap()).unwrap();
        }
        if let Some(method) = &self.method {
            builder = builder.method(method.parse().unwrap());
        }
        if let Some(body) = &self.body {
            builder = builder.body(body.clone());
        }
        if let Some(delay_ms) = self.initial_delay_ms {
            builder = builder.retry(Duration::from_millis(delay_ms));
        }
        if let Some(timeout_ms) = self.read_timeout_ms {
            builder = builder.read_timeout(Duration::from_millis(timeout_ms)).unwrap();
        }
        builder.build()
    }
}

fn name(state: ReadyState) -> &'static str {
    match state {
        ReadyState::Connecting => "CONNECTING",
        ReadyState::Open => "OPEN",
        ReadyState::Closed => "CLOSED",
    }
}
