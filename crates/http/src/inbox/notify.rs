//! A notification, from the body of a request to its users.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_core::{KeyFields, Topic, UnixMillis};
use tidings_inbox::limits::USERS_MAX;
use tidings_inbox::{Inbox, Notification, Notified, User};

use super::problem::{bad_notification, named_user, not_done};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::{ending, too_many_publishes};
use crate::events::publish::Publisher;
use crate::front::Front;
use crate::limits::JSON_FAULT_CHARS_MAX;
use crate::request::body::WholeBody;
use crate::request::body_document::read_document;
use crate::request::idempotency_key::idempotency_key;
use crate::request::position::{age, time};

/// A notification as it is sent. A name that stands twice is refused, and so is one that is not known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotificationDocument {
    title: Box<str>,
    body: Option<Box<str>>,
    link: Option<Box<str>>,
    kind: Option<Box<str>>,
    data: Option<Box<RawValue>>,
    dedupe: Option<Box<str>>,
    expires: Option<String>,
}

/// The body of `POST /inbox`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManyDocument {
    users: Vec<String>,
    notification: NotificationDocument,
}

/// The body of `POST /inbox?topic=`: a notification, or one in a member of this name as where there are users.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicDocument {
    notification: NotificationDocument,
}

#[derive(Serialize)]
struct NotifiedDocument {
    id: String,
    repeated: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    muted: bool,
}

#[derive(Serialize)]
struct CountDocument {
    notified: u64,
}

/// Whom the body of `POST /inbox` notifies, and of what.
pub(super) struct Many {
    pub(super) users: Vec<User>,
    says: Notification,
}

/// Reads the body of a request, whose sender has a share of what the hub takes.
pub(super) async fn read<'a, B>(
    front: &'a Front,
    parts: &Parts,
    body: B,
    bytes_max: usize,
) -> Result<WholeBody<'a>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if front.drain().has_begun() {
        return Err(ending());
    }
    check_type(parts)?;
    let rules = front.body_rules(&parts.extensions);
    read_document(body, &parts.headers, rules, bytes_max).await
}

fn check_type(parts: &Parts) -> Result<(), Problem> {
    let value = parts.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let kind = value.map(|value| value.split(';').next().unwrap_or_default().trim());
    match kind {
        Some(kind) if kind.eq_ignore_ascii_case("application/json") => Ok(()),
        // What `curl -d` sends without being asked.
        Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Ok(()),
        _ => Err(Problem::new(ProblemType::UnsupportedMediaType, "send the body as application/json")),
    }
}

/// Takes events and bytes of the share of a sender.
pub(super) fn take_share(
    front: &Front,
    publisher: &Publisher<'_>,
    events: u64,
    bytes: usize,
) -> Result<(), Problem> {
    let taken = front.shares().publish(publisher.sender, events, bytes as u64);
    taken.map_err(|limited| too_many_publishes(&limited))
}

/// Notifies a user.
pub(super) async fn one(
    front: &Front,
    inbox: &Inbox,
    parts: &Parts,
    publisher: &Publisher<'_>,
    user: &User,
    body: &[u8],
) -> Result<Response<Body>, Problem> {
    let says = document::<NotificationDocument>(body)?.check(front)?;
    take_share(front, publisher, 1, body.len())?;
    let key = key(parts, publisher)?;
    let Notified { id, repeated, muted } = inbox.notify(user, says, key).await.map_err(not_done)?;
    let document = NotifiedDocument { id: id.to_string(), repeated, muted };
    Ok(json::response(StatusCode::CREATED, &document))
}

/// Reads whom to notify.
pub(super) fn many(front: &Front, body: &[u8]) -> Result<Many, Problem> {
    let ManyDocument { users, notification } = document(body)?;
    if users.is_empty() || users.len() > USERS_MAX {
        let detail = format!("`users` has 1 to {USERS_MAX} names, and here are {}", users.len());
        return Err(Problem::new(ProblemType::BadNotification, detail));
    }
    let users = users.iter().map(|name| named_user(name)).collect::<Result<_, _>>()?;
    Ok(Many { users, says: notification.check(front)? })
}

/// Notifies them.
pub(super) async fn to_many(
    front: &Front,
    inbox: &Inbox,
    parts: &Parts,
    publisher: &Publisher<'_>,
    (many, bytes): (Many, usize),
) -> Result<Response<Body>, Problem> {
    take_share(front, publisher, many.users.len() as u64, bytes)?;
    let key = key(parts, publisher)?;
    let notified = inbox.notify_many(many.users, many.says, key).await.map_err(not_done)?;
    Ok(json::response(StatusCode::CREATED, &CountDocument { notified }))
}

/// Notifies those who follow a topic.
pub(super) async fn topic(
    front: &Front,
    inbox: &Inbox,
    parts: &Parts,
    publisher: &Publisher<'_>,
    (topic, body): (Topic, &[u8]),
) -> Result<Response<Body>, Problem> {
    let wrapped = document::<TopicDocument>(body).map(|document| document.notification);
    let says = wrapped.or_else(|_| document::<NotificationDocument>(body))?.check(front)?;
    take_share(front, publisher, 1, body.len())?;
    let key = key(parts, publisher)?;
    let notified = inbox.notify_topic(&topic, says, key).await.map_err(not_done)?;
    Ok(json::response(StatusCode::CREATED, &CountDocument { notified }))
}

fn key<'a>(parts: &'a Parts, publisher: &'a Publisher<'_>) -> Result<Option<KeyFields<'a>>, Problem> {
    Ok(idempotency_key(&parts.headers)?.map(|key| KeyFields { credential: &publisher.credential, key }))
}

/// A body as a document of a type.
pub(super) fn document<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let refused = |detail| Problem::new(ProblemType::BadNotification, detail);
    object(body).map_err(refused)
}

/// A body as an object of JSON; the error says what is wrong with it.
pub(super) fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    // The parser would take a list for the members in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("the body is no JSON object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| {
        let fault: String = error.to_string().chars().take(JSON_FAULT_CHARS_MAX).collect();
        format!("the body is not what it must be: {fault}")
    })
}

impl NotificationDocument {
    fn check(self, front: &Front) -> Result<Notification, Problem> {
        let now = front.clock().now();
        let Self { title, body, link, kind, data, dedupe, expires } = self;
        let expires = expires.map(|text| end(&text, now)).transpose()?;
        let says = Notification { title, body, link, kind, data, dedupe, expires };
        says.check(now).map_err(|error| bad_notification(&error))
    }
}

/// The end of a notification, in milliseconds since 1970: a time, or how long from now.
fn end(text: &str, now: UnixMillis) -> Result<u64, Problem> {
    if let Some(age) = age(text).filter(|age| *age > Duration::ZERO) {
        return Ok(now
            .0
            .saturating_add(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
            .min(i64::MAX as u64));
    }
    time(text).map(|time| time.0).map_err(|_| {
        let detail = "`expires` is a time with its zone, such as 2026-11-21T08:00:00Z, or how long from now: 90s, 10m, 2h or 7d";
        Problem::new(ProblemType::BadNotification, detail)
    })
}
