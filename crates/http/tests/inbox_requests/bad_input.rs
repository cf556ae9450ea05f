//! What is not as it must be is refused by its name, and what looks dangerous and is only text comes back as it is.

use serde_json::{Value, json};

use super::hub::{BACKEND, bearer, guarded, open, token};

fn body(member: &str, value: Value) -> String {
    let mut body = json!({"title": "t"});
    body[member] = value;
    body.to_string()
}

#[tokio::test]
async fn each_member_has_a_bound_and_a_rule() {
    let scene = open().await;
    for (member, value, is_good) in [
        ("title", json!("\u{fc}".repeat(500)), true),
        ("title", json!("\u{fc}".repeat(501)), false),
        ("title", json!(""), false),
        ("title", json!(" \u{a0}"), false),
        ("title", json!("a\nb"), false),
        ("title", json!("a\u{0}b"), false),
        ("title", json!("a\u{7f}"), false),
        ("title", json!(null), false),
        ("title", json!(5), false),
        ("title", json!(["t"]), false),
        ("body", json!("x".repeat(8_192)), true),
        ("body", json!("x".repeat(8_193)), false),
        ("body", json!("a\nb\r\n\tc"), true),
        ("body", json!("a\u{1b}[31m"), false),
        ("body", json!(null), true),
        ("kind", json!("a".repeat(64)), true),
        ("kind", json!("a".repeat(65)), false),
        ("kind", json!("a b"), false),
        ("kind", json!(""), false),
        ("data", json!({"a": "x".repeat(8_000)}), true),
        ("data", json!("x".repeat(8_192)), false),
        ("dedupe", json!("x".repeat(200)), true),
        ("dedupe", json!("x".repeat(201)), false),
        ("dedupe", json!(""), false),
        ("dedupe", json!("a\u{85}"), false),
        ("link", json!("/".repeat(2_048)), true),
        ("link", json!("/".repeat(2_049)), false),
        ("expires", json!("90s"), true),
        ("expires", json!("0s"), false),
        ("expires", json!("18446744073709551615d"), false),
        ("expires", json!("213503982334601d"), true),
        ("expires", json!("9999-12-31T23:59:59Z"), true),
        ("expires", json!("2025-12-31T22:59:59Z"), false),
        ("expires", json!("2026-01-01T08:00:00"), false),
        ("expires", json!("soon"), false),
        ("expires", json!(""), false),
        ("expires", json!(1_800_000_000), false),
        ("titel", json!("t"), false),
        ("id", json!("1-1"), false),
        ("read", json!(true), false),
    ] {
        let told = scene.told("POST /inbox/alice", "", &body(member, value.clone())).await;
        let expected = if is_good { "201" } else { "400 bad-notification" };
        let shown: String = value.to_string().chars().take(60).collect();
        assert_eq!(told, expected, "{member} {shown}");
    }
    let list = scene.json("GET /inbox/alice?limit=200", "", "").await;
    let far = list["items"].as_array().unwrap().iter().filter_map(|item| item["expires"].as_str());
    assert!(far.clone().count() > 2 && far.into_iter().all(|time| time.len() == 24 && time.ends_with('Z')));
}

#[tokio::test]
async fn a_link_that_would_run_in_a_page_is_refused_however_it_is_written() {
    let scene = open().await;
    for link in [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "jAvAsCrIpT:alert(1)",
        " javascript:alert(1)",
        "\u{a0}javascript:alert(1)",
        "\u{1}javascript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "java\r\nscript:alert(1)",
        "javascript\t:alert(1)",
        "javascript:",
        "javascript://%0aalert(1)",
        "javascript&colon;x:y",
        "%6aavascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "DATA:text/html;base64,x",
        "vbscript:x",
        "blob:https://e.example/x",
        "file:///etc/passwd",
        "view-source:https://e.example",
        "about:blank",
        "intent://x",
        "tel:1",
        ":x",
        "x:y",
        "",
        " ",
    ] {
        let refused = scene.send("POST /inbox/alice", "", &body("link", json!(link))).await;
        assert_eq!(refused.told(), "400 bad-notification", "{link:?}");
    }
    for link in [
        "https://e.example/?next=javascript:x",
        "/a:b",
        "./javascript:x",
        "#javascript:x",
        "?q=a:b",
        "mailto:a@e.example",
        "a/b",
    ] {
        assert_eq!(scene.told("POST /inbox/alice", "", &body("link", json!(link))).await, "201", "{link:?}");
    }
}

