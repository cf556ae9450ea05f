//! The URLs below `/inbox`: what a path names, and what a method asks of it.

use http::header::ACCEPT;
use http::{HeaderMap, Method};
use tidings_inbox::Mark;

use super::granted::Gate;
use super::plain::PlainAction;
use crate::access::policy::Policy;
use crate::answer::problem::Problem;
use crate::request::accept::{Representation, negotiate};
use crate::stream::StreamFormat;

/// What a path below `/inbox` names. Texts are as the URL has them, percent-encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InboxRoute<'a> {
    /// `/inbox`: many users.
    All,
    /// `/inbox/{user}`.
    User(&'a str),
    /// `/inbox/{user}/count`.
    Count(&'a str),
    /// `/inbox/{user}/read`, and the other marks.
    Mark(&'a str, Mark),
    /// `/inbox/{user}/mute`.
    Mutes(&'a str),
    /// `/inbox/{user}/mute/{kind}`.
    Mute(&'a str, &'a str),
    /// `/inbox/{user}/follows`.
    Follows(&'a str),
    /// `/inbox/{user}/follows/{selector}`.
    Follow(&'a str, &'a str),
    /// `/inbox/{user}/{id}`.
    Item(&'a str, &'a str),
    /// Nothing.
    Unknown,
}

/// What a request asks of the inbox.
#[derive(Debug)]
pub(crate) enum InboxAction<'a> {
    /// Notifies the users that the body names, or those who follow the topic in the query.
    NotifyMany,
    /// Notifies a user.
    Notify(&'a str),
    /// Marks items.
    Mark(&'a str, Mark),
    /// A stream of what happens.
    Subscribe(&'a str, StreamFormat),
    /// What needs neither a body nor a stream.
    Plain(&'a str, PlainAction<'a>),
    /// None of what the URL answers is accepted.
    RefuseAccept(Problem),
}

impl<'a> InboxRoute<'a> {
    /// `rest` is what stands after `/inbox/`.
    pub(crate) fn below(rest: &'a str) -> Self {
        let (user, rest) = match rest.split_once('/') {
            None => return if rest.is_empty() { Self::Unknown } else { Self::User(rest) },
            Some(parts) => parts,
        };
        if user.is_empty() {
            return Self::Unknown;
        }
        match rest.split_once('/') {
            Some(("mute", kind)) if !kind.is_empty() && !kind.contains('/') => Self::Mute(user, kind),
            Some(("follows", selector)) if !selector.is_empty() => Self::Follow(user, selector),
            Some(_) => Self::Unknown,
            None => match rest {
                "" => Self::Unknown,
                "count" => Self::Count(user),
                "read" => Self::Mark(user, Mark::Read),
                "unread" => Self::Mark(user, Mark::Unread),
                "seen" => Self::Mark(user, Mark::Seen),
                "archive" => Self::Mark(user, Mark::Archived),
                "mute" => Self::Mutes(user),
                "follows" => Self::Follows(user),
                id => Self::Item(user, id),
            },
        }
    }

    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::All | Self::Mark(..) => "POST, OPTIONS",
            Self::User(_) => "GET, HEAD, POST, DELETE, OPTIONS",
            Self::Mute(..) | Self::Follow(..) => "PUT, DELETE, OPTIONS",
            Self::Item(..) => "DELETE, OPTIONS",
            Self::Count(_) | Self::Mutes(_) | Self::Follows(_) | Self::Unknown => "GET, HEAD, OPTIONS",
        }
    }

    /// What a method asks of it; none if it does not take the method.
    pub(crate) fn action(self, method: &Method, headers: &HeaderMap) -> Option<InboxAction<'a>> {
        let reads = method == Method::GET || method == Method::HEAD;
        let (puts, deletes) = (method == Method::PUT, method == Method::DELETE);
        let plain = |user, action| Some(InboxAction::Plain(user, action));
        match self {
            Self::All if method == Method::POST => Some(InboxAction::NotifyMany),
            Self::User(user) if method == Method::POST => Some(InboxAction::Notify(user)),
            Self::User(user) if deletes => plain(user, PlainAction::Erase),
            Self::User(user) if reads => Some(match negotiate(headers) {
                Ok(Representation::Stream(format)) => InboxAction::Subscribe(user, format),
                // Who looks by a browser reads JSON.
                Ok(Representation::History | Representation::Page) => {
                    InboxAction::Plain(user, PlainAction::List)
                }
                Err(problem) => InboxAction::RefuseAccept(problem),
            }),
            Self::Count(user) if reads && asks_for_stream(headers) => Some(match negotiate(headers) {
                Ok(Representation::Stream(_)) => InboxAction::Plain(user, PlainAction::PollCount),
                Ok(Representation::History | Representation::Page) => {
                    InboxAction::Plain(user, PlainAction::Count)
                }
                Err(problem) => InboxAction::RefuseAccept(problem),
            }),
            Self::Count(user) if reads => plain(user, PlainAction::Count),
            Self::Mark(user, mark) if method == Method::POST => Some(InboxAction::Mark(user, mark)),
            Self::Mutes(user) if reads => plain(user, PlainAction::Mutes),
            Self::Mute(user, kind) if puts || deletes => plain(user, PlainAction::Mute(kind, puts)),
            Self::Follows(user) if reads => plain(user, PlainAction::Follows),
            Self::Follow(user, selector) if puts || deletes => {
                plain(user, PlainAction::Follow(selector, puts))
            }
            Self::Item(user, id) if deletes => plain(user, PlainAction::Delete(id)),
            _ => None,
        }
    }
}

/// Programs that say nothing get JSON; only an `EventSource` asks for an event stream here.
fn asks_for_stream(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|part| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

impl InboxAction<'_> {
    /// What must hold before it.
    pub(crate) fn policy(&self) -> Policy {
        match self {
            Self::NotifyMany | Self::Notify(_) => Policy::PUBLISH,
            // The end of all that is known of a user: where there is a key and no users, it is for the application.
            Self::Plain(_, PlainAction::Erase) => Policy::PUBLISH,
            Self::Subscribe(..) | Self::RefuseAccept(_) => Policy::READ,
            Self::Mark(..) => Policy::TICKET,
            Self::Plain(_, action) => match action.gate() {
                Gate::Reads => Policy::READ,
                Gate::Changes | Gate::Owns => Policy::TICKET,
            },
        }
    }

    /// Whether it is answered on a connection for which there is no place: a stream tells its client when to come back.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Subscribe(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_names_one_thing() {
        for (rest, route) in [
            ("alice", InboxRoute::User("alice")),
            ("count", InboxRoute::User("count")),
            ("alice/count", InboxRoute::Count("alice")),
            ("a%2Fb/read", InboxRoute::Mark("a%2Fb", Mark::Read)),
            ("alice/unread", InboxRoute::Mark("alice", Mark::Unread)),
            ("alice/seen", InboxRoute::Mark("alice", Mark::Seen)),
            ("alice/archive", InboxRoute::Mark("alice", Mark::Archived)),
            ("alice/mute", InboxRoute::Mutes("alice")),
            ("alice/mute/sale", InboxRoute::Mute("alice", "sale")),
            ("alice/follows", InboxRoute::Follows("alice")),
            ("alice/follows/orders/42", InboxRoute::Follow("alice", "orders/42")),
            ("alice/1k3f-40", InboxRoute::Item("alice", "1k3f-40")),
            ("", InboxRoute::Unknown),
            ("/count", InboxRoute::Unknown),
            ("alice/", InboxRoute::Unknown),
            ("alice/mute/", InboxRoute::Unknown),
            ("alice/mute/a/b", InboxRoute::Unknown),
            ("alice/follows/", InboxRoute::Unknown),
            ("alice/1k3f-40/read", InboxRoute::Unknown),
        ] {
            assert_eq!(InboxRoute::below(rest), route, "{rest}");
        }
    }
}
