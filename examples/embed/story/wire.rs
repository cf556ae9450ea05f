//! Streams of events as a browser opens them, as far as the story needs it.

use tidings_testkit::connection::Stream;
use tidings_testkit::hub::Hub;

/// Opens a stream at the end of an empty log, and returns it with the log's epoch.
pub(super) fn open(program: &Hub, target: &str) -> (Stream, String) {
    let mut stream = get(program, target, None);
    expect_first_lines(&mut stream);
    stream.expect("event: tidings.open\nid: ");
    let epoch = take_before(&mut stream, '-');
    let place = format!("{epoch}-0");
    stream.expect(&format!("0\ndata: {{\"cursor\":\"{place}\",\"heartbeat_ms\":15000,\"time\":\""));
    take_before(&mut stream, '"');
    stream.expect(",\"connection\":\"");
    take_before(&mut stream, '"');
    stream.expect("}\n\n");
    (stream, epoch)
}

/// Reads the lines that belong to the first block, of which the delay is another for each stream.
pub(super) fn expect_first_lines(stream: &mut Stream) {
    stream.expect(": heartbeat 15000\nretry: ");
    let retry = take_before(stream, '\n').parse();
    assert!(retry.is_ok_and(|retry: u64| (3_000..=6_000).contains(&retry)));
}

/// Reads up to a letter and past it.
fn take_before(stream: &mut Stream, letter: char) -> String {
    let mut text = String::new();
    while !text.ends_with(letter) {
        text += &stream.take(1);
    }
    text.pop();
    text
}

/// Opens a stream as a browser does that was there before.
pub(super) fn resume(program: &Hub, target: &str, id: &str) -> Stream {
    get(program, target, Some(id))
}

fn get(program: &Hub, target: &str, id: Option<&str>) -> Stream {
    let stream = program.connect().subscribe(target, id).unwrap();
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-store, no-transform"),
        ("transfer-encoding", "chunked"),
    ] {
        assert_eq!(stream.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    stream
}
