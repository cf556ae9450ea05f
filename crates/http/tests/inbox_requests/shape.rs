//! The shape of requests and answers, as the documentation has it.

use serde_json::json;

use super::hub::{BACKEND, bearer, guarded, open, titles, token};

#[tokio::test]
async fn a_title_alone_is_enough_and_what_was_given_comes_back() {
    let scene = guarded().await;
    let (backend, alice) = (bearer(BACKEND), bearer(&token("alice")));

    let answer = scene.send("POST /inbox/alice", &backend, r#"{"title":"Hello"}"#).await;
    assert_eq!((answer.status, answer.text.as_str()), (201, "{\"id\":\"1-1\",\"repeated\":false}\n"));
    let whole = r#"{"title":"Order 42 has shipped","body":"Two\nparcels.","link":"/orders/42","kind":"orders",
        "data":{"order": 42, "price": 1.50},"dedupe":"order-42-shipped","expires":"7d"}"#;
    scene.json("POST /inbox/alice", &backend, whole).await;
    let repeated = scene.json("POST /inbox/alice", &backend, whole).await;
    assert_eq!(repeated, json!({"id": "1-2", "repeated": true}));

    let answer = scene.send("GET /inbox/alice", &format!("{alice}\naccept: application/json"), "").await;
    assert_eq!(
        answer.text,
        "{\"items\":[{\"id\":\"1-2\",\"title\":\"Order 42 has shipped\",\"body\":\"Two\\nparcels.\",\"link\":\"/orders/42\",\
         \"kind\":\"orders\",\"data\":{\"order\":42,\"price\":1.50},\"time\":\"2025-12-31T23:00:00.000Z\",\
         \"expires\":\"2026-01-07T23:00:00.000Z\",\"read\":false,\"seen\":false,\"archived\":false},\
         {\"id\":\"1-1\",\"title\":\"Hello\",\"time\":\"2025-12-31T23:00:00.000Z\",\"read\":false,\"seen\":false,\"archived\":false}],\
         \"unread\":2,\"version\":2,\"cursor\":\"1-1\",\"more\":false,\"position\":\"1-3\"}\n"
    );
    assert_eq!(answer.head["cache-control"], "no-cache, no-store");
    assert_eq!(answer.head["vary"].to_str().unwrap().split(", ").next(), Some("Accept"));
    let count = scene.send("GET /inbox/alice/count", &alice, "").await;
    assert_eq!(count.text, "{\"count\":2,\"version\":2}\n");
    assert_eq!(count.head["cache-control"], "no-cache, no-store");
    let nobody = scene.json("GET /inbox/bob", &bearer(&token("bob")), "").await;
    assert_eq!(
        (&nobody["items"], &nobody["cursor"], &nobody["unread"]),
        (&json!([]), &json!(null), &json!(0))
    );
}

