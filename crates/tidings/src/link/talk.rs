//! What happens to a connection, on stderr: words for people, one line of JSON for programs.

use serde::Serialize;
use tidings_client::{Beginning, Error, Expired, Item};

use super::reason::failed;
use super::wait::seconds;
use crate::limits::ERROR_CHARS_MAX;
use crate::terminal::chain::{chain, visible};
use crate::terminal::failure::Failure;
use crate::terminal::talk::{tell, tell_json};

/// Talks on stderr. Nothing depends on whether anybody listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    json: bool,
    color: bool,
}

/// A change of state.
#[derive(Serialize)]
struct StateLine<'a> {
    state: &'a str,
    status: Option<u16>,
    error: Option<String>,
}

impl Talk {
    pub(crate) fn new(json: bool, color: bool) -> Self {
        Self { json, color }
    }

    /// Whether there is something to say about an item.
    pub(crate) fn is_about(self, item: &Item) -> bool {
        matches!(item, Item::Open(_) | Item::Beginning(_) | Item::Reconnecting(_) | Item::Expired(_))
    }

    /// Says what has become of the connection, and of the access to it.
    pub(crate) fn say(self, item: &Item) {
        match item {
            Item::Open(open) if self.json => self.state("open", None, &format!("listening to {}", open.url)),
            Item::Open(open) => self.word(&format!("listening to {}", visible(&open.url))),
            Item::Reconnecting(again) => {
                let words = format!("{}; again in {}", chain(&again.error), seconds(again.after));
                self.state("connecting", Some(&again.error), &words);
            }
            Item::Beginning(beginning) => self.began(beginning),
            Item::Expired(expired) => self.expired(expired),
            _ => {}
        }
    }

    /// Says that there will be no more. A person hears the reason as the program's last word.
    pub(crate) fn closed(self, error: Option<&Error>) {
        match error {
            Some(error) if error.is_stop() => {
                self.state("closed", Some(error), "the server says that there is no more");
            }
            error if self.json => self.state("closed", error, ""),
            _ => {}
        }
    }

    /// The stream has failed for good. Programs are told now, a person by the failure. `access` is what to try if it was refused because
    /// nobody has said who asks.
    pub(crate) fn failed(self, error: &Error, access: Option<&str>) -> Failure {
        let failure = failed(error, access);
        if !self.json {
            return failure;
        }
        self.closed(Some(error));
        failure.told()
    }

    /// The same for what is not the stream's doing, but not for what was asked for wrongly: nothing was begun then.
    pub(crate) fn gave_up(self, failure: Failure) -> Failure {
        if !self.json || failure.is_usage() {
            return failure;
        }
        let state = StateLine { state: "closed", status: None, error: Some(failure.message().to_owned()) };
        self.print_state(&state);
        failure.told()
    }

    /// Says something that is no change of state. Programs get it as a line, too.
    pub(crate) fn warn(self, words: &str) {
        if self.json {
            tell_json(&serde_json::json!({ "warning": words }).to_string());
        } else {
            self.word(words);
        }
    }

    /// Says something that the operator should mend, although it works.
    pub(crate) fn caution(self, words: &str) {
        if self.json { self.warn(words) } else { self.print(&format!("warning: {words}")) }
    }

    /// The hub has named the connection. People have no use for it.
    fn began(self, Beginning { connection, .. }: &Beginning) {
        if self.json && connection.is_some() {
            tell_json(&serde_json::json!({ "open": { "connection": connection } }).to_string());
        }
    }

    /// The hub ends the stream because access is over.
    fn expired(self, expired: &Expired) {
        let reason = expired.reason.as_deref().map(|reason| {
            let reason: String = reason.chars().take(ERROR_CHARS_MAX).collect();
            visible(&reason)
        });
        if self.json {
            return tell_json(&serde_json::json!({ "expired": { "reason": reason } }).to_string());
        }
        let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        self.word(&format!("access is over{why}"));
    }

    fn state(self, state: &str, error: Option<&Error>, words: &str) {
        if !self.json {
            return self.word(words);
        }
        let status = match state {
            "open" => Some(200),
            _ => error.and_then(Error::status).map(|status| status.as_u16()),
        };
        self.print_state(&StateLine { state, status, error: error.map(|error| chain(error)) });
    }

    fn print_state(self, state: &StateLine<'_>) {
        tell_json(&serde_json::to_string(state).expect("a state is always JSON"));
    }

    fn word(self, words: &str) {
        if self.color { self.print(&format!("\x1b[2m{words}\x1b[0m")) } else { self.print(words) }
    }

    fn print(self, line: &str) {
        tell(line);
    }
}
