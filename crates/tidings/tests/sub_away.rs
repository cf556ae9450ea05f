//! `tidings sub` at a hub that drains and comes back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use support::program::Program;
use support::tidings;
use tidings_testkit::hub::Hub;

#[test]
fn a_subscriber_misses_nothing_of_a_hub_that_drains_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let hub = support::hub(&["--data", data, "--drain-window", "0s"]);
    let address = hub.address.to_string();
    let sub =
        Program::start(&["sub", &format!("http://{address}/events/a"), "--retry", "100", "--count", "3"]);
    assert!(sub.stderr.next().starts_with("listening to "));
    hub.publish("a?id=i-1", "one");
    assert_eq!(sub.stdout.next(), "i-1  message  one");

    hub.terminate();
    let told = sub.stderr.next();
    let hub = Hub::spawn(tidings(&["serve", "--listen", &address, "--log-format", "json", "--data", data]));
    hub.publish("a?id=i-2", "two");
    hub.publish("a?id=i-3", "three");

    assert!(told.starts_with("the stream ended; again in "), "{told}");
    assert_eq!([sub.stdout.next(), sub.stdout.next()], ["i-2  message  two", "i-3  message  three"]);
}
