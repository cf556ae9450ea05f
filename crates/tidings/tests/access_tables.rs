//! The tables of `[access]` in a file: what is wrong with one, what is pointed out, and what is printed.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::desk::{Desk, KEY, SECRET, SIGNING, WHOLE};
use support::{run, tidings};
use tidings_testkit::hub::Hub;

/// A file, a part of the message about it, and a part of the hint.
type Wrong = (&'static str, &'static str, &'static str);

/// `[access.webhook]`.
const WEBHOOK: &[Wrong] = &[
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
    ("[access.webhook]\nurl = \"/who\"", ":2: access.webhook.url is not a URL over https or http", "http://"),
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
];

/// `[[access.keys]]`.
const KEYS: &[Wrong] = &[
    (
        "[[access.keys]]\nname = \"a\"\nkey_env = \"\"",
        ":3: access.keys.key_env is the name of a variable",
        "BACKEND_KEY",
    ),
    (
        "[[access.keys]]\nname = \"a\"\nkey_env = \"A=B\"",
        ":3: access.keys.key_env is the name of a variable",
        "BACKEND_KEY",
    ),
    ("[access.keys]\nname = \"a\"", ":1: access.keys is a list of tables", "[[access.keys]]"),
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
    ("[[access.keys]]\nname = \"a\"\nkey_file = \"no\"", ":1: cannot read key file no: ", ""),
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
];

/// `[access.jwt]`.
const JWT: &[Wrong] = &[
    (
        "[access.jwt]\nkey_file = \"jwt.key\"\nissuer = [\"a\", \"\"]",
        ":3: access.jwt.issuer is a text, or a list of texts, and none is empty",
        "issuer.example",
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
    ("[access.jwt]\nkey_file = \"jwt.key\"\naudience = []", ":3: access.jwt.audience is a text", "tidings"),
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
];

/// The other tables, and what is beside them.
const OTHERS: &[Wrong] = &[
    ("[access.anonymous]\n[access.anonymous]", ":2: duplicate key", "stands once in a file"),
    (
        "[access]\npublish_key = \"x\"",
        ":2: unknown key \"publish_key\" in [access]",
        "set it by TIDINGS_PUBLISH_KEY",
    ),
    ("[access]\nkys = 1", ":2: unknown key \"kys\" in [access]", "did you mean keys?"),
    (
        "[access.spaceship]\nurl = \"x\"",
        ":1: unknown key \"spaceship\" in [access]",
        "[access] has anonymous, keys",
    ),
    ("[acess.jwt]\nkey = \"x\"", ":1: unknown key \"acess\"", "did you mean [access]?"),
    ("access = 1", ":1: access is a table", "write its members below [access]"),
    ("[access.anonymous]\n\nsubscibe = []", ":3: unknown key \"subscibe\"", "did you mean subscribe?"),
    ("[access.anonymous]\nlisten = \"x\"", ":2: unknown key \"listen\"", "stands before the first line"),
    (
        "[access.anonymous]\npublish = 1",
        ":2: access.anonymous.publish is a list of texts",
        "publish = [\"orders/*\"]",
    ),
    ("[access.anonymous]\npublish = [\"a/../b\"]", "which is no topic and no pattern", "write, for example"),
    (
        "[access.anonymous]\nsubscribe = [\"users/{sub}\"]",
        "which is the user of a token",
        "write, for example",
    ),
    ("[access.signing]\nkey = \"hunter2\"", ":2: this is not a key: the secret has 7 bytes", "tidings key"),
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
];

#[test]
fn what_is_wrong_in_a_table_is_told_with_its_line_and_what_to_write() {
    for (table, message, hint) in [WEBHOOK, KEYS, JWT, OTHERS].concat() {
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
    command.current_dir(desk.directory()).env("TIDINGS_SIGNING_KEY", SIGNING).env("TIDINGS_JWT_KEY", SECRET);

    let first = run(command);

    for secret in [KEY, SECRET, SIGNING] {
        assert!(!first.stdout.contains(secret), "{}", first.stdout);
    }
    assert!(first.stdout.contains("\nsubscribe = [\"users/{sub}/**\"]\n"), "{}", first.stdout);
    desk.write("again.toml", &first.stdout);
    let mut command = tidings(&["config", "print", "--config", "again.toml"]);
    command.current_dir(desk.directory()).env("TIDINGS_JWT_KEY", SECRET);
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
fn there_are_at_most_a_thousand_named_keys() {
    let keys = |count: usize| {
        let table = |n| format!("[[access.keys]]\nname = \"k{n}\"\nkey = \"0123456789abcdef-{n}\"\n");
        Desk::new(&(0..count).map(table).collect::<String>())
    };

    assert_eq!(keys(1_000).run(&["config", "check", "--config", "tidings.toml"]).code, Some(0));
    let told = keys(1_001).refused(&[]);
    assert!(told.contains(":3001: there are more than 1000 keys") && told.contains("[access.jwt]"), "{told}");
}

#[test]
fn what_is_not_written_is_printed_as_what_it_is() {
    let desk = Desk::new(
        "[[access.keys]]\nname = \"a\"\nkey_hash = \"sha256:xYG9DAyp7bZYIbcPeXRCJuxSW2ldjKbXoDFrOVI4QjM\"\n\
         [access.jwt]\nkey_file = \"jwt.key\"\n[access.signing]\nkey_file = \"signing.key\"\n\
         [access.webhook]\nurl = \"http://127.0.0.1:1/who\"\nnotices_url = \"http://127.0.0.1:1/n?token=s3cret\"\n",
    );

    let printed = desk.run(&["config", "print", "--config", "tidings.toml"]).stdout;

    let tables = printed.split_once("# From the file.\n[access").map(|(_, tables)| tables).unwrap();
    assert_eq!(
        tables,
        r#".anonymous]
subscribe = []
publish = []

[[access.keys]]
name = "a"
key_hash = "sha256:xYG9DAyp7bZYIbcPeXRCJuxSW2ldjKbXoDFrOVI4QjM"
subscribe = []
publish = []
admin = false

[access.jwt]
key_file = "jwt.key"
leeway = "2s"
query = false
subscribe = []
publish = []

[access.signing]
key_file = "signing.key"

[access.webhook]
url = "http://127.0.0.1:1/who"
headers = ["cookie", "authorization"]
timeout = "5s"
notices_url = "http://127.0.0.1:1/n"
notices_debounce = "10s"
"#
    );
}

#[test]
fn what_is_written_is_printed_again() {
    let tables = r#"[access.anonymous]
subscribe = ["public/**"]
publish = ["in/*"]

[[access.keys]]
name = "a"
key_env = "TIDINGS_CRON"
subscribe = ["a"]
publish = ["b", "c/*"]
admin = true

[access.jwt]
jwks_url = "https://issuer.example/keys"
algorithms = ["RS256", "ES256"]
audience = ["hub", "tidings"]
issuer = ["https://issuer.example/"]
leeway = "1m"
cookie = "session"
query = true
subscribe = ["users/{sub}/**"]
publish = ["users/{sub}/typing"]

[access.signing]
key_file = "signing.key"
name = "2026"
"#;

    let printed = Desk::new(tables).run(&["config", "print", "--config", "tidings.toml"]).stdout;

    assert!(printed.ends_with(tables), "{printed}");
}

#[test]
fn a_file_that_holds_a_secret_itself_is_for_its_owner_alone() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let public = pair.public_key_pem().replace('\n', "\\n");
    for (table, is_secret) in [
        ("[[access.keys]]\nname = \"a\"\nkey = \"0123456789abcdef\"\n".to_owned(), true),
        (format!("[access.jwt]\nkey = \"{SECRET}\"\n"), true),
        (format!("[access.signing]\nkey = \"{SIGNING}\"\n"), true),
        (format!("[access.jwt]\nkey = \"{public}\"\n"), false),
        ("[access.jwt]\nkey_file = \"jwt.key\"\n".to_owned(), false),
    ] {
        let desk = Desk::new(&table);
        fs::set_permissions(desk.path("tidings.toml"), fs::Permissions::from_mode(0o644)).unwrap();
        let left = desk.run(&["config", "check", "--config", "tidings.toml"]);
        assert_eq!(left.code, Some(0), "{left:?}");
        assert_eq!(left.stderr.contains("can read tidings.toml"), is_secret, "{table}: {left:?}");
    }
}

#[test]
fn a_key_that_signs_urls_is_no_public_key_and_the_name_of_the_publish_key_is_taken() {
    let desk = Desk::new("[access.signing]\nkey_file = \"public.pem\"\n");
    desk.write("public.pem", &rcgen::KeyPair::generate().unwrap().public_key_pem());
    let told = desk.refused(&[]);
    assert!(told.contains(":1: the key that signs URLs is a key in PEM, and must be a secret"), "{told}");

    let desk = Desk::new("[[access.keys]]\nname = \"publish-key\"\nkey = \"0123456789abcdef\"\n");
    let told = desk.refused(&[("TIDINGS_PUBLISH_KEY", "k-1")]);
    assert!(told.contains(":1: publish-key is the name of the publish key, which is set, too"), "{told}");
}

#[test]
fn a_file_of_a_secret_that_others_can_read_is_told_and_one_of_a_public_key_is_not() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    for (table, content, is_told) in [
        ("[[access.keys]]\nname = \"a\"\nkey_file = \"a.key\"\n", "0123456789abcdef".to_owned(), true),
        ("[access.jwt]\nkey_file = \"a.key\"\n", SECRET.to_owned(), true),
        ("[access.jwt]\nkey_file = \"a.key\"\n", pair.public_key_pem(), false),
        ("[access.signing]\nkey_file = \"a.key\"\n", SIGNING.to_owned(), true),
    ] {
        let desk = Desk::new(table);
        desk.write("a.key", &content);
        fs::set_permissions(desk.path("a.key"), fs::Permissions::from_mode(0o640)).unwrap();
        let left = desk.run(&["config", "check", "--config", "tidings.toml"]);
        assert_eq!(left.code, Some(0), "{left:?}");
        assert_eq!(left.stderr.contains("can read a.key"), is_told, "{table}: {left:?}");
    }
}

#[test]
fn a_variable_with_the_key_of_tokens_is_stronger_than_the_file() {
    let desk = Desk::new(&WHOLE.replace("algorithms", "# algorithms"));
    let other = "fedcba9876543210fedcba9876543210";
    desk.write("other.key", other);
    let made = desk.run(&["token", "--key-file", "other.key", "--sub", "u1"]);
    let explain = |name: &str, value: &str| {
        let mut command = tidings(&["token", "explain", made.stdout.trim_end(), "--config", "tidings.toml"]);
        command.current_dir(desk.directory()).env(name, value);
        run(command)
    };

    assert_eq!(explain("TIDINGS_JWT_KEY", other).code, Some(0));
    assert_eq!(explain("TIDINGS_JWT_KEY_FILE", "other.key").code, Some(0));
    let left = explain("TIDINGS_JWT_JWKS_URL", "http://127.0.0.1:1/keys");
    assert!(left.stderr.contains("cannot read the keys of http://127.0.0.1:1/keys: "), "{left:?}");
    let left = explain("TIDINGS_JWT_KEY_FILE", "no.key");
    assert!(left.stderr.contains("TIDINGS_JWT_KEY_FILE: cannot read key file no.key: "), "{left:?}");
}

#[test]
fn a_hub_says_at_the_start_what_everybody_may_and_not_more_than_five_of_it() {
    let topics = |count: usize| {
        let names: Vec<_> = (1..=count).map(|n| format!("\"t{n}\"")).collect();
        format!("[access.anonymous]\nsubscribe = [{}]\n", names.join(", "))
    };

    let said = [5, 7].map(|count| {
        let desk = Desk::new(&topics(count));
        let mut command = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--memory"]);
        command.args(["--config", "tidings.toml"]).current_dir(desk.directory());
        Hub::begin(command).says("access: everybody")
    });

    assert!(said[0].contains("everybody may read t1, t2, t3, t4, t5 and publish to nothing"), "{}", said[0]);
    assert!(said[1].contains("everybody may read t1, t2, t3, t4, t5 and 2 more and publish"), "{}", said[1]);
}
