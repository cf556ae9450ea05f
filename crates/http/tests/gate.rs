//! Who may ask: hosts, origins, `Sec-Fetch-Site`, preflights, the traces of a proxy, and what every answer says of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::Scene;
use support::{UNSHARED, created, stream_head};
use tidings_http::{Cors, Hosts, HttpConfig, Publishers};

const APP: &str = "https://app.example";

const EXPOSED: &str = "access-control-expose-headers: Tidings-Gap, Tidings-Partial, Idempotency-Replayed, \
    Retry-After, ETag, Allow, WWW-Authenticate, Date\r\n";

/// URLs of events.
const DATA: [&str; 4] = ["/events/a", "/events?topic=a", "/events/a?last=1", "/events/**"];

/// URLs that are the same for everybody.
const PUBLIC: [&str; 6] = ["/", "/console/", "/console/app.js", "/healthz", "/readyz", "/metrics"];

/// What every answer has to an allowed origin.
fn shared_with(origin: &str) -> String {
    format!(
        "x-content-type-options: nosniff\r\nvary: Origin\r\ncross-origin-resource-policy: cross-origin\r\n{EXPOSED}\
         access-control-allow-credentials: true\r\naccess-control-allow-origin: {origin}\r\n"
    )
}

/// What every answer has to others, if some origin is allowed.
fn shared_with_others() -> String {
    UNSHARED.replace("nosniff\r\n", "nosniff\r\nvary: Origin\r\n")
}

fn allow(origin: &str) -> impl FnOnce(&mut HttpConfig) {
    let cors = Cors::Only(vec![origin.parse().unwrap()]);
    |config| config.cors = cors
}

/// A hub on loopback, as `tidings serve` has it, that has one name beside.
fn on_loopback(config: &mut HttpConfig) {
    config.hosts = Hosts::LoopbackAnd(vec!["hub.example".parse().unwrap()]);
    config.publishers = Publishers::LocalAnd(Vec::new());
}

/// The answer to these bytes.
async fn sent(scene: &Scene, request: impl AsRef<[u8]>) -> String {
    let mut wire = scene.connect().await;
    wire.send(request).await;
    wire.answer().await
}

async fn got(scene: &Scene, target: &str, host: &str, headers: &str) -> String {
    let mut wire = scene.connect().await;
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n")).await;
    // A stream has no end.
    wire.head().await
}

async fn published(scene: &Scene, host: &str, headers: &str) -> String {
    let head = format!("POST /events/a HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: 1\r\n\r\nx");
    sent(scene, head).await
}

fn status(answer: &str) -> &str {
    answer.get("HTTP/1.1 ".len()..).and_then(|rest| rest.get(..3)).unwrap_or("no status")
}

