//! `tidings pub --ndjson` and the Rust client's batches of many topics: all or none, once, over restarts and lost answers.
#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use serde_json::Value;
use support::{Left, tidings};
use tidings_client::{AtomicBatch, Draft, Publisher, Target};
use tidings_testkit::hub::Hub;

/// What `tidings pub` says to an input.
fn publish(arguments: &[&str], input: &str) -> Left {
    let mut command: Command = tidings(&[&["pub"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments, or has read enough, does not read on.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Left { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn all_topics(hub: &Hub) -> String {
    format!("http://{}/events", hub.address)
}

/// Topic and id of all events below `many`.
fn held(hub: &Hub) -> Vec<(String, String)> {
    let answer = hub.connect().get("/events/many/*?limit=1000", &[("accept", "application/json")]).unwrap();
    let page: Value = serde_json::from_str(&answer.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (text(&event["topic"]), text(&event["id"])))
        .collect()
}

#[test]
fn lines_of_many_topics_are_published_and_their_ids_told_in_their_order() {
    let hub = support::hub(&["--memory"]);
    let input = "{\"topic\":\"many/a\",\"data\":\"x\",\"id\":\"m-1\"}\n\n{\"topic\":\"many/b\",\"data\":\"\",\"type\":\"t\",\"id\":\"m-2\"}";

    let left = publish(&[&all_topics(&hub), "--ndjson", "--idempotency-key", "k"], input);
    let again = publish(&[&all_topics(&hub), "--ndjson", "--idempotency-key", "k"], input);
    let other = publish(&[&all_topics(&hub), "--ndjson", "--idempotency-key", "k"], &input.replace('x', "y"));

    assert_eq!((left.code, left.stdout.as_str(), left.stderr.as_str()), (Some(0), "m-1\nm-2\n", ""));
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "m-1\nm-2\n"));
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("422"), "{other:?}");
    assert_eq!(held(&hub), [("many/a".into(), "m-1".into()), ("many/b".into(), "m-2".into())]);
}

#[test]
fn a_line_that_is_refused_is_told_with_its_number_and_nothing_is_published() {
    let hub = support::hub(&["--memory"]);
    let good = "{\"topic\":\"many/a\",\"data\":\"x\"}\n";
    let too_many = good.repeat(1_001);
    let too_long = format!("{}\n", "x".repeat(5 << 20));
    for (input, told) in [
        (&*format!("{good}\n{good}{{\"topic\":\"many/*\",\"data\":\"\"}}\n"), "line 4"),
        (&format!("{good}{{\"topic\":\"many/a\",\"data\":\"\",\"typ\":\"\"}}"), "line 2"),
        (&format!("{good}hello\n"), "line 2"),
        ("", "no event"),
        (&too_many, "line 1001"),
        (&too_long, "more than 4194304 bytes"),
    ] {
        let left = publish(&[&all_topics(&hub), "--ndjson"], input);

        assert_eq!((left.code, left.stdout.as_str()), (Some(1), ""));
        assert!(
            left.stderr.contains(told) && left.stderr.contains("nothing was published"),
            "{told}: {}",
            left.stderr
        );
    }
    assert_eq!(held(&hub), []);
}

#[test]
fn the_url_of_one_topic_is_pointed_out() {
    let hub = support::hub(&["--memory"]);

    let left =
        publish(&[&format!("{}/many", all_topics(&hub)), "--ndjson"], "{\"topic\":\"a\",\"data\":\"\"}\n");

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("at /events, without a topic"), "{}", left.stderr);
}

#[test]
fn batches_over_kills_of_the_hub_are_published_whole_and_once() {
    const BATCHES: usize = 60;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let mut hub = support::hub(&["--data", data]);
    let address = hub.address.to_string();
    let (acknowledged, told) = channel();
    let publisher = Publisher::builder(&format!("http://{address}")).unwrap().build();

    let publishing = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for batch in 0..BATCHES {
            let events = (0..3).fold(AtomicBatch::new(), |events, number| {
                let draft = Draft::new("x").id(&format!("b{batch}-{number}")).unwrap();
                events.with(&format!("many/{number}"), &draft)
            });
            let receipt = runtime.block_on(publisher.publish_atomically(Target::AllTopics, &events)).unwrap();
            assert_eq!(receipt.ids, [0, 1, 2].map(|number| format!("b{batch}-{number}")));
            // Fails when the test has failed.
            let _ = acknowledged.send(());
        }
    });
    for wait_for in [1, 10, 15, 20] {
        told.iter().take(wait_for).for_each(drop);
        hub.kill();
        hub = Hub::spawn(tidings(&["serve", "--listen", &address, "--log-format", "json", "--data", data]));
    }
    publishing.join().unwrap();

    let expected: Vec<_> = (0..BATCHES)
        .flat_map(|batch| (0..3).map(move |number| (format!("many/{number}"), format!("b{batch}-{number}"))))
        .collect();
    assert_eq!(held(&hub), expected);
}

#[test]
fn a_batch_whose_answer_was_lost_is_told_as_the_hub_has_it() {
    let hub = support::hub(&["--memory"]);
    let proxy = losing_the_first_answer(hub.address);
    let publisher = Publisher::builder(&format!("http://{proxy}")).unwrap().build();
    let batch = AtomicBatch::new().with("many/a", &Draft::new("x")).with("many/b", &Draft::new("y"));

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let receipt = runtime.block_on(publisher.publish_atomically(Target::AllTopics, &batch)).unwrap();

    assert!(receipt.replayed);
    let ids: Vec<_> = held(&hub).into_iter().map(|(_, id)| id).collect();
    assert_eq!(receipt.ids, ids);
    assert_eq!(ids.len(), 2);
}

/// A way to the hub on which the first answer is lost, after the hub has given it.
fn losing_the_first_answer(hub: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(hub).unwrap());
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut from_client, &mut to_server));
            if number == 0 {
                // The answer has begun, so the events are in the log.
                let _ = server.read(&mut [0; 1]);
                let _ = client.shutdown(Shutdown::Both);
            } else {
                thread::spawn(move || io::copy(&mut server, &mut client));
            }
        }
    });
    address
}
