//! Who may do what with inboxes: from the configuration of the guide to what the hub answers.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use support::desk::{Desk, KEY};
use tidings_testkit::hub::Hub;

const NOTIFIER: &str = "k-fedcba9876543210fedcba9876543210";

/// As in the guide, beside a key that may do everything with topics.
const TABLES: &str = r#"
[[access.keys]]
name = "backend"
key = "k-0123456789abcdef0123456789abcdef"
publish = ["**"]
subscribe = ["**"]
admin = true

[[access.keys]]
name = "notifier"
key = "k-fedcba9876543210fedcba9876543210"
publish = ["inbox/**"]

[access.jwt]
key = "0123456789abcdef0123456789abcdef"
audience = "tidings"
query = true
subscribe = ["inbox/{sub}", "users/{sub}/**"]

[access.signing]
key = "abcdef0123456789abcdef0123456789"
"#;

fn get(hub: &Hub, path: &str, bearer: Option<&str>) -> (u16, String) {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let mut headers = vec![("accept", "application/json")];
    headers.extend(header.iter().map(|value| ("authorization", value.as_str())));
    let answer = hub.connect().get(path, &headers).unwrap();
    (answer.status, answer.body)
}

fn post(hub: &Hub, path: &str, bearer: Option<&str>, body: &str) -> (u16, String) {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(header.iter().map(|value| ("authorization", value.as_str())));
    let answer = hub.connect().post(path, &headers, body).unwrap();
    (answer.status, answer.body)
}

#[test]
fn users_have_the_own_inbox_a_key_notifies_and_no_pattern_of_topics_reaches_inboxes() {
    let desk = Desk::new(TABLES);
    let hub = desk.hub();
    let [alice, bob] = ["alice", "bob"].map(|user| desk.token(&["--sub", user]));
    let title = r#"{"title":"Hello"}"#;

    assert_eq!(post(&hub, "/inbox/alice", Some(NOTIFIER), title).0, 201);
    assert_eq!(get(&hub, "/inbox/alice/count", Some(&alice)).1, "{\"count\":1,\"version\":1}\n");
    for (bearer, status) in [(Some(bob.as_str()), 403), (Some(NOTIFIER), 403), (Some(KEY), 403), (None, 401)]
    {
        assert_eq!(get(&hub, "/inbox/alice", bearer).0, status, "{bearer:?}");
        assert_eq!(post(&hub, "/inbox/alice/read", bearer, r#"{"all":true}"#).0, status, "{bearer:?}");
    }
    for bearer in [alice.as_str(), KEY] {
        assert_eq!(post(&hub, "/inbox/alice", Some(bearer), title).0, 403);
    }
    assert_eq!(
        post(&hub, "/inbox/alice/read", Some(&alice), r#"{"all":true}"#),
        (200, "{\"unread\":0,\"version\":2,\"changed\":1}\n".to_owned())
    );
    let own = desk.token(&["--sub", "carol", "--publish", "inbox/bob"]);
    assert_eq!(post(&hub, "/inbox/bob", Some(&own), title).0, 201);
    assert_eq!(get(&hub, "/readyz", None).0, 200);
}

#[test]
fn a_signed_url_reads_an_inbox_or_notifies_its_user() {
    let desk = Desk::new(TABLES);
    let hub = desk.hub();
    let sign = |path: &str, more: &[&str]| {
        let url = format!("http://hub.example{path}");
        let left =
            desk.run(&[&["sign", &url, "--key-file", "signing.key", "--expires", "1h"], more].concat());
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{left:?}");
        left.stdout.trim_end().strip_prefix("http://hub.example").unwrap().to_owned()
    };

    let notify = sign("/inbox/a%2Fb", &["--method", "POST"]);
    assert_eq!(post(&hub, &notify, None, r#"{"title":"Hello"}"#).0, 201);
    for path in ["/inbox/a%2Fb", "/inbox/a%2Fb?unread=true", "/inbox/a%2Fb/count", "/inbox/a%2Fb/follows"] {
        let signed = sign(path, &[]);
        assert_eq!(get(&hub, &signed, None).0, 200, "{signed}");
        assert_eq!(get(&hub, &signed.replace("a%2Fb", "a"), None).0, 401, "{signed}");
    }
    let read = sign("/inbox/a%2Fb", &[]).replace("a%2Fb?", "a%2Fb/read?");
    assert_eq!(post(&hub, &read, None, r#"{"all":true}"#).0, 401);
    let read = notify.replace("a%2Fb?", "a%2Fb/read?");
    assert_eq!(post(&hub, &read, None, r#"{"all":true}"#).0, 403);
}