/// Nothing in the hub reads it as a page does.
#[tokio::test]
async fn html_is_text_to_the_byte() {
    let scene = open().await;
    let texts = [
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(1)>",
        "<!--",
        "]]>",
        "&lt;b&gt; &amp; &#39;",
        "\" onmouseover=\"x",
        "'; DROP TABLE items; --",
        "${7*7} {{7*7}} %n%s \\u0041",
        "\u{202e}gnp.exe",
        "\u{2028}\u{2029}\u{feff}",
        "\u{1f469}\u{200d}\u{1f4bb}",
    ];
    for text in texts {
        let all = json!({"title": text, "body": text, "data": {text: text}, "dedupe": text});
        assert_eq!(scene.told("POST /inbox/alice", "", &all.to_string()).await, "201", "{text}");
    }

    let list = scene.send("GET /inbox/alice", "accept: application/json", "").await;
    assert_eq!(list.head["content-type"], "application/json");
    assert_eq!(list.head["x-content-type-options"], "nosniff");
    let list = list.json();
    for (item, text) in list["items"].as_array().unwrap().iter().rev().zip(texts) {
        assert_eq!(
            (&item["title"], &item["body"], &item["data"][text]),
            (&json!(text), &json!(text), &json!(text))
        );
    }
    // A browser that looks at the URL is not given a page.
    let html = scene.send("GET /inbox/alice", "accept: text/html,application/xhtml+xml,*/*;q=0.8", "").await;
    assert_eq!(html.head["content-type"], "application/json");
}

