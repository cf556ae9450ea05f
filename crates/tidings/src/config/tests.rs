//! Every setting of the table, in every place that may set it, with values that it cannot have and with its extremes.

use std::path::PathBuf;

use tempfile::TempDir;

use super::loaded::Loaded;
use super::setting::{Source, Texts};
use super::*;
use crate::environment::Environment;
use crate::terminal::failure::Failure;

/// Texts that no setting can have.
const EMPTY: [&str; 4] = ["", " ", "\t", "\u{a0}"];

/// Texts that a setting of this kind cannot have. A kind that is not here is a test that is missing.
fn wrong(value_name: &str) -> &'static [&'static str] {
    match value_name {
        "COUNT" => {
            &["-1", "1.5", "1e3", "0x10", "10k", "10 000", "99999999999999999999999", "all", "\u{ff11}"]
        }
        "DURATION" => &[
            "15",
            "-1s",
            "1.5s",
            "15sec",
            "s",
            "15s ",
            "1h30m",
            "99999999999999999999d",
            "213503982335d",
            "soon",
        ],
        "SIZE" => &["64", "-1MiB", "1.5GiB", "64M", "1PB", "MiB", "64MiB\r", "18014398509481984TiB", "much"],
        "SPACE" => &["64", "-1%", "91%", "1.5%", "%", "5 %", "+5%", "300%", "5%%", "much", "none", "64M"],
        "true|false" => &["yes", "1", "TRUE", "on", "true ", "none"],
        "FILE" | "DIR" => &["/a\r", "/a\n", " /a", "/a ", "/a\0b", "\u{1b}[2J"],
        "ADDRESS:PORT" => &[
            "8080",
            ":8080",
            "localhost:8080",
            "127.0.0.1",
            "127.0.0.1:65536",
            "::1:80",
            "1.2.3:80",
            "http://127.0.0.1:80",
        ],
        "ORIGIN" => &[
            "https://app.example:0",
            "ftp://x",
            "ws://x",
            "wss://x:1",
            "file://x",
            "htps://x",
            "httpss://x",
            "http:/x",
            "app.example",
            "https://a/",
            "https://a,",
            ",https://a",
            "https://a https://b",
            "null",
            "*, https://a",
            "none",
        ],
        "HOST" => &["*", ".a", "a:0", "a:65536", "https://a", "a,", ",", "a b", "[::1"],
        "ADDRESS" => &["localhost", "127.0.0.1:80", "1.2.3", ",", "::1,"],
        "PATH=TOPIC" => &["/a", "a=b", "/a=", "=b", "/events/a=b", ",", "/a=b,", "/a=b,/a=c"],
        "KEY" => &["a b", "k\u{e9}", "\"k\""],
        "SECRET" => &["short", "0123456789abcdef0123456789abcde", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        "URL" => {
            &["issuer", "/jwks.json", "http://issuer.example/jwks.json", "ftp://a", "https://u:p@a.example/"]
        }
        "WHEN" | "FORMAT" => &["FSYNC", "never", "text,json", "0", "true"],
        "LEVEL" => &["loud", "warning", "info debug", "info,", ",", "tidings_http=debug"],
        other => panic!("there are no wrong values for {other}"),
    }
}

/// A configuration file.
fn file(content: &str) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tidings.toml");
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

/// What a file says of which the third line sets one thing.
fn load_file(line: &str) -> (Result<Loaded, Failure>, String) {
    let (_dir, path) = file(&format!("# One setting.\n\n{line}\n"));
    let variables = Environment::from([("TIDINGS_CONFIG".to_owned(), path.display().to_string())]);
    (load(&Texts::new(), &variables), format!("{}:3: ", path.display()))
}

fn load_variable(setting: &Setting, text: &str) -> Result<Loaded, Failure> {
    load(&Texts::new(), &Environment::from([(setting.variable(), text.to_owned())]))
}

fn load_flag(setting: &Setting, text: &str) -> Result<Loaded, Failure> {
    load(&Texts::from([(setting.name, text.to_owned())]), &Environment::new())
}

/// Looks at the sentence about a value: where it stands, what it is, and what to write.
fn assert_told(refused: Result<Loaded, Failure>, begin: &str, setting: &Setting, text: &str) {
    let Err(failure) = refused else { panic!("{begin}: {text:?} is taken") };
    let told = failure.to_string();
    let (message, hint) = told.split_once("\nhint: ").unwrap_or((&told, ""));
    assert!(message.starts_with(&format!("error: {begin}: ")), "{begin}: {text:?}: {told}");
    // An address may have a password or a key of its provider in it.
    let is_shown = setting.form != Form::Secret && setting.name != "jwt_jwks_url";
    assert_eq!(message.contains(&format!("{text:?}")), is_shown, "{begin}: {text:?}: {told}");
    assert!(!hint.is_empty() && failure.is_usage(), "{begin}: {text:?}: {told}");
}

#[test]
fn no_setting_takes_a_wrong_text_and_each_says_where_it_stands_and_what_to_write() {
    for setting in SETTINGS {
        for text in EMPTY.iter().chain(wrong(setting.value_name)) {
            assert_told(load_variable(setting, text), &setting.variable(), setting, text);
            if let Some(flag) = setting.flag() {
                assert_told(load_flag(setting, text), &flag, setting, text);
            }
            if setting.in_file() {
                let (refused, place) = load_file(&format!("{} = {}", setting.name, toml::Value::from(*text)));
                assert_told(refused, &format!("{place}{}", setting.name), setting, text);
            }
        }
    }
}

#[test]
fn no_setting_takes_a_value_of_another_type_from_a_file() {
    for setting in SETTINGS.iter().filter(|setting| setting.in_file()) {
        let types =
            ["1.5", "1979-05-27", "-1", "[[\"a\"]]", "[1]", "[\"\"]", "[\"\", \"a\"]", "{ a = 1 }", "nan"];
        for value in types {
            let (refused, place) = load_file(&format!("{} = {value}", setting.name));

            let Err(failure) = refused else { panic!("{} = {value} is taken", setting.name) };
            let told = failure.to_string();
            assert!(told.starts_with(&format!("error: {place}{}", setting.name)), "{value}: {told}");
            assert!(told.contains("\nhint: "), "{value}: {told}");
        }
    }
}

#[test]
fn a_list_is_no_single_value_and_a_single_value_may_be_a_list_of_one() {
    for setting in SETTINGS.iter().filter(|setting| setting.in_file()) {
        let default = setting.form.literal(setting.default);
        let (loaded, _) = load_file(&format!("{} = [{default}]", setting.name));
        assert!(loaded.is_err(), "{} = [{default}]", setting.name);
    }
    assert!(load_file("cors_origin = \"https://a\"").0.is_ok());
}

#[test]
fn every_default_and_every_bound_is_taken_and_what_is_beyond_is_not() {
    for setting in SETTINGS {
        let lay = |text: &str| {
            let texts = Texts::from([(setting.name, text.to_owned())]);
            Loaded::defaults().lay(Source::Flag, &texts, |setting| setting.name.to_owned())
        };
        assert_eq!(lay(setting.default), Ok(()), "{}", setting.name);
        let Some((low, high)) = setting.range else { continue };
        for bound in [low, high] {
            assert_eq!(lay(bound), Ok(()), "{} = {bound}", setting.name);
        }
        let unit = high.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let high: u64 = high.trim_end_matches(unit).replace('_', "").parse().unwrap();
        assert!(lay(&format!("{}{unit}", high + 1)).is_err(), "{}", setting.name);
        // The bound of a notice is nothing at all.
        if !low.starts_with('0') {
            let unit = low.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
            assert!(lay(&format!("0{unit}")).is_err(), "{}", setting.name);
        }
    }
}

#[test]
fn a_list_may_be_empty_when_it_says_so_and_may_name_one_thing_twice() {
    for (name, twice) in
        [("allowed_host", "a,a"), ("trusted_proxies", "::1,::1"), ("cors_origin", "https://a,https://a:443")]
    {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        for text in ["[]", twice] {
            let loaded = [load_flag(setting, text), load_variable(setting, text)];
            assert!(loaded.iter().all(Result::is_ok), "{name}={text}: {loaded:?}");
        }
        let loaded = load_file(&format!("{name} = []")).0.unwrap();
        assert_eq!((loaded.config.text(name).as_str(), loaded.source(name)), ("[]", Source::File));
    }
    assert!(load_file("aliases = {}").0.is_ok());
}

#[test]
fn headings_in_a_file_are_told_apart_from_unknown_keys() {
    for (line, message, hint) in [
        ("[listening]", "unknown key \"listening\"", "without headings such as [listening]"),
        ("tls.cert = \"a\"", "unknown key \"tls\"", "without headings"),
        ("port = 80", "unknown key \"port\"", "as in listen = \"127.0.0.1:8080\""),
        ("hartbeat = 1", "unknown key \"hartbeat\"", "did you mean heartbeat?"),
        ("tls-cert = \"a\"", "unknown key \"tls-cert\"", "did you mean tls_cert?"),
    ] {
        let (refused, place) = load_file(line);

        let told = refused.unwrap_err().to_string();
        assert!(told.starts_with(&format!("error: {place}{message}\n")) && told.contains(hint), "{told}");
    }
}

#[test]
fn the_first_mistake_of_a_file_is_told_first_and_none_is_no_file() {
    let told = load_file("retries = 1\nheartbeats = 1").0.unwrap_err().to_string();
    assert!(told.contains(":3: unknown key \"retries\""), "{told}");

    let config = SETTINGS.iter().find(|setting| setting.name == "config").unwrap();
    assert!(load_flag(config, "none").is_ok());
}
