//! The binary behind a proxy: what it takes without a key, what it says at its start, and `tidings init`.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use support::program::Program;
use support::{hub, run, tidings};
use tidings_testkit::hub::Hub;

const FORWARDED: (&str, &str) = ("X-Forwarded-For", "192.0.2.1");

/// The status of a publish with these headers.
fn publish(hub: &Hub, headers: &[(&str, &str)]) -> u16 {
    hub.connect().post("/events/a", headers, "x").expect("the hub answers").status
}

#[test]
fn a_hub_without_a_key_takes_what_a_proxy_passes_on_only_if_both_settings_say_so() {
    let (trusted, open) = (["--trusted-proxies", "127.0.0.1"], ["--insecure-open"]);
    for (arguments, status) in [
        (vec![], 403),
        (trusted.to_vec(), 403),
        (open.to_vec(), 403),
        ([&trusted[..], &open].concat(), 201),
        (vec!["--trusted-proxies", "10.0.0.1", "--insecure-open"], 403),
    ] {
        let hub = hub(&[&["--memory"][..], &arguments].concat());

        assert_eq!(publish(&hub, &[FORWARDED]), status, "{arguments:?}");
        assert_eq!(publish(&hub, &[]), 201, "{arguments:?}");
    }
}

#[test]
fn the_start_says_that_a_proxy_needs_a_key() {
    let line = "a hub behind a proxy needs a publish key; `tidings init` makes one";
    let page = |arguments: &[&str]| {
        let usual = ["serve", "--memory", "--listen", "127.0.0.1:0"];
        let program = Program::start(&[&usual, arguments].concat());
        let lines = std::iter::repeat_with(|| program.stderr.next());
        lines.take_while(|line| !line.contains("Ctrl-C")).collect::<Vec<_>>().join("\n")
    };
    let dir = tempfile::tempdir().expect("a directory can be made");
    let key = dir.path().join("key");
    fs::write(&key, "k").expect("the key can be written");

    assert!(page(&[]).contains(line));
    assert!(!page(&["--publish-key-file", key.to_str().expect("the path is text")]).contains(line));
}

#[test]
fn the_start_says_who_can_publish_without_a_key_and_which_setting_has_no_effect() {
    let open = "can publish: insecure_open is true, and there is no publish key";
    let beyond = &["--listen", "0.0.0.0:0", "--insecure-open"][..];
    let trusted = &["--trusted-proxies", "127.0.0.1", "--insecure-open"][..];
    let key = ["TIDINGS_PUBLISH_KEY"];
    for format in ["text", "json"] {
        for (arguments, variables, told, reach) in [
            (beyond, &[][..], open, "everybody who can reach this address"),
            (trusted, &[], open, "everybody who can reach a proxy of trusted_proxies"),
            (beyond, &key[..], "insecure_open has no effect", ""),
            (&["--insecure-open"], &[], "insecure_open has no effect", ""),
        ] {
            let listen = ["serve", "--memory", "--log-format", format];
            let usual = if arguments == beyond { &[][..] } else { &["--listen", "127.0.0.1:0"] };
            let mut command = tidings(&[&listen, usual, arguments].concat());
            command.envs(variables.iter().map(|name| (name, "k")));
            let program = Program::spawn(command);
            let lines = std::iter::repeat_with(|| program.stderr.next());
            let lines: Vec<_> = lines.take_while(|line| !line.contains("listening")).collect();

            let said: Vec<_> = lines.iter().filter(|line| line.contains(told)).collect();
            assert_eq!(said.len(), 1, "{format} {arguments:?}: {lines:#?}");
            assert!(said[0].contains(reach), "{said:?}");
            let proxy = lines.iter().any(|line| line.contains("a hub behind a proxy needs"));
            assert_eq!(proxy, format == "text" && arguments == ["--insecure-open"], "{lines:#?}");
        }
    }
}

#[test]
fn a_refusal_that_a_developer_would_search_for_is_a_line_of_the_log() {
    let hub = hub(&["--memory"]);
    for (request, words) in [
        ("GET /events/a HTTP/1.1\r\nHost: evil.example\r\n", "--allowed-host evil.example"),
        ("GET /events/a HTTP/1.1\r\nHost: localhost\r\nOrigin: http://b\r\n", "--cors-origin http://b"),
        ("POST /events/a HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 p\r\n", "--trusted-proxies 127.0.0.1"),
    ] {
        let mut socket = TcpStream::connect(hub.address).expect("the hub listens");
        write!(socket, "{request}Connection: close\r\n\r\n").expect("the hub reads");
        socket.read_to_string(&mut String::new()).expect("the answer is text");

        let line = hub.says(words);
        assert!(line.contains("\"INFO\"") && line.contains("refused a request"), "{line}");
    }
}

