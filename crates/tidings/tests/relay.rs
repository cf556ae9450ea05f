//! `tidings relay`: what comes from upstream reaches the hub once and in order, and whoever must know is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use rustix::process::Signal;
use support::origin::{Origin, Then, status, stream};
use support::program::Program;
use support::{run, tidings};
use tidings_testkit::connection::{Heard, Stream as Watched};
use tidings_testkit::hub::Hub;

fn url(hub: &Hub, target: &str) -> String {
    format!("http://{}/events/{target}", hub.address)
}

fn heard(event: &str, data: &str, id: &str) -> Heard {
    Heard { event: event.into(), data: data.into(), id: id.into() }
}

#[test]
fn events_keep_data_type_and_id_and_lose_retry_and_comments() {
    let hub = support::hub(&["--memory"]);
    let text = "retry: 5\nid: u-1\nevent: tick\ndata: x\ndata: y\n\n: comment\n\nid: u-2\ndata: z\n\n";
    let origin = Origin::start([(stream(text), Then::Hold)]);
    let mut watched = hub.subscribe("/events/copy");

    let _relay = Program::start(&["relay", &origin.url(), &url(&hub, "copy")]);

    assert_eq!(watched.next().unwrap(), Some(heard("tick", "x\ny", "u-1")));
    assert_eq!(watched.next().unwrap(), Some(heard("", "z", "u-2")));
    assert!(watched.retry.is_some_and(|retry| (3_000..=6_000).contains(&retry)), "{:?}", watched.retry);
}

#[test]
fn a_new_relay_goes_on_after_the_newest_id_on_the_hub() {
    let hub = support::hub(&["--memory"]);
    let answers =
        [(stream("id: u-1\ndata: x\n\n"), Then::Hold), (stream("id: u-2\ndata: y\n\n"), Then::Hold)];
    let origin = Origin::start(answers);
    let arguments = ["relay", &origin.url(), &url(&hub, "copy")];
    let mut watched = hub.subscribe("/events/copy");
    let mut first = Program::start(&arguments);
    assert_eq!(watched.next().unwrap(), Some(heard("", "x", "u-1")));
    first.signal(Signal::TERM);
    assert_eq!(first.wait(), Some(0));

    let second = Program::start(&arguments);

    assert_eq!(watched.next().unwrap(), Some(heard("", "y", "u-2")));
    assert_eq!(origin.request().header("last-event-id"), None);
    assert_eq!(origin.request().header("last-event-id"), Some("u-1"));
    assert_eq!(second.stderr.next(), "going on after u-1");
}

#[test]
fn it_reconnects_upstream_by_itself() {
    let hub = support::hub(&["--memory"]);
    let answers = [
        (stream("id: u-1\ndata: x\n\nretry: 10\n"), Then::Cut),
        (status("503 Service Unavailable"), Then::End),
        (stream("id: u-2\ndata: y\n\n"), Then::Hold),
    ];
    let origin = Origin::start(answers);
    let mut watched = hub.subscribe("/events/copy");

    let _relay = Program::start(&["relay", &origin.url(), &url(&hub, "copy"), "--json"]);

    assert_eq!(watched.next().unwrap(), Some(heard("", "x", "u-1")));
    assert_eq!(watched.next().unwrap(), Some(heard("", "y", "u-2")));
    let requests: Vec<_> = (0..3).map(|_| origin.request()).collect();
    for request in &requests[1..] {
        assert_eq!(request.header("last-event-id"), Some("u-1"), "{requests:?}");
    }
}

