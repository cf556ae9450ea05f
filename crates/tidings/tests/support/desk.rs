//! A configuration with `[access]` as an operator has it: a file, keys beside it, and commands with them.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;
use tidings_testkit::hub::Hub;

use super::{Left, hub, run, tidings};

/// As the documentation shows it.
pub(crate) const WHOLE: &str = r#"
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

pub(crate) const KEY: &str = "k-0123456789abcdef0123456789abcdef";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const SIGNING: &str = "abcdef0123456789abcdef0123456789";

/// A directory in which a configuration is, with a file for each key, and a way to run commands with them.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new(configuration: &str) -> Self {
        let desk = Self(TempDir::new().unwrap());
        desk.write("tidings.toml", configuration);
        desk.write("jwt.key", &format!("{SECRET}\n"));
        desk.write("signing.key", &format!("{SIGNING}\n"));
        desk
    }

    pub(crate) fn directory(&self) -> &std::path::Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A command in the directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Left {
        let mut command = tidings(arguments);
        command.current_dir(self.0.path());
        run(command)
    }

    pub(crate) fn token(&self, arguments: &[&str]) -> String {
        let left = self.run(&[&["token", "--key-file", "jwt.key"], arguments].concat());
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{left:?}");
        left.stdout.trim_end().to_owned()
    }

    pub(crate) fn explain(&self, token: &str) -> Left {
        self.run(&["token", "explain", token, "--config", "tidings.toml"])
    }

    pub(crate) fn hub(&self) -> Hub {
        hub(&["--memory", "--config", self.path("tidings.toml").to_str().unwrap()])
    }

    /// What a check of the configuration says, without the place of the directory.
    pub(crate) fn refused(&self, variables: &[(&str, &str)]) -> String {
        let mut command = tidings(&["config", "check", "--config", "tidings.toml"]);
        command.current_dir(self.0.path()).envs(variables.iter().copied());
        let left = run(command);
        assert_eq!(left.code, Some(2), "{left:?}");
        left.stderr
    }
}

/// The status of a publish.
pub(crate) fn publish(hub: &Hub, topic: &str, bearer: Option<&str>) -> u16 {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let headers: Vec<_> = header.iter().map(|value| ("authorization", value.as_str())).collect();
    hub.connect().post(&format!("/events/{topic}"), &headers, "x").unwrap().status
}

/// The status of a read of history.
pub(crate) fn read(hub: &Hub, path: &str, bearer: Option<&str>) -> u16 {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let mut headers = vec![("accept", "application/json")];
    headers.extend(header.iter().map(|value| ("authorization", value.as_str())));
    hub.connect().get(path, &headers).unwrap().status
}
