//! A notification, from the body of a request to its users.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use ring::digest::{Context, SHA256};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_core::{KeyFields, Topic, UnixMillis};
use tidings_inbox::limits::USERS_MAX;
use tidings_inbox::{CallKey, Inbox, Notification, Notified, User};

use super::at_most::AtMost;
use super::problem::{bad_notification, named_user, not_done};
use crate::access::shown::shown;
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::{ending, too_many_publishes};
use crate::events::publish::{Publisher, replayed};
use crate::front::Front;
use crate::request::body::WholeBody;
use crate::request::body_document::{Object, check_json, object, read_document};
use crate::request::position::{TimeFault, age, time};

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
    users: AtMost<Box<str>, USERS_MAX>,
    notification: Object<NotificationDocument>,
}

/// The body of `POST /inbox?topic=`, if the notification is in a member of this name as where there are users.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicDocument {
    notification: Object<NotificationDocument>,
}

/// Tells whether it is. Nothing else is looked at.
#[derive(Deserialize)]
struct Wrapped {
    notification: Option<IgnoredAny>,
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
    /// `null` of a call that was made before, so long ago that it is not known any more.
    notified: Option<u64>,
}

/// Whom the body of `POST /inbox` notifies, and of what.
pub(super) struct Many {
    /// Sorted, each once.
    pub(super) users: Vec<User>,
    says: Said,
}

/// What a body says.
struct Said {
    notification: Notification,
    /// The end as it is written, which may be a distance: the same body says the same later.
    expires: Option<String>,
}

/// A call that notifies.
pub(super) struct Call<'a> {
    pub(super) front: &'a Front,
    pub(super) inbox: &'a Inbox,
    pub(super) publisher: &'a Publisher<'a>,
    /// Its idempotency key.
    pub(super) key: Option<&'a str>,
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
    // The form is what `curl -d` sends without being asked.
    check_json(&parts.headers, &["application/x-www-form-urlencoded"])?;
    let rules = front.body_rules(&parts.extensions);
    read_document(body, &parts.headers, rules, bytes_max).await
}

/// Takes events and bytes of the share of a sender.
pub(super) fn take_share(
    front: &Front,
    publisher: &Publisher<'_>,
    events: u64,
    bytes: u64,
) -> Result<(), Problem> {
    let taken = front.shares().publish(publisher.sender, events, bytes);
    taken.map_err(|limited| too_many_publishes(&limited))
}

/// Reads whom to notify.
pub(super) fn many(front: &Front, body: &[u8]) -> Result<Many, Problem> {
    let ManyDocument { users: AtMost(names), notification: Object(notification) } = document(body)?;
    if names.is_empty() {
        let detail = format!("`users` has 1 to {USERS_MAX} names, and here are none");
        return Err(Problem::new(ProblemType::BadNotification, detail));
    }
    let named = names.iter().enumerate().map(|(number, name)| {
        named_user(name).map_err(|problem| problem.about(&format!("`users[{number}]`")))
    });
    let mut users = named.collect::<Result<Vec<_>, _>>()?;
    users.sort_unstable();
    users.dedup();
    Ok(Many { users, says: notification.check(front)? })
}