#[tokio::test]
async fn a_body_is_an_object_with_known_members_each_once() {
    let scene = open().await;
    let deep = format!("{{\"title\":\"t\",\"data\":{}1{}}}", "[".repeat(33), "]".repeat(33));
    let longer = format!("{{\"title\":\"t\",\"data\":{}1{}}}", "[".repeat(4_000), "]".repeat(4_000));
    for bad in [
        "",
        "null",
        "[]",
        r#"["t"]"#,
        r#""t""#,
        "{",
        r#"{"title":"t"} x"#,
        r#"{"title":"t"}{"title":"u"}"#,
        r#"{"title":"t","title":"u"}"#,
        r#"{"title":"t","data":"\ud800"}"#,
        r#"{"title":"\ud800"}"#,
        r#"{"title":"t","data":1e999}"#,
        r#"{"title":"t","data":NaN}"#,
        r#"{"title":"t","data":{"a":1,}}"#,
        &deep,
        &longer,
        "\u{feff}{\"title\":\"t\"}",
    ] {
        let refused = scene.send("POST /inbox/alice", "content-type: application/json", bad).await;
        assert_eq!(refused.told(), "400 bad-notification", "{bad}");
        assert!(refused.detail().len() < 600, "{}", refused.detail());
    }
    for (content_type, told) in [
        ("application/json", "201"),
        ("Application/JSON; charset=utf-8", "201"),
        ("application/x-www-form-urlencoded", "201"),
        ("text/plain", "415 unsupported-media-type"),
        ("application/x-ndjson", "415 unsupported-media-type"),
        ("multipart/form-data; boundary=x", "415 unsupported-media-type"),
    ] {
        let headers = format!("content-type: {content_type}");
        assert_eq!(
            scene.told("POST /inbox/alice", &headers, r#"{"title":"t"}"#).await,
            told,
            "{content_type}"
        );
        let marked = scene.told("POST /inbox/alice/read", &headers, r#"{"all":true}"#).await;
        assert_eq!(marked, told.replace("201", "200"), "{content_type}");
    }
    for target in ["/inbox/alice", "/inbox?topic=a"] {
        let large = format!("{{\"title\":\"{}\"}}", "x".repeat(70_000));
        assert_eq!(scene.told(&format!("POST {target}"), "", &large).await, "413 too-large", "{target}");
    }
    let large = format!("{{\"ids\":[\"{}\"]}}", "x".repeat(70_000));
    assert_eq!(scene.told("POST /inbox/alice/read", "", &large).await, "413 too-large");
    for query in ["x=1", "topic=a", "limit=5", "user=bob"] {
        assert_eq!(
            scene.told(&format!("POST /inbox/alice?{query}"), "", r#"{"title":"t"}"#).await,
            "400 unknown-parameter"
        );
    }
    let twice = scene.told("POST /inbox?topic=a&topic=b", "", r#"{"title":"t"}"#).await;
    assert_eq!(twice, "400 repeated-parameter");
}

#[tokio::test]
async fn a_mark_names_items_in_one_way() {
    let scene = open().await;
    let many: Vec<_> = (0..1_001).map(|number| format!("1-{number}")).collect();
    let all = json!({"ids": many}).to_string();
    let most = json!({"ids": many[..1_000]}).to_string();
    for (body, told) in [
        ("{}", "400 bad-mark"),
        ("[]", "400 bad-mark"),
        (r#"{"all":false}"#, "400 bad-mark"),
        (r#"{"all":"true"}"#, "400 bad-mark"),
        (r#"{"all":true,"ids":[]}"#, "400 bad-mark"),
        (r#"{"ids":["1-1"],"through":"1-1"}"#, "400 bad-mark"),
        (r#"{"ids":"1-1"}"#, "400 bad-mark"),
        (r#"{"ids":[1]}"#, "400 bad-mark"),
        (r#"{"ids":null}"#, "400 bad-mark"),
        (r#"{"id":"1-1"}"#, "400 bad-mark"),
        (all.as_str(), "400 bad-mark"),
        (most.as_str(), "200"),
        (r#"{"ids":["1-1","nothing"]}"#, "400 bad-item"),
        (r#"{"ids":[""]}"#, "400 bad-item"),
        (r#"{"through":"1-1-1"}"#, "400 bad-item"),
        (r#"{"through":" 1-1"}"#, "400 bad-item"),
        (r#"{"through":"1--1"}"#, "400 bad-item"),
        (r#"{"through":"1-99999999999999999999"}"#, "400 bad-item"),
        (r#"{"through":"1-18446744073709551615"}"#, "200"),
        (r#"{"ids":["1-0","1-18446744073709551615"]}"#, "200"),
    ] {
        for mark in ["read", "unread", "seen", "archive"] {
            let shown = body.get(..40).unwrap_or(body);
            assert_eq!(
                scene.told(&format!("POST /inbox/alice/{mark}"), "", body).await,
                told,
                "{mark} {shown}"
            );
        }
    }
    for (id, told) in [
        ("1-1", "204"),
        ("x", "400 bad-item"),
        ("1-", "400 bad-item"),
        ("%FF", "400 bad-item"),
        ("1%2D1", "204"),
    ] {
        assert_eq!(scene.told(&format!("DELETE /inbox/alice/{id}"), "", "").await, told, "{id}");
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_what_it_knows() {
    let scene = open().await;
    let many_kinds = "kind=a&".repeat(21);
    for (query, told) in [
        ("unread=yes", "400 bad-filter"),
        ("unread=TRUE", "400 bad-filter"),
        ("archived=1", "400 bad-filter"),
        ("unread=true&unread=false", "400 repeated-parameter"),
        ("kind=a%20b", "400 bad-filter"),
        (many_kinds.as_str(), "400 bad-filter"),
        ("limit=0", "400 bad-limit"),
        ("limit=201", "400 bad-limit"),
        ("limit=-1", "400 bad-limit"),
        ("limit=1e2", "400 bad-limit"),
        ("before=x", "400 bad-item"),
        ("after=1", "400 bad-item"),
        ("since=10m", "400 unknown-parameter"),
        ("before=&after=&unread=&archived=&kind=", "200"),
        ("_=17", "200"),
    ] {
        let shown = query.get(..30).unwrap_or(query);
        assert_eq!(
            scene.told(&format!("GET /inbox/alice?{query}"), "accept: application/json", "").await,
            told,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn many_users_are_notified_all_or_none() {
    let scene = guarded().await;
    let backend = bearer(BACKEND);
    let names: Vec<_> = (0..10_001).map(|number| format!("u{number}")).collect();
    let call = |users: Value| json!({"users": users, "notification": {"title": "t"}}).to_string();

    let notified = scene.json("POST /inbox", &backend, &call(json!(["alice", "bob", "alice"]))).await;
    assert_eq!(notified, json!({"notified": 2}));
    for users in
        [json!([]), json!(null), json!("alice"), json!(["alice", 5]), json!(["alice", null]), json!(names)]
    {
        assert_eq!(scene.told("POST /inbox", &backend, &call(users)).await, "400 bad-notification");
    }
    for bad in ["", ".", "..", "Ju\u{308}rgen", "a\u{fdd0}".repeat(100).as_str()] {
        assert_eq!(
            scene.told("POST /inbox", &backend, &call(json!(["alice", bad, "bob"]))).await,
            "400 bad-user",
            "{bad}"
        );
    }
    for body in [
        r#"{"users":["alice"]}"#,
        r#"{"notification":{"title":"t"}}"#,
        r#"{"users":["alice"],"notification":{"title":""}}"#,
        r#"{"users":["alice"],"notification":{"title":"t"},"title":"t"}"#,
        r#"{"users":["alice"],"users":["bob"],"notification":{"title":"t"}}"#,
    ] {
        assert_eq!(scene.told("POST /inbox", &backend, body).await, "400 bad-notification", "{body}");
    }
    assert_eq!((scene.count("alice").await, scene.count("bob").await), (1, 1));

    // As many as can be, with the longest names: they are in several records, of one append.
    let long: Vec<_> = (0..10_000).map(|number| format!("{number:0>200}")).collect();
    let notified = scene.json("POST /inbox", &backend, &call(json!(long))).await;
    assert_eq!(notified, json!({"notified": 10_000}));
    assert_eq!(scene.count(&long[9_999]).await, 1);
    let list = scene.json(&format!("GET /inbox/{}", long[0]), &bearer(&token(&long[0])), "").await;
    assert_eq!(list["items"][0]["title"], "t");
}

/// Programs look at the type, and people at the sentence: which member it is, what it is, and what it must be.
#[tokio::test]
async fn a_sentence_names_the_member_that_is_wrong() {
    let scene = open().await;
    for (request, body, detail) in [
        ("POST /inbox/alice", "{}", "`title` is missing"),
        ("POST /inbox/alice", r#"{"title":5}"#, "`title` is the number 5, and must be a text"),
        (
            "POST /inbox/alice",
            r#"{"titel":"t"}"#,
            "`titel` is no member that is known here; known are `title`, `body`",
        ),
        ("POST /inbox/alice", r#"{"title":"t","title":"u"}"#, "`title` stands twice"),
        (
            "POST /inbox/alice",
            r#"{"title":"t","data":{"a":1,}}"#,
            "the body is no JSON: key must be a string",
        ),
        ("POST /inbox/alice", "title=t", "the body begins with `title=t`, and must be a JSON object"),
        ("POST /inbox/alice", "\u{1b}[2J", "the body begins with `\\x1b[2J`"),
        (
            "POST /inbox/alice",
            r#"{"title":"t","expires":5}"#,
            "`expires` is the number 5, and must be a text",
        ),
        ("POST /inbox/alice", r#"{"title":"t","expires":"soon"}"#, "`expires` is a time with its zone"),
        (
            "POST /inbox/alice",
            r#"{"title":"t","expires":"2026-01-01T08:00:00"}"#,
            "`expires` has no time zone",
        ),
        ("POST /inbox/alice", r#"{"title":"t","expires":"2026-01-01T08:00:00+99:00"}"#, "`expires` "),
        (
            "POST /inbox/alice",
            r#"{"title":"t","expires":"2020-01-01T08:00:00Z"}"#,
            "`expires` is in the past",
        ),
        (
            "POST /inbox",
            r#"{"users":["a",5],"notification":{"title":"t"}}"#,
            "`users[1]` is the number 5, and must be a text",
        ),
        ("POST /inbox", r#"{"users":["a","."],"notification":{"title":"t"}}"#, "`users[1]`: "),
        (
            "POST /inbox",
            r#"{"users":"a","notification":{"title":"t"}}"#,
            "`users` is the text \"a\", and must be a list of at most",
        ),
        ("POST /inbox", r#"{"users":["a"],"notification":{}}"#, "`notification.title` is missing"),
        ("POST /inbox", r#"{"users":["a"],"notification":{"title":null}}"#, "`notification.title` is null"),
        (
            "POST /inbox",
            r#"{"users":["a"],"notification":["t",null,null,null,null,null,null]}"#,
            "`notification` is a list, and must be an object",
        ),
        (
            "POST /inbox",
            r#"{"users":["a"],"title":"t"}"#,
            "`title` is no member that is known here; known are `users` or `notification`",
        ),
        ("POST /inbox?topic=a", r#"{"notification":{"kind":"a"}}"#, "`notification.title` is missing"),
        ("POST /inbox/alice/read", "{}", "the body has none of `ids`, `through` and `all`"),
        ("POST /inbox/alice/read", r#"{"all":false}"#, "`all` is false"),
        ("POST /inbox/alice/read", r#"{"all":1}"#, "`all` is the number 1, and must be true or false"),
        ("POST /inbox/alice/read", r#"{"all":true,"ids":[]}"#, "the body has more than one of"),
        (
            "POST /inbox/alice/read",
            r#"{"ids":["1-1","x\u001by"]}"#,
            "`ids[1]`: the id of an item is what the list tells as `id`, such as 1k3f-40, and not `x\\x1by`",
        ),
        ("POST /inbox/alice/read", r#"{"ids":["1-1",7]}"#, "`ids[1]` is the number 7, and must be a text"),
        ("POST /inbox/alice/read", r#"{"through":""}"#, "`through`: the id of an item"),
        (
            "GET /inbox/alice?before=nonsense",
            "",
            "`before` is a parameter of the list, and without `Accept: application/json`",
        ),
        ("GET /inbox/alice?limit=5&kind=a", "", "`kind` is a parameter of the list"),
        ("GET /inbox/alice/count?retry=5s", "", "`retry` is a parameter of the count that is polled"),
        ("GET /inbox/alice?bfore=1-1", "", "there is no parameter `bfore`; known here: last_event_id"),
    ] {
        let told = scene.send(request, "", body).await.detail();
        assert!(told.starts_with(detail), "{request} {body}: {told}");
        assert!(told.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{told}");
    }
    let list = "accept: application/json";
    for (query, detail) in [
        ("before=nonsense", "`before`: the id of an item is what the list tells"),
        (
            "after=%1b",
            "`after`: the id of an item is what the list tells as `id`, such as 1k3f-40, and not `\\x1b`",
        ),
        ("mode=poll", "`mode` is a parameter of the stream, and this request accepts the list"),
        ("last_event_id=1-1", "`last_event_id` is a parameter of the stream"),
    ] {
        let told = scene.send(&format!("GET /inbox/alice?{query}"), list, "").await.detail();
        assert!(told.starts_with(detail), "{query}: {told}");
    }
    for (headers, detail) in [
        (
            "content-type: text/plain; charset=utf-8",
            "the content-type of the body is `text/plain; charset=utf-8`; send it as application/json",
        ),
        ("content-type: a\u{e9}", "the content-type of the body is `a\\xc3\\xa9`"),
    ] {
        let told = scene.send("POST /inbox/alice", headers, "{}").await;
        assert_eq!(told.told(), "415 unsupported-media-type");
        assert!(told.detail().starts_with(detail), "{}", told.detail());
    }
    let long = format!("content-type: {}", "x".repeat(5_000));
    assert!(scene.send("POST /inbox/alice", &long, "{}").await.detail().len() < 400);
}
