//! The reconnect machine: what became of a connection goes in, what to do next comes out.
//!
//! It holds the `readyState` of the standard, the reconnection time, the count of failures and the deadline for
//! silence. It knows no socket, no clock and no chance: time and a [`Roll`] are handed in. Where the standard
//! leaves no choice, [`Mode::Strict`] takes none; [`Mode::Managed`] is what people ask for beyond it.

use std::time::{Duration, Instant};

use http::StatusCode;

use crate::backoff::{Backoff, Roll, Wait};

/// Where an event source stands, with the names and numbers of the standard.
///
/// Not `non_exhaustive`: the standard has these three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ReadyState {
    /// No connection yet, or none any more, and one will be made.
    Connecting = 0,
    /// Connected: the answer was a stream.
    Open = 1,
    /// There is no connection, and there will be none.
    Closed = 2,
}

/// Whose word counts where the standard and practice differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Strict,
    Managed,
}

/// How a machine decides.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) mode: Mode,
    /// Whether a second connection is ever made.
    pub(crate) reconnect: bool,
    /// The reconnection time until the server names one.
    pub(crate) retry: Duration,
    pub(crate) backoff: Backoff,
    /// How long a connection must have lived for the failures before it to be forgotten.
    pub(crate) healthy_after: Duration,
    /// Longest wait that a server can impose.
    pub(crate) wait_max: Duration,
    /// Silence that ends a connection, whatever the server announces.
    pub(crate) read_timeout: Option<Duration>,
}

/// What became of a connection, or of an attempt at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The body came to its end, as the server meant it.
    Ended,
    /// A network error: no connection, a reset, a deadline passed.
    Broken,
    /// An answer other than 200.
    Refused { status: StatusCode, retry_after: Option<Duration> },
    /// Something that another attempt would not change.
    Futile,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Connect again after a while.
    Reconnect { after: Duration },
    /// Nothing more: the stream ended cleanly and no reconnection was wished.
    Finish,
    /// HTML 9.2.3, "fail the connection".
    Fail,
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Machine {
    policy: Policy,
    ready_state: ReadyState,
    /// The reconnection time that the server named last.
    server_retry: Option<Duration>,
    /// The server named it on this very connection.
    retry_is_fresh: bool,
    failures: u32,
    opened_at: Option<Instant>,
    heard_at: Option<Instant>,
    /// Silence that the server's announcement makes a stall.
    stall_after: Option<Duration>,
}

impl Machine {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            ready_state: ReadyState::Connecting,
            server_retry: None,
            retry_is_fresh: false,
            failures: 0,
            opened_at: None,
            heard_at: None,
            stall_after: None,
        }
    }

    /// HTML 9.2.3, "announce the connection".
    pub(crate) fn open(&mut self, now: Instant) {
        self.ready_state = ReadyState::Open;
        self.opened_at = Some(now);
        self.heard_at = Some(now);
        self.retry_is_fresh = false;
        self.stall_after = None;
    }

    /// Bytes arrived, whatever they say.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard_at = Some(now);
    }

    /// A `retry` line: the reconnection time, at once.
    pub(crate) fn take_retry(&mut self, retry: Duration) {
        self.server_retry = Some(retry);
        self.retry_is_fresh = true;
    }

    /// The server announced its heartbeat.
    pub(crate) fn take_stall_deadline(&mut self, stall_after: Duration) {
        if self.policy.mode == Mode::Managed {
            self.stall_after = Some(stall_after);
        }
    }

    /// The connection, or the attempt at one, is over.
    pub(crate) fn end(&mut self, outcome: Outcome, now: Instant, roll: Roll) -> Action {
        let was_good = self.was_good(outcome, now);
        self.opened_at = None;
        let action = self.decide(outcome);
        self.ready_state = match action {
            Action::Reconnect { .. } => ReadyState::Connecting,
            Action::Finish | Action::Fail => ReadyState::Closed,
        };
        let Action::Reconnect { .. } = action else { return action };
        if was_good {
            self.failures = 0;
        }
        let after = self.wait(outcome, roll).min(self.policy.wait_max);
        if !was_good {
            self.failures = self.failures.saturating_add(1);
        }
        Action::Reconnect { after }
    }

    /// The caller wants no more.
    pub(crate) fn close(&mut self) {
        self.ready_state = ReadyState::Closed;
    }

    pub(crate) fn ready_state(&self) -> ReadyState {
        self.ready_state
    }

    /// How much silence ends the connection: what the caller set, else what the server's announcement means.
    pub(crate) fn silence_max(&self) -> Option<Duration> {
        self.policy.read_timeout.or(self.stall_after)
    }

    /// When the connection counts as stalled, if nothing is heard until then.
    pub(crate) fn silence_deadline(&self) -> Option<Instant> {
        self.heard_at?.checked_add(self.silence_max()?)
    }

    /// Whether to go on at all; the wait is filled in by [`end`](Self::end).
    fn decide(&self, outcome: Outcome) -> Action {
        let again = Action::Reconnect { after: Duration::ZERO };
        match outcome {
            Outcome::Futile => Action::Fail,
            Outcome::Refused { status, .. } if !self.may_pass(status) => Action::Fail,
            Outcome::Ended if !self.policy.reconnect => Action::Finish,
            Outcome::Broken | Outcome::Refused { .. } if !self.policy.reconnect => Action::Fail,
            Outcome::Ended | Outcome::Broken | Outcome::Refused { .. } => again,
        }
    }

    /// To the standard every status but 200 says "no".
    fn may_pass(&self, status: StatusCode) -> bool {
        self.policy.mode == Mode::Managed && is_passing(status)
    }

    /// Whether a connection clears the failures before it.
    ///
    /// That it opened proves little: a balancer in front of a dead server opens, too. It must have lived for a
    /// while, or have ended cleanly after it said when to come back, which is how a server lets clients poll.
    fn was_good(&self, outcome: Outcome, now: Instant) -> bool {
        let Some(opened_at) = self.opened_at else { return false };
        let is_poll = outcome == Outcome::Ended && self.retry_is_fresh;
        is_poll || now.saturating_duration_since(opened_at) >= self.policy.healthy_after
    }

    fn wait(&self, outcome: Outcome, roll: Roll) -> Duration {
        let base = self.server_retry.unwrap_or(self.policy.retry);
        if self.policy.mode == Mode::Strict {
            return base;
        }
        let mut failures = self.failures;
        if self.server_retry.is_some() && outcome != Outcome::Ended {
            // A server that crashed has told all its clients the same delay, and did not mean this.
            failures = failures.saturating_add(1);
        }
        let wait = Wait { base, least: self.server_retry.unwrap_or_default(), failures };
        let backoff = self.policy.backoff.wait(wait, roll);
        match outcome {
            // Everybody who was refused has been told the same moment: come after it, but not all at once.
            Outcome::Refused { retry_after: Some(retry_after), .. } => retry_after.saturating_add(backoff),
            Outcome::Refused { .. } | Outcome::Ended | Outcome::Broken | Outcome::Futile => backoff,
        }
    }
}

/// Whether a status says "not now" rather than "no".
pub(crate) fn is_passing(status: StatusCode) -> bool {
    let asks_again = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    status.is_server_error() || asks_again.contains(&status)
}

#[cfg(test)]
mod tests;