fn detail(answer: &str) -> String {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_is_answered_whatever_host_and_origin_are() {
    let scene = Scene::with(on_loopback).await;

    for target in PUBLIC {
        for host in ["localhost", "10.1.2.3:8080", "backend", "evil.example"] {
            for headers in
                ["", "origin: http://evil.example\r\n", "origin: null\r\nsec-fetch-site: cross-site\r\n"]
            {
                let answer = got(&scene, target, host, headers).await;
                assert_eq!(status(&answer), "200", "{target} at {host} with {headers:?}");
                // Pages of other sites may load static files, and nothing else.
                let loaders = if target == "/console/app.js" { "cross-origin" } else { "same-origin" };
                assert!(answer.contains(&UNSHARED.replace("same-origin", loaders)), "{answer}");
                assert!(!answer.contains("access-control-"), "{answer}");
            }
        }
    }
    let page = got(&scene, "/events/a", "backend", "accept: text/html\r\n").await;
    assert_eq!(status(&page), "200");
    assert_eq!(status(&got(&scene, "/nowhere", "backend", "").await), "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_hub_as_a_whole_are_public() {
    let scene = Scene::with(on_loopback).await;

    let answer = sent(&scene, "OPTIONS * HTTP/1.1\r\nhost: backend\r\n\r\n").await;

    assert_eq!(
        answer,
        format!("HTTP/1.1 204 No Content\r\nallow: GET, HEAD, POST, OPTIONS\r\n{UNSHARED}\r\n")
    );
    let other = sent(&scene, "GET * HTTP/1.1\r\nhost: backend\r\n\r\n").await;
    assert_eq!(status(&other), "404");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_app_at_the_hosts_name_needs_leave() {
    let scene = Scene::with(on_loopback).await;

    for origin in ["capacitor://localhost", "tauri://localhost", "app://hub.example"] {
        for host in ["localhost", "hub.example"] {
            let answer = got(&scene, "/events/a", host, &format!("origin: {origin}\r\n")).await;
            assert_eq!(status(&answer), "403", "{origin} at {host}");
        }
    }
    let scene = Scene::with(allow("capacitor://localhost")).await;
    let answer = got(&scene, "/events/a", "localhost", "origin: capacitor://localhost\r\n").await;
    assert_eq!(status(&answer), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_answered_for_the_hosts_of_the_hub_alone() {
    let scene = Scene::with(on_loopback).await;

    for target in DATA {
        for accept in ["", "accept: application/json\r\n", "accept: image/png\r\n"] {
            let answer = got(&scene, target, "evil.example:8080", accept).await;
            assert_eq!(status(&answer), "421", "{target} with {accept:?}");
            for host in ["localhost", "127.0.0.1:1", "[::1]", "HUB.example:99"] {
                let answer = got(&scene, target, host, accept).await;
                assert_ne!(status(&answer), "421", "{target} at {host} with {accept:?}");
            }
        }
    }
    let refused = published(&scene, "evil.example:8080", "origin: http://evil.example:8080\r\n").await;
    assert_eq!(
        detail(&refused),
        "this hub does not answer for host `evil.example:8080` (asked with origin `http://evil.example:8080`); if it \
         is a name of the hub, give it with --allowed-host evil.example; if a proxy has passed the request on, the hub \
         needs a publish key as well: set one with --publish-key-file or TIDINGS_PUBLISH_KEY (`tidings init` makes one), \
         and let publishers send it as `Authorization: Bearer KEY`"
    );
    let preflight = sent(&scene, "OPTIONS /events/a HTTP/1.1\r\nhost: evil.example\r\n\r\n").await;
    assert_eq!(status(&preflight), "421");
    let post = sent(&scene, "PUT /events/a HTTP/1.1\r\nhost: evil.example\r\n\r\n").await;
    assert_eq!(status(&post), "421");
}

/// Hosts that are none of the hub's, or only look like one.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_the_hubs_or_is_refused_however_it_is_written() {
    let scene = Scene::with(on_loopback).await;

    for (host, expected) in [
        ("localhost.", "200"),
        ("LOCALHOST.:8080", "200"),
        ("a_b.localhost", "200"),
        ("localhost:0", "200"),
        ("localhost:", "200"),
        ("[::1]:08080", "200"),
        ("[0:0:0:0:0:ffff:7f00:1]", "200"),
        ("Hub.Example.", "200"),
        ("localhost.evil", "421"),
        ("xn--bcher-kva.example", "421"),
        ("0.0.0.0", "421"),
        ("[::]", "421"),
        ("[::1%25eth0]", "400"),
        ("[::1%eth0]", "400"),
        ("[v1.a]", "400"),
        ("localhost..", "400"),
        ("localhost:65536", "400"),
        ("localhost\\evil", "400"),
        ("local\thost", "400"),
        ("b\u{fc}cher.localhost", "400"),
        ("127.0.0.1.", "400"),
        ("0x7f.1", "400"),
        ("%6cocalhost", "400"),
        ("user@localhost", "400"),
    ] {
        let answer = got(&scene, "/events/a", host, "").await;
        assert_eq!(status(&answer), expected, "{host}: {answer}");
    }
}

/// The advice for `null`, to serve the page over HTTP, was given for each of these.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_none_is_told_so() {
    let scene = Scene::with(on_loopback).await;

    for origin in [
        "http://hub/",
        "http://hub.evil:x",
        "http://user@hub",
        "http://hub@evil",
        "http://hub\\evil",
        "http://hub\t:80",
        "http://hub:65536",
        "http://[::1%25eth0]",
        "http://b\u{fc}cher.example",
        "http://hub, http://evil",
        "http://hub http://evil",
        "http:hub",
        "http:///hub",
        "blob:http://hub",
        "",
    ] {
        let mut wire = scene.get("/events/a", &format!("origin: {origin}\r\n")).await;
        let refused = wire.answer().await;
        assert_eq!(status(&refused), "403", "{origin}: {refused}");
        assert!(refused.contains("this is no origin, which has a scheme"), "{origin}: {refused}");
    }
    let refused = scene.get("/events/a", "origin: null\r\n").await.answer().await;
    assert!(refused.contains("this is the origin of a page that was opened from a file"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cors_other_origins_get_no_event_and_publish_none() {
    let scene = Scene::start().await;

    for origin in ["http://evil.example", "null", "http://localhost:1", "http://localhost/", "not an origin"]
    {
        let origin = format!("origin: {origin}\r\n");
        for target in DATA {
            assert_eq!(status(&got(&scene, target, "localhost", &origin).await), "403", "{target} {origin}");
        }
        assert_eq!(status(&published(&scene, "localhost", &origin).await), "403", "{origin}");
    }
    let mut own = scene.get("/events/a", "origin: http://localhost\r\n").await;
    assert_eq!(own.head().await, stream_head(""));
    assert_eq!(published(&scene, "hub:80", "origin: http://hub\r\n").await, created(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_public_unless_a_key_is_set_and_probes_always() {
    let open = Scene::start().await;
    let keyed = Scene::with(|config| {
        on_loopback(config);
        config.publish_key = Some("k".to_owned());
    })
    .await;
    let key = "authorization: Bearer k\r\n";

    for host in ["localhost", "10.0.0.1:8080", "evil.example"] {
        assert_eq!(status(&got(&open, "/metrics", host, "").await), "200", "{host}");
        assert_eq!(status(&got(&keyed, "/metrics", host, key).await), "200", "{host}");
        for wrong in
            ["", "authorization: Bearer x\r\n", "authorization: k\r\n", "origin: http://localhost\r\n"]
        {
            let refused = got(&keyed, "/metrics", host, wrong).await;
            assert_eq!(status(&refused), "401", "{host} {wrong}: {refused}");
            assert!(refused.contains("\r\nwww-authenticate: Bearer"), "{refused}");
            assert!(!refused.contains("tidings_"), "{refused}");
        }
        for target in PUBLIC.iter().filter(|target| **target != "/metrics") {
            assert_eq!(status(&got(&keyed, target, host, "").await), "200", "{target} at {host}");
        }
    }
    let told = detail(&keyed.get("/metrics", "").await.answer().await);
    assert_eq!(told, "with a publish key set, this needs the key, as `Authorization: Bearer KEY`");

    let mut wire = keyed.connect().await;
    wire.send("HEAD /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 401 "));
}

/// What nginx makes of a page at http://hub.example with each of its usual settings. Chromium sends no `Sec-Fetch-Site` over
/// plain HTTP to a name that is not localhost.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_rewrites_the_host_a_refusal_says_what_to_set() {
    let scene = Scene::with(|config| config.publish_key = Some("k".to_owned())).await;
    let key = "authorization: Bearer k\r\n";
    let from = |origin: &str| format!("origin: {origin}\r\n{key}");

    for host in ["127.0.0.1:8080", "backend", "hub.example"] {
        let refused = published(&scene, host, &from("http://hub.example:8000")).await;

        assert_eq!(status(&refused), "403", "{host}");
        assert_eq!(
            detail(&refused),
            format!(
                "pages of origin `http://hub.example:8000` may not use the hub at host `{host}`; allow the origin with \
                 --cors-origin http://hub.example:8000; if it is a page of the hub itself behind a proxy, let the proxy \
                 pass the `Host` of its client on, or name the host with --allowed-host hub.example:8000"
            )
        );
        // Over https, and to localhost, the browser says it.
        let told = from("https://hub.example") + "sec-fetch-site: same-origin\r\n";
        assert_eq!(status(&published(&scene, host, &told).await), "201", "{host}");
    }
    let passed_on = published(&scene, "hub.example:8000", &from("http://hub.example:8000")).await;
    assert_eq!(status(&passed_on), "201");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_at_an_allowed_host_is_the_hubs_own() {
    let scene = Scene::with(|config| {
        on_loopback(config);
        config.publish_key = Some("k".to_owned());
    })
    .await;
    let from = async |origin: &str| {
        published(&scene, "127.0.0.1:8080", &format!("authorization: Bearer k\r\norigin: {origin}\r\n")).await
    };

    assert_eq!(status(&from("http://hub.example").await), "201");
    assert_eq!(status(&from("https://hub.example:8443").await), "201");
    assert_eq!(status(&from("http://other.example").await), "403");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_reads_nothing_as_a_script_and_may_link() {
    let scene = Scene::start().await;
    let open = Scene::with(|config| config.cors = Cors::Any).await;
    let site = |site: &str, mode: &str| format!("sec-fetch-site: {site}\r\nsec-fetch-mode: {mode}\r\n");

    for foreign in ["cross-site", "same-site"] {
        for target in DATA {
            for accept in ["", "accept: application/json\r\n"] {
                let script = site(foreign, "no-cors") + accept;
                assert_eq!(status(&got(&scene, target, "hub", &script).await), "403", "{target} {script}");
                assert_eq!(status(&got(&open, target, "hub", &script).await), "200", "{target} {script}");
                let link = site(foreign, "navigate") + accept;
                assert_eq!(status(&got(&scene, target, "hub", &link).await), "200", "{target} {link}");
            }
        }
        assert_eq!(status(&published(&scene, "hub", &site(foreign, "navigate")).await), "403");
    }
    for own in ["same-origin", "none"] {
        assert_eq!(status(&got(&scene, "/events/a", "hub", &site(own, "no-cors")).await), "200", "{own}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_origin_may_read_with_credentials_however_its_default_port_is_written() {
    for written in [APP, "https://app.example:443", "HTTPS://App.Example"] {
        let scene = Scene::with(allow(written)).await;

        for target in PUBLIC.iter().chain(&DATA).chain(&["/nowhere", "/events/a?x=1", "/events/a%ff"]) {
            let answer = got(&scene, target, "hub", &format!("origin: {APP}\r\n")).await;
            assert!(
                answer.contains(&shared_with(APP).replace("vary: Origin\r\n", ""))
                    || answer.contains(&shared_with(APP)),
                "{target}: {answer}"
            );
            let other = got(&scene, target, "hub", "origin: https://other.example\r\n").await;
            assert!(!other.contains("access-control-"), "{other}");
            assert!(other.contains("vary: Origin\r\n"), "{other}");
        }
        let mut wire = scene.get("/events/a", "").await;
        assert_eq!(wire.head().await, stream_head("").replace(UNSHARED, &shared_with_others()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_origin_may_read_on_request_but_never_with_credentials() {
    let scene = Scene::with(|config| config.cors = Cors::Any).await;

    let mut wire = scene.get("/events/a", "origin: https://any.example\r\n").await;

    let shared = shared_with("*").replace("access-control-allow-credentials: true\r\n", "");
    assert_eq!(wire.head().await, stream_head("").replace(UNSHARED, &shared));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_of_an_allowed_page_gets_the_headers_that_it_asks_for() {
    let scene = Scene::with(allow(APP)).await;
    let preflight = async |origin: &str, asked: &str| {
        let mut wire = scene.connect().await;
        wire.send(format!(
            "OPTIONS /events/a HTTP/1.1\r\nhost: h\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n{asked}\r\n"
        ))
        .await;
        wire.head().await
    };
    let answer = |names: &str| {
        let allowed = format!(
            "access-control-allow-methods: GET, HEAD, POST, OPTIONS\r\naccess-control-allow-headers: {names}\r\n\
             access-control-max-age: 86400\r\n"
        );
        let shared = shared_with(APP).replace("vary: Origin\r\n", "");
        format!(
            "HTTP/1.1 204 No Content\r\nallow: GET, HEAD, POST, OPTIONS\r\nvary: Access-Control-Request-Headers\r\n\
             vary: Origin\r\n{allowed}{shared}\r\n"
        )
    };

    let asked =
        "access-control-request-headers: sentry-trace,Traceparent\r\naccess-control-request-headers: x-b\r\n";
    assert_eq!(preflight(APP, asked).await, answer("sentry-trace, traceparent, x-b"));
    let standard = "last-event-id, authorization, cache-control, content-type, idempotency-key";
    assert_eq!(preflight(APP, "").await, answer(standard));
    assert_eq!(preflight(APP, "access-control-request-headers: a b\r\n").await, answer(standard));
    let refused = preflight("https://other.example", asked).await;
    assert!(refused.starts_with("HTTP/1.1 204 ") && !refused.contains("access-control-"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_without_a_key_takes_no_publish_that_a_proxy_has_passed_on() {
    let local = Scene::with(on_loopback).await;
    let trusting = Scene::with(|config| {
        on_loopback(config);
        config.publishers = Publishers::LocalAnd(vec!["127.0.0.0/8".parse().unwrap()]);
    })
    .await;
    let keyed = Scene::with(|config| {
        on_loopback(config);
        config.publish_key = Some("k".to_owned());
    })
    .await;

    for (host, trace) in [
        ("localhost", "x-forwarded-for: 192.0.2.1\r\n"),
        ("localhost", "forwarded: for=192.0.2.1\r\n"),
        ("localhost", "via: 1.0 proxy\r\n"),
        ("localhost", "x-client-ip: 192.0.2.1\r\n"),
        ("localhost", "cf-ray: 1\r\n"),
        ("localhost", "X-Original-URL: /events/a\r\n"),
        ("hub.example", ""),
        ("localhost", "origin: http://hub.example\r\n"),
        ("localhost", "origin: https://any.example\r\nsec-fetch-site: same-origin\r\n"),
    ] {
        let refused = published(&local, host, trace).await;
        assert_eq!(status(&refused), "403", "{host} {trace}");
        assert!(refused.contains("urn:tidings:problem:behind-a-proxy"), "{refused}");
        assert_eq!(status(&published(&trusting, host, trace).await), "201", "{host} {trace}");
        let with_key = trace.to_owned() + "authorization: Bearer k\r\n";
        assert_eq!(status(&published(&keyed, host, &with_key).await), "201", "{host} {trace}");
        assert_eq!(status(&got(&local, "/events/a", host, trace).await), "200", "reading at {host} {trace}");
    }
    assert_eq!(published(&local, "localhost:8080", "origin: http://localhost:8080\r\n").await, created(1));
    let refused = published(&local, "localhost", "x-forwarded-for: 192.0.2.1\r\n").await;
    assert_eq!(
        detail(&refused),
        "this request has come through a proxy (it has `x-forwarded-for`), and the hub has no publish key, so everybody \
         could publish; set one with --publish-key-file or TIDINGS_PUBLISH_KEY (`tidings init` makes one), and let \
         publishers send it as `Authorization: Bearer KEY`; or, if everybody may publish, start the hub with \
         --trusted-proxies 127.0.0.1 --insecure-open"
    );
}