/// It said which flag allows more, and not which event it was, nor what the hub needs, nor how to go on without it.
#[test]
fn an_event_beyond_the_limit_ends_it_and_the_place_is_told() {
    let hub = support::hub(&["--memory"]);
    let large = "data: 123456789\n\n";
    let after = format!("id: u-1\ndata: x\n\nid: u-2\n{large}");
    let hint = "hint: --max-event-bytes SIZE takes larger ones, and the hub needs event_bytes_max as large; --last-event-id ID \
                goes on after ID, such as that of this event, without it\n";
    for (text, which) in [
        (after.as_str(), "the event of the source that follows u-1"),
        (large, "an event of the source, which has given no id before it"),
    ] {
        let origin = Origin::start([(stream(text), Then::Hold)]);
        let topic = url(&hub, if text == large { "a" } else { "b" });

        let left = run(tidings(&["relay", &origin.url(), &topic, "--max-event-bytes", "8"]));

        assert_eq!(left.code, Some(1));
        let told = format!("error: cannot relay {which}: an event's data has more than 8 bytes\n{hint}");
        assert!(left.stderr.ends_with(&told), "{}", left.stderr);
    }
    let origin = Origin::start([(stream(large), Then::Hold)]);
    let left = run(tidings(&["relay", &origin.url(), &url(&hub, "c"), "--max-event-bytes", "8", "--json"]));
    let told = "{\"state\":\"closed\",\"status\":null,\"error\":\"cannot relay an event of the source, which has given no id before \
                it: an event's data has more than 8 bytes\"}\n";
    assert!(left.stderr.ends_with(told), "{}", left.stderr);
}

#[test]
fn a_hub_that_is_away_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap().to_owned();
    let hub = support::hub(&["--data", &data]);
    let address = hub.address.to_string();
    let upstream = support::hub(&["--memory"]);
    let relay = Program::start(&["relay", &url(&upstream, "news"), &url(&hub, "copy")]);
    assert!(relay.stderr.next().starts_with("listening to "));
    upstream.publish("news?id=u-1", "x");
    assert_eq!(hub.subscribe("/events/copy?last=1").next().unwrap(), Some(heard("", "x", "u-1")));

    hub.kill();
    upstream.publish("news?id=u-2", "y");
    assert!(relay.stderr.next().starts_with("failed to reach the hub"));
    let again =
        Hub::spawn(tidings(&["serve", "--listen", &address, "--log-format", "json", "--data", &data]));

    let mut watched = again.subscribe("/events/copy?since=earliest");
    assert_eq!(watched.next().unwrap(), Some(heard("", "x", "u-1")));
    assert_eq!(watched.next().unwrap(), Some(heard("", "y", "u-2")));
}

#[test]
fn an_event_that_the_hub_refuses_ends_it_or_is_told_and_passed_over() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let text = format!("id: u-1\ndata: x\n\nid: u-2\ndata: {}\n\nid: u-3\ndata: z\n\n", "y".repeat(2_000));
    let (ended, skipped) =
        (Origin::start([(stream(&text), Then::Hold)]), Origin::start([(stream(&text), Then::Hold)]));

    let left = run(tidings(&["relay", &ended.url(), &url(&hub, "ended")]));
    let mut watched = hub.subscribe("/events/skipped");
    let relay = Program::start(&["relay", &skipped.url(), &url(&hub, "skipped"), "--skip-refused"]);

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("error: the hub refused the event u-2: the hub answered 413"), "{left:?}");
    assert!(left.stderr.ends_with("hint: --skip-refused goes on without it\n"), "{left:?}");
    assert_eq!(watched.next().unwrap(), Some(heard("", "x", "u-1")));
    assert_eq!(watched.next().unwrap(), Some(heard("", "z", "u-3")));
    assert!(relay.stderr.next().starts_with("listening to "));
    assert!(relay.stderr.next().starts_with("the hub refused the event u-2: the hub answered 413"));
}

