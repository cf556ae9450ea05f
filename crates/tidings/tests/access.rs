//! Who may publish and read what: from the configuration as an operator writes it to what the hub answers.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use support::desk::{Desk, KEY, SECRET, WHOLE, publish, read};
use support::program::run_with_input;
use support::{run, tidings};
use tidings_testkit::hub::Hub;

#[test]
fn the_tables_of_the_documentation_work_as_they_stand() {
    let desk = Desk::new(WHOLE);
    let hub = desk.hub();
    let token = desk.token(&["--sub", "u1", "--subscribe", "orders/*", "--publish", "orders/9"]);

    assert_eq!([publish(&hub, "orders/9", Some(KEY)), publish(&hub, "orders/9", None)], [201, 401]);
    assert_eq!(
        [publish(&hub, "orders/9", Some(&token)), publish(&hub, "orders/8", Some(&token))],
        [201, 403]
    );
    assert_eq!([read(&hub, "/events/public/a", None), read(&hub, "/events/orders/9", None)], [200, 401]);
    for (path, status) in
        [("orders/9", 200), ("users/u1/x", 200), ("users/u2/x", 403), ("public/a", 200), ("orders/**", 403)]
    {
        assert_eq!(read(&hub, &format!("/events/{path}"), Some(&token)), status, "{path}");
        let in_url = format!("/events/{path}?access_token={token}");
        assert_eq!(read(&hub, &in_url, None), status, "{in_url}");
    }
}

#[test]
fn a_signed_url_opens_its_topics_and_no_others() {
    let desk = Desk::new(WHOLE);
    let hub = desk.hub();
    let sign = |path: &str, more: &[&str]| {
        let url = format!("http://hub.example{path}");
        let left =
            desk.run(&[&["sign", &url, "--key-file", "signing.key", "--expires", "1h"], more].concat());
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{left:?}");
        left.stdout.trim_end().strip_prefix("http://hub.example").unwrap().to_owned()
    };

    for path in
        ["/events/orders/9", "/events?topic=orders/9&topic=a%20b/*&limit=3", "/events/caf%C3%A9%2F%2Fx"]
    {
        let signed = sign(path, &[]);
        assert!(signed.starts_with(path), "{signed}");
        assert_eq!(read(&hub, &signed, None), 200, "{signed}");
        assert_eq!(read(&hub, &format!("{signed}&last=1"), None), 200, "{signed}");
        assert_eq!(read(&hub, &signed.replace("expires=1", "expires=2"), None), 401, "{signed}");
    }
    let other = sign("/events/orders/9", &[]).replace("orders/9", "orders/8");
    assert_eq!(read(&hub, &other, None), 401);
    let post = sign("/events/orders/9", &["--method", "POST"]);
    assert_eq!([hub.connect().post(&post, &[], "x").unwrap().status, read(&hub, &post, None)], [201, 401]);
    assert_eq!(read(&hub, &sign("/events/orders/9", &["--name", "old"]), None), 401);
}

