//! Everything around publish and subscribe: paths, methods, `Accept`, pages, history, health.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::Scene;
use support::{UNSHARED, opening, problem, problem_with, stream_head, unspread};
use tidings_core::memory::MemoryRetention;

/// The header that every page of the console has.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The answer to a GET.
async fn got(scene: &Scene, target: &str, headers: &str) -> String {
    scene.get(target, headers).await.answer().await
}

/// A page of history.
fn history(headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache, no-store\r\nvary: Accept\r\n{headers}{UNSHARED}content-length: {}\r\n\r\n{body}\n",
        body.len() + 1
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_not_found() {
    let scene = Scene::start().await;
    let detail = "there is nothing here; events are at /events/{topic}, the console is at /";
    for target in [
        "/stream",
        "/event",
        "/eventsx",
        "/console/none.js",
        "/console/../Cargo.toml",
        "//",
        "/events%2Fa",
        "*",
    ] {
        assert_eq!(got(&scene, target, "").await, problem("404 Not Found", "not-found", detail), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_take_is_refused_with_those_it_does() {
    let scene = Scene::start().await;
    for (method, target, allow) in [
        ("PUT", "/events/a", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/events/a", "GET, HEAD, POST, OPTIONS"),
        ("BREW", "/events/a", "GET, HEAD, POST, OPTIONS"),
        ("PUT", "/events", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let mut wire = scene.connect().await;
        wire.send(format!("{method} {target} HTTP/1.1\r\nhost: h\r\n\r\n")).await;
        let detail = format!("this URL takes {allow}");
        let headers = format!("allow: {allow}\r\n");
        assert_eq!(
            wire.answer().await,
            problem_with("405 Method Not Allowed", "method-not-allowed", &detail, &headers)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_url_answers_a_stream_a_page_or_history() {
    let scene = Scene::start().await;
    for accept in
        ["", "accept: */*\r\n", "accept: text/event-stream\r\n", "accept: text/*;q=0.5, image/png\r\n"]
    {
        let mut wire = scene.get("/events/a", accept).await;
        assert_eq!(wire.head().await, stream_head(""), "{accept}");
        assert_eq!(unspread(&wire.chunk().await), opening(0));
    }
    let address_bar = "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";
    assert!(got(&scene, "/events/a", address_bar).await.ends_with("\r\n\r\n<!doctype html>"));
    assert!(got(&scene, "/events?topic=a", address_bar).await.ends_with("\r\n\r\n<!doctype html>"));
    let json = got(&scene, "/events/a", "accept: application/json\r\n").await;
    assert!(json.ends_with("{\"events\":[],\"cursor\":\"1-0\",\"more\":false}\n"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accept_that_excludes_everything_is_refused() {
    let scene = Scene::start().await;
    let detail = "this URL answers text/event-stream, text/html, application/json or application/x-ndjson; accept one of them";
    for accept in ["image/png", "text/event-stream;q=0", "*/*;q=0", "application/xml, image/*"] {
        let refused = got(&scene, "/events/a", &format!("accept: {accept}\r\n")).await;
        assert_eq!(refused, problem("406 Not Acceptable", "not-acceptable", detail), "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accept_that_means_nothing_excludes_nothing() {
    let scene = Scene::start().await;
    for accept in ["", ";;;", "nonsense", ",", "\u{e9}"] {
        let mut wire = scene.get("/events/a", &format!("accept: {accept}\r\n")).await;
        assert_eq!(wire.head().await, stream_head(""), "{accept:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_a_strict_policy_and_are_not_sent_twice() {
    let scene = Scene::start().await;
    let file = |content_type: &str, etag: &str, vary: &str, rest: &str| {
        format!(
            "content-type: {content_type}\r\netag: {etag}\r\ncache-control: no-cache\r\n\
             content-security-policy: {POLICY}\r\n\
             referrer-policy: no-referrer\r\n{vary}{UNSHARED}{rest}"
        )
    };
    let html = "text/html; charset=utf-8";

    for target in ["/", "/console", "/console/"] {
        assert_eq!(
            got(&scene, target, "").await,
            "HTTP/1.1 200 OK\r\n".to_owned()
                + &file(html, "\"i1\"", "vary: Accept\r\n", "content-length: 15\r\n\r\n<!doctype html>"),
        );
    }
    assert_eq!(
        got(&scene, "/console/app.js", "").await,
        "HTTP/1.1 200 OK\r\n".to_owned()
            + &file("text/javascript; charset=utf-8", "\"a1\"", "", "content-length: 2\r\n\r\n//")
                .replace("same-origin", "cross-origin"),
    );
    for tags in ["\"i1\"", "W/\"i1\"", "\"x\", \"i1\"", "*"] {
        let mut wire = scene.get("/", &format!("if-none-match: {tags}\r\n")).await;
        assert_eq!(
            wire.head().await,
            "HTTP/1.1 304 Not Modified\r\n".to_owned() + &file(html, "\"i1\"", "vary: Accept\r\n", "\r\n"),
        );
    }
    assert!(got(&scene, "/", "if-none-match: \"i2\"\r\n").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_a_page_of_json_with_the_cursor_to_go_on_from() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a?id=x&event=tick&retry=5 HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\none")
        .await;
    wire.answer().await;
    scene.publish("b", &["other"]).await;
    scene.publish("a", &["two\n\"2\""]).await;
    let json = "accept: application/json\r\n";
    let one = "{\"id\":\"x\",\"cursor\":\"1-1\",\"topic\":\"a\",\"type\":\"tick\",\"data\":\"one\",\"time\":\"1970-01-01T01:00:00.000Z\",\"retry\":5}";
    let two = "{\"id\":\"1-3\",\"cursor\":\"1-3\",\"topic\":\"a\",\"type\":\"message\",\"data\":\"two\\n\\\"2\\\"\",\"time\":\"1970-01-01T01:00:00.000Z\"}";

    for (target, body) in [
        ("/events/a", format!("{{\"events\":[{one},{two}],\"cursor\":\"1-3\",\"more\":false}}")),
        ("/events/a?limit=1", format!("{{\"events\":[{one}],\"cursor\":\"1-2\",\"more\":true}}")),
        ("/events/a?last_event_id=1-1", format!("{{\"events\":[{two}],\"cursor\":\"1-3\",\"more\":false}}")),
        ("/events/a?last_event_id=x", format!("{{\"events\":[{two}],\"cursor\":\"1-3\",\"more\":false}}")),
        ("/events?topic=a&last=1", format!("{{\"events\":[{two}],\"cursor\":\"1-3\",\"more\":false}}")),
        (
            "/events/a?last_event_id=x&opening=none&with=time",
            format!("{{\"events\":[{two}],\"cursor\":\"1-3\",\"more\":false}}"),
        ),
        ("/events/none", "{\"events\":[],\"cursor\":\"1-3\",\"more\":false}".to_owned()),
    ] {
        assert_eq!(got(&scene, target, json).await, history("", &body), "{target}");
    }
    let refused = got(&scene, "/events/a?with=all", json).await;
    assert_eq!(refused, problem("400 Bad Request", "bad-with", "`with` is `time`"));
    let detail = "`limit` is a number of events from 1 to 1000";
    for limit in ["0", "1001", "x"] {
        let refused = got(&scene, &format!("/events/a?limit={limit}"), json).await;
        assert_eq!(refused, problem("400 Bad Request", "bad-limit", detail));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_declares_a_gap_too() {
    let retention = MemoryRetention { events_max: 1, ..MemoryRetention::default() };
    let scene = Scene::with_past(retention, "a", &["1", "2", "3"]).await;

    let page = got(&scene, "/events/b?last_event_id=1-1", "accept: application/json\r\n").await;

    let gap = "{\"requested\":\"1-1\",\"reason\":\"expired\",\"resumes_after\":\"1-2\"}";
    let body = format!("{{\"events\":[],\"cursor\":\"1-3\",\"more\":false,\"gap\":{gap}}}");
    assert_eq!(page, history("tidings-gap: expired; resumes-after=1-2\r\n", &body));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_in_a_word() {
    let scene = Scene::start().await;
    let answer = |kind: &str, vary: &str, body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{vary}{UNSHARED}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let (text, vary) = ("text/plain; charset=utf-8", "vary: Accept\r\n");

    assert_eq!(got(&scene, "/healthz", "").await, answer(text, "", "ok\n"));
    assert_eq!(got(&scene, "/readyz", "").await, answer(text, vary, "ready\n"));
    let json = got(&scene, "/readyz", "accept: application/json\r\n").await;
    assert_eq!(json, answer("application/json", vary, "{\"status\":\"ready\",\"troubles\":[]}\n"));
    assert!(got(&scene, "/metrics", "").await.contains("\ntidings_subscriptions 0\n"));
}
