//! What an answer gives, or what is wrong with it.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use tidings_http::Denied;
use tidings_http::core::{Selector, User};
use tidings_http::grants::limits::USER_BYTES_MAX;
use tidings_http::grants::{Allowed, object};

use crate::fault::Fault;
use crate::limits::{WEBHOOK_DETAIL_CHARS_MAX, WEBHOOK_SELECTORS_MAX, WEBHOOK_TTL_SECONDS_MAX};

/// What an answer gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Given {
    pub(crate) user: Option<User>,
    pub(crate) subscribe: Allowed,
    pub(crate) publish: Allowed,
    pub(crate) admin: bool,
    /// How long it holds. None: for this request, however long it lasts.
    pub(crate) ttl: Option<Duration>,
}

/// Why an answer gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotGiven {
    /// It refuses.
    Denied(Denied),
    /// It cannot be used.
    Fault(Fault),
}

/// Reads an answer.
pub(crate) fn read(answer: &Response<Bytes>) -> Result<Given, NotGiven> {
    match answer.status() {
        StatusCode::OK => given(answer.body()).map_err(NotGiven::Fault),
        StatusCode::UNAUTHORIZED => {
            let detail = detail(answer).unwrap_or_else(|| "this needs somebody who is signed in".to_owned());
            Err(NotGiven::Denied(Denied::WhoAreYou(detail)))
        }
        StatusCode::FORBIDDEN => {
            let detail = detail(answer).unwrap_or_else(|| "this is not allowed to who asks".to_owned());
            Err(NotGiven::Denied(Denied::NotAllowed(detail)))
        }
        status if status.is_redirection() => Err(NotGiven::Fault(Fault::Redirects(status.as_u16()))),
        status => Err(NotGiven::Fault(Fault::Status(status.as_u16()))),
    }
}

fn given(body: &[u8]) -> Result<Given, Fault> {
    // A name that stands twice would be one grant to a filter on the way, and another one to the hub.
    let members = object::parse(body).map_err(|error| match error.is_data() {
        true => wrong("the whole", "is no object in which each name stands once"),
        false => Fault::NoJson { line: error.line(), column: error.column() },
    })?;
    let subscribe = selectors(&members, "subscribe")?;
    let publish = selectors(&members, "publish")?;
    if subscribe.len() + publish.len() > WEBHOOK_SELECTORS_MAX {
        return Err(wrong("subscribe and publish", "have more than 1,000 selectors together"));
    }
    Ok(Given {
        user: user(&members)?,
        subscribe: Allowed::new(subscribe),
        publish: Allowed::new(publish),
        admin: match member(&members, "admin") {
            None => false,
            Some(Value::Bool(admin)) => *admin,
            Some(_) => return Err(wrong("`admin`", "is neither true nor false")),
        },
        ttl: ttl(&members)?,
    })
}

/// A member that says something: `null` says nothing.
fn member<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn wrong(member: &str, must: &'static str) -> Fault {
    Fault::Member { member: member.to_owned(), must }
}

fn selectors(members: &Map<String, Value>, name: &str) -> Result<Vec<Selector>, Fault> {
    let list = match member(members, name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong(&format!("`{name}`"), "is no list of texts")),
    };
    let selector = |(at, value): (usize, &Value)| {
        let bad = || wrong(&format!("`{name}[{at}]`"), "is no topic and no pattern");
        Selector::parse(value.as_str().ok_or_else(bad)?).map_err(|_| bad())
    };
    list.iter().enumerate().map(selector).collect()
}

fn user(members: &Map<String, Value>) -> Result<Option<User>, Fault> {
    match member(members, "user") {
        None => Ok(None),
        Some(Value::String(user)) if user.is_empty() || user.len() > USER_BYTES_MAX => {
            Err(wrong("`user`", "is empty, or has more than 256 bytes"))
        }
        Some(Value::String(user)) => Ok(Some(user.as_str().into())),
        Some(_) => Err(wrong("`user`", "is no text")),
    }
}

fn ttl(members: &Map<String, Value>) -> Result<Option<Duration>, Fault> {
    let Some(value) = member(members, "ttl") else { return Ok(None) };
    match value.as_f64() {
        Some(seconds) if seconds >= 0.001 => {
            Ok(Some(Duration::from_secs_f64(seconds.min(WEBHOOK_TTL_SECONDS_MAX as f64))))
        }
        _ => Err(wrong("`ttl`", "is no number of seconds above 0")),
    }
}

/// What the client may be told: the `detail` of a problem (RFC 9457), or a short text.
fn detail(answer: &Response<Bytes>) -> Option<String> {
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let words = if essence.eq_ignore_ascii_case("application/problem+json") {
        let problem: Map<String, Value> = serde_json::from_slice(answer.body()).ok()?;
        let detail = line(problem.get("detail")?.as_str()?);
        match detail.char_indices().nth(WEBHOOK_DETAIL_CHARS_MAX) {
            Some((end, _)) => format!("{}...", &detail[..end]),
            None => detail,
        }
    } else if essence.eq_ignore_ascii_case("text/plain") {
        let text = line(std::str::from_utf8(answer.body()).ok()?);
        // A long text is no answer to a user.
        if text.chars().nth(WEBHOOK_DETAIL_CHARS_MAX).is_some() {
            return None;
        }
        text
    } else {
        return None;
    };
    (!words.is_empty()).then_some(words)
}

/// Text as one line, without anything that moves a cursor or turns the direction of writing.
fn line(text: &str) -> String {
    let is_shown = |c: &char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !turns && (c.is_whitespace() || !c.is_control())
    };
    let shown: String = text.chars().filter(is_shown).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
