//! A scenario as a script for the server, and what its requests must have been.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tidings_testkit::request::Request;

use super::{Connection, ExpectRequest, Respond, Scenario};
use crate::support::server::{Answer, Server, Then};

impl Scenario {
    pub(super) fn start_server(&self) -> Server {
        let script = |own: SocketAddr, other: SocketAddr| -> VecDeque<Answer> {
            self.answered().map(|connection| answer(connection, own, other)).collect()
        };
        if self.connections[0].refuse {
            return Server::start_refusing(script);
        }
        Server::start_repeating(script, self.connections.iter().any(|connection| connection.repeat))
    }

    /// What is wrong with the requests.
    pub(super) fn check_requests(&self, requests: &[Request]) -> Vec<String> {
        let pairs = requests.iter().zip(self.answered().map(|connection| &connection.expect_request));
        let mut wrong: Vec<String> = pairs.flat_map(|(request, expected)| check(request, expected)).collect();
        let as_standard = |name, value| requests.iter().all(|request| request.header(name) == Some(value));
        if !as_standard("accept", "text/event-stream") || !as_standard("cache-control", "no-cache") {
            wrong.push("Accept or Cache-Control".into());
        }
        wrong
    }

    fn answered(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().filter(|connection| !connection.refuse)
    }
}

fn answer(connection: &Connection, own: SocketAddr, other: SocketAddr) -> Answer {
    let respond: &Respond = connection.respond.as_ref().unwrap();
    let place = |value: &str| {
        value
            .replace("{base}", &format!("http://{own}"))
            .replace("{self}", &format!("http://{own}/source"))
            .replace("{otherOrigin}", &format!("http://{other}"))
    };
    Answer {
        status: respond.status,
        headers: respond
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), place(value.as_str().unwrap())))
            .collect(),
        chunks: respond.chunks.iter().map(|chunk| chunk.clone().into_bytes()).collect(),
        then: match respond.then.as_str() {
            "close" => Then::Close,
            "reset" => Then::Break,
            "hold" | "stall" => Then::Hold,
            other => panic!("a connection cannot {other}"),
        },
        comment_every: connection.comment_every_ms.map(Duration::from_millis),
    }
}

fn check(request: &Request, expected: &ExpectRequest) -> Vec<String> {
    let mut wrong = Vec::new();
    if expected.path.as_ref().is_some_and(|path| *path != request.path) {
        wrong.push(format!("path {}", request.path));
    }
    if expected.method.as_ref().is_some_and(|method| *method != request.method) {
        wrong.push(format!("method {}", request.method));
    }
    if expected.body.as_ref().is_some_and(|body| body.as_bytes() != request.body) {
        wrong.push(format!("body {:?}", request.body));
    }
    for (name, value) in &expected.headers {
        if request.header(name) != value.as_str() {
            wrong.push(format!("{name}: {:?}", request.header(name)));
        }
    }
    let present = expected.absent_headers.iter().filter(|name| request.header(name).is_some());
    wrong.extend(present.map(|name| format!("{name} is there")));
    wrong
}
