//! A subscriber whose answers end: what it sends first, and what it sends when an answer has ended.
//!
//! It asks at once, and not after the `retry` that the server tells, so that what is measured is the server and not the pause.

/// A subscriber by long polls.
pub(super) struct Polling {
    /// Without a place.
    request: String,
}

const MODE: &str = "mode=long-poll";

impl Polling {
    /// None if the answer to this request is a stream.
    pub(super) fn of(request: &str) -> Option<Self> {
        let target = request.split(' ').nth(1)?;
        let (_, query) = target.split_once('?')?;
        query.split('&').any(|parameter| parameter == MODE).then(|| Self { request: request.to_owned() })
    }

    /// A poll that is answered at once, and tells a place.
    pub(super) fn first(&self) -> String {
        let target = self.request.split(' ').nth(1).unwrap_or_default();
        let at_once: Vec<_> = target.split('&').filter(|parameter| !parameter.starts_with("wait=")).collect();
        self.request.replacen(target, &format!("{}&wait=0s", at_once.join("&")), 1)
    }

    /// The poll that goes on.
    pub(super) fn next(&self, last_event_id: &str) -> String {
        let head = self.request.strip_suffix("\r\n").unwrap_or(&self.request);
        format!("{head}Last-Event-ID: {last_event_id}\r\n\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_poll_does_not_wait_and_the_next_ones_go_on_from_a_place() {
        let request = "GET /events/a?mode=long-poll&wait=40s&on_gap=latest HTTP/1.1\r\nHost: x\r\n\r\n";

        let polling = Polling::of(request).unwrap();

        assert_eq!(
            polling.first(),
            "GET /events/a?mode=long-poll&on_gap=latest&wait=0s HTTP/1.1\r\nHost: x\r\n\r\n"
        );
        let next = polling.next("1-7");
        assert_eq!(next, request.replace("x\r\n\r\n", "x\r\nLast-Event-ID: 1-7\r\n\r\n"));
    }

    #[test]
    fn other_requests_are_for_streams() {
        for target in
            ["/events/a", "/events/a?mode=stream", "/events/mode=long-poll", "/events/a?x=mode=long-poll"]
        {
            assert!(Polling::of(&format!("GET {target} HTTP/1.1\r\n\r\n")).is_none(), "{target}");
        }
    }
}