impl Call<'_> {
    /// Notifies a user.
    pub(super) async fn notify(&self, user: &User, body: &[u8]) -> Result<Response<Body>, Problem> {
        let says = document::<NotificationDocument>(body)?.check(self.front)?;
        let key = self.key(|| says.digest("user", [user.as_str()]));
        let notified = self.inbox.notify(user, says.notification, key).await.map_err(not_done)?;
        let Notified { id, repeated, replayed: was_made, muted } = notified;
        let document = NotifiedDocument { id: id.to_string(), repeated, muted };
        Ok(answer(&document, was_made))
    }

    /// Notifies many. A call with many users is many events of the share of its sender: it is as much work for the hub.
    pub(super) async fn notify_many(&self, many: Many, bytes: usize) -> Result<Response<Body>, Problem> {
        let Many { users, says } = many;
        take_share(self.front, self.publisher, users.len() as u64, bytes as u64)?;
        let key = self.key(|| says.digest("users", users.iter().map(User::as_str)));
        let notified = self.inbox.notify_many(users, says.notification, key).await.map_err(not_done)?;
        Ok(answer(&CountDocument { notified: notified.notified }, notified.repeated))
    }

    /// Notifies those who follow a topic. How many these are is known behind it, and counts against the next call.
    pub(super) async fn notify_topic(&self, topic: &Topic, body: &[u8]) -> Result<Response<Body>, Problem> {
        let is_wrapped = document::<Wrapped>(body)?.notification.is_some();
        let says = match is_wrapped {
            true => document::<TopicDocument>(body)?.notification.0,
            false => document::<NotificationDocument>(body)?,
        };
        let says = says.check(self.front)?;
        let key = self.key(|| says.digest("topic", [topic.as_str()]));
        let notified = self.inbox.notify_topic(topic, says.notification, key).await.map_err(not_done)?;
        let more = notified.notified.filter(|_| !notified.repeated).unwrap_or(0).saturating_sub(1);
        self.front.shares().add_events(self.publisher.sender, more);
        Ok(answer(&CountDocument { notified: notified.notified }, notified.repeated))
    }

    fn key(&self, digest: impl FnOnce() -> [u8; 16]) -> Option<CallKey<'_>> {
        let fields = KeyFields { credential: &self.publisher.credential, key: self.key? };
        Some(CallKey { fields, digest: digest() })
    }
}

/// The answer to a call, which was perhaps made before.
fn answer(document: &impl Serialize, was_made: bool) -> Response<Body> {
    let response = json::response(StatusCode::CREATED, document);
    if was_made { replayed(response) } else { response }
}

/// A body as a document of a type.
pub(super) fn document<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    let refused = |detail| Problem::new(ProblemType::BadNotification, detail);
    object(body).map_err(refused)
}

impl NotificationDocument {
    fn check(self, front: &Front) -> Result<Said, Problem> {
        let now = front.clock().now();
        let Self { title, body, link, kind, data, dedupe, expires } = self;
        let until = expires.as_deref().map(|text| end(text, now)).transpose()?;
        let says = Notification { title, body, link, kind, data, dedupe, expires: until };
        let notification = says.check(now).map_err(|error| bad_notification(&error))?;
        Ok(Said { notification, expires })
    }
}

impl Said {
    /// What tells a call from others under the same idempotency key: the first 16 bytes of SHA-256 over what it notifies, and all that it
    /// says. Each text stands behind its length in eight bytes, and one that is not there is empty, which none is. The log keeps it, so it
    /// must not change.
    fn digest<'t>(&self, what: &str, to: impl IntoIterator<Item = &'t str>) -> [u8; 16] {
        let Notification { title, body, link, kind, data, dedupe, .. } = &self.notification;
        let mut context = Context::new(&SHA256);
        let mut add = |text: &str| {
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        };
        add(what);
        to.into_iter().for_each(&mut add);
        add("");
        add(title);
        for text in [body, link, kind, dedupe] {
            // A body may be empty, and means what none means.
            add(text.as_deref().unwrap_or_default());
        }
        add(data.as_ref().map_or("", |data| data.get()));
        add(self.expires.as_deref().unwrap_or_default());
        let whole = context.finish();
        *whole.as_ref().first_chunk().expect("SHA-256 has 32 bytes")
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
    time(text).map(|time| time.0).map_err(|fault| {
        let wrong = match fault {
            TimeFault::NoTime => "",
            TimeFault::NoZone => " has no time zone: it",
            TimeFault::BadOffset => " has an offset of more than 23:59: it",
        };
        let rule =
            "is a time with its zone, such as 2026-11-21T08:00:00Z, or how long from now: 90s, 10m, 2h or 7d";
        let detail = format!("`expires`{wrong} {rule}, and not `{}`", shown(text.as_bytes()));
        Problem::new(ProblemType::BadNotification, detail)
    })
}
