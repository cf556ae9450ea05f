//! Who may publish and read what: from the configuration as an operator writes it to what the hub answers.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use support::program::run_with_input;
use support::{Left, hub, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

/// As the documentation shows it.
const WHOLE: &str = r#"
[access.anonymous]
subscribe = ["public/**"]          # publish = [] unless said

[[access.keys]]
name = "backend"
key = "k-0123456789abcdef0123456789abcdef"     # or key_env, key_file, key_hash
publish = ["**"]
subscribe = ["**"]
admin = true

[access.jwt]
key = "0123456789abcdef0123456789abcdef"       # or key_file (PEM), jwks_url
algorithms = ["HS256"]
audience = "tidings"                            # issuer, leeway, … likewise
cookie = "tidings"
query = true                                    # ?access_token=
subscribe = ["users/{sub}/**"]                  # what every valid token may, beside its own claims

[access.signing]
key = "abcdef0123456789abcdef0123456789"
"#;

const KEY: &str = "k-0123456789abcdef0123456789abcdef";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SIGNING: &str = "abcdef0123456789abcdef0123456789";

/// A directory in which a configuration is, with a file for each key, and a way to run commands with them.
struct Desk(TempDir);

impl Desk {
    fn new(configuration: &str) -> Self {
        let desk = Self(TempDir::new().unwrap());
        desk.write("tidings.toml", configuration);
        desk.write("jwt.key", &format!("{SECRET}\n"));
        desk.write("signing.key", &format!("{SIGNING}\n"));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A command in the directory.
    fn run(&self, arguments: &[&str]) -> Left {
        let mut command = tidings(arguments);
        command.current_dir(self.0.path());
        run(command)
    }

    fn token(&self, arguments: &[&str]) -> String {
        let left = self.run(&[&["token", "--key-file", "jwt.key"], arguments].concat());
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{left:?}");
        left.stdout.trim_end().to_owned()
    }

    fn explain(&self, token: &str) -> Left {
        self.run(&["token", "explain", token, "--config", "tidings.toml"])
    }

    fn hub(&self) -> Hub {
        hub(&["--memory", "--config", self.path("tidings.toml").to_str().unwrap()])
    }

    /// What a check of the configuration says, without the place of the directory.
    fn refused(&self, variables: &[(&str, &str)]) -> String {
        let mut command = tidings(&["config", "check", "--config", "tidings.toml"]);
        command.current_dir(self.0.path()).envs(variables.iter().copied());
        let left = run(command);
        assert_eq!(left.code, Some(2), "{left:?}");
        left.stderr
    }
}

fn publish(hub: &Hub, topic: &str, bearer: Option<&str>) -> u16 {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let headers: Vec<_> = header.iter().map(|value| ("authorization", value.as_str())).collect();
    hub.connect().post(&format!("/events/{topic}"), &headers, "x").unwrap().status
}

fn read(hub: &Hub, path: &str, bearer: Option<&str>) -> u16 {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let mut headers = vec![("accept", "application/json")];
    headers.extend(header.iter().map(|value| ("authorization", value.as_str())));
    hub.connect().get(path, &headers).unwrap().status
}

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
    command.current_dir(desk.0.path()).env("TIDINGS_JWT_KEY", other);
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

#[test]
fn what_is_wrong_in_a_table_is_told_with_its_line_and_what_to_write() {
    for (table, message, hint) in [
        ("[access]\nkys = 1", ":2: unknown key \"kys\" in [access]", "did you mean keys?"),
        (
            "[access.spaceship]\nurl = \"x\"",
            ":1: unknown key \"spaceship\" in [access]",
            "[access] has anonymous, keys",
        ),
        ("[access.webhook]\ntimeout = \"1s\"", ":1: access.webhook.url must be there", "url = \"http"),
        (
            "[access.webhook]\nnotices_url = \"/who\"",
            ":2: access.webhook.notices_url is not a URL over https or http",
            "http://",
        ),
        (
            "[access.webhook]\nnotices_url = \"http://a/\"\nheaders = [\"cookie\"]",
            ":3: access.webhook.headers needs `url`",
            "cookie",
        ),
        (
            "[access.webhook]\nurl = \"http://a/\"\nnotices_debounce = \"1s\"",
            ":3: access.webhook.notices_debounce needs `notices_url`",
            "10s",
        ),
        (
            "[access.webhook]\nnotices_url = \"http://a/\"\nnotices_debounce = \"11m\"",
            ":3: access.webhook.notices_debounce is a duration of at most 10m",
            "10s",
        ),
        (
            "[access.webhook]\nurl = \"/who\"",
            ":2: access.webhook.url is not a URL over https or http",
            "http://",
        ),
        (
            "[access.webhook]\nurl = \"https://u:hunter2@a.example\"",
            ":2: access.webhook.url is not a URL without a user",
            "http://",
        ),
        (
            "[access.webhook]\nurl = \"http://a/\"\nheaders = [\"a b\"]",
            ":3: access.webhook.headers is a list of names",
            "cookie",
        ),
        (
            "[access.webhook]\nurl = \"http://a/\"\ntimeout = \"61s\"",
            ":3: access.webhook.timeout is a duration above zero and of at most 60s",
            "5s",
        ),
        ("[access.webhook]\nurl = \"http://a/\"\ntimeout = \"0s\"", ":3: access.webhook.timeout is", "5s"),
        ("[acess.jwt]\nkey = \"x\"", ":1: unknown key \"acess\"", "did you mean [access]?"),
        ("access = 1", ":1: access is a table", "write its members below [access]"),
        ("[access.keys]\nname = \"a\"", ":1: access.keys is a list of tables", "[[access.keys]]"),
        ("[access.anonymous]\n\nsubscibe = []", ":3: unknown key \"subscibe\"", "did you mean subscribe?"),
        ("[access.anonymous]\nlisten = \"x\"", ":2: unknown key \"listen\"", "stands before the first line"),
        (
            "[access.anonymous]\npublish = 1",
            ":2: access.anonymous.publish is a list of texts",
            "publish = [\"orders/*\"]",
        ),
        (
            "[access.anonymous]\npublish = [\"a/../b\"]",
            "which is no topic and no pattern",
            "write, for example",
        ),
        (
            "[access.anonymous]\nsubscribe = [\"users/{sub}\"]",
            "which is the user of a token",
            "write, for example",
        ),
        ("[[access.keys]]\nname = \"a\"", ":1: the key \"a\" has no key", "set one of key, key_env"),
        (
            "[[access.keys]]\nkey = \"0123456789abcdef\"",
            ":1: access.keys.name must be there",
            "name = \"backend\"",
        ),
        (
            "[[access.keys]]\nname = \"a b\"\nkey = \"0123456789abcdef\"",
            ":2: access.keys.name has letters",
            "backend",
        ),
        (
            "[[access.keys]]\nname = \"a\"\nkey = \"hunter2\"",
            ":3: access.keys.key is not long enough: it has 7",
            "tidings key",
        ),
        (
            "[[access.keys]]\nname = \"a\"\nkey_hash = \"hunter2\"",
            ":3: access.keys.key_hash is `sha256:`",
            "sha256",
        ),
        (
            "[[access.keys]]\nname = \"a\"\nkey = \"x\"\nkey_env = \"X\"",
            "has both key and key_env",
            "leave one of",
        ),
        ("[[access.keys]]\nname = \"a\"\nkey_file = \"no\"", "cannot read key file no: ", ""),
        (
            "[[access.keys]]\nname = \"a\"\nkey = \"0123456789abcdef\"\n[[access.keys]]\nname = \"a\"\nkey = \"0123456789abcdeg\"",
            ":4: there are two keys with the name \"a\"",
            ":1",
        ),
        (
            "[[access.keys]]\nname = \"a\"\nkey = \"0123456789abcdef\"\n[[access.keys]]\nname = \"b\"\nkey = \"0123456789abcdef\"",
            ":4: the keys a and b are the same",
            "a key of its own",
        ),
        ("[access.jwt]\nleeway = \"2s\"", ":1: [access.jwt] has no key", "TIDINGS_JWT_KEY"),
        ("[access.jwt]\nkey = \"hunter2\"", ":2: this is not a key: the secret has 7 bytes", "tidings key"),
        ("[access.jwt]\nkey = \"!ChangeThisMercureHubJWTSecretKey!\"", "everybody knows it", "tidings key"),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\nalgorithms = [\"none\"]",
            ":3: access.jwt.algorithms has another",
            "HS256",
        ),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\nalgorithms = \"RS256\"",
            "is for HS256, HS384, HS512, and algorithms has RS256",
            "",
        ),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\nleeway = \"1h\"",
            ":3: access.jwt.leeway is a duration of at most 10m",
            "2s",
        ),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\ncookie = \"a b\"",
            ":3: access.jwt.cookie has letters",
            "tidings",
        ),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\naudience = []",
            ":3: access.jwt.audience is a text",
            "tidings",
        ),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\nquery = \"yes\"",
            ":3: access.jwt.query is true or false",
            "query = true",
        ),
        (
            "[access.jwt]\njwks_url = \"https://a.example/k\"\nalgorithms = [\"HS256\"]",
            "is for RS256, PS256, ES256, EdDSA, and algorithms has HS256",
            "",
        ),
        (
            "[access.jwt]\njwks_url = \"http://a.example/k\"",
            ":2: access.jwt.jwks_url is not a URL over https",
            "https://",
        ),
        (
            "[access.signing]\nkey = \"hunter2\"",
            ":2: this is not a key: the secret has 7 bytes",
            "tidings key",
        ),
        ("[access.signing]\nname = \"a\"", ":1: [access.signing] has no key", "TIDINGS_SIGNING_KEY"),
        (
            "[access]\ntrusted_proxies = [\"10.0.0.0/33\"]",
            ":2: trusted_proxies: \"10.0.0.0/33\" is not an IP address or a range of them",
            "without a port",
        ),
        ("[access]\ntrusted_proxies = 1", ":2: access.trusted_proxies is a list of texts", "10.0.0.0/8"),
        (
            "trusted_proxies = []\n[access]\ntrusted_proxies = [\"::1\"]",
            ":3: trusted_proxies stands here and at ",
            "leave one of them out",
        ),
        ("jwt_key_file = \"a\"", ":1: jwt_key_file cannot be set in a file", "key_file below [access.jwt]"),
    ] {
        let told = Desk::new(table).refused(&[]);

        assert!(told.contains(message) && told.contains(hint), "{table}\n{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn two_keys_of_one_kind_from_elsewhere_are_refused() {
    let desk = Desk::new("");
    let told = desk.refused(&[("TIDINGS_JWT_KEY", SECRET), ("TIDINGS_JWT_KEY_FILE", "jwt.key")]);
    assert!(
        told.contains("there are two keys that check tokens: TIDINGS_JWT_KEY and jwt_key_file"),
        "{told}"
    );
}

#[test]
fn no_secret_is_printed_and_what_is_printed_can_be_used_as_a_file() {
    let desk = Desk::new(&WHOLE.replace("key = \"abc", "key_file = \"signing.key\"\n# \"abc").replace(
        &format!("key = \"{KEY}\""),
        "key_hash = \"sha256:xYG9DAyp7bZYIbcPeXRCJuxSW2ldjKbXoDFrOVI4QjM\"",
    ));
    let mut command = tidings(&["config", "print", "--config", "tidings.toml"]);
    command.current_dir(desk.0.path()).env("TIDINGS_SIGNING_KEY", SIGNING).env("TIDINGS_JWT_KEY", SECRET);

    let first = run(command);

    for secret in [KEY, SECRET, SIGNING] {
        assert!(!first.stdout.contains(secret), "{}", first.stdout);
    }
    assert!(first.stdout.contains("\nsubscribe = [\"users/{sub}/**\"]\n"), "{}", first.stdout);
    desk.write("again.toml", &first.stdout);
    let mut command = tidings(&["config", "print", "--config", "again.toml"]);
    command.current_dir(desk.0.path()).env("TIDINGS_JWT_KEY", SECRET);
    let second = run(command);
    let tables = |page: &str| {
        page.split_once("# ---- Access tables")
            .map(|(_, tables)| tables.replace("# key = \"(not shown)\"\n", ""))
    };
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(tables(&second.stdout), tables(&first.stdout));
}

#[test]
fn settings_that_access_makes_idle_and_files_that_others_can_read_are_told() {
    let desk = Desk::new(
        "insecure_open = true\ntrusted_proxies = [\"::1\"]\n[access.signing]\nkey_file = \"signing.key\"",
    );
    fs::set_permissions(desk.path("signing.key"), fs::Permissions::from_mode(0o644)).unwrap();

    let left = desk.run(&["config", "check", "--config", "tidings.toml"]);

    assert_eq!(left.code, Some(0), "{left:?}");
    for told in ["insecure_open has no effect", "can read signing.key"] {
        assert!(left.stderr.contains(told), "{told}: {left:?}");
    }
    assert!(!left.stderr.contains("trusted_proxies"), "it says whose requests a proxy passes on: {left:?}");
}

#[test]
fn an_address_that_others_reach_needs_no_publish_key_beside_access() {
    let desk = Desk::new("listen = \"0.0.0.0:0\"\n[access]\n");
    let left = desk.run(&["config", "check", "--config", "tidings.toml"]);
    assert_eq!(left.code, Some(0), "{left:?}");
}

#[test]
fn a_token_is_explained_or_the_first_reason_against_it_is() {
    let desk = Desk::new(&WHOLE.replace("query = true", "leeway = \"0s\""));
    let good = desk.token(&["--sub", "u1", "--publish", "orders/9", "--admin", "--jti", "t1"]);

    let left = desk.explain(&good);
    let expected = "valid    the signature is good, and the claims hold\nuser     u1\nread     users/u1/**, public/**\n\
                    publish  orders/9\nadmin    yes\nuntil    ";
    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    assert!(
        left.stdout.starts_with(expected) && left.stdout.ends_with("from now\nid       t1\n"),
        "{left:?}"
    );

    for (token, reason, is_read, is_careful) in [
        (desk.token(&["--expires", "0s"]), "the token expired ", true, false),
        (
            desk.token(&["--audience", "other"]),
            "its `aud` is \"other\", and tidings is expected",
            true,
            false,
        ),
        (desk.token(&["--algorithm", "HS512"]), "signed by the algorithm \"HS512\"", true, true),
        (format!("{good}="), "no JSON Web Token", false, false),
        (format!("{}AAAA", &good[..good.len() - 4]), "the signature is not that of the key", true, true),
        ("hunter2".to_owned(), "this is no key of this hub", false, false),
    ] {
        let left = desk.explain(&token);
        assert_eq!(left.code, Some(1), "{left:?}");
        assert!(left.stdout.starts_with("refused  ") && left.stdout.contains(reason), "{left:?}");
        assert_eq!(left.stdout.contains("\nclaims   {"), is_read, "{left:?}");
        assert_eq!(left.stdout.contains("\ncareful  "), is_careful, "{left:?}");
    }
    assert_eq!(Desk::new("").explain(&good).code, Some(2));
}

#[test]
fn a_header_is_explained_as_its_token_and_an_empty_text_is_no_token() {
    let desk = Desk::new(WHOLE);
    let good = desk.token(&["--sub", "u1"]);

    assert_eq!(desk.explain(&format!(" bearer  {good}\n")), desk.explain(&good));
    for text in ["", " \n", "Bearer "] {
        let left = desk.explain(text);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains("there is no token"), "{left:?}");
    }
}

