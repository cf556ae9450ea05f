//! What is forged, broken, too large or written in another way, and the exact answer to it.

use serde_json::json;
use tidings_http::grants::jwt::{Algorithm, Minting, mint};

use super::hub::{BACKEND, NOW, front, signature, token, told};

/// The refusal of what a request shows.
fn refused(why: &str) -> String {
    format!("401 invalid-credentials invalid_token: {why}")
}

#[tokio::test(start_paused = true)]
async fn each_bad_token_gets_exactly_this() {
    let front = front().await;
    let good = token(json!({}));
    let (message, _) = good.rsplit_once('.').unwrap();
    let claims = message.split_once('.').unwrap().1;
    let with_kid = |kid: &str| {
        let claims = json!({"sub": "u1", "aud": "tidings"});
        let claims = claims.as_object().unwrap();
        mint(
            &Minting::Secret(b"another secret of thirty-two bytes".to_vec()),
            Algorithm::HS256,
            Some(kid),
            claims,
        )
        .unwrap()
    };
    let granting = |count: usize| token(json!({"tidings": {"subscribe": vec!["a"; count]}}));
    for (shown, answer) in [
        // Its head is {"alg":"none"}.
        (
            format!("eyJhbGciOiJub25lIn0.{claims}."),
            refused("the token is signed by the algorithm \"none\", and this hub takes HS256"),
        ),
        (format!("{message}."), refused("the signature is not that of the key")),
        // A name of a key is compared, and is never the name of a file.
        (with_kid("../../../../dev/null"), refused("the signature is not that of the key")),
        (
            token(json!({"tidings": {"subscribe": vec!["a"; 500], "publish": vec!["a"; 501]}})),
            refused("the token grants 1001 selectors, and may grant 1000; use patterns"),
        ),
        (granting(1_001), refused("the token grants 1001 selectors, and may grant 1000; use patterns")),
        (
            granting(10_000),
            refused(&format!("the token has {} bytes, and may have 16384", granting(10_000).len())),
        ),
        // A connection answers 431 before that, because the head is larger than `head_bytes_max`.
        (
            format!("{good}{}", "A".repeat((1 << 20) - good.len())),
            refused("the token has 1048576 bytes, and may have 16384"),
        ),
        (
            token(json!({"exp": "4102444800"})),
            refused("the claim `exp` of the token is a number: seconds since 1970"),
        ),
        (
            token(json!({"nbf": NOW + 3})),
            refused("the token begins to hold in 3 s; perhaps a clock is wrong"),
        ),
        (token(json!({"nbf": NOW + 2})), "200".to_owned()),
        (token(json!({"exp": NOW - 1})), "200".to_owned()),
        (token(json!({"exp": NOW - 2})), refused("the token expired 2 s ago")),
    ] {
        let header = format!("authorization: Bearer {shown}");
        let name = shown.chars().take(60).collect::<String>();
        assert_eq!(told(&front, "GET /events/users/u1/a", &header).await, answer, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_authorization_is_refused_whichever_of_the_two_is_good() {
    let front = front().await;
    let good = format!("authorization: Bearer {BACKEND}");
    let twice = "400 repeated-header : the request has 2 lines `authorization`, and may have one";

    for other in ["authorization: Bearer bad", "Authorization: Basic YTpi", &good] {
        for headers in [format!("{good}\n{other}"), format!("{other}\n{good}")] {
            for request in
                ["GET /events/orders/9", "POST /events/orders/9", "GET /events/public/a", "POST /tickets"]
            {
                assert_eq!(told(&front, request, &headers).await, twice, "{request} {headers}");
            }
        }
    }
}

/// Names are compared after they were decoded once. What looks like a granted name to a person is another one.
#[tokio::test(start_paused = true)]
async fn a_topic_is_what_its_url_decodes_to_once() {
    let front = front().await;
    let grants = json!({"subscribe": ["orders/9", "caf\u{e9}/*"], "publish": ["orders/9", "caf\u{e9}/*"]});
    let good = format!("authorization: Bearer {}", token(json!({"tidings": grants})));
    let uncovered = |topic: &str| format!("does not cover `{topic}`");
    let encoded = |why: &str| format!("must be {why}");
    let dots = "400 bad-topic : a topic has no segment `.` or `..`";
    let empty = "400 empty-segment : the topic has an empty segment, which some programs on the way drop; take the slash away that \
                 is too much, or write %2F for a slash beside an empty segment that is meant";
    let end = "400 trailing-slash : the topic ends in a slash; drop it, or write %2F if the topic really ends in one";

    for (topic, answer) in [
        ("orders/9", None),
        ("orders%2F9", None),
        ("orders%2f%39", None),
        ("%6frders/9", None),
        ("caf%C3%A9/1", None),
        ("caf%c3%a9%2F1", None),
        // Another case, a decomposed letter, and signs that look like a slash, a digit, a dot or nothing.
        ("Orders/9", Some(uncovered("Orders/9"))),
        (
            "cafe%CC%81/1",
            Some(
                "400 bad-topic : topics are compared byte by byte, and this one is not in Unicode's normal form NFC, which is \
                 `caf\u{e9}/1`; in a URL that is caf%C3%A9/1"
                    .to_owned(),
            ),
        ),
        ("orders%EF%BC%8F9", Some(uncovered("orders\u{ff0f}9"))),
        ("orders%E2%88%959", Some(uncovered("orders\u{2215}9"))),
        ("orders/%EF%BC%99", Some(uncovered("orders/\u{ff19}"))),
        ("orders/%E2%80%A4%E2%80%A4/orders/9", Some(uncovered("orders/\u{2024}\u{2024}/orders/9"))),
        ("orders/9%E2%80%8B", Some(uncovered("orders/9\u{200b}"))),
        // Decoded once.
        ("orders%252F9", Some(uncovered("orders%2F9"))),
        ("orders/%2539", Some(uncovered("orders/%39"))),
        ("users/u2/%2e%2e/u1/a", Some(dots.to_owned())),
        ("users/u2/%2E%2E%2Fu1/a", Some(dots.to_owned())),
        ("orders/%2e/9", Some(dots.to_owned())),
        ("orders/./9", Some(dots.to_owned())),
        ("orders//9", Some(empty.to_owned())),
        ("orders%2F%2F9", Some(uncovered("orders//9"))),
        ("orders/9/", Some(end.to_owned())),
        ("orders/9%2F", Some(uncovered("orders/9/"))),
        // Not UTF-8: a slash in two bytes, and a part of a letter.
        ("orders%C0%AF9", Some(encoded("percent-encoded UTF-8, and byte 7 of it, %C0, is not"))),
        ("caf%C3/1", Some(encoded("percent-encoded UTF-8, and byte 4 of it, %C3, is not"))),
        (
            "orders/9%00",
            Some("400 bad-topic : a topic has no control characters, and this one has U+0000".to_owned()),
        ),
    ] {
        for request in [format!("GET /events/{topic}"), format!("GET /events?topic={topic}"), format!("POST /events/{topic}")] {
            let told = told(&front, &request, &good).await;
            let (ok, grant) = if request.starts_with("POST") { ("201", "publish") } else { ("200", "subscribe") };
            let expected = match &answer {
                None => ok.to_owned(),
                Some(answer) if answer.starts_with("does") => {
                    format!("403 not-covered insufficient_scope: {grant} {answer}")
                }
                Some(answer) => match answer.strip_prefix("must be ") {
                    Some(why) if request.contains('?') => {
                        format!("400 query-not-utf8 : the parameter `topic` must be {why}")
                    }
                    Some(why) => format!("400 topic-not-utf8 : a topic is {why}"),
                    None => answer.clone(),
                },
            };
            assert_eq!(told, expected, "{request}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_signed_url_is_free_and_nothing_in_it_stands_twice() {
    let front = front().await;
    let expires = NOW + 3_600;
    let signature = signature("GET", expires, &["orders/8", "orders/9"]);
    let (expires, signature) = (format!("expires={expires}"), format!("signature={signature}"));
    let url = |parts: &[&str]| {
        let part = |part: &&str| match *part {
            "E" => expires.clone(),
            "S" => signature.clone(),
            part => part.to_owned(),
        };
        format!("GET /events?{}", parts.iter().map(part).collect::<Vec<_>>().join("&"))
    };
    let bad = refused("the signature is not that of the key");
    let twice = |name: &str| format!("400 repeated-parameter : the parameter `{name}` may be given once");

    for (parts, answer) in [
        (&["topic=orders/9", "topic=orders/8", "E", "key=default", "S"][..], "200".to_owned()),
        (&["S", "topic=orders/8", "key=default", "E", "topic=orders/9"], "200".to_owned()),
        (&["topic=orders/8", "topic=orders/9", "topic=orders/9", "E", "key=default", "S"], "200".to_owned()),
        (&["topic=orders/8", "topic=orders/9", "topic=orders/7", "E", "key=default", "S"], bad.clone()),
        (&["topic=orders/8", "topic=orders/*", "E", "key=default", "S"], bad.clone()),
        (&["topic=orders/8", "E", "key=default", "S"], bad.clone()),
        (&["topic=orders/8", "topic=orders/9", "E", "E", "key=default", "S"], twice("expires")),
        (&["topic=orders/8", "topic=orders/9", "E", "key=default", "key=x", "S"], twice("key")),
        (&["topic=orders/8", "topic=orders/9", "E", "key=default", "S", "S"], twice("signature")),
        (&["topic=orders/8", "topic=orders/9", "E", "key=default", "S", "signature="], twice("signature")),
        (&["topic=orders/8", "topic=orders/9", "E", "key=default", "signature="], bad.clone()),
        (
            &["topic=orders/8", "topic=orders/9", "E", "key=default"],
            refused("a signed URL has `expires`, `key` and `signature`, and one of them is missing"),
        ),
    ] {
        assert_eq!(told(&front, &url(parts), "").await, answer, "{parts:?}");
    }
}