/// Each asks with an origin of its own, at once: a line about one page does not hide that of another.
#[test]
fn every_kind_of_request_of_a_refused_page_is_a_line_with_its_origin_and_the_setting() {
    let hub = hub(&["--memory"]);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for (at, (line, headers)) in [
        ("GET /events/a", "Accept: text/event-stream"),
        ("GET /events/a", "Accept: application/json"),
        ("GET /events?topic=a&mode=long-poll", "Accept: text/event-stream"),
        ("GET /events/a", "Accept: application/x-ndjson"),
        ("GET /events/a", upgrade),
        ("POST /events/a", "Content-Length: 0"),
        ("POST /events", "Content-Length: 0"),
        ("POST /subscribe", "Content-Length: 0"),
        ("POST /tickets", "Content-Length: 0"),
        ("GET /admin/connections", "Accept: application/json"),
        ("OPTIONS /events/a", "Access-Control-Request-Method: POST"),
        ("OPTIONS /events", "Access-Control-Request-Method: POST"),
        ("OPTIONS /subscribe", "Access-Control-Request-Method: POST"),
        ("OPTIONS /tickets", "Access-Control-Request-Method: POST"),
    ]
    .into_iter()
    .enumerate()
    {
        let origin = format!("https://page{at}.example");
        send(&hub, &format!("{line} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n{headers}\r\n"));

        let told = hub.says(&format!("`{origin}`"));
        assert!(told.contains(&format!("--cors-origin {origin};")), "{line}: {told}");
        assert!(told.contains("origin-not-allowed") && told.contains("\"INFO\""), "{line}: {told}");
    }
    send(&hub, "GET /events/a?mode=iframe&origin=https://frame.example HTTP/1.1\r\nHost: localhost\r\n");
    hub.says("--cors-origin https://frame.example;");
}

#[test]
fn an_origin_of_a_refused_page_stands_in_the_log_escaped_and_cut() {
    let hub = hub(&["--memory"]);
    let long = "x".repeat(1_000);
    send(&hub, &format!("GET /events/a HTTP/1.1\r\nHost: localhost\r\nOrigin: https://\u{202e}\"{long}\r\n"));

    let line = hub.says("refused a request");

    assert!(line.is_ascii() && line.contains("xxx...`"), "{line}");
    assert!(!line.contains(&long[..300]) && line.contains(r"\\xe2\\x80\\xae"), "{line}");
}

/// Its browser tells the page nothing but that it failed, and the hub has answered 200.
#[test]
fn a_page_that_asks_with_cookies_where_every_origin_is_allowed_is_a_line_of_the_log() {
    let hub = hub(&["--memory", "--cors-origin", "*"]);
    let ask = |origin: &str, headers: &str| {
        send(
            &hub,
            &format!(
                "GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nOrigin: {origin}\r\n{headers}"
            ),
        );
    };
    ask("https://a.example", "Sec-Fetch-Mode: cors\r\n");
    ask("https://b.example", "Cookie: a=b\r\nSec-Fetch-Mode: websocket\r\n");
    ask("http://localhost", "Cookie: a=b\r\nSec-Fetch-Mode: cors\r\n");
    ask("https://app.example", "Cookie: a=b\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-site\r\n");

    let line = hub.says("does not show an answer");

    assert!(line.contains("--cors-origin https://app.example in place of '*'"), "{line}");
}

/// Sends a request, and reads its answer.
fn send(hub: &Hub, request: &str) {
    let mut socket = TcpStream::connect(hub.address).expect("the hub listens");
    write!(socket, "{request}Connection: close\r\n\r\n").expect("the hub reads");
    socket.read_to_end(&mut Vec::new()).expect("the hub answers");
}

/// The line advised `--cors-origin null`, which the hub refuses at its start.
#[test]
fn the_line_about_a_preflight_names_no_setting_that_the_hub_refuses() {
    for (origin, words, advised) in [
        ("null", "opened from a file", "--cors-origin '*'"),
        ("https://app.example/", "this is no origin", "cannot be allowed by name"),
        ("wss://app.example", "no page has such an origin", "cannot be allowed by name"),
        ("https://app.example", "asks whether it may use the hub", "--cors-origin https://app.example;"),
    ] {
        let hub = hub(&["--memory"]);
        let mut socket = TcpStream::connect(hub.address).expect("the hub listens");
        let request =
            "OPTIONS /events/a HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\n";
        write!(socket, "{request}Origin: {origin}\r\nConnection: close\r\n\r\n").expect("the hub reads");
        socket.read_to_string(&mut String::new()).expect("the answer is text");

        let line = hub.says(words);
        assert!(line.contains(advised), "{line}");
        assert!(!line.contains("--cors-origin null") && !line.contains("--cors-origin wss"), "{line}");
    }
}

#[test]
fn init_writes_a_key_that_only_its_owner_can_read_and_a_configuration_that_starts() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let path = dir.path().join("hub");
    let path = path.to_str().expect("the path is text");

    let left = run(tidings(&["init", path]));

    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    let key = fs::read_to_string(format!("{path}/publish.key")).expect("there is a key");
    let mode = fs::metadata(format!("{path}/publish.key")).expect("there is a key").permissions().mode();
    assert_eq!((key.trim().len(), mode & 0o777), (64, 0o600));
    assert!(left.stdout.contains(&format!("tidings serve --config {path}/tidings.toml")), "{}", left.stdout);
    assert!(!left.stdout.contains(key.trim()));
    let hub = hub(&["--memory", "--config", &format!("{path}/tidings.toml")]);
    assert_eq!(publish(&hub, &[FORWARDED]), 401);
    assert_eq!(publish(&hub, &[FORWARDED, ("Authorization", &format!("Bearer {}", key.trim()))]), 201);

    let again = run(tidings(&["init", path]));
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("tidings.toml"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(format!("{path}/publish.key")).expect("there is a key"), key);
}
