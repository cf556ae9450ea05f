//! The browser client at the hub: names, caches, codings, and pages of other origins.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{AccessSettings, Cors, Front, Hosts, HttpConfig, Pages};
use tower::ServiceExt;

/// A year, in which the bytes behind a name with a hash do not change.
const KEEP: &str = "public, max-age=31536000, immutable";

async fn router(config: HttpConfig) -> axum::Router {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    Front::new(hub, config, Pages::default(), clock).router()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

async fn ask(app: &axum::Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

async fn get(app: &axum::Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(app, Method::GET, path, headers).await
}

/// The document that names the scripts.
async fn list(app: &axum::Router, prefix: &str) -> serde_json::Value {
    let answer = get(app, &format!("{prefix}/tidings.json"), &[]).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    serde_json::from_slice(&answer.body).unwrap()
}

fn integrity(bytes: &[u8]) -> String {
    use base64::Engine;
    let hash = ring::digest::digest(&ring::digest::SHA384, bytes);
    format!("sha384-{}", base64::prelude::BASE64_STANDARD.encode(hash))
}

#[tokio::test]
async fn the_entries_are_asked_for_again_and_names_with_a_hash_are_kept() {
    let app = router(HttpConfig::default()).await;
    let list = list(&app, "").await;

    assert_eq!(list["version"], env!("CARGO_PKG_VERSION"));
    for (stable, hashed) in [("/tidings.js", "entry"), ("/tidings-inbox.js", "inbox")] {
        let hashed = list[hashed].as_str().unwrap();
        let stable = get(&app, stable, &[]).await;
        let kept = get(&app, &format!("/{hashed}"), &[]).await;

        assert_eq!(stable.headers["cache-control"], "no-cache");
        assert_eq!(kept.headers["cache-control"], KEEP);
        assert_eq!(stable.body, kept.body);
        assert!(!stable.body.is_empty());
        assert!(list["integrity"].get(hashed).is_some());
    }
    for (name, expected) in list["integrity"].as_object().unwrap() {
        let answer = get(&app, &format!("/{name}"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8", "{name}");
        assert_eq!(answer.headers["cache-control"], KEEP, "{name}");
        assert_eq!(&integrity(&answer.body), expected, "{name}");
    }
}

/// Bundlers write `from"./tidings-ABC.js"` and `import("./tidings-ABC.js")`.
#[tokio::test]
async fn every_chunk_that_a_script_names_is_there_below_any_path() {
    let hub = router(HttpConfig::default()).await;
    for (prefix, app) in [
        ("", hub.clone()),
        ("/hub", axum::Router::new().nest("/hub", hub.clone())),
        ("/a/b", axum::Router::new().nest_service("/a/b", hub)),
    ] {
        let list = list(&app, prefix).await;
        let names = list["integrity"].as_object().unwrap().keys().map(String::as_str);

        for name in names.chain(["tidings.js", "tidings-inbox.js"]) {
            let script = get(&app, &format!("{prefix}/{name}"), &[]).await;
            assert_eq!(script.status, StatusCode::OK, "{prefix}/{name}");
            let text = String::from_utf8(script.body.to_vec()).unwrap();
            for piece in text.split("\"./tidings").skip(1) {
                let chunk = format!("{prefix}/tidings{}", piece.split('"').next().unwrap());
                assert_eq!(get(&app, &chunk, &[]).await.status, StatusCode::OK, "{name} imports {chunk}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_of_any_origin_imports_it_from_a_hub_that_lets_nobody_else_in() {
    let closed = |change: &dyn Fn(&mut HttpConfig)| {
        let mut config = HttpConfig::default();
        config.hosts = Hosts::LoopbackAnd(Vec::new());
        config.publish_key = Some("secret".to_owned());
        change(&mut config);
        config
    };
    let configs = [
        closed(&|_| {}),
        closed(&|config| config.access = Some(Arc::new(AccessSettings::default()))),
        closed(&|config| config.cors = Cors::Only(vec!["https://app.example".parse().unwrap()])),
        closed(&|config| config.cors = Cors::Any),
    ];
    let page = [
        ("host", "hub.example"),
        ("origin", "https://app.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "script"),
    ];
    for config in configs {
        let app = router(config).await;
        for path in
            ["/tidings.js", "/tidings.json", &format!("/{}", list(&app, "").await["entry"].as_str().unwrap())]
        {
            let answer = get(&app, path, &page).await;

            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
            assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
            assert_eq!(answer.headers["cross-origin-resource-policy"], "cross-origin", "{path}");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
            let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
            assert_eq!(vary, ["Accept-Encoding"], "{path}");
        }
    }
}

#[tokio::test]
async fn it_is_compressed_for_those_who_accept_it() {
    let app = router(HttpConfig::default()).await;
    let plain = get(&app, "/tidings.js", &[]).await;

    let gzip = get(&app, "/tidings.js", &[("accept-encoding", "br, gzip")]).await;

    let mut inflated = Vec::new();
    GzDecoder::new(&*gzip.body).read_to_end(&mut inflated).unwrap();
    assert_eq!(inflated, plain.body);
    assert_eq!(gzip.headers["content-encoding"], "gzip");
    assert!(!plain.headers.contains_key("content-encoding"));
    assert_ne!(gzip.headers["etag"], plain.headers["etag"]);
    let refused = get(&app, "/tidings.js", &[("accept-encoding", "gzip;q=0")]).await;
    assert!(!refused.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_page_that_has_it_is_told_so() {
    let app = router(HttpConfig::default()).await;
    for coding in ["identity", "gzip"] {
        let first = get(&app, "/tidings.js", &[("accept-encoding", coding)]).await;
        let etag = first.headers["etag"].to_str().unwrap();

        for known in [etag, &format!("W/{etag}"), &format!("\"other\", {etag}")] {
            let again =
                get(&app, "/tidings.js", &[("accept-encoding", coding), ("if-none-match", known)]).await;

            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{known}");
            assert!(again.body.is_empty());
            assert!(!again.headers.contains_key("content-encoding"));
            for name in ["etag", "cache-control", "vary"] {
                assert_eq!(again.headers[name], first.headers[name], "{name}");
            }
        }
        let other = get(&app, "/tidings.js", &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn head_has_the_headers_and_other_methods_are_refused() {
    let app = router(HttpConfig::default()).await;
    let gzip = [("accept-encoding", "gzip")];
    let body = get(&app, "/tidings.js", &gzip).await;

    let head = ask(&app, Method::HEAD, "/tidings.js", &gzip).await;

    assert!(head.body.is_empty());
    assert_eq!(head.headers["content-length"], body.body.len().to_string());
    assert_eq!(head.headers["etag"], body.headers["etag"]);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let refused = ask(&app, method, "/tidings.js", &[]).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers["allow"], "GET, HEAD, OPTIONS");
    }
    assert_eq!(ask(&app, Method::OPTIONS, "/tidings.js", &[]).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_name_of_another_version_is_told_of_to_every_page() {
    let app = router(HttpConfig::default()).await;
    for path in ["/tidings-ABCDEFGH.js", "/tidings-.js", "/tidings-x.js"] {
        let answer = get(&app, path, &[("origin", "https://app.example")]).await;

        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
    }
    for path in [
        "/tidings",
        "/tidings.js/",
        "/tidings.js/a",
        "/tidings-a/b.js",
        "/Tidings.js",
        "/tidings.ts",
        "/tidings-a.css",
    ] {
        let answer = get(&app, path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}
