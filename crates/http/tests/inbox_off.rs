//! A hub without inboxes: what is about them is not there, and says why.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::tidings_inbox::{Inbox, InboxSettings};
use tidings_http::{Asset, Front, HttpConfig, Pages};

async fn front(has_inbox: bool) -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let asset = || Asset {
        content_type: "text/html; charset=utf-8",
        etag: HeaderValue::from_static("\"a\""),
        bytes: Bytes::from_static(b"a page"),
    };
    let names = ["index.html", "inbox.html", "inbox-demo/page.js", "transports.html"];
    let pages = Pages::new(names.map(|name| (name.to_owned(), asset())));
    let front = Front::new(hub.clone(), HttpConfig::default(), pages, clock.clone());
    if !has_inbox {
        return front;
    }
    front.with_inbox(Inbox::start(hub, InboxSettings::default(), clock).await.unwrap())
}

async fn get(front: &Front, path: &str) -> (u16, String) {
    let request = Request::get(path).header("host", "localhost").body(String::new()).unwrap();
    let (parts, body) = front.handle(request).await.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn the_pages_of_the_inbox_are_there_where_there_is_one() {
    let (with, without) = (front(true).await, front(false).await);
    for path in ["/console/inbox.html", "/console/inbox-demo/page.js", "/inbox/alice/count"] {
        assert_eq!(get(&with, path).await.0, 200, "{path}");
        let (status, text) = get(&without, path).await;
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &problem["type"]), (404, &"urn:tidings:problem:not-found".into()), "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("--inbox=false"), "{problem}");
    }
    // The script is the same on every hub, and a page may take it from one for the inbox of another.
    for path in ["/console/", "/console/transports.html", "/tidings-inbox.js"] {
        assert_eq!((get(&with, path).await.0, get(&without, path).await.0), (200, 200), "{path}");
    }
}