/// A backend that lets everybody with a session read `orders/*`. It answers as long as the test runs.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut reader = BufReader::new(socket.unwrap());
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut question = vec![0; length];
            reader.read_exact(&mut question).unwrap();
            let question: serde_json::Value = serde_json::from_slice(&question).unwrap();
            let (status, body) = match question["headers"]["x-session"].as_str() {
                Some("7") => ("200 OK", r#"{"user":"u7","subscribe":["orders/*"],"ttl":60}"#),
                _ => ("401 Unauthorized", ""),
            };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            reader.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_webhook_decides_about_what_nothing_else_allows() {
    let url = format!("http://{}/who?token=s3cret", backend());
    let table = format!("[access.webhook]\nurl = \"{url}\"\nheaders = [\"x-session\"]\ntimeout = \"60s\"\n");
    let desk = Desk::new(&format!("{WHOLE}\n{table}"));
    let hub = desk.hub();
    let status = |path: &str, session: &str| {
        hub.connect().get(path, &[("accept", "application/json"), ("x-session", session)]).unwrap().status
    };

    assert_eq!(status("/events/orders/9", "7"), 200);
    assert_eq!([status("/events/orders/9", "8"), status("/events/users/u7", "7")], [401, 403]);
    assert_eq!([read(&hub, "/events/public/a", None), read(&hub, "/events/orders/9", Some(KEY))], [200, 200]);
    let printed = desk.run(&["config", "print", "--config", "tidings.toml"]).stdout;
    let shown = table.replace("?token=s3cret", "").replace("60s", "1m");
    assert!(printed.contains(&shown) && !printed.contains("s3cret"), "{printed}");
}

#[test]
fn variables_alone_make_the_access_that_they_imply() {
    let start = |variables: &[(&str, &str)]| {
        let mut command = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--memory"]);
        command.envs(variables.iter().copied());
        Hub::spawn(command)
    };
    let desk = Desk::new("");
    let token = desk.token(&["--subscribe", "a", "--publish", "a"]);

    let hub = start(&[("TIDINGS_JWT_KEY", SECRET), ("TIDINGS_PUBLISH_KEY", "hunter2")]);
    assert_eq!([publish(&hub, "a", Some(&token)), publish(&hub, "b", Some(&token))], [201, 403]);
    assert_eq!([publish(&hub, "b", Some("hunter2")), publish(&hub, "a", None)], [201, 401]);
    assert_eq!([read(&hub, "/events/a", Some(&token)), read(&hub, "/events/a", None)], [200, 401]);
    assert_eq!(read(&hub, "/events/a", Some("hunter2")), 403, "it publishes, and reads nothing");

    let file = desk.path("signing.key");
    let hub = start(&[("TIDINGS_SIGNING_KEY_FILE", file.to_str().unwrap())]);
    let left = desk.run(&["sign", "/events/a", "--key-file", "signing.key", "--expires", "1h"]);
    assert_eq!([read(&hub, left.stdout.trim_end(), None), read(&hub, "/events/a", None)], [200, 401]);
}

#[test]
fn a_variable_is_stronger_than_the_key_of_the_file() {
    let desk = Desk::new(WHOLE);
    let other = "fedcba9876543210fedcba9876543210";
    let mut command = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--memory"]);
    command.args(["--config", desk.path("tidings.toml").to_str().unwrap()]).env("TIDINGS_SIGNING_KEY", other);
    let signed = desk.run(&["sign", "/events/a", "--key-file", "signing.key", "--expires", "1h"]).stdout;
    assert_eq!(read(&Hub::spawn(command), signed.trim_end(), None), 401);
    let token = desk.token(&["--sub", "u1"]);
    assert_eq!(desk.explain(&token).code, Some(0));

    let mut command = tidings(&["token", "explain", &token, "--config", "tidings.toml"]);
    command.current_dir(desk.directory()).env("TIDINGS_JWT_KEY", other);
    let left = run(command);

    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(left.stdout.starts_with("refused  the signature is not that of the key\n"), "{left:?}");
}

#[test]
fn a_named_key_comes_from_a_variable_a_file_or_a_hash() {
    let made = run(tidings(&["key"]));
    let (hashed, line) = (made.stdout.trim_end().to_owned(), made.stderr.trim_end().to_owned());
    let desk = Desk::new(&format!(
        "[[access.keys]]\nname = \"hashed\"\n{line}\npublish = [\"a\"]\n\
         [[access.keys]]\nname = \"filed\"\nkey_file = \"filed.key\"\npublish = \"b\"\n\
         [[access.keys]]\nname = \"variable\"\nkey_env = \"TIDINGS_CRON\"\npublish = [\"c\"]\n"
    ));
    desk.write("filed.key", "file-0123456789abcdef\n");
    let mut command = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--memory"]);
    command.args(["--config", desk.path("tidings.toml").to_str().unwrap()]);
    command.env("TIDINGS_CRON", "env-0123456789abcdef");
    let hub = Hub::spawn(command);

    for (key, topic) in
        [(hashed.as_str(), "a"), ("file-0123456789abcdef", "b"), ("env-0123456789abcdef", "c")]
    {
        for asked in ["a", "b", "c"] {
            let status = if asked == topic { 201 } else { 403 };
            assert_eq!(publish(&hub, asked, Some(key)), status, "{topic}, {asked}");
        }
    }
    let missing = desk.refused(&[]);
    assert!(missing.contains(":9: the environment has no variable TIDINGS_CRON\n"), "{missing}");
    assert_eq!(run_with_input(&["key", "--hash"], hashed.as_bytes()).stdout, line[12..line.len() - 1]);
}
