//! A visitor: who a subscriber is, and how it came.

use std::net::IpAddr;
use std::sync::Arc;

use super::session::Session;

/// What is known of a subscriber beside what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// What let it in; none if it is anonymous.
    pub session: Option<Arc<Session>>,
    /// The address at the other end of its connection, if it has one.
    pub address: Option<IpAddr>,
    /// How it receives events.
    pub transport: Transport,
}

/// How a subscriber receives events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transport {
    /// In the process of the hub.
    #[default]
    InProcess,
    /// As `text/event-stream`.
    Sse,
    /// As `application/x-ndjson`.
    Lines,
    /// As a document that a page frames.
    Iframe,
    /// By answers that end at once.
    Poll,
    /// By answers that wait until there is something.
    LongPoll,
    /// As messages of a WebSocket.
    WebSocket,
}

impl Visitor {
    /// The user's name.
    pub fn user(&self) -> Option<&str> {
        self.session.as_ref()?.user.as_deref()
    }

    /// Whether listeners are told of it: not of a part of the hub's own program that is nobody in particular.
    pub(super) fn is_told_of(&self) -> bool {
        self.session.is_some() || self.transport != Transport::InProcess
    }

    /// The address of the client: what was told on the way, else that of the connection.
    pub fn client_address(&self) -> Option<IpAddr> {
        self.session.as_ref().and_then(|session| session.address).or(self.address)
    }
}

impl Transport {
    /// A stable word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Sse => "sse",
            Self::Lines => "ndjson",
            Self::Iframe => "iframe",
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::WebSocket => "websocket",
        }
    }
}
