//! Streams of events as a browser opens them, as far as the story needs it.

use tidings_testkit::connection::Stream;
use tidings_testkit::hub::Hub;

/// Opens a stream at the end of an empty log, and returns it with the log's epoch.
pub(super) fn open(program: &Hub, target: &str) -> (Stream, String) {
    let mut stream = get(program, target, None);
    stream.expect(": heartbeat 15000\nid: ");
    let mut epoch = String::new();
    while !epoch.ends_with('-') {
        epoch += &stream.take(1);
    }
    epoch.pop();
    stream.expect("0\nretry: 3000\n\n");
    (stream, epoch)
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
