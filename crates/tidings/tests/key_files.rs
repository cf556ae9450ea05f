//! Files of keys that change while the hub runs: SIGHUP has it take what is in them, all of it or nothing.
#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;
use support::{hub, run, tidings};
use tempfile::TempDir;
use tidings_testkit::connection::Stream;
use tidings_testkit::hub::Hub;

const CONFIGURATION: &str = r#"
[access.anonymous]
subscribe = ["public"]

[[access.keys]]
name = "backend"
key_file = "backend.key"
publish = ["a"]

[access.jwt]
key_file = "jwt.key"

[access.signing]
key_file = "signing.key"
"#;

const FILES: [&str; 3] = ["backend.key", "jwt.key", "signing.key"];

const READ_AGAIN: &str = "read the files of keys again";
const KEPT: &str = "all old keys stay in force";

/// A directory with files of keys.
struct Keys(TempDir);

impl Keys {
    fn new(generation: &str) -> Self {
        let keys = Self(TempDir::new().unwrap());
        keys.write("tidings.toml", CONFIGURATION);
        keys.write_all(generation);
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn write_all(&self, generation: &str) {
        for file in FILES {
            self.write(file, &key(file, generation));
        }
    }

    fn hub(&self) -> Hub {
        hub(&["--memory", "--config", self.path("tidings.toml").to_str().unwrap()])
    }

    /// What a command in the directory makes.
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = tidings(arguments);
        command.current_dir(self.0.path());
        let left = run(command);
        assert_eq!(left.code, Some(0), "{left:?}");
        left.stdout.trim_end().to_owned()
    }

    /// One proof by each of the files, as they are now.
    fn proofs(&self) -> Proofs {
        let signed = self.run(&["sign", "/events/b", "--key-file", "signing.key", "--expires", "1h"]);
        Proofs {
            key: fs::read_to_string(self.path("backend.key")).unwrap(),
            token: self.run(&["token", "--key-file", "jwt.key", "--publish", "a"]),
            signed,
        }
    }
}

fn key(file: &str, generation: &str) -> String {
    format!("{generation}-0123456789abcdef0123456789abcdef-{}", file.trim_end_matches(".key"))
}

struct Proofs {
    key: String,
    token: String,
    signed: String,
}

impl Proofs {
    /// The answers to a publish with the key, to one with the token, and to a page of the signed URL.
    fn answers(&self, hub: &Hub) -> [u16; 3] {
        let signed = hub.connect().get(&self.signed, &[("accept", "application/json")]).unwrap().status;
        [publish(hub, &self.key), publish(hub, &self.token), signed]
    }
}

fn publish(hub: &Hub, bearer: &str) -> u16 {
    let bearer = format!("Bearer {bearer}");
    hub.connect().post("/events/a", &[("authorization", &bearer)], "x").unwrap().status
}

#[test]
fn a_hangup_takes_the_new_keys_of_all_files_and_the_old_ones_are_refused() {
    let keys = Keys::new("old");
    let hub = keys.hub();
    let old = keys.proofs();
    keys.write_all("new");
    let new = keys.proofs();
    assert_eq!((old.answers(&hub), new.answers(&hub)), ([201, 201, 200], [401; 3]));

    hub.signal(Signal::HUP);
    let told = hub.says(READ_AGAIN);

    assert!(told.contains("\"level\":\"INFO\"") && told.contains("\"files\":3"), "{told}");
    assert_eq!((old.answers(&hub), new.answers(&hub)), ([401; 3], [201, 201, 200]));
}

