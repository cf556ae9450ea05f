//! Access that ends while a stream is open, with the hub, the tokens and the client as they are: `tidings sub` goes on with a new
//! token, and nothing is lost.
#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::program::Program;
use support::{Left, hub, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

const KEY: &str = "k-0123456789abcdef0123456789abcdef";

/// The hub looks at the streams four times in a heartbeat.
const CONFIGURATION: &str = r#"
heartbeat = "1s"
retry = "100ms"

[[access.keys]]
name = "backend"
key = "k-0123456789abcdef0123456789abcdef"
publish = ["**"]

[access.jwt]
key = "0123456789abcdef0123456789abcdef"
algorithms = ["HS256"]
audience = "tidings"
leeway = "0s"
"#;

fn publish(hub: &Hub, topic: &str, data: &str) -> Left {
    let url = format!("http://{}/events/{topic}", hub.address);
    let mut command = tidings(&["pub", &url, data]);
    command.env("TIDINGS_TOKEN", KEY);
    run(command)
}

/// A command that makes a token: the first time one that is good for some seconds, then one for an hour.
fn issuer(dir: &TempDir) -> String {
    let (program, dir) = (env!("CARGO_BIN_EXE_tidings"), dir.path().display());
    format!(
        "if mkdir {dir}/begun 2>/dev/null; then t=3s; else t=1h; fi; \
         {program} token --key-file {dir}/jwt.key --sub u1 --subscribe 'orders/*' --expires $t"
    )
}

#[test]
fn a_subscription_outlives_its_token_and_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let configuration = dir.path().join("tidings.toml");
    fs::write(&configuration, CONFIGURATION).unwrap();
    let jwt_key = dir.path().join("jwt.key");
    fs::write(&jwt_key, "0123456789abcdef0123456789abcdef\n").unwrap();
    fs::set_permissions(&jwt_key, fs::Permissions::from_mode(0o600)).unwrap();
    let hub = hub(&["--memory", "--config", configuration.to_str().unwrap()]);
    let url = format!("http://{}/events/orders/9", hub.address);
    let mut sub = tidings(&["sub", &url, "--token-command", &issuer(&dir)]);
    sub.env("PATH", std::env::var_os("PATH").unwrap());
    let sub = Program::spawn(sub);
    assert_eq!(sub.stderr.next(), format!("listening to {url}"));
    assert_eq!(publish(&hub, "orders/9", "one").code, Some(0));
    assert!(sub.stdout.next().ends_with("  message  one"));

    let over = sub.stderr.next();
    assert_eq!(publish(&hub, "orders/9", "two").code, Some(0));

    assert!(over.starts_with("access is over: the access of this stream ended at "), "{over}");
    assert!(sub.stdout.next().ends_with("  message  two"));
    assert!(sub.stderr.next().starts_with("the stream ended; again in "));
    assert_eq!(sub.stderr.next(), format!("listening to {url}"));
}

#[test]
fn what_a_token_does_not_cover_is_told_in_the_words_of_the_hub() {
    let dir = tempfile::tempdir().unwrap();
    let configuration = dir.path().join("tidings.toml");
    fs::write(&configuration, CONFIGURATION).unwrap();
    let hub = hub(&["--memory", "--config", configuration.to_str().unwrap()]);
    let url = format!("http://{}/events/orders/9", hub.address);

    let with_key = run(tidings(&["sub", &url, "--token", KEY]));
    let with_none = run(tidings(&["pub", &url, "x"]));

    let error = format!("error: the answer was 403 Forbidden: subscribe does not cover `orders/9` ({url})\n");
    assert_eq!((with_key.code, with_key.stderr), (Some(1), error));
    let hint = "hint: does it want another key, or a token? --token-file or --token-command gives one, and --publish-key-file a key\n";
    assert!(with_none.stderr.ends_with(hint), "{with_none:?}");
}
