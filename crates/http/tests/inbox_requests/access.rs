//! Each user sees the own inbox alone, however a request shows who sends it.

use serde_json::json;

use super::hub::{APP, BACKEND, Scene, bearer, guarded, open, scene, signed, token, token_with};

/// Every request of an inbox that is for its user: method, what stands behind `/inbox/{user}`, body.
const OWN: [(&str, &str, &str); 14] = [
    ("GET", "", ""),
    ("GET", "?unread=true&limit=1", ""),
    ("HEAD", "", ""),
    ("GET", "/count", ""),
    ("GET", "/mute", ""),
    ("GET", "/follows", ""),
    ("POST", "/read", r#"{"all":true}"#),
    ("POST", "/unread", r#"{"ids":["1-1"]}"#),
    ("POST", "/seen", r#"{"through":"1-1"}"#),
    ("POST", "/archive", r#"{"all":true}"#),
    ("DELETE", "/1-1", ""),
    ("PUT", "/mute/sale", ""),
    ("DELETE", "/mute/sale", ""),
    ("PUT", "/follows/orders/42", ""),
];

async fn all_told(scene: &Scene, user: &str, headers: &str) -> Vec<String> {
    let headers = format!("accept: application/json\n{headers}");
    let mut all = Vec::new();
    for (method, rest, body) in OWN {
        let answer = scene.send(&format!("{method} /inbox/{user}{rest}"), &headers, body).await;
        // The answer to HEAD says no more.
        all.push(if method == "HEAD" { answer.status.to_string() } else { answer.told() });
    }
    all
}

fn all_are(told: &[String], expected: &str) -> bool {
    let status = expected.split(' ').next().unwrap();
    told.iter().all(|told| told == expected || told == status)
}

#[tokio::test]
async fn another_users_inbox_is_refused_whether_it_is_there_or_not() {
    let scene = guarded().await;
    scene.notify("alice", r#"{"title":"secret"}"#).await;
    let bob = bearer(&token("bob"));

    for user in ["alice", "nobody"] {
        let told = all_told(&scene, user, &bob).await;
        assert!(all_are(&told, "403 not-covered"), "{told:?}");
        for request in [
            format!("DELETE /inbox/{user}"),
            format!("POST /inbox/{user}"),
            format!("DELETE /inbox/{user}/follows/a"),
        ] {
            assert_eq!(scene.told(&request, &bob, r#"{"title":"x"}"#).await, "403 not-covered", "{request}");
        }
    }
    // To the byte, but for the name.
    let of = |answer: super::hub::Answer, user: &str| (answer.status, answer.text.replace(user, "USER"));
    for (method, rest, body) in OWN {
        let alice = scene.send(&format!("{method} /inbox/alice{rest}"), &bob, body).await;
        let nobody = scene.send(&format!("{method} /inbox/nobody{rest}"), &bob, body).await;
        assert_eq!(of(alice, "alice"), of(nobody, "nobody"));
    }
    assert_eq!((scene.count("alice").await, scene.titles("alice", "").await), (1, vec!["secret".to_owned()]));
    let many = r#"{"users":["bob"],"notification":{"title":"x"}}"#;
    for target in ["POST /inbox", "POST /inbox?topic=orders/42"] {
        assert_eq!(scene.told(target, &bob, many).await, "403 not-covered", "{target}");
    }
    // To read is not to write into it.
    assert_eq!(scene.told("POST /inbox/bob", &bob, r#"{"title":"x"}"#).await, "403 not-covered");
}

#[tokio::test]
async fn what_shows_nobody_gets_nothing() {
    let scene = guarded().await;
    scene.notify("alice", r#"{"title":"secret"}"#).await;
    let forged = format!("{}x", token("alice"));
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OTl9.";
    let expired = token_with("alice", json!({"exp": super::hub::NOW - 60}));

    for bad in [forged.as_str(), unsigned, expired.as_str(), "k-other"] {
        let told = all_told(&scene, "alice", &bearer(bad)).await;
        assert!(all_are(&told, "401 invalid-credentials"), "{bad}: {told:?}");
    }
    let told = all_told(&scene, "alice", "").await;
    assert!(all_are(&told, "401 credentials-required"), "{told:?}");
    for request in ["POST /inbox", "POST /inbox/alice", "POST /inbox?topic=a", "DELETE /inbox/alice"] {
        let body = r#"{"users":["alice"],"notification":{"title":"x"}}"#;
        assert_eq!(scene.told(request, "", body).await, "401 credentials-required", "{request}");
    }
    // The key that notifies reads nothing, and marks nothing.
    let told = all_told(&scene, "alice", &bearer(BACKEND)).await;
    assert!(all_are(&told[..13], "403 not-covered"), "{told:?}");
    assert_eq!(scene.count("alice").await, 1);
}

#[tokio::test]
async fn a_user_reads_and_changes_the_own_inbox_by_every_proof_that_names_the_user() {
    let scene = guarded().await;
    scene.notify("alice", r#"{"title":"x"}"#).await;
    let alice = token("alice");
    let good = |told: &[String]| told.iter().all(|told| told == "200" || told == "204");

    let told = all_told(&scene, "alice", &bearer(&alice)).await;
    assert!(good(&told), "{told:?}");
    for page in [format!("origin: {APP}"), "sec-fetch-site: same-origin".to_owned()] {
        let told = all_told(&scene, "alice", &format!("cookie: tidings={alice}\n{page}")).await;
        assert!(good(&told), "{page}: {told:?}");
    }
    for (method, rest, body) in OWN {
        let joint = if rest.contains('?') { '&' } else { '?' };
        let by_url = format!("{method} /inbox/alice{rest}{joint}access_token={alice}");
        let json = "accept: application/json";
        assert!(scene.send(&by_url, json, body).await.status < 300, "{by_url}");
        let ticket =
            scene.json("POST /tickets", &bearer(&alice), "").await["ticket"].as_str().unwrap().to_owned();
        let by_ticket = format!("{method} /inbox/alice{rest}{joint}ticket={ticket}");
        assert!(scene.send(&by_ticket, json, body).await.status < 300, "{by_ticket}");
        let again = scene.send(&by_ticket, json, body).await;
        assert_eq!(again.status, 401, "{by_ticket}");
    }
    assert_eq!(scene.told("DELETE /inbox/alice", &bearer(&alice), "").await, "204");
}

/// Cross-site request forgery: a browser adds the cookie of its user to what any page sends.
#[tokio::test]
async fn a_foreign_page_changes_nothing_by_the_cookie_of_its_visitor() {
    let scene = guarded().await;
    scene.notify("alice", r#"{"title":"x"}"#).await;
    let cookie = format!("cookie: tidings={}", token("alice"));

    for page in [
        "origin: https://evil.example",
        "origin: null",
        "sec-fetch-site: cross-site",
        "origin: https://evil.example\ncontent-type: application/x-www-form-urlencoded",
        "origin: https://evil.example\ncontent-type: text/plain",
    ] {
        let told = all_told(&scene, "alice", &format!("{cookie}\n{page}")).await;
        assert!(all_are(&told, "403 origin-not-allowed"), "{page}: {told:?}");
    }
    // A program that says nothing of a page has no business with a cookie that changes something.
    for (method, rest, body) in OWN.into_iter().filter(|(method, ..)| !matches!(*method, "GET" | "HEAD")) {
        let told = scene.told(&format!("{method} /inbox/alice{rest}"), &cookie, body).await;
        assert_eq!(told, "401 invalid-credentials", "{method} {rest}");
    }
    assert_eq!(scene.count("alice").await, 1);
}

#[tokio::test]
async fn a_signed_url_reads_one_inbox_or_notifies_one_user_and_does_nothing_else() {
    let scene = guarded().await;
    let (get, post) = (signed("GET", &["inbox/alice"]), signed("POST", &["inbox/alice"]));
    let told = async |request: &str, body: &str| scene.told(request, "accept: application/json", body).await;

    assert_eq!(told(&format!("POST /inbox/alice?{post}"), r#"{"title":"x"}"#).await, "201");
    for rest in ["", "/count", "/mute", "/follows"] {
        assert_eq!(told(&format!("GET /inbox/alice{rest}?{get}"), "").await, "200", "{rest}");
        assert_eq!(
            told(&format!("GET /inbox/bob{rest}?{get}"), "").await,
            "401 invalid-credentials",
            "{rest}"
        );
    }
    for request in [
        format!("POST /inbox/alice?{get}"),
        format!("GET /inbox/alice?{post}"),
        format!("POST /inbox/bob?{post}"),
        format!("POST /inbox?topic=orders/1&{post}"),
        format!("GET /inbox/alice?{}", get.replace("key=default", "key=other")),
    ] {
        assert_eq!(told(&request, r#"{"title":"x"}"#).await, "401 invalid-credentials", "{request}");
    }
    // The path is not signed, so marks, deletions and preferences are for tokens: a signature to notify would be one to mark.
    for (method, rest, body) in OWN.into_iter().filter(|(method, ..)| !matches!(*method, "GET" | "HEAD")) {
        let selectors: &[&str] =
            if rest.contains("follows") { &["inbox/alice", "orders/42"] } else { &["inbox/alice"] };
        let request = format!("{method} /inbox/alice{rest}?{}", signed(method, selectors));
        assert_eq!(told(&request, body).await, "403 not-covered", "{request}");
    }
    let erase = format!("DELETE /inbox/alice?{}", signed("DELETE", &["inbox/alice"]));
    assert_eq!(told(&erase, "").await, "403 not-covered");
    assert_eq!(scene.count("alice").await, 1);
}

#[tokio::test]
async fn a_name_is_one_segment_whatever_is_in_it() {
    let scene = guarded().await;
    for (name, in_url) in [
        ("a/b", "a%2Fb"),
        ("**", "**"),
        ("a%2Fb", "a%252Fb"),
        ("*", "%2A"),
        ("J\u{fc}rgen", "J%C3%BCrgen"),
        ("auth0|5f7c", "auth0%7C5f7c"),
        ("count", "count"),
        ("read", "read"),
        ("alice@e.example", "alice@e.example"),
        ("a b", "a%20b"),
        ("a+b", "a+b"),
        ("?x=1#y", "%3Fx%3D1%23y"),
    ] {
        let own = bearer(&token(name));
        scene.json(&format!("POST /inbox/{in_url}"), &bearer(BACKEND), r#"{"title":"x"}"#).await;
        let count = scene.json(&format!("GET /inbox/{in_url}/count"), &own, "").await;
        assert_eq!(count["count"], 1, "{name}");
        for other in ["alice", "a", "a/b", "a%2Fc", "bob"].into_iter().filter(|other| *other != in_url) {
            let told = scene
                .told(&format!("GET /inbox/{other}"), &format!("{own}\naccept: application/json"), "")
                .await;
            assert!(told == "403 not-covered" || told.starts_with("40"), "{name} reads {other}: {told}");
        }
    }
    for (in_url, why) in [
        ("%2E", "neither `.` nor `..`"),
        ("%2e%2e", "neither `.` nor `..`"),
        ("Ju%CC%88rgen", "NFC"),
        ("%FF", "UTF-8"),
        ("a%2", "%"),
        (&"x".repeat(201), "200 bytes"),
        (&"%C3%BC".repeat(101), "200 bytes"),
        (&"*".repeat(200), "topic"),
    ] {
        let refused = scene.send(&format!("GET /inbox/{in_url}/count"), &bearer(&token("alice")), "").await;
        assert_eq!(refused.told(), "400 bad-user", "{in_url}");
        assert!(refused.detail().contains(why), "{in_url}: {}", refused.detail());
    }
}

#[tokio::test]
async fn a_user_follows_only_what_the_user_may_read() {
    let scene = guarded().await;
    let alice = bearer(&token("alice"));

    for (selector, told) in [
        ("orders/42", "204"),
        ("orders/**", "204"),
        ("invoices/1", "403 not-covered"),
        ("**", "403 not-covered"),
        ("*/42", "403 not-covered"),
        ("inbox/alice", "403 reserved-topic"),
        ("inbox/**", "403 reserved-topic"),
        ("tidings/**", "403 reserved-topic"),
        ("a//b", "400 empty-segment"),
        ("orders/", "400 trailing-slash"),
        ("a/..", "400 bad-topic"),
        ("**/a/**/b/**/c/**", "400 pattern-too-complex"),
    ] {
        assert_eq!(
            scene.told(&format!("PUT /inbox/alice/follows/{selector}"), &alice, "").await,
            told,
            "{selector}"
        );
    }
    for topic in ["inbox/alice", "tidings/x", "a/*", "a//b", "a/"] {
        let request = format!("POST /inbox?topic={topic}");
        let told = scene.told(&request, &bearer(BACKEND), r#"{"title":"x"}"#).await;
        assert!(told.starts_with("40"), "{topic}: {told}");
    }
}

/// Without grants, the publish key is what notifies and erases; whoever reaches the hub reads, as with topics.
#[tokio::test]
async fn a_hub_with_a_publish_key_alone_wants_it_for_what_a_backend_does() {
    let scene = scene(|config| config.publish_key = Some("secret-of-16-bytes".to_owned())).await;
    let key = bearer("secret-of-16-bytes");

    for request in ["POST /inbox/alice", "POST /inbox?topic=a", "DELETE /inbox/alice"] {
        assert_eq!(scene.told(request, "", r#"{"title":"x"}"#).await, "401 key-required", "{request}");
        assert_eq!(
            scene.told(request, &bearer("other"), r#"{"title":"x"}"#).await,
            "401 invalid-key",
            "{request}"
        );
        assert!(scene.told(request, &key, r#"{"title":"x"}"#).await.starts_with("20"), "{request}");
    }
    let many = r#"{"users":["alice"],"notification":{"title":"x"}}"#;
    assert_eq!(scene.told("POST /inbox", "", many).await, "401 key-required");
    assert_eq!(scene.told("POST /inbox", &key, many).await, "201");
    let told = all_told(&scene, "alice", "").await;
    assert!(told.iter().all(|told| told.starts_with("20")), "{told:?}");
    let open = open().await;
    let foreign = "origin: https://evil.example";
    assert_eq!(
        open.told("POST /inbox/alice/read", foreign, r#"{"all":true}"#).await,
        "403 origin-not-allowed"
    );
}
