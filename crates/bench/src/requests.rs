//! What each subscriber of a crowd asks for: the same as all others, or a URL and a token of its own.

use super::error::BenchError;
use super::plan::{Common, Target};

/// Stands for a subscriber's number in a URL.
const NUMBER: &str = "{n}";

/// How subscribers receive events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Transport {
    /// As server-sent events.
    #[default]
    Sse,
    /// As messages of a WebSocket.
    WebSocket,
}

/// The requests of a crowd of subscribers.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    host: String,
    path: String,
    /// What each of them asks for.
    transport: Transport,
    headers: String,
    /// A token for each subscriber; none if they are anonymous.
    tokens: Vec<String>,
}

impl Requests {
    /// For so many subscribers of a URL.
    pub(super) fn new(target: &Target, common: &Common, subscribers: usize) -> Result<Self, BenchError> {
        Ok(Self {
            host: target.host.clone(),
            path: target.path.clone(),
            transport: Transport::default(),
            headers: common.header_lines()?,
            tokens: common.tokens(subscribers)?,
        })
    }

    /// The same over another transport.
    pub(super) fn over(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    /// The same for another path.
    pub(super) fn at(self, path: String) -> Self {
        Self { path, ..self }
    }

    /// The same with another line in each head.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// What one of the subscribers sends.
    pub(super) fn of(&self, number: usize) -> String {
        let path = self.path.replace(NUMBER, &number.to_string());
        let asks = self.transport.headers();
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{asks}", self.host);
        head.push_str(&self.headers);
        if let Some(token) = self.tokens.get(number) {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        head.push_str("\r\n");
        head
    }
}

impl Transport {
    /// The lines of a head that ask for it.
    fn headers(self) -> &'static str {
        match self {
            Self::Sse => "Accept: text/event-stream\r\n",
            // The key of the example in RFC 6455, 1.3: whether the server has understood it is not measured.
            Self::WebSocket => {
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(tokens: &[&str]) -> Requests {
        Requests {
            host: "hub.test".to_owned(),
            path: "/events?topic=users/{n}/**".to_owned(),
            transport: Transport::Sse,
            headers: "X-A: b\r\n".to_owned(),
            tokens: tokens.iter().map(|&token| token.to_owned()).collect(),
        }
    }

    #[test]
    fn a_subscriber_sends_its_number_and_its_token() {
        let sent = requests(&["t0", "t1"]).with_header("Last-Event-ID", "a-1").of(1);

        let expected = [
            "GET /events?topic=users/1/** HTTP/1.1",
            "Host: hub.test",
            "Accept: text/event-stream",
            "X-A: b",
            "Last-Event-ID: a-1",
            "Authorization: Bearer t1",
            "",
            "",
        ];
        assert_eq!(sent, expected.join("\r\n"));
    }

    #[test]
    fn a_subscriber_by_websocket_shakes_hands() {
        let sent = requests(&[]).over(Transport::WebSocket).of(1);

        assert!(sent.contains("\r\nUpgrade: websocket\r\n") && !sent.contains("Accept:"), "{sent}");
    }

    #[test]
    fn an_anonymous_subscriber_sends_no_token() {
        assert!(!requests(&[]).of(1).contains("Authorization"));
    }
}