#[tokio::test]
async fn marks_change_the_count_and_say_how_many() {
    let scene = guarded().await;
    let alice = bearer(&token("alice"));
    for number in 1..=5 {
        scene.notify("alice", &format!("{{\"title\":\"{number}\"}}")).await;
    }

    for (request, body, unread, changed) in [
        ("read", r#"{"ids":["1-5","1-5","1-99"]}"#, 4, 1),
        ("read", r#"{"through":"1-2"}"#, 2, 2),
        ("archive", r#"{"ids":["1-3"]}"#, 1, 1),
        ("seen", r#"{"all":true}"#, 1, 1),
        ("unread", r#"{"ids":["1-3","1-1"],"through":null,"all":null}"#, 3, 2),
        ("read", r#"{"ids":[]}"#, 3, 0),
        ("read", r#"{"all":true}"#, 0, 3),
        ("read", r#"{"all":true}"#, 0, 0),
    ] {
        let answer = scene.json(&format!("POST /inbox/alice/{request}"), &alice, body).await;
        assert_eq!(
            (&answer["unread"], &answer["changed"]),
            (&json!(unread), &json!(changed)),
            "{request} {body}"
        );
    }
    let archived = scene.json("GET /inbox/alice?archived=false&unread=false&kind=", &alice, "");
    assert_eq!(titles(&archived.await), ["5", "4", "3", "2", "1"]);
}

#[tokio::test]
async fn an_item_is_deleted_once_and_a_user_is_erased_everywhere() {
    let scene = guarded().await;
    let (backend, alice) = (bearer(BACKEND), bearer(&token("alice")));
    for title in ["one", "two"] {
        scene.notify("alice", &format!("{{\"title\":\"{title}\"}}")).await;
    }
    let head = || scene.front.hub().bounds().head.sequence.0;

    for _ in 0..2 {
        assert_eq!(scene.told("DELETE /inbox/alice/1-1", &alice, "").await, "204");
        // What is not there costs the log nothing.
        assert_eq!(head(), 3);
    }
    assert_eq!(scene.titles("alice", "").await, ["two"]);
    let marked = scene.json("POST /inbox/alice/unread", &alice, r#"{"ids":["1-1"]}"#).await;
    assert_eq!((&marked["unread"], &marked["changed"]), (&json!(1), &json!(0)));
    assert_eq!(head(), 3);

    scene.json("POST /inbox/bob", &backend, r#"{"title":"of bob"}"#).await;
    assert_eq!(scene.told("PUT /inbox/alice/mute/sale", &alice, "").await, "204");
    assert_eq!(scene.told("PUT /inbox/alice/follows/orders/*", &alice, "").await, "204");
    assert_eq!(scene.told("DELETE /inbox/alice", &alice, "").await, "204");
    assert!(scene.titles("alice", "").await.is_empty());
    assert_eq!(scene.count("alice").await, 0);
    assert_eq!(scene.json("GET /inbox/alice/mute", &alice, "").await, json!({"muted": []}));
    assert_eq!(scene.json("GET /inbox/alice/follows", &alice, "").await, json!({"follows": []}));
    let topic = scene.json("POST /inbox?topic=orders/42", &backend, r#"{"title":"paid"}"#).await;
    assert_eq!(topic, json!({"notified": 0}));
    assert_eq!(scene.titles("bob", "").await, ["of bob"]);
}

#[tokio::test]
async fn the_log_tells_nobody_of_inboxes() {
    let scene = open().await;
    scene.send("POST /inbox/alice", "", r#"{"title":"secret"}"#).await;
    scene.send("POST /inbox", "", r#"{"users":["alice","bob"],"notification":{"title":"secret"}}"#).await;

    for target in [
        "/events/inbox/alice",
        "/events/inbox%2Falice",
        "/events/inbox/**",
        "/events?topic=inbox/alice",
        "/events?topic=a&topic=inbox/*",
        "/events/tidings/inbox",
        "/events/tidings/inbox/state",
        "/events/tidings/**",
        "/subscriptions?topic=inbox/alice",
    ] {
        let told = scene.told(&format!("GET {target}"), "accept: application/json", "").await;
        assert_eq!(told, "403 reserved-topic", "{target}");
    }
    for target in ["/events/inbox/alice", "/events/tidings/inbox"] {
        let refused = scene.send(&format!("POST {target}"), "", "{}").await;
        assert_eq!(refused.told(), "403 reserved-topic");
        assert!(
            target.contains("tidings") || refused.detail().contains("/inbox/{user}"),
            "{}",
            refused.detail()
        );
    }
    for target in ["/events/**", "/events/*", "/events/**/alice", "/events/*/alice"] {
        let page = scene.send(&format!("GET {target}"), "accept: application/json", "").await;
        assert_eq!((page.status, page.json()["events"].clone()), (200, json!([])), "{target}");
        assert!(!page.text.contains("secret"));
    }
    let lines = r#"{"topic":"inbox/alice","data":"x"}"#;
    let told = scene.told("POST /events", "content-type: application/x-ndjson", lines).await;
    assert!(told.starts_with("40"), "{told}");
}

#[tokio::test]
async fn preferences_are_listed_and_kept_once() {
    let scene = guarded().await;
    let (backend, alice) = (bearer(BACKEND), bearer(&token("alice")));
    let head = || scene.front.hub().bounds().head.sequence.0;

    for _ in 0..2 {
        assert_eq!(scene.told("PUT /inbox/alice/mute/sale", &alice, "").await, "204");
        assert_eq!(scene.told("PUT /inbox/alice/follows/orders%2F%2A", &alice, "").await, "204");
        assert_eq!(head(), 2);
    }
    assert_eq!(scene.json("GET /inbox/alice/mute", &alice, "").await, json!({"muted": ["sale"]}));
    assert_eq!(scene.json("GET /inbox/alice/follows", &alice, "").await, json!({"follows": ["orders/*"]}));
    let muted = scene.json("POST /inbox/alice", &backend, r#"{"title":"x","kind":"sale"}"#).await;
    assert_eq!(muted, json!({"id": "1-3", "repeated": false, "muted": true}));
    for body in [r#"{"title":"paid"}"#, r#"{"notification":{"title":"paid"}}"#] {
        let topic = scene.json("POST /inbox?topic=orders/42", &backend, body).await;
        assert_eq!(topic, json!({"notified": 1}));
    }
    // A backend may follow for its users, and read nothing.
    assert_eq!(scene.told("PUT /inbox/bob/follows/orders/42", &backend, "").await, "204");
    assert_eq!(scene.told("GET /inbox/bob/follows", &backend, "").await, "403 not-covered");
    for _ in 0..2 {
        assert_eq!(scene.told("DELETE /inbox/alice/mute/sale", &alice, "").await, "204");
        assert_eq!(scene.told("DELETE /inbox/alice/follows/orders/*", &alice, "").await, "204");
    }
    assert_eq!(head(), 8);
    assert_eq!(scene.titles("alice", "").await, ["paid", "paid"]);
}

#[tokio::test]
async fn each_url_takes_its_methods_and_says_which() {
    let scene = guarded().await;
    let alice = bearer(&token("alice"));
    for (path, methods) in [
        ("/inbox", "POST, OPTIONS"),
        ("/inbox/alice", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("/inbox/alice/count", "GET, HEAD, OPTIONS"),
        ("/inbox/alice/read", "POST, OPTIONS"),
        ("/inbox/alice/archive", "POST, OPTIONS"),
        ("/inbox/alice/mute", "GET, HEAD, OPTIONS"),
        ("/inbox/alice/mute/sale", "PUT, DELETE, OPTIONS"),
        ("/inbox/alice/follows", "GET, HEAD, OPTIONS"),
        ("/inbox/alice/follows/a/*/b", "PUT, DELETE, OPTIONS"),
        ("/inbox/alice/1-1", "DELETE, OPTIONS"),
    ] {
        let refused = scene.send(&format!("PATCH {path}"), &alice, "").await;
        assert_eq!(
            (refused.told().as_str(), &refused.head["allow"]),
            ("405 method-not-allowed", &methods.parse().unwrap())
        );
        let preflight = format!("origin: {}\naccess-control-request-method: PUT", super::hub::APP);
        let options = scene.send(&format!("OPTIONS {path}"), &preflight, "").await;
        assert_eq!(
            (options.status, &options.head["access-control-allow-methods"]),
            (204, &methods.parse().unwrap())
        );
        let foreign = preflight.replace("app.example", "evil.example");
        let options = scene.send(&format!("OPTIONS {path}"), &foreign, "").await;
        assert!(!options.head.contains_key("access-control-allow-methods"));
    }
    for path in [
        "/inbox/",
        "/inbox//count",
        "/inbox/alice/",
        "/inbox/alice/count/",
        "/inbox/alice/mute/a/b",
        "/inbox/alice/read/1-1",
    ] {
        assert_eq!(scene.told(&format!("GET {path}"), &alice, "").await, "404 not-found", "{path}");
    }
    for path in ["/inbox/alice", "/inbox/alice/count", "/inbox/alice/follows"] {
        let json = format!("{alice}\naccept: application/json");
        let head = scene.send(&format!("HEAD {path}"), &json, "").await;
        assert_eq!(
            (head.status, head.text.as_str(), &head.head["content-type"]),
            (200, "", &"application/json".parse().unwrap())
        );
    }
    let told =
        scene.told("GET /inbox/alice/count", &format!("{alice}\naccept: text/event-stream;q=0"), "").await;
    assert_eq!(told, "406 not-acceptable");
}

#[tokio::test]
async fn a_hub_without_an_inbox_says_so() {
    let scene = open().await;
    let front = tidings_http::Front::new(
        scene.front.hub().clone(),
        tidings_http::HttpConfig::default(),
        tidings_http::Pages::default(),
        tidings_core::contract::ManualClock::at(0),
    );
    let scene = super::hub::Scene { front, ..scene };
    for request in [
        "GET /inbox/alice",
        "POST /inbox/alice",
        "POST /inbox",
        "DELETE /inbox/alice",
        "GET /inbox/alice/count",
    ] {
        let refused = scene.send(request, "", "").await;
        assert_eq!(refused.told(), "404 not-found", "{request}");
        assert!(refused.detail().contains("inbox = false"));
    }
}

/// Methods that a URL does not take are told with those that it takes, and a URL that is none of an inbox with those that are.
#[tokio::test]
async fn each_url_tells_its_methods_and_a_slash_at_its_end_names_nothing() {
    let scene = open().await;
    for (path, allow) in [
        ("/inbox", "POST, OPTIONS"),
        ("/inbox/alice", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("/inbox/alice/count", "GET, HEAD, OPTIONS"),
        ("/inbox/alice/read", "POST, OPTIONS"),
        ("/inbox/alice/unread", "POST, OPTIONS"),
        ("/inbox/alice/seen", "POST, OPTIONS"),
        ("/inbox/alice/archive", "POST, OPTIONS"),
        ("/inbox/alice/mute", "GET, HEAD, OPTIONS"),
        ("/inbox/alice/mute/sale", "PUT, DELETE, OPTIONS"),
        ("/inbox/alice/follows", "GET, HEAD, OPTIONS"),
        ("/inbox/alice/follows/orders/*", "PUT, DELETE, OPTIONS"),
        ("/inbox/alice/1-1", "DELETE, OPTIONS"),
    ] {
        let options = scene.send(&format!("OPTIONS {path}"), "", "").await;
        assert_eq!((options.status, options.head["allow"].to_str().unwrap()), (204, allow), "{path}");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let refused = scene.send(&format!("{method} {path}"), "", "").await;
            assert_eq!(
                (refused.status, refused.head["allow"].to_str().unwrap()),
                (405, allow),
                "{method} {path}"
            );
        }
        if path.contains("follows/") {
            continue;
        }
        for method in ["GET", "OPTIONS", "POST", "PUT", "DELETE"] {
            let refused = scene.send(&format!("{method} {path}/"), "", "").await;
            assert_eq!(refused.told(), "404 not-found", "{method} {path}/");
            assert!(refused.detail().contains("an inbox is at /inbox/{user}"), "{}", refused.detail());
        }
    }
    let refused = scene.send("GET /nothing", "", "").await;
    assert!(refused.detail().contains("events are at /events/{topic}"), "{}", refused.detail());
}

#[tokio::test]
async fn the_name_of_a_user_is_one_segment_whatever_stands_in_it() {
    let scene = open().await;
    let (most, more) = ("%C3%BC".repeat(100), "%C3%BC".repeat(101));
    for (name, same) in [
        ("a%2Fb", "a%2fb"),
        ("a%252Fb", "a%25%32%46b"),
        ("%C3%BC", "\u{fc}"),
        ("a.b", "a%2Eb"),
        ("...", "%2E.%2e"),
        ("*", "%2A"),
        ("count", "%63ount"),
        ("a+b", "a%2Bb"),
        ("a%20b", "%61%20b"),
        (most.as_str(), most.as_str()),
    ] {
        scene.notify(name, r#"{"title":"t"}"#).await;
        let count = scene.json(&format!("GET /inbox/{same}/count"), "", "").await;
        assert_eq!(count["count"], 1, "{name} is {same}");
    }
    for (name, why) in [
        (more.as_str(), "the name of a user has 1 to 200 bytes, this one has 202"),
        (".", "the name of a user is neither `.` nor `..`"),
        ("%2E%2e", "the name of a user is neither `.` nor `..`"),
        (
            "J%75%CC%88",
            "names of users are compared byte by byte, and this one is not in Unicode's normal form NFC, which is `J\u{fc}`",
        ),
        ("a%0Ab", "the name of a user has no control characters"),
        ("a%2", "the name of the user has `%2`"),
        ("%FF", "the name of the user is percent-encoded UTF-8"),
    ] {
        for request in ["POST /inbox/{}", "GET /inbox/{}/count", "DELETE /inbox/{}", "GET /inbox/{}/mute"] {
            let refused = scene.send(&request.replace("{}", name), "", r#"{"title":"t"}"#).await;
            assert_eq!(refused.told(), "400 bad-user", "{request} {name}");
            assert!(refused.detail().starts_with(why), "{}", refused.detail());
        }
    }
}
