//! What a publisher does on the wire.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use support::server::{Answer, Server, Then};
use support::soon;
use tidings_client::{Draft, Event, EventSource, PublishError, Publisher, Target, TokenNeed};

fn publisher(server: &Server) -> Publisher {
    Publisher::builder(&server.url("")).unwrap().build()
}

/// An answer on a connection that is not used again, so that each request is one connection.
fn answer(status: u16, body: &str) -> Answer {
    Answer::status(status)
        .header("Connection", "close")
        .header("Content-Type", "application/json")
        .chunk(body)
}

fn problem(status: u16, body: &str) -> Answer {
    Answer::status(status)
        .header("Connection", "close")
        .header("Content-Type", "application/problem+json")
        .chunk(body)
}

#[tokio::test]
async fn an_event_is_a_post_of_its_data_with_the_other_fields_in_the_query() {
    let server = Server::start([answer(201, r#"{"id":"o-1"}"#)]);
    let draft = Draft::new("one\r\ntwo")
        .event_type("order&x")
        .unwrap()
        .id("o-1")
        .unwrap()
        .retry(Duration::from_millis(1_500));

    let receipt = publisher(&server).publish("orders/4 2", &draft).await.unwrap();

    let request = server.requested(1).await.remove(0);
    assert_eq!((receipt.id.as_str(), receipt.replayed), ("o-1", false));
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/events/orders/4%202?event=order%26x&id=o-1&retry=1500");
    assert_eq!(request.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(request.header("idempotency-key").unwrap().len(), 32);
    assert_eq!(request.body, b"one\r\ntwo");
}

#[tokio::test]
async fn the_connection_that_gets_no_echo_is_named_in_the_query_and_only_where_something_is_published() {
    let page = answer(200, r#"{"events":[]}"#);
    let answers = [answer(201, r#"{"id":"o-1"}"#), answer(201, r#"{"published":2,"id":"o-3"}"#), page];
    let server = Server::start(answers);
    let publisher = publisher(&server).excepting("c 1&x");
    let drafts = [Draft::new("1"), Draft::new("2")];

    publisher.publish("t", &Draft::new("x").id("o-1").unwrap()).await.unwrap();
    publisher.publish_all(Target::Url("/events/t?_=1"), &drafts).await.unwrap();
    publisher.newest("t").await.unwrap();

    let paths = server.requested(3).await.into_iter().map(|request| request.path).collect::<Vec<_>>();
    let expected = ["/events/t?except=c+1%26x&id=o-1", "/events/t?_=1&except=c+1%26x", "/events/t?last=20"];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn what_fails_in_passing_is_sent_again_under_the_same_key() {
    let again = answer(201, r#"{"id":"a-7"}"#).header("Idempotency-Replayed", "true");
    let server =
        Server::start([problem(503, r#"{"type":"urn:x"}"#), answer(201, "").then(Then::Break), again]);

    let receipt = publisher(&server).publish("t", &Draft::new("x")).await.unwrap();

    let requests = server.requested(3).await;
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert!(receipt.replayed);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn two_events_have_two_keys_and_a_given_key_is_kept() {
    let created = || answer(201, r#"{"id":"1"}"#);
    let server = Server::start([created(), created(), created()]);
    let publisher = publisher(&server);

    for draft in [Draft::new("x"), Draft::new("x"), Draft::new("x").idempotency_key("mine")] {
        publisher.publish("t", &draft).await.unwrap();
    }

    let requests = server.requested(3).await;
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[2], "mine");
}

#[tokio::test]
async fn what_is_refused_for_good_is_sent_once_and_typed() {
    let body = r#"{"type":"urn:tidings:problem:bad-id","title":"Bad Request","detail":"the id is too long"}"#;
    let server = Server::start([problem(400, body)]);

    let error = publisher(&server).publish("t", &Draft::new("x")).await.unwrap_err();

    let told = format!("the hub answered 400 Bad Request: the id is too long ({})", server.url("/events/t"));
    assert_eq!(error.to_string(), told);
    assert_eq!(error.status().unwrap(), 400);
    assert_eq!(error.problem().unwrap().kind.as_deref(), Some("urn:tidings:problem:bad-id"));
    assert_eq!(server.requests().borrow().len(), 1);
}

#[tokio::test]
async fn patience_is_bounded_by_time() {
    let publish = async |time| {
        let server = Server::start_repeating(|_, _| [answer(503, "")].into(), true);
        let publisher = Publisher::builder(&server.url("")).unwrap().give_up_after(time).build();
        let error = publisher.publish("t", &Draft::new("x")).await.unwrap_err();
        assert!(matches!(error, PublishError::Refused(_)), "{error:?}");
        server.requests().borrow().len()
    };

    assert_eq!(publish(Duration::ZERO).await, 1);
    assert!(publish(Duration::from_millis(300)).await > 1);
}

/// Five attempts were over after 0.4 to 2 s, and a hub that restarts is away for longer.
#[tokio::test]
async fn a_hub_that_is_away_for_many_attempts_gets_the_event_once_it_is_back() {
    let away = std::iter::repeat_n(answer(503, ""), 5);
    let server = Server::start(away.chain([answer(201, r#"{"id":"a-1"}"#)]));

    let receipt = publisher(&server).publish("t", &Draft::new("x")).await.unwrap();

    let requests = server.requested(6).await;
    let keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
    assert_eq!(receipt.id, "a-1");
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn a_hub_that_asks_for_too_much_patience_is_an_error_at_once() {
    let server = Server::start([answer(503, "").header("Retry-After", "3600")]);

    let error = publisher(&server).publish("t", &Draft::new("x")).await.unwrap_err();

    assert_eq!(error.refusal().unwrap().retry_after(), Some(Duration::from_secs(3_600)));
}

#[tokio::test]
async fn a_hub_that_does_not_answer_is_unreachable() {
    let server = Server::start([]);
    let builder = Publisher::builder(&server.url("")).unwrap().give_up_after(Duration::from_millis(500));
    let publisher = builder.attempt_timeout(Duration::from_millis(50)).unwrap().build();

    let error = publisher.publish("t", &Draft::new("x")).await.unwrap_err();

    let PublishError::Unreachable { origin, source } = error else { panic!("not {error:?}") };
    assert_eq!(
        (origin, source.to_string()),
        (format!("http://{}", server.address), "no answer within 50ms".into())
    );
    assert!(server.requests().borrow().len() > 1);
}

#[tokio::test]
async fn a_batch_is_one_stream_and_says_how_many() {
    let server = Server::start([answer(201, r#"{"published":2,"id":"a-2"}"#)]);
    let drafts = [Draft::new("one\ntwo").event_type("t").unwrap(), Draft::new("").id("2").unwrap()];

    let receipt = publisher(&server).publish_all("t", &drafts).await.unwrap();

    let request = server.requested(1).await.remove(0);
    assert_eq!((receipt.published, receipt.id.as_deref()), (2, Some("a-2")));
    assert_eq!(request.header("content-type"), Some("text/event-stream"));
    assert!(request.header("idempotency-key").is_some());
    assert_eq!(request.path, "/events/t");
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "event: t\ndata: one\ndata: two\n\nid: 2\ndata: \n\n"
    );
}

#[tokio::test]
async fn a_batch_is_sent_again_under_the_same_key_and_to_the_byte() {
    let answers = [answer(201, "").then(Then::Break), answer(201, r#"{"published":2,"id":"a-2"}"#)];
    let server = Server::start(answers);
    let drafts = [Draft::new("one").event_type("t").unwrap(), Draft::new("two").id("2").unwrap()];

    let receipt = publisher(&server).publish_all("t", &drafts).await.unwrap();

    let requests = server.requested(2).await;
    assert_eq!((receipt.published, receipt.id.as_deref()), (2, Some("a-2")));
    assert!(requests[0].header("idempotency-key").is_some());
    assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_batch_of_nothing_is_not_sent() {
    let server = Server::start([]);

    let receipt = publisher(&server).publish_all("t", []).await.unwrap();

    assert_eq!((receipt.published, server.requests().borrow().len()), (0, 0));
}

#[tokio::test]
async fn a_batch_that_fails_halfway_says_how_far_it_came() {
    let server = Server::start([problem(400, r#"{"type":"urn:x","published":1}"#)]);
    let drafts = [Draft::new("1"), Draft::new("2")];

    let error = publisher(&server).publish_all("t", &drafts).await.unwrap_err();

    assert_eq!(error.problem().unwrap().published, Some(1));
}

#[tokio::test]
async fn an_answer_that_is_not_a_hubs_is_no_receipt() {
    let page = || Answer::status(200).header("Connection", "close").header("Content-Type", "text/html");
    let long = "x".repeat(100_000);
    for (given, said) in [
        (answer(200, "<html>"), "the answer is application/json, not the JSON of a hub: <html>"),
        (answer(200, "[1]"), "the answer is application/json, not the JSON of a hub: [1]"),
        (
            page().chunk("<title>Welcome to\n nginx!</title>"),
            "the answer is text/html, not the JSON of a hub: Welcome to nginx!",
        ),
        (page().chunk(&long), "the answer is text/html, not the JSON of a hub"),
        (
            Answer::status(200).header("Connection", "close"),
            "the answer is of no content type, not the JSON of a hub",
        ),
    ] {
        let server = Server::start([given]);

        let error = publisher(&server).publish("t", &Draft::new("x")).await.unwrap_err();

        assert!(matches!(error, PublishError::Answer(_)), "{error:?}");
        assert_eq!(error.to_string(), format!("{said} ({})", server.url("/events/t")));
    }
}

#[tokio::test]
async fn whatever_answers_is_told_in_its_own_words_and_with_its_address() {
    let with = |of: &str, body: &str| {
        Answer::status(400).header("Connection", "close").header("Content-Type", of).chunk(body)
    };
    let page = format!("<html><head><title>400 No\u{1b}[2J</title></head>{}", "x".repeat(100_000));
    for (given, said) in [
        (with("text/plain; charset=utf-8", "write https://\r\n"), ": write https://"),
        (with("text/html", &page), ": 400 No\\u{1b}[2J"),
        (with("application/json", r#"{"message": "no"}"#), r#": {"message": "no"}"#),
        (with("application/octet-stream", "x"), ""),
        // Go's server says no content type.
        (
            Answer::status(400).header("Connection", "close").chunk("HTTP to an HTTPS server\n"),
            ": HTTP to an HTTPS server",
        ),
        // The status is known: what breaks then changes nothing.
        (with("text/plain", "no").then(Then::Break), ": no"),
    ] {
        let server = Server::start([given]);

        let error = publisher(&server)
            .publish(Target::Url("/events/t?id=s3cret"), &Draft::new("x"))
            .await
            .unwrap_err();

        assert_eq!(
            error.to_string(),
            format!("the hub answered 400 Bad Request{said} ({})", server.url("/events/t"))
        );
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = Server::start([answer(401, ""), answer(201, r#"{"id":"1"}"#)]);
    let token =
        |need| async move { Ok::<_, std::io::Error>(format!("{}", u8::from(need == TokenNeed::Refused))) };
    let publisher = Publisher::builder(&server.url("")).unwrap().token_source(token).build();

    publisher.publish(Target::Url("/events/t"), &Draft::new("x")).await.unwrap();

    let requests = server.requested(2).await;
    let sent: Vec<_> = requests.iter().map(|request| request.header("authorization").unwrap()).collect();
    assert_eq!(sent, ["Bearer 0", "Bearer 1"]);
}

#[tokio::test]
async fn what_was_received_can_be_published_elsewhere() {
    let upstream =
        Server::start([Answer::stream("event: tick\nid: 7\nretry: 5\ndata: a\ndata: b\n\ndata: c\n\n")]);
    let hub = Server::start([answer(201, r#"{"published":2,"id":"x"}"#)]);
    let mut source = EventSource::new(&upstream.url("/")).unwrap();

    let mut drafts: Vec<Draft> = Vec::new();
    for _ in 0..2 {
        let event: Event = soon(source.next_event()).await.unwrap().unwrap();
        drafts.push(event.into());
    }
    publisher(&hub).publish_all("t", &drafts).await.unwrap();

    let body = String::from_utf8(hub.requested(1).await.remove(0).body).unwrap();
    assert_eq!(body, "event: tick\nid: 7\nretry: 5\ndata: a\ndata: b\n\ndata: c\n\n");
}

#[tokio::test]
async fn who_wants_to_know_hears_why_it_is_tried_again() {
    let server = Server::start([problem(503, r#"{"detail":"busy"}"#), answer(201, r#"{"id":"a-7"}"#)]);
    let (tell, told) = std::sync::mpsc::channel();
    let publisher = Publisher::builder(&server.url("")).unwrap().on_retry(move |error, wait| {
        tell.send((error.to_string(), wait)).unwrap();
    });

    publisher.build().publish("t", &Draft::new("x")).await.unwrap();

    let (error, wait) = told.try_recv().unwrap();
    assert_eq!(
        error,
        format!("the hub answered 503 Service Unavailable: busy ({})", server.url("/events/t"))
    );
    assert!(wait <= Duration::from_millis(200), "{wait:?}");
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn the_newest_id_that_a_publisher_gave_is_found_among_the_newest_events() {
    let page = r#"{"events":[{"id":"up-8","cursor":"e-1"},{"id":"up-9","cursor":"e-2","data":"x"},
        {"id":"e-3","cursor":"e-3"}],"cursor":"e-3","more":false}"#;
    let empty = r#"{"events":[],"cursor":"e-3","more":false}"#;
    let server = Server::start([answer(200, page), answer(200, empty)]);
    let publisher = publisher(&server);

    let found = publisher.last_given_id(Target::Url("/events/t?event=x")).await.unwrap();
    let nothing = publisher.last_given_id("t").await.unwrap();

    let request = server.requested(2).await.remove(0);
    assert_eq!((found.as_deref(), nothing), (Some("up-9"), None));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/events/t?last=20"));
    assert_eq!(request.header("accept"), Some("application/json"));
}

#[tokio::test]
async fn an_event_whose_type_a_hub_leaves_out_is_a_message() {
    let page = r#"{"events":[{"id":"up-8","cursor":"e-1"},{"id":"up-9","cursor":"e-2","type":"t"}]}"#;
    let server = Server::start([answer(200, page)]);

    let newest = publisher(&server).newest("t").await.unwrap();

    let types: Vec<_> = newest.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["message", "t"]);
}

#[tokio::test]
async fn members_that_are_not_known_are_ignored_in_every_answer() {
    let later = r#""meta":{"by":"ann","more":[1]},"later":null"#;
    let created = format!(r#"{{"id":"a-1",{later}}}"#);
    let batch = format!(r#"{{"published":1,"id":"a-2",{later}}}"#);
    let page = format!(r#"{{"events":[{{"id":"up-1","cursor":"a-1",{later}}}],"cursor":"a-1",{later}}}"#);
    let refusal = format!(r#"{{"detail":"no",{later}}}"#);
    let server = Server::start([
        answer(201, &created),
        answer(201, &batch),
        answer(200, &page),
        problem(400, &refusal),
    ]);
    let publisher = publisher(&server);

    let receipt = publisher.publish("t", &Draft::new("x")).await.unwrap();
    let receipts = publisher.publish_all("t", [&Draft::new("x")]).await.unwrap();
    let given = publisher.last_given_id("t").await.unwrap();
    let refused = publisher.publish("t", &Draft::new("x")).await.unwrap_err();

    assert_eq!((receipt.id.as_str(), receipts.id.as_deref()), ("a-1", Some("a-2")));
    assert_eq!(given.as_deref(), Some("up-1"));
    assert_eq!(refused.problem().unwrap().detail.as_deref(), Some("no"));
}

fn redirect(status: u16, location: &str) -> Answer {
    Answer::status(status).header("Connection", "close").header("Location", location).chunk("")
}

#[tokio::test]
async fn a_publish_follows_307_and_308_with_data_and_key() {
    for status in [307, 308] {
        let server = Server::start([redirect(status, "/moved/t?x=1"), answer(201, r#"{"id":"a-1"}"#)]);
        let publisher = Publisher::builder(&server.url("")).unwrap().bearer_token("k").unwrap().build();

        let receipt = publisher.publish("t", &Draft::new("data")).await.unwrap();

        let requests = server.requested(2).await;
        assert_eq!(receipt.id, "a-1", "{status}");
        assert_eq!((requests[1].method.as_str(), requests[1].path.as_str()), ("POST", "/moved/t?x=1"));
        assert_eq!(
            (requests[1].body.as_slice(), requests[1].header("authorization")),
            (&b"data"[..], Some("Bearer k"))
        );
        assert_eq!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
    }
}

#[tokio::test]
async fn a_redirect_that_would_lose_the_data_or_carry_the_key_away_is_told_with_its_address() {
    let elsewhere = "https://elsewhere.test:444/events/t";
    for (status, why) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "key"), (308, "key")] {
        let server = Server::start([redirect(status, elsewhere)]);
        let publisher = Publisher::builder(&server.url("")).unwrap().bearer_token("k").unwrap().build();

        let error = publisher.publish("t", &Draft::new("data")).await.unwrap_err();

        let PublishError::Redirected(redirected) = &error else { panic!("{error:?}") };
        assert_eq!((redirected.location.as_str(), error.status().unwrap().as_u16()), (elsewhere, status));
        assert!(redirected.why.to_string().contains(why), "{redirected:?}");
        assert!(error.to_string().starts_with(&server.url("/events/t answered 30")), "{error}");
        assert_eq!(server.requested(1).await.len(), 1);
    }
}

#[tokio::test]
async fn a_publish_without_a_key_follows_to_another_origin() {
    let other = Server::start([answer(201, r#"{"id":"b-1"}"#)]);
    let server = Server::start([redirect(308, &other.url("/events/t"))]);

    let receipt = publisher(&server).publish("t", &Draft::new("data")).await.unwrap();

    assert_eq!((receipt.id.as_str(), other.requested(1).await[0].body.as_slice()), ("b-1", &b"data"[..]));
}

#[tokio::test]
async fn a_redirect_that_cannot_be_followed_is_told_bounded_and_without_its_password() {
    let long = format!("ftp://h/{}", "x".repeat(5_000));
    let cases = [
        ("ftp://h/\u{e9}", "ftp://h/%C3%A9", "the scheme \"ftp\""),
        ("javascript:alert(1)", "javascript:alert(1)", "the scheme \"javascript\""),
        ("//u:s3cret@h.test/a", "http://h.test/a", "a user name or a password"),
        ("http://u:s3cret@[/a", "not shown", "no URL"),
        ("http://[", "\"http://[\"", "no URL"),
        ("/a\tb", "\"/a\\tb\"", "no URL"),
        ("http://h.test:99999/", "\"http://h.test:99999/\"", "no URL"),
        (&long, "ftp://h/xxx", "the scheme"),
    ];
    for (named, shown, why) in cases {
        let server = Server::start([redirect(307, named)]);

        let error = publisher(&server).publish("t", &Draft::new("x")).await.unwrap_err();

        let PublishError::Redirected(redirected) = &error else { panic!("{error:?}") };
        let told = format!("{error}: {}", redirected.why);
        assert!(told.starts_with(&server.url("/events/t answered 307 Temporary Redirect")), "{told}");
        assert!(told.contains(shown) && told.contains(why), "{named}: {told}");
        assert!(told.len() < 800 && !told.contains("s3cret"), "{told}");
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_told() {
    let server = Server::start([Answer::status(308).header("Connection", "close")]);

    let error = publisher(&server).publish("t", &Draft::new("x")).await.unwrap_err().to_string();

    let said = "the hub answered 308 Permanent Redirect: it sends elsewhere, and no Location says where";
    assert_eq!(error, format!("{said} ({})", server.url("/events/t")));
}

#[tokio::test]
async fn a_chain_of_redirects_is_followed_from_each_place_to_the_next() {
    let server = Server::start([
        redirect(307, "../a/./b?x=1"),
        redirect(308, "?x=2"),
        redirect(308, "#part"),
        answer(201, r#"{"id":"a-1"}"#),
    ]);

    let receipt = publisher(&server).publish("t", &Draft::new("x")).await.unwrap();

    let requests = server.requested(4).await;
    let paths: Vec<_> = requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/events/t", "/a/b?x=1", "/a/b?x=2", "/a/b?x=2"]);
    assert!(requests.iter().all(|request| request.method == "POST" && request.body == b"x"), "{requests:?}");
    assert_eq!(receipt.id, "a-1");
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let answers = std::array::from_fn::<_, 21, _>(|_| redirect(307, "/events/t"));
    let server = Server::start(answers);

    let error = publisher(&server).publish("t", &Draft::new("x")).await.unwrap_err();

    let PublishError::Redirected(redirected) = error else { panic!("{error:?}") };
    assert_eq!((redirected.status.as_u16(), redirected.location), (307, server.url("/events/t")));
    assert!(redirected.why.to_string().contains("a loop"), "{}", redirected.why);
}
