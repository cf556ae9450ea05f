//! `tidings pub --except`: a program that shows what it publishes gets no echo of it.

mod support;

use support::program::{Program, run_with_input};
use support::{run, tidings};

#[test]
fn the_connection_that_sub_tells_is_not_sent_what_pub_publishes_and_others_are() {
    let hub = support::hub(&["--memory"]);
    hub.publish("rooms/7?id=r-1", "before");
    let url = format!("http://{}/events/rooms/7", hub.address);
    let own = Program::start(&["sub", &format!("{url}?last=10&opening=always"), "--json", "--count", "3"]);
    let other = Program::start(&["sub", &format!("{url}?last=10"), "--count", "5"]);
    assert_eq!(own.stderr.next(), r#"{"state":"open","status":200,"error":null}"#);
    let told = own.stderr.next();
    let id = told.strip_prefix(r#"{"open":{"connection":""#).and_then(|rest| rest.strip_suffix(r#""}}"#));
    let Some(id) = id else { unreachable!("{told}") };

    let one = run(tidings(&["pub", &url, "one", "--id", "r-2", "--except", id]));
    let lines = run_with_input(&["pub", &url, "-", "--except", id], b"two\nthree\n");
    let stream = b"id: r-5\ndata: four\n\n";
    let events = run_with_input(&["pub", &url, "--event-stream", "--except", id], stream);
    let all = run(tidings(&["pub", &url, "five", "--id", "r-6"]));
    let last = run(tidings(&["pub", &url, "six", "--id", "r-7"]));

    assert_eq!([one.code, lines.code, events.code, all.code, last.code], [Some(0); 5], "{lines:?}");
    let data = |line: String| {
        line.rsplit("\"data\":\"").next().map(|rest| rest.split('"').next().map(str::to_owned))
    };
    assert_eq!(
        [0; 3].map(|_| data(own.stdout.next()).flatten()),
        ["before", "five", "six"].map(|text| Some(text.to_owned()))
    );
    let heard: Vec<_> = other
        .stdout
        .rest()
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(heard, ["before", "one", "two", "three", "four"]);
}

#[test]
fn what_is_no_connection_is_told_in_the_words_of_the_hub() {
    let hub = support::hub(&["--memory"]);
    let url = format!("http://{}/events/a", hub.address);

    let left = run(tidings(&["pub", &url, "x", "--except", "No-Id"]));

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("`except` is the id of a connection"), "{left:?}");
}