/// A proxy in front of a hub counts the bytes of the request, and says nothing of events.
#[test]
fn events_that_are_too_long_together_are_relayed_in_parts() {
    let answer = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json");
        (format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()), Then::Cut)
    };
    let taken = || answer("201 Created", r#"{"published":1,"id":"1"}"#);
    let too_large = || answer("413 Content Too Large", "");
    let proxied = Origin::start([
        answer("200 OK", r#"{"events":[],"cursor":"e-1"}"#),
        too_large(),
        taken(),
        too_large(),
        too_large(),
        taken(),
    ]);
    let text = "id: u-1\ndata: 1\n\nid: u-2\ndata: 2\n\nid: u-3\ndata: 3\n\n";
    let origin = Origin::start([(stream(text), Then::Hold)]);

    let relay = Program::start(&["relay", &origin.url(), &proxied.url(), "--skip-refused"]);

    let event = |number: u32| format!("id: u-{number}\ndata: {number}\n\n");
    let requests: Vec<_> = (0..6).map(|_| String::from_utf8(proxied.request().body).unwrap()).collect();
    let all = [event(1), event(2), event(3)].concat();
    assert_eq!(requests, [String::new(), all, event(1), [event(2), event(3)].concat(), event(2), event(3)]);
    assert!(relay.stderr.next().starts_with("listening to "));
    assert!(relay.stderr.next().starts_with("the hub refused the event u-2: the hub answered 413"));
}

#[test]
fn subscribers_of_the_copy_are_told_of_a_gap_upstream() {
    let hub = support::hub(&["--memory"]);
    let data = r#"{"requested":"u-1","reason":"expired","resumes_after":"u-9"}"#;
    let text = format!("event: tidings.gap\ndata: {data}\n\nid: u-10\ndata: x\n\n");
    let origin = Origin::start([(stream(&text), Then::Hold)]);
    let mut watched = hub.subscribe("/events/copy");

    let _relay = Program::start(&["relay", &origin.url(), &url(&hub, "copy")]);

    let told = watched.next().unwrap().unwrap();
    assert_eq!(told.event, "relay.gap");
    let told: serde_json::Value = serde_json::from_str(&told.data).unwrap();
    assert_eq!(told, serde_json::from_str::<serde_json::Value>(data).unwrap());
    assert_eq!(watched.next().unwrap(), Some(heard("", "x", "u-10")));
}

#[test]
fn events_of_the_upstream_hubs_own_are_not_published_in_either_mode() {
    let hub = support::hub(&["--memory"]);
    let gap = r#"{"requested":"u-0","reason":"expired","resumes_after":"u-1"}"#;
    let text = format!(
        "event: tidings.gap\nid: u-1\ndata: {gap}\n\nid: u-2\ndata: x\n\n\
         event: tidings.whatever\nid: u-3\ndata: y\n\nid: u-4\ndata: z\n\n"
    );
    for (topic, strict) in [("managed", None), ("strict", Some("--strict"))] {
        let origin = Origin::start([(stream(&text), Then::Hold)]);
        let mut watched = hub.subscribe(&format!("/events/{topic}"));

        let (from, to) = (origin.url(), url(&hub, topic));
        let arguments: Vec<_> = ["relay", &from, &to].into_iter().chain(strict).collect();
        let _relay = Program::start(&arguments);

        assert_eq!(watched.next().unwrap().map(|told| told.event), Some("relay.gap".to_owned()), "{topic}");
        assert_eq!(watched.next().unwrap(), Some(heard("", "x", "u-2")), "{topic}");
        assert_eq!(watched.next().unwrap(), Some(heard("", "z", "u-4")), "{topic}");
    }
}

#[test]
fn an_origin_that_says_stop_ends_it_well_and_one_that_is_no_stream_does_not() {
    let hub = support::hub(&["--memory"]);
    let stop = Origin::start([(status("204 No Content"), Then::End)]);
    let page = Origin::start([(status("200 OK"), Then::End)]);

    let stopped = run(tidings(&["relay", &stop.url(), &url(&hub, "copy")]));
    let wrong = run(tidings(&["relay", &page.url(), &url(&hub, "copy"), "--json"]));

    assert_eq!((stopped.code, stopped.stderr.as_str()), (Some(0), "the server says that there is no more\n"));
    let error = format!("the answer is of no content type, not text/event-stream ({})", page.url());
    let closed = format!("{{\"state\":\"closed\",\"status\":200,\"error\":\"{error}\"}}\n");
    assert_eq!((wrong.code, wrong.stderr), (Some(1), closed));
}

#[test]
fn with_json_the_last_line_says_why_the_relay_ended() {
    let hub = support::hub(&["--memory"]);
    let origin = Origin::start([(stream("data: x\n\n"), Then::Hold)]);
    let nowhere = format!("http://{}/nowhere", hub.address);

    let blamed = run(tidings(&["relay", &origin.url(), &nowhere, "--json"]));
    let mut asked = Program::start(&["relay", &origin.url(), &url(&hub, "copy"), "--json"]);
    assert!(asked.stderr.next().starts_with(r#"{"state":"open""#));
    asked.signal(Signal::INT);

    assert_eq!(blamed.code, Some(1));
    let line: serde_json::Value = serde_json::from_str(&blamed.stderr).unwrap();
    assert_eq!((line["state"].as_str(), line["status"].is_null()), (Some("closed"), true), "{line}");
    assert!(line["error"].as_str().unwrap().starts_with("the hub cannot say how far"), "{line}");
    assert_eq!(asked.stderr.next(), r#"{"state":"closed","status":null,"error":null}"#);
    assert_eq!(asked.wait(), Some(0));
}

#[test]
fn it_hands_a_stream_of_thousands_on_whole_and_in_order() {
    let (upstream, hub) = (support::hub(&["--memory"]), support::hub(&["--memory"]));
    let mut watched = hub.subscribe("/events/copy");
    let relay = Program::start(&["relay", &url(&upstream, "news"), &url(&hub, "copy")]);
    assert!(relay.stderr.next().starts_with("listening to "));

    let blocks: String = (0..5_000).map(|number| format!("id: u-{number}\ndata: {number}\n\n")).collect();
    let stream = [("Content-Type", "text/event-stream")];
    assert_eq!(upstream.connect().post("/events/news", &stream, &blocks).unwrap().status, 201);

    for number in 0..5_000 {
        let expected = heard("", &number.to_string(), &format!("u-{number}"));
        assert_eq!(watched.next().unwrap(), Some(expected));
    }
}

/// The relay ended at the first of these.
#[test]
fn an_id_that_a_hub_does_not_take_is_carried_and_gone_on_after() {
    let long = "\u{e9}".repeat(200);
    for id in ["a\tb", "a ", " ", "relay-escaped:a", &"x".repeat(257), &long] {
        let hub = support::hub(&["--memory"]);
        let first = format!("id: u-1\ndata: w\n\nid: {id}\ndata: x\n\n: more\n\ndata: without an id\n\n");
        let answers = [(stream(&first), Then::Hold), (stream("id: u-3\ndata: y\n\n"), Then::Hold)];
        let origin = Origin::start(answers);
        let arguments = ["relay", &origin.url(), &url(&hub, "copy")];
        let mut watched = hub.subscribe("/events/copy");
        let mut relay = Program::start(&arguments);
        let next = |watched: &mut Watched| loop {
            let heard = watched.next().unwrap().unwrap();
            if heard.event != "relay.place" {
                break heard;
            }
        };
        assert_eq!(next(&mut watched), heard("", "w", "u-1"), "{id:?}");
        let carried = next(&mut watched);
        assert!(carried.data == "x" && carried.id.starts_with("relay-"), "{id:?}: {carried:?}");
        assert_eq!(next(&mut watched).data, "without an id", "{id:?}");
        relay.signal(Signal::KILL);
        relay.wait();

        let second = Program::start(&arguments);

        assert_eq!(next(&mut watched), heard("", "y", "u-3"), "{id:?}");
        assert_eq!(origin.request().header("last-event-id"), None, "{id:?}");
        // HTTP takes white space from the ends of a header.
        assert_eq!(origin.request().header("last-event-id").unwrap_or_default(), id.trim(), "{id:?}");
        assert!(second.stderr.next().starts_with("going on after "), "{id:?}");
        let is_warned = second.stderr.next().starts_with("that id has white space at an end");
        assert_eq!(is_warned, id.trim() != id, "{id:?}");
    }
}

#[test]
fn an_empty_id_takes_back_what_a_relay_goes_on_after() {
    let hub = support::hub(&["--memory"]);
    let text = "id: u-1\ndata: w\n\nid:\ndata: x\n\nid:\ndata: y\n\n";
    let origin = Origin::start([(stream(text), Then::Hold), (stream("data: z\n\n"), Then::Hold)]);
    let arguments = ["relay", &origin.url(), &url(&hub, "copy")];
    let mut watched = hub.subscribe("/events/copy");
    let mut relay = Program::start(&arguments);
    let mut next = || watched.next().unwrap().unwrap();
    assert_eq!(next(), heard("", "w", "u-1"));
    let taken_back = next();
    assert!(taken_back.data == "x" && taken_back.id.starts_with("relay-none:"), "{taken_back:?}");
    let further = next();
    assert!(further.data == "y" && !further.id.starts_with("relay-"), "{further:?}");
    relay.signal(Signal::KILL);
    relay.wait();

    let _second = Program::start(&arguments);

    assert_eq!(next().data, "z");
    assert_eq!(origin.request().header("last-event-id"), None);
    assert_eq!(origin.request().header("last-event-id"), None);
}

#[test]
fn a_topic_is_relayed_to_another_on_the_same_hub() {
    let hub = support::hub(&["--memory"]);
    let mut watched = hub.subscribe("/events/copy");
    let arguments = ["relay", &url(&hub, "news"), &url(&hub, "copy")];
    let mut relay = Program::start(&arguments);
    assert!(relay.stderr.next().starts_with("listening to "));
    let mut ids = Vec::new();

    for data in ["a", "b"] {
        hub.publish("news", data);
        let heard = watched.next().unwrap().unwrap();
        assert_eq!(heard.data, data);
        ids.push(heard.id);
    }
    relay.signal(Signal::KILL);
    relay.wait();
    hub.publish("news", "c");
    let again = Program::start(&arguments);

    assert_eq!(watched.next().unwrap().unwrap().data, "c");
    let origin_id = ids[1].strip_prefix("relay-escaped:").unwrap();
    assert_eq!(again.stderr.next(), format!("going on after {origin_id}"));
}

#[test]
fn a_source_that_streams_what_is_relayed_is_noticed() {
    let hub = support::hub(&["--memory"]);
    let mut relay = Program::start(&["relay", &url(&hub, "**"), &url(&hub, "copy")]);
    assert!(relay.stderr.next().starts_with("listening to "));

    hub.publish("news", "x");

    let told = "error: the source hands back what the relay publishes, without end";
    assert_eq!(relay.stderr.next(), told);
    assert_eq!(relay.wait(), Some(1));
}

#[test]
fn a_url_with_a_fragment_is_refused_at_both_ends() {
    let words = "the URL has a fragment: `#` begins one, and it is never sent; write %23 for a # in a name";
    for arguments in [
        ["relay", "http://127.0.0.1:9/a#b", "http://127.0.0.1:9/events/a"],
        ["relay", "http://127.0.0.1:9/a", "http://127.0.0.1:9/events/a#b"],
        ["pub", "http://127.0.0.1:9/events/chat#general", "x"],
        ["sub", "http://127.0.0.1:9/events/chat#", "--json"],
    ] {
        let left = run(tidings(&arguments));

        assert_eq!(left.code, Some(2), "{arguments:?}: {left:?}");
        assert!(left.stderr.contains(words), "{arguments:?}: {left:?}");
    }
}

/// The standard knows no charset but UTF-8, and nobody was told what became of others.
#[test]
fn events_of_the_source_that_are_not_utf_8_are_told_and_counted() {
    let hub = support::hub(&["--memory"]);
    let text = b"id: 1\ndata: \xef\xbf\xbd\n\n: caf\xe9\n\nid: 2\ndata: caf\xe9\n\nevent: \xff\ndata: x\n\n: \xe9\n\nid: 4\ndata: end\n\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=ISO-8859-1\r\n\r\n";
    let origin = Origin::of_bytes([([head.as_bytes(), text].concat(), Then::Hold)]);
    let mut watched = hub.subscribe("/events/copy");
    let mut relay = Program::start(&["relay", &origin.url(), &url(&hub, "copy")]);

    let heard = [(); 4].map(|()| watched.next().unwrap().unwrap().data);
    relay.signal(Signal::TERM);

    assert_eq!(heard, ["\u{fffd}", "caf\u{fffd}", "x", "end"]);
    let told = relay.stderr.rest();
    let first = "the event 2 of the source is not UTF-8: U+FFFD stands for what is no character";
    assert!(told.iter().any(|line| line == first), "{told:?}");
    assert_eq!(told.last().unwrap(), "2 events of the source were not UTF-8 and mended");
    assert_eq!(relay.wait(), Some(0));
}