/// A stream of `a`.
fn read(hub: &Hub, target: &str, bearer: Option<&str>) -> Stream {
    let bearer = bearer.map(|bearer| format!("Bearer {bearer}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    hub.connect().subscribe_with(target, &headers).unwrap()
}

fn hears(stream: &mut Stream, event: &str, data: &str) {
    let heard = stream.next().unwrap().unwrap();
    assert_eq!((heard.event.as_str(), heard.data.as_str()), (event, data));
}

/// With a named key they went on for ever.
#[test]
fn a_hangup_ends_the_streams_of_keys_that_are_gone_and_touches_no_others() {
    let keys = Keys::new("old");
    let cron = "\n[[access.keys]]\nname = \"cron\"\nkey_file = \"cron.key\"\npublish = [\"a\"]\n";
    let reading = "publish = [\"a\"]\nsubscribe = [\"a\"]";
    keys.write("tidings.toml", &format!("{CONFIGURATION}{cron}").replace("publish = [\"a\"]", reading));
    keys.write("cron.key", &key("cron.key", "old"));
    let hub = keys.hub();
    let token = keys.run(&["token", "--key-file", "jwt.key", "--sub", "u1", "--subscribe", "a"]);
    let signed = keys.run(&["sign", "/events/a", "--key-file", "signing.key", "--expires", "1h"]);
    let [mut of_backend, mut of_cron, mut of_token] =
        [&key("backend.key", "old"), &key("cron.key", "old"), &token]
            .map(|bearer| read(&hub, "/events/a", Some(bearer)));
    let mut of_signed = read(&hub, &signed, None);
    let withdrawn = "{\"reason\":\"the key that gave this stream its access was withdrawn\"}";

    // One wrong file, and nothing changes.
    keys.write("jwt.key", "two words");
    keys.write("backend.key", &key("backend.key", "new"));
    hub.signal(Signal::HUP);
    hub.says(KEPT);
    keys.write("jwt.key", &key("jwt.key", "old"));
    publish(&hub, &key("cron.key", "old"));
    for stream in [&mut of_backend, &mut of_cron, &mut of_token, &mut of_signed] {
        hears(stream, "", "x");
    }

    hub.signal(Signal::HUP);
    let told = hub.says(READ_AGAIN);
    assert!(told.contains("\"streams_ended\":1"), "{told}");
    hears(&mut of_backend, "tidings.expired", withdrawn);
    assert_eq!(of_backend.next().unwrap(), None);
    assert!(of_backend.retry.is_some());
    publish(&hub, &key("cron.key", "old"));
    for stream in [&mut of_cron, &mut of_token, &mut of_signed] {
        hears(stream, "", "x");
    }

    keys.write_all("new");
    hub.signal(Signal::HUP);
    let told = hub.says(READ_AGAIN);
    assert!(told.contains("\"streams_ended\":2"), "{told}");
    for stream in [&mut of_token, &mut of_signed] {
        hears(stream, "tidings.expired", withdrawn);
        assert_eq!(stream.next().unwrap(), None);
    }
    publish(&hub, &key("cron.key", "old"));
    hears(&mut of_cron, "", "x");
    let on = format!("/events/a?last_event_id={}", of_backend.last_event_id);
    let mut again = read(&hub, &on, Some(&key("backend.key", "new")));
    for _ in 0..2 {
        hears(&mut again, "", "x");
    }
}

#[test]
fn one_bad_or_missing_file_leaves_all_old_keys_in_force_and_is_named() {
    for file in FILES {
        for content in [None, Some(""), Some("two words")] {
            let keys = Keys::new("old");
            let hub = keys.hub();
            let old = keys.proofs();
            keys.write_all("new");
            let new = keys.proofs();
            match content {
                Some(content) => keys.write(file, content),
                None => fs::remove_file(keys.path(file)).unwrap(),
            }

            hub.signal(Signal::HUP);
            let told = hub.says(KEPT);

            let names_it = told.contains(keys.path(file).to_str().unwrap());
            assert!(told.contains("\"level\":\"ERROR\"") && names_it, "{file}, {content:?}: {told}");
            assert!(!told.contains("two words") && !told.contains("0123456789abcdef"), "{told}");
            assert_eq!((old.answers(&hub), new.answers(&hub)), ([201, 201, 200], [401; 3]), "{told}");

            keys.write_all("new");
            hub.signal(Signal::HUP);
            hub.says(READ_AGAIN);
            assert_eq!((old.answers(&hub), new.answers(&hub)), ([401; 3], [201, 201, 200]));
        }
    }
}

#[test]
fn keys_that_do_not_go_together_are_told_with_their_files() {
    let keys = Keys::new("old");
    keys.write(
        "tidings.toml",
        &format!(
            "{CONFIGURATION}\n[[access.keys]]\nname = \"cron\"\nkey_file = \"cron.key\"\npublish = [\"a\"]\n"
        ),
    );
    keys.write("cron.key", &key("cron.key", "old"));
    let hub = keys.hub();
    let old = keys.proofs();

    keys.write("cron.key", &old.key);
    hub.signal(Signal::HUP);
    let told = hub.says(KEPT);

    assert!(told.contains("are the same") && told.contains("cron.key"), "{told}");
    assert!(!told.contains(&old.key), "{told}");
    assert_eq!(publish(&hub, &key("cron.key", "old")), 201);
}

#[test]
fn a_hangup_takes_a_new_publish_key_and_a_missing_file_never_opens_the_hub() {
    let keys = Keys::new("old");
    let file = keys.path("backend.key");
    let hub = hub(&["--memory", "--publish-key-file", file.to_str().unwrap()]);
    let (old, new) = (key("backend.key", "old"), key("backend.key", "new"));
    let anonymous = || hub.publish("a", "x").status;

    fs::remove_file(&file).unwrap();
    hub.signal(Signal::HUP);
    assert!(hub.says(KEPT).contains(file.to_str().unwrap()));
    assert_eq!((publish(&hub, &old), publish(&hub, &new), anonymous()), (201, 401, 401));

    keys.write("backend.key", &new);
    hub.signal(Signal::HUP);
    hub.says(READ_AGAIN);
    assert_eq!((publish(&hub, &old), publish(&hub, &new), anonymous()), (401, 201, 401));
}

/// Who may do what with a key is configuration.
#[test]
fn a_hangup_does_not_read_the_configuration_again() {
    let keys = Keys::new("old");
    let hub = keys.hub();

    keys.write("tidings.toml", &CONFIGURATION.replace("\"a\"", "\"other\""));
    hub.signal(Signal::HUP);
    hub.says(READ_AGAIN);

    assert_eq!(publish(&hub, &key("backend.key", "old")), 201);
}
