//! An item as JSON.

use serde::Serialize;
use serde_json::value::RawValue;
use tidings_core::UnixMillis;
use tidings_inbox::{Flags, Item};

use crate::answer::document::time;

/// An item as its reader has it. Members that the notification does not have are left out.
#[derive(Serialize)]
pub(super) struct ItemDocument<'a> {
    id: String,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    read: bool,
    seen: bool,
    archived: bool,
}

impl<'a> ItemDocument<'a> {
    pub(super) fn new(item: &'a Item) -> Self {
        let Item { id, time: came, flags, says, .. } = item;
        Self {
            id: id.to_string(),
            title: &says.title,
            body: says.body.as_deref(),
            link: says.link.as_deref(),
            kind: says.kind.as_deref(),
            data: says.data.as_deref(),
            time: time(*came),
            expires: says.expires.map(|expires| time(UnixMillis(expires))),
            read: flags.has(Flags::READ),
            seen: flags.has(Flags::SEEN),
            archived: flags.has(Flags::ARCHIVED),
        }
    }
}
