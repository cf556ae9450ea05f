//! What an event source does on the wire beyond the scenarios.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::server::{Answer, Server, Then};
use support::soon;
use tidings_client::{
    ConfigError, Error, EventSource, EventSourceBuilder, GapReason, Item, Limits, Missing, Publisher,
    ReadyState, TokenNeed,
};

/// Short waits, so that tests are.
fn builder(server: &Server) -> EventSourceBuilder {
    EventSource::builder(&server.url("/events")).unwrap().retry(Duration::from_millis(1))
}

async fn next(source: &mut EventSource) -> Item {
    soon(source.next()).await.unwrap().unwrap()
}

async fn next_data(source: &mut EventSource) -> String {
    soon(source.next_event()).await.unwrap().unwrap().data
}

async fn next_error(source: &mut EventSource) -> Error {
    loop {
        match soon(source.next()).await.unwrap() {
            Ok(Item::Reconnecting(reconnecting)) => return reconnecting.error,
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn dropping_it_closes_an_idle_connection_at_once() {
    let server = Server::start([Answer::stream("data: 1\n\n")]);
    let mut source = builder(&server).build();
    next_data(&mut source).await;

    drop(source);

    server.left(1).await;
}

#[tokio::test]
async fn closing_it_closes_the_connection_and_ends_the_stream() {
    let server = Server::start([Answer::stream("data: 1\n\ndata: 2\n\n")]);
    let mut source = builder(&server).build();
    next_data(&mut source).await;

    source.close();

    server.left(1).await;
    assert!(soon(source.next()).await.is_none());
    assert_eq!(source.ready_state(), ReadyState::Closed);
}

#[tokio::test]
async fn ready_state_follows_what_was_told() {
    let server =
        Server::start([Answer::stream("data: 1\n\n").then(Then::Break), Answer::stream("data: 2\n\n")]);
    let mut source = builder(&server).build();
    assert_eq!(source.ready_state(), ReadyState::Connecting);

    assert!(matches!(next(&mut source).await, Item::Open(_)));
    assert_eq!(source.ready_state(), ReadyState::Open);
    next_data(&mut source).await;
    assert_eq!(source.ready_state(), ReadyState::Open);
    assert!(matches!(next(&mut source).await, Item::Reconnecting(_)));
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    next_data(&mut source).await;
    assert_eq!(source.ready_state(), ReadyState::Open);
}

#[tokio::test]
async fn the_request_is_that_of_the_standard_and_nothing_more() {
    let server = Server::start([Answer::stream("data: 1\n\n")]);
    let mut source = EventSource::builder(&server.url("/a%20b?q=\u{e4}")).unwrap().strict().build();

    next(&mut source).await;

    let request = server.requested(1).await.remove(0);
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/a%20b?q=%C3%A4"));
    assert_eq!(names, ["accept", "cache-control", "pragma", "accept-encoding", "user-agent", "host"]);
    assert_eq!(request.header("pragma"), Some("no-cache"));
    assert_eq!(request.header("host"), Some(server.address.to_string().as_str()));
}

#[tokio::test]
async fn an_id_that_is_not_ascii_is_sent_as_its_utf_8_bytes() {
    let server = Server::start([
        Answer::stream("id: \u{2026}\u{8ba2}\ndata: 1\n\n").then(Then::Close),
        Answer::stream("data: 2\n\n"),
    ]);
    let mut source = builder(&server).build();

    next_data(&mut source).await;
    next_data(&mut source).await;

    let requests = server.requested(2).await;
    assert_eq!(requests[0].header_bytes("last-event-id"), None);
    assert_eq!(requests[1].header_bytes("last-event-id"), Some("\u{2026}\u{8ba2}".as_bytes()));
}

#[tokio::test]
async fn an_id_that_no_header_can_carry_is_an_error_and_not_a_loss() {
    let server = Server::start([Answer::stream("id: a\u{1}b\ndata: 1\n\n").then(Then::Close)]);
    let mut source = builder(&server).build();
    next_data(&mut source).await;
    assert!(matches!(next_error(&mut source).await, Error::Ended));

    let error = next_error(&mut source).await;

    assert!(matches!(error, Error::LastEventId { id } if id == "a\u{1}b"));
    assert!(soon(source.next()).await.is_none());
}

#[tokio::test]
async fn an_id_from_an_earlier_life_is_sent_with_the_first_request() {
    let server = Server::start([Answer::stream("data: 1\n\n")]);
    let mut source = builder(&server).last_event_id("msg-369").unwrap().build();
    assert_eq!(source.last_event_id(), "msg-369");

    let event = soon(source.next_event()).await.unwrap().unwrap();

    assert_eq!(event.last_event_id, "msg-369");
    assert_eq!(server.requested(1).await[0].header("last-event-id"), Some("msg-369"));
}

#[tokio::test]
async fn the_hook_keeps_an_id_once_its_event_has_been_dealt_with() {
    let server = Server::start([Answer::stream("id: 1\ndata: a\n\ndata: b\n\nid: 2\n\nid: 3\ndata: c\n\n")]);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let hook = kept.clone();
    let mut source =
        builder(&server).on_last_event_id(move |id| hook.lock().unwrap().push(id.to_owned())).build();

    let mut after_each = Vec::new();
    for _ in 0..3 {
        next_data(&mut source).await;
        after_each.push((source.last_event_id().to_owned(), kept.lock().unwrap().join(" ")));
    }

    let expected = [("1", ""), ("1", "1"), ("3", "1")].map(|(own, kept)| (own.to_owned(), kept.to_owned()));
    assert_eq!(after_each, expected);
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_after_as_long_as_it_asked_for() {
    let busy =
        Answer::status(503).header("Retry-After", "1").header("Content-Type", "text/plain").chunk("busy");
    let server = Server::start([busy, Answer::stream("data: 1\n\n")]);
    let mut source = builder(&server).build();

    let Item::Reconnecting(reconnecting) = next(&mut source).await else { panic!("it must reconnect") };

    let refusal = reconnecting.error.refusal().unwrap();
    assert_eq!((refusal.status.as_u16(), refusal.body.as_str()), (503, "busy"));
    assert!(reconnecting.after >= Duration::from_secs(1), "{:?}", reconnecting.after);
    assert_eq!(next_data(&mut source).await, "1");
}

#[tokio::test]
async fn a_refusal_says_what_the_server_said() {
    let problem = r#"{"type":"urn:x","title":"Not Found","status":404,"detail":"no such topic"}"#;
    let answer = Answer::status(404).header("Content-Type", "application/problem+json").chunk(problem);
    let server = Server::start([answer]);
    let mut source = builder(&server).build();

    let error = next_error(&mut source).await;

    let told = format!("the answer was 404 Not Found: no such topic ({})", server.url("/events"));
    assert_eq!(error.to_string(), told);
    assert_eq!(error.refusal().unwrap().problem().unwrap().kind.as_deref(), Some("urn:x"));
    assert!(soon(source.next()).await.is_none());
}

#[tokio::test]
async fn only_the_beginning_of_a_refusals_body_is_kept_and_a_held_one_is_not_waited_for() {
    let answer = Answer::status(400).chunk(vec![b'x'; 3_000]).chunk(vec![b'y'; 3_000]).then(Then::Hold);
    let server = Server::start([answer]);

    let error = next_error(&mut builder(&server).build()).await;

    let body = &error.refusal().unwrap().body;
    assert_eq!((body.len(), body.matches('x').count()), (4_096, 3_000));
}

#[tokio::test]
async fn an_answer_of_another_type_is_named() {
    let server =
        Server::start([Answer::status(200).header("Content-Type", "text/html").chunk("<title>Log in")]);

    let error = next_error(&mut builder(&server).build()).await;

    let told = format!("the answer is text/html, not text/event-stream: Log in ({})", server.url("/events"));
    assert_eq!(error.to_string(), told);
    assert_eq!(error.refusal().unwrap().body, "<title>Log in");
}

#[tokio::test]
async fn an_answer_that_is_compressed_is_an_error_and_not_an_empty_stream() {
    let server = Server::start([Answer::stream("\x1f").header("Content-Encoding", "gzip").then(Then::Close)]);

    let error = next_error(&mut builder(&server).build()).await;

    assert!(matches!(error, Error::ContentEncoding(_)));
}

#[tokio::test]
async fn no_content_is_told_apart_as_a_stop() {
    let server = Server::start([Answer::status(204)]);

    let error = next_error(&mut builder(&server).build()).await;

    assert!(error.is_stop());
}

#[tokio::test]
async fn without_reconnection_a_clean_end_is_the_end() {
    let server = Server::start([Answer::stream("data: 1\n\n").then(Then::Close)]);
    let mut source = builder(&server).reconnect(false).build();

    assert_eq!(next_data(&mut source).await, "1");
    assert_eq!(soon(source.next_event()).await.unwrap(), None);
    assert_eq!(source.ready_state(), ReadyState::Closed);
}

#[tokio::test]
async fn without_reconnection_a_broken_connection_is_an_error() {
    let server = Server::start([Answer::stream("data: 1\n\n").then(Then::Break)]);
    let mut source = builder(&server).reconnect(false).build();

    assert_eq!(next_data(&mut source).await, "1");
    assert!(matches!(soon(source.next()).await, Some(Err(Error::Broken { .. }))));
    assert!(soon(source.next()).await.is_none());
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = Server::start([Answer::status(401), Answer::stream("data: 1\n\n")]);
    let token = |need| async move {
        Ok::<_, Error>(match need {
            TokenNeed::Request => "old".to_owned(),
            TokenNeed::Refused => "new".to_owned(),
        })
    };
    let mut source = builder(&server).token_source(token).build();

    assert_eq!(next_data(&mut source).await, "1");

    let sent: Vec<_> =
        server.requested(2).await.iter().map(|it| it.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, [Some("Bearer old".into()), Some("Bearer new".into())]);
}

#[tokio::test]
async fn a_token_that_is_refused_again_fails_for_good() {
    let server = Server::start([Answer::status(401), Answer::status(401)]);
    let mut source = builder(&server).token_source(|_| async { Ok::<_, Error>("t".to_owned()) }).build();

    assert_eq!(next_error(&mut source).await.status().unwrap(), 401);
    assert!(soon(source.next()).await.is_none());
}

#[tokio::test]
async fn a_token_source_that_fails_is_asked_again() {
    let server = Server::start([Answer::stream("data: 1\n\n")]);
    let asked = Mutex::new(0);
    let token = move |_| {
        *asked.lock().unwrap() += 1;
        let fails = *asked.lock().unwrap() == 1;
        async move { if fails { Err("the issuer is down") } else { Ok("t".to_owned()) } }
    };
    let mut source = builder(&server).token_source(token).build();

    assert!(matches!(next_error(&mut source).await, Error::Token(_)));
    assert_eq!(next_data(&mut source).await, "1");
}

const GAP: &str = "event: tidings.gap\nid: a-9\n\
     data: {\"requested\":\"a-1\",\"reason\":\"expired\",\"resumes_after\":\"a-9\"}\n\n";

#[tokio::test]
async fn a_gap_is_an_item_of_its_own_in_managed_mode() {
    let server = Server::start([Answer::stream(GAP)]);
    let mut source = builder(&server).build();
    next(&mut source).await;

    let Item::Gap(gap) = next(&mut source).await else { panic!("it must be a gap") };

    assert_eq!(gap.requested.as_deref(), Some("a-1"));
    assert_eq!(gap.reason, GapReason::Expired);
    assert_eq!(gap.resumes_after.as_deref(), Some("a-9"));
    assert_eq!(source.last_event_id(), "a-9");
}

/// It was passed over, and a program that asked for nothing but events never heard of the loss.
#[tokio::test]
async fn who_asks_for_events_alone_gets_a_gap_as_an_error_and_goes_on_behind_it() {
    let server =
        Server::start([Answer::stream(format!("id: a-1\ndata: before\n\n{GAP}id: a-10\ndata: after\n\n"))]);
    let mut source = builder(&server).build();
    assert_eq!(next_data(&mut source).await, "before");

    let Error::Gap(gap) = soon(source.next_event()).await.unwrap_err() else { panic!("it must be a gap") };

    assert_eq!((&gap.reason, gap.resumes_after.as_deref()), (&GapReason::Expired, Some("a-9")));
    assert_eq!(Error::Gap(gap).to_string(), "events are gone (expired), and the stream goes on behind them");
    assert_eq!(source.ready_state(), ReadyState::Open);
    assert_eq!(next_data(&mut source).await, "after");
}

#[tokio::test]
async fn a_gap_is_an_event_like_others_in_strict_mode() {
    let server = Server::start([Answer::stream(GAP)]);
    let mut source = builder(&server).strict().build();

    let event = soon(source.next_event()).await.unwrap().unwrap();

    assert_eq!(event.type_or_message(), "tidings.gap");
}

#[tokio::test]
async fn fewer_events_than_were_asked_for_are_told_with_an_item_in_managed_mode() {
    let told =
        "event: tidings.partial\nid: a-7\ndata: {\"requested\":\"last 50\",\"begins_after\":\"a-7\"}\n\n";
    let server = Server::start([Answer::stream(told)]);
    let mut source = builder(&server).build();
    next(&mut source).await;

    let Item::Partial(partial) = next(&mut source).await else { panic!("it must be about the search") };

    assert_eq!(partial.requested.as_deref(), Some("last 50"));
    assert_eq!(partial.begins_after.as_deref(), Some("a-7"));
    assert_eq!(source.last_event_id(), "a-7");
}

const OPEN: &str =
    "event: tidings.open\nid: a-7\ndata: {\"cursor\":\"a-7\",\"connection\":\"c1\"}\n\ndata: x\n\n";

#[tokio::test]
async fn the_hub_names_each_connection_in_managed_mode_and_the_name_ends_with_it() {
    let again = OPEN.replace("c1", "c2");
    let server = Server::start([Answer::stream(OPEN).then(Then::Break), Answer::stream(again)]);
    let mut source = builder(&server).build();

    for name in ["c1", "c2"] {
        next(&mut source).await;
        assert_eq!(source.connection(), None);
        let Item::Beginning(beginning) = next(&mut source).await else { panic!("it must begin") };
        assert_eq!(beginning.connection.as_deref(), Some(name));
        assert_eq!((source.connection(), source.last_event_id()), (Some(name), "a-7"));
        assert_eq!(next_data(&mut source).await, "x");
        assert_eq!(source.connection(), Some(name));
        if name == "c1" {
            assert!(matches!(next(&mut source).await, Item::Reconnecting(_)));
            assert_eq!(source.connection(), None);
        }
    }
    source.close();
    assert_eq!(source.connection(), None);
}

#[tokio::test]
async fn the_name_of_a_connection_is_an_event_in_strict_mode() {
    let server = Server::start([Answer::stream(OPEN)]);
    let mut source = builder(&server).strict().build();

    let event = soon(source.next_event()).await.unwrap().unwrap();

    assert_eq!((event.type_or_message(), source.connection()), ("tidings.open", None));
}

/// An event of the hub's own, of a type from the future, between two that were published.
const UNKNOWN: &str = "id: a-1\ndata: 1\n\n\
     event: tidings.whatever\nid: a-2\nretry: 7\ndata: {\"not\":\"ours\"}\n\n\
     data: 3\n\n";

#[tokio::test]
async fn an_event_of_the_hubs_own_that_is_not_known_is_no_item_in_managed_mode() {
    let server = Server::start([Answer::stream(UNKNOWN)]);
    let mut source = builder(&server).build();
    next(&mut source).await;

    let events = [next(&mut source).await, next(&mut source).await];

    let events = events.map(|item| {
        let Item::Event(event) = item else { panic!("it must be an event: {item:?}") };
        (event.data, event.last_event_id)
    });
    // The second has no id of its own: it stands where the hub's event left the stream.
    assert_eq!(events, [("1".to_owned(), "a-1".to_owned()), ("3".to_owned(), "a-2".to_owned())]);
}

#[tokio::test]
async fn the_id_of_an_event_of_the_hubs_own_is_a_place_to_go_on_from() {
    let own = "id: a-1\ndata: 1\n\nevent: tidings.whatever\nid: a-2\ndata: x\n\n";
    let server = Server::start([Answer::stream(own).then(Then::Close), Answer::stream("data: 3\n\n")]);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let kept = kept.clone();
        move |id: &str| kept.lock().unwrap().push(id.to_owned())
    };
    let mut source = builder(&server).on_last_event_id(hook).build();

    let heard = [next_data(&mut source).await, next_data(&mut source).await];

    assert_eq!(heard, ["1", "3"]);
    assert_eq!(server.requested(2).await[1].header("last-event-id"), Some("a-2"));
    assert_eq!(*kept.lock().unwrap(), ["a-1", "a-2"]);
}

#[tokio::test]
async fn events_of_the_hubs_own_are_events_like_others_in_strict_mode() {
    let server = Server::start([Answer::stream(UNKNOWN)]);
    let mut source = builder(&server).strict().build();

    let heard = [next_data(&mut source).await, next_data(&mut source).await, next_data(&mut source).await];

    assert_eq!(heard, ["1", "{\"not\":\"ours\"}", "3"]);
}

#[tokio::test]
async fn a_type_is_the_hubs_own_only_with_the_dot() {
    let server = Server::start([Answer::stream("event: tidings\ndata: 1\n\nevent: tidingsx\ndata: 2\n\n")]);
    let mut source = builder(&server).build();

    assert_eq!([next_data(&mut source).await, next_data(&mut source).await], ["1", "2"]);
}

#[tokio::test]
async fn comments_are_told_to_those_who_ask_and_as_they_stand() {
    let server = Server::start([Answer::stream(": hello \n:x\ndata: 1\n\n")]);
    let mut source = builder(&server).comments(true).build();
    next(&mut source).await;

    let mut comments = Vec::new();
    while let Item::Comment(comment) = next(&mut source).await {
        comments.push(comment);
    }

    assert_eq!(comments, [" hello ", "x"]);
}

#[tokio::test]
async fn silence_after_an_announced_heartbeat_is_a_stall() {
    let server =
        Server::start([Answer::stream(": heartbeat 40\n\ndata: 1\n\n"), Answer::stream("data: 2\n\n")]);
    let mut source = builder(&server).build();
    assert_eq!(next_data(&mut source).await, "1");

    let error = next_error(&mut source).await;

    let a_second = Duration::from_secs(1);
    assert!(matches!(error, Error::TimedOut { what: Missing::Bytes, after, .. } if after == a_second));
    assert_eq!(next_data(&mut source).await, "2");
    server.left(1).await;
}

#[tokio::test]
async fn a_later_comment_announces_nothing() {
    let stream = Answer::stream(": hello\n: heartbeat 40\n\ndata: 1\n\n");
    let server = Server::start([stream]);
    let mut source = builder(&server).build();
    next_data(&mut source).await;

    let more = tokio::time::timeout(Duration::from_millis(1_500), source.next()).await;

    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let server = Server::start([]);
    let mut source = builder(&server).answer_timeout(Duration::from_millis(50)).unwrap().build();

    let error = next_error(&mut source).await;

    assert!(matches!(error, Error::TimedOut { what: Missing::Answer, .. }));
    assert_eq!(error.to_string(), format!("no answer from http://{} within 50ms", server.address));
}

#[tokio::test]
async fn an_event_over_the_limit_ends_the_stream_after_those_before_it() {
    let server = Server::start([Answer::stream("data: 1\n\ndata: 123456789\n\ndata: 3\n\n")]);
    let limits = Limits { event_bytes_max: 8, ..Limits::default() };
    let mut source = builder(&server).limits(limits).build();

    assert_eq!(next_data(&mut source).await, "1");
    assert!(matches!(next_error(&mut source).await, Error::TooLarge(_)));
    assert!(soon(source.next()).await.is_none());
}

#[tokio::test]
async fn a_reconnection_starts_over_at_the_first_url() {
    let to = |place: &str| Answer::status(307).header("Location", place);
    let server = Server::start([
        to("/one"),
        Answer::stream("data: 1\n\n").then(Then::Close),
        to("/two"),
        Answer::stream("data: 2\n\n"),
    ]);
    let mut source = builder(&server).build();

    let Item::Open(open) = next(&mut source).await else { panic!("it must open") };
    next_data(&mut source).await;
    next_data(&mut source).await;

    assert_eq!(open.url, server.url("/one"));
    let paths: Vec<String> = server.requested(4).await.into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/events", "/one", "/events", "/two"]);
}

#[tokio::test]
async fn the_origin_is_that_of_the_last_redirect() {
    let server = Server::start_repeating(
        |_, other| {
            let there = Answer::status(302).header("Location", format!("http://{other}/x"));
            [there, Answer::stream("data: 1\n\n")].into()
        },
        false,
    );
    let mut source = builder(&server).bearer_token("t").unwrap().build();

    next_data(&mut source).await;

    assert_eq!(source.origin(), Some(format!("http://{}", server.other)));
    assert_eq!(source.url(), server.url("/events"));
    let requests = server.requested(2).await;
    assert_eq!([0, 1].map(|nth| requests[nth].header("authorization").is_some()), [true, false]);
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let server = Server::start_refusing(|_, _| [Answer::stream("data: 1\n\n")].into());
    let mut source = builder(&server).build();

    let error = next_error(&mut source).await;
    server.accept();

    assert_eq!(error.to_string(), format!("failed to connect to http://{}", server.address));
    assert_eq!(next_data(&mut source).await, "1");
}

#[tokio::test]
async fn a_future_of_the_next_item_that_is_dropped_loses_nothing() {
    let mut answer = Answer::stream("");
    for number in 0..100 {
        for byte in format!("id: {number}\ndata: {number}\n\n").bytes() {
            answer = answer.chunk([byte]);
        }
    }
    let server = Server::start([answer]);
    let mut source = builder(&server).build();

    let mut heard = Vec::new();
    soon(async {
        while heard.len() < 100 {
            tokio::select! {
                biased;
                event = source.next_event() => heard.push(event.unwrap().unwrap().data),
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;

    assert_eq!(heard, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_set_is_an_error_at_once() {
    let new = || EventSource::builder("http://example.com").unwrap();

    assert!(matches!(EventSource::new("http://[").unwrap_err(), ConfigError::Url { .. }));
    for url in ["ftp://example.com", "/events", "example.com/events", "localhost:8080/events", ""] {
        let error = EventSource::new(url).unwrap_err();
        assert_eq!(error.to_string(), format!("{url:?} does not begin with http:// or https://"));
    }
    assert!(matches!(EventSource::new("http://u:p@example.com").unwrap_err(), ConfigError::Credentials));
    for url in ["http://example.com/a/../b", "http://example.com/a\\b", "http://example.com/a "] {
        assert!(matches!(EventSource::new(url).unwrap_err(), ConfigError::Rewritten { .. }), "{url}");
    }
    assert!(EventSource::new("http://example.com/a%2F..%2Fb?x=../\\").is_ok());
    assert!(matches!(new().header("a b", "c").unwrap_err(), ConfigError::Header(_)));
    assert!(matches!(new().header("a", "b\nc").unwrap_err(), ConfigError::Header(_)));
    assert!(matches!(new().bearer_token("a\nb").unwrap_err(), ConfigError::Token));
    assert!(matches!(new().last_event_id("a\0b").unwrap_err(), ConfigError::LastEventId(_)));
    assert!(matches!(new().read_timeout(Duration::ZERO).unwrap_err(), ConfigError::Zero { .. }));
    assert!(matches!(new().root_certificates(b"x").unwrap_err(), ConfigError::RootCertificates(_)));
}

#[test]
fn event_sources_and_publishers_go_to_other_threads() {
    fn goes<T: Send + 'static>() {}

    goes::<EventSource>();
    goes::<Item>();
    goes::<Error>();
    goes::<Publisher>();
}

/// It has no id, so the place is that of the event before it.
#[tokio::test]
async fn presence_is_an_event_that_moves_no_place() {
    let text = "event: tidings.presence\ndata: {\"total\":0}\n\nid: a-1\ndata: 1\n\n\
         event: tidings.presence\ndata: {\"total\":1}\n\n";
    let server = Server::start([Answer::stream(text).then(Then::Close), Answer::stream("data: 2\n\n")]);
    let mut source = builder(&server).build();

    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(next_data(&mut source).await);
    }

    assert_eq!(heard, ["{\"total\":0}", "1", "{\"total\":1}", "2"]);
    assert_eq!(server.requested(2).await[1].header("last-event-id"), Some("a-1"));
}