#[test]
fn a_user_to_whom_sub_gives_nothing_is_pointed_out() {
    let desk = Desk::new(WHOLE);
    for (user, line) in [
        ("u1", "u1"),
        ("a/b", "a/b"),
        ("", "\"\", to whom grants with {sub} give nothing"),
        ("..", ".., to whom grants with {sub} give nothing"),
    ] {
        let left = desk.explain(&desk.token(&["--sub", user]));
        assert!(left.stdout.contains(&format!("\nuser     {line}\n")), "{left:?}");
    }
}

#[test]
fn a_token_and_a_signed_url_can_be_made_by_the_configuration_alone() {
    let desk = Desk::new(
        &WHOLE
            .replace("\"HS256\"]", "\"HS384\", \"RS256\"]\nissuer = [\"me\", \"you\"]")
            .replace("key = \"0123456789abcdef0123456789abcdef\"", &format!("key = \"{}\"", SECRET.repeat(2)))
            .replace("\"tidings\"     ", "[\"hub\", \"tidings\"]")
            .replace("[access.signing]", "[access.signing]\nname = \"k2\""),
    );
    let by_configuration = ["--config", "tidings.toml"];
    let made = desk.run(&[&["token", "--sub", "u1"][..], &by_configuration].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let left = desk.explain(&made.stdout);
    assert!(left.stdout.starts_with("valid ") && left.stdout.contains("\nuser     u1\n"), "{left:?}");

    let hub = desk.hub();
    let signed = desk.run(&[&["sign", "/events/a", "--expires", "1h"][..], &by_configuration].concat());
    assert!(signed.stdout.contains("&key=k2&"), "{signed:?}");
    assert_eq!(read(&hub, signed.stdout.trim_end(), None), 200);
    let signed = desk.run(
        &[&["sign", "/events/a", "--expires", "1h", "--key-file", "signing.key"][..], &by_configuration]
            .concat(),
    );
    assert_eq!(read(&hub, signed.stdout.trim_end(), None), 200, "the name is that of the configuration");
}

#[test]
fn a_configuration_without_a_secret_that_signs_makes_nothing() {
    let public = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().public_key_pem();
    for (table, told) in [
        ("[access.anonymous]\n", "has no key of tokens"),
        (
            "[access.jwt]\nkey_file = \"public.pem\"\n",
            "tidings.toml:1: what the hub checks tokens by is no secret",
        ),
        ("[access.jwt]\nkey_file = \"set.json\"\n", "is no secret"),
        ("[access.jwt]\njwks_url = \"https://a.example/k\"\n", "is no secret"),
        ("[access.jwt]\nkey_file = \"no.key\"\n", "tidings.toml:1: cannot read key file no.key"),
        (
            "[access.jwt]\nkey_file = \"jwt.key\"\nalgorithms = [\"RS256\", \"ES256\"]\n",
            "is not for RS256, ES256, which the configuration takes",
        ),
    ] {
        let desk = Desk::new(table);
        desk.write("public.pem", &public);
        desk.write("set.json", "{\"keys\": [], \"and\": \"so long that it could be a secret\"}");
        let left = desk.run(&["token", "--sub", "u1", "--config", "tidings.toml"]);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{table}: {left:?}");
        assert!(left.stderr.contains(told), "{table}: {left:?}");
    }
    let left = Desk::new("").run(&["sign", "/events/a", "--expires", "1h", "--config", "tidings.toml"]);
    assert!(left.stderr.contains("has no key that signs URLs"), "{left:?}");
}

#[test]
fn a_token_holds_what_others_see_of_its_user() {
    let desk = Desk::new(WHOLE);
    let token = desk.token(&["--sub", "u1", "--info", "{\"name\": \"Ann\"}", "--audience", "no"]);
    let left = desk.explain(&token);
    assert!(left.stdout.contains(r#""tidings":{"info":{"name":"Ann"}}"#), "{left:?}");
    for (info, told) in [("{", "--info is not JSON"), (&format!("\"{}\"", "x".repeat(255)), "has 257 bytes")]
    {
        let left = desk.run(&["token", "--key-file", "jwt.key", "--info", info]);
        assert_eq!(left.code, Some(2), "{left:?}");
        assert!(left.stderr.contains(told), "{left:?}");
    }
}

#[test]
fn braces_that_are_not_the_user_are_pointed_out() {
    let desk = Desk::new(
        "[access.anonymous]\nsubscribe = [\"books/{id}\"]\n[access.jwt]\nkey_file = \"jwt.key\"\n\
         subscribe = [\"a/{sub}/{sub\", \"{sub}/x\"]\npublish = [\"{Sub}/b\"]\n\
         [[access.keys]]\nname = \"a\"\nkey = \"0123456789abcdef\"\npublish = [\"c/{x\", \"plain/*\"]\n",
    );

    let left = desk.run(&["config", "check", "--config", "tidings.toml"]);

    assert_eq!(left.code, Some(0), "{left:?}");
    let told: Vec<_> = left.stderr.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(told, ["books/{id}", "c/{x", "a/{sub}/{sub", "{Sub}/b"]);
}

#[test]
fn a_url_of_keys_that_is_refused_is_not_shown() {
    for url in ["https://u:s3cret@a.example/", "http://a.example/?key=s3cret", "s3cret"] {
        let told = Desk::new("").refused(&[("TIDINGS_JWT_JWKS_URL", url)]);
        assert!(told.contains("TIDINGS_JWT_JWKS_URL: its value is not a URL"), "{told}");
        let told = Desk::new(&format!("[access.jwt]\njwks_url = \"{url}\"")).refused(&[]);
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn a_key_for_a_command_is_never_an_argument_and_a_bad_one_is_told() {
    let desk = Desk::new(WHOLE);
    desk.write("short.key", "hunter2");
    for (arguments, message) in [
        (&["token", "--sub", "u1"][..], "there is no key that signs"),
        (&["token", "--key-file", "short.key", "--sub", "u1"], "the secret has 7 bytes"),
        (&["token", "--key-env", "NONE"], "the environment has no variable \"NONE\""),
        (&["token", "--key-file", "jwt.key", "--subscribe", "a/../b"], "no topic and no pattern"),
        (&["token", "--key-file", "jwt.key", "--algorithm", "ES256"], "not a private key for ES256"),
        (&["sign", "/events/a", "--key-file", "short.key", "--expires", "1h"], "the secret has 7 bytes"),
        (&["sign", "/stream", "--key-file", "signing.key", "--expires", "1h"], "begins with /events"),
    ] {
        let left = desk.run(arguments);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains(message) && !left.stderr.contains("hunter2"), "{left:?}");
    }
    let from_input =
        run_with_input(&["token", "--key-file", "-", "--sub", "u1"], format!("{SECRET}\n").as_bytes());
    assert_eq!(desk.explain(&from_input.stdout).code, Some(0), "{from_input:?}");
}

#[test]
fn tokens_by_private_keys_are_good_by_the_public_ones() {
    let pair = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
    for (algorithm, name) in [(&rcgen::PKCS_ED25519, "EdDSA"), (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256")] {
        let desk = Desk::new("[access.jwt]\nkey_file = \"public.pem\"\nsubscribe = [\"{sub}/**\"]\n");
        let pair = pair(algorithm);
        desk.write("public.pem", &pair.public_key_pem());
        desk.write("private.pem", &pair.serialize_pem());

        let left = desk.run(&["token", "--key-file", "private.pem", "--sub", "u1"]);

        assert_eq!(left.code, Some(0), "{name}: {left:?}");
        let explained = desk.explain(left.stdout.trim_end());
        assert!(explained.stdout.contains("\nread     u1/**\n"), "{name}: {explained:?}");
        let one_line = pair.public_key_pem().replace('\n', "\\n");
        let mut command = tidings(&["token", "explain", left.stdout.trim_end()]);
        command.env("TIDINGS_JWT_KEY", one_line);
        assert_eq!(run(command).code, Some(0), "{name}");
        let swapped = Desk::new("[access.jwt]\nkey_file = \"private.pem\"\n");
        swapped.write("private.pem", &pair.serialize_pem());
        assert!(swapped.refused(&[]).contains("this is a private key"), "{name}");
    }
}
