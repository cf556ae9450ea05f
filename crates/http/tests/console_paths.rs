//! The console below a path of another server: the page at any depth names its files so that a browser finds them.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{Asset, Front, HttpConfig, Pages};
use tower::ServiceExt;
use url::Url;

const PAGE: &[u8] =
    b"<meta content=\"{path}\"><script>go()</script><script src=\"{root}console/app.js\"></script>\
    <a href=\"{root}{home}\">tidings</a>";

/// Paths of the hub that are answered with the page.
const PAGES: [&str; 12] = [
    "/console",
    "/console/",
    "/console/index.html",
    "/events",
    "/events?topic=a&topic=b/c",
    "/events/a",
    "/events/a/",
    "/events/a/b/c",
    "/events/a%2Fb/c",
    "/events/a/**?since=earliest",
    "/events/https%3A%2F%2Fexample.com%2Fbooks%2F1",
    "/events/%E8%AE%A2%E5%8D%95/1",
];

async fn router() -> axum::Router {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let asset = |content_type, etag, bytes| Asset {
        content_type,
        etag: HeaderValue::from_static(etag),
        bytes: Bytes::from_static(bytes),
    };
    let pages = Pages::new([
        ("index.html".to_owned(), asset("text/html; charset=utf-8", "\"i1\"", PAGE)),
        ("app.js".to_owned(), asset("text/javascript; charset=utf-8", "\"a1\"", b"// the script")),
    ]);
    Front::new(hub, HttpConfig::default(), pages, clock).router()
}

async fn get(app: &axum::Router, url: &Url) -> Response<Body> {
    get_unless(app, url, "").await
}

/// Gets what a person's browser gets, unless it has the tag already.
async fn get_unless(app: &axum::Router, url: &Url, tag: &str) -> Response<Body> {
    let target = &url[url::Position::BeforePath..];
    let request = Request::get(target).header("accept", "text/html").header(IF_NONE_MATCH, tag);
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// What the page names in an attribute, as the browser resolves it.
fn named(page: &str, attribute: &str, base: &Url) -> Url {
    assert!(page.contains(attribute), "{base} is answered {page}");
    let (_, rest) = page.split_once(attribute).unwrap();
    base.join(rest.split('"').nth(1).unwrap()).unwrap()
}

#[tokio::test]
async fn below_any_path_every_page_finds_its_files_and_the_page_of_the_hub() {
    let hub = router().await;
    let mounted = [
        ("", hub.clone()),
        ("/hub", axum::Router::new().nest("/hub", hub.clone())),
        ("/deep/er", axum::Router::new().nest("/deep/er", hub.clone())),
        ("/as/service", axum::Router::new().nest_service("/as/service", hub)),
    ];
    for (prefix, app) in mounted {
        for path in PAGES {
            let url = Url::parse(&format!("http://h{prefix}{path}")).unwrap();

            let page = text(get(&app, &url).await).await;

            assert_eq!(get(&app, &named(&page, "href", &url)).await.status(), StatusCode::OK, "{url}");
            let script = get(&app, &named(&page, "src", &url)).await;
            assert_eq!(text(script).await, "// the script", "{url}");
        }
    }
}

#[tokio::test]
async fn the_page_of_a_hub_that_is_not_nested_is_at_its_root() {
    let app = router().await;
    for path in ["/", "/?topic=a/b", "/console", "/events/a/b"] {
        let url = Url::parse(&format!("http://h{path}")).unwrap();

        let page = text(get(&app, &url).await).await;

        assert_eq!(named(&page, "href", &url).as_str(), "http://h/");
        assert_eq!(named(&page, "src", &url).as_str(), "http://h/console/app.js");
    }
}

#[tokio::test]
async fn the_path_at_which_a_hub_is_nested_leads_to_its_page() {
    let hub = router().await;
    for (app, asked, expected) in [
        (axum::Router::new().nest("/hub", hub.clone()), "http://h/hub", "http://h/hub/console/"),
        (
            axum::Router::new().nest("/a/hub", hub.clone()),
            "http://h/a/hub?last=5",
            "http://h/a/hub/console/?last=5",
        ),
        (axum::Router::new().nest_service("/hub", hub), "http://h/hub", "http://h/hub/console/"),
    ] {
        let url = Url::parse(asked).unwrap();

        let response = get(&app, &url).await;

        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT, "{asked}");
        let location = url.join(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        assert_eq!(location.as_str(), expected);
        assert_eq!(get(&app, &location).await.status(), StatusCode::OK, "{asked}");
    }
}

#[tokio::test]
async fn pages_of_other_paths_have_other_tags() {
    let app = router().await;
    let at = |path: &str| Url::parse(&format!("http://h{path}")).unwrap();
    let tag = |response: Response<Body>| response.headers()[ETAG].to_str().unwrap().to_owned();
    let home = tag(get(&app, &at("/")).await);
    let topic = tag(get(&app, &at("/events/a")).await);

    assert_ne!(home, topic);
    assert_ne!(tag(get(&app, &at("/events/b")).await), topic);
    assert_eq!(tag(get(&app, &at("/events/a?last=5")).await), topic);
    assert_eq!(get_unless(&app, &at("/events/a"), &topic).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(get_unless(&app, &at("/events/a"), &home).await.status(), StatusCode::OK);
}

// nginx decodes `%2F` where a path is cut off, and a browser then takes away less than the hub would count. So the hub says
// what it was asked for, and the page compares.
#[tokio::test]
async fn the_page_is_told_the_path_that_came_here_in_an_attribute() {
    let hub = router().await;
    let target = |prefix: &str, path: &str| format!("http://h{prefix}/events/{path}");
    for (path, told) in [("a%2Fb", "a%2Fb"), ("a/b", "a/b"), ("a\"&{root}", "a&quot;&amp;{root}")] {
        for (prefix, app) in [("", hub.clone()), ("/hub", axum::Router::new().nest("/hub", hub.clone()))] {
            let request = Request::get(target(prefix, path)).header("accept", "text/html");

            let page = text(app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await;

            assert!(page.starts_with(&format!("<meta content=\"/events/{told}\">")), "{page}");
        }
    }
}

#[tokio::test]
async fn the_policy_lets_the_script_of_the_page_run_and_no_other() {
    let page = get(&router().await, &Url::parse("http://h/events/a").unwrap()).await;

    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    // printf 'go()' | openssl dgst -sha256 -binary | base64
    assert!(
        policy.contains("; script-src 'self' 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='; "),
        "{policy}"
    );
}

#[tokio::test]
async fn a_path_that_is_deeper_or_longer_than_any_topic_has_no_page() {
    let app = router().await;
    let deep = |segments: usize| Url::parse(&format!("http://h/events{}", "/a".repeat(segments))).unwrap();

    assert_eq!(get(&app, &deep(64)).await.status(), StatusCode::OK);
    assert_eq!(get(&app, &deep(66)).await.status(), StatusCode::NOT_FOUND);

    let long = |bytes: usize| Url::parse(&format!("http://h/events/{}", "%C3%A9".repeat(bytes / 2))).unwrap();
    assert_eq!(get(&app, &long(512)).await.status(), StatusCode::OK);
    assert_eq!(get(&app, &long(514)).await.status(), StatusCode::NOT_FOUND);
}
