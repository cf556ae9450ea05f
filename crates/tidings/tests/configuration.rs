//! Where settings come from, which place wins, and what is refused.

mod support;

use std::path::PathBuf;

use support::{Left, refusal, run, tidings};
use tempfile::TempDir;

/// A directory with a configuration file.
fn file(content: &str) -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory can be made");
    let path = dir.path().join("tidings.toml");
    std::fs::write(&path, content).expect("the file can be written");
    (dir, path)
}

/// Runs `config print` and returns the comment above a setting, and its line.
fn printed(arguments: &[&str], variables: &[(&str, &str)], setting: &str) -> (String, String) {
    let mut command = tidings(&["config", "print"]);
    command.args(arguments).envs(variables.iter().copied());
    let Left { code, stdout, stderr } = run(command);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = stdout.lines().collect();
    let is_it = |line: &&str| line.trim_start_matches("# ").starts_with(&format!("{setting} = "));
    let at = lines.iter().position(is_it).expect("config print shows every setting");
    (lines[at - 1].to_owned(), lines[at].to_owned())
}

fn check(arguments: &[&str], variables: &[(&str, &str)]) -> Left {
    let mut command = tidings(&["config", "check"]);
    command.args(arguments).envs(variables.iter().copied());
    run(command)
}

#[test]
fn without_anything_the_default_is_in_force() {
    let (from, line) = printed(&[], &[], "heartbeat");

    assert_eq!((from.as_str(), line.as_str()), ("# The default.", "heartbeat = \"15s\""));
}

#[test]
fn the_file_is_stronger_than_the_default() {
    let (_dir, path) = file("heartbeat = \"20s\"");

    let (from, line) = printed(&["--config", path.to_str().unwrap()], &[], "heartbeat");

    assert_eq!(
        (from.as_str(), line.as_str()),
        ("# From the file; the default is 15s.", "heartbeat = \"20s\"")
    );
}

#[test]
fn the_environment_is_stronger_than_the_file() {
    let (_dir, path) = file("heartbeat = \"20s\"");

    let variables = [("TIDINGS_CONFIG", path.to_str().unwrap()), ("TIDINGS_HEARTBEAT", "25s")];
    let (from, line) = printed(&[], &variables, "heartbeat");

    assert_eq!(from, "# From TIDINGS_HEARTBEAT; the default is 15s.");
    assert_eq!(line, "heartbeat = \"25s\"");
}

#[test]
fn a_flag_is_stronger_than_the_environment() {
    let (from, line) = printed(&["--heartbeat", "30s"], &[("TIDINGS_HEARTBEAT", "25s")], "heartbeat");

    assert_eq!(from, "# From --heartbeat; the default is 15s.");
    assert_eq!(line, "heartbeat = \"30s\"");
}

#[test]
fn printed_settings_can_be_used_as_a_file() {
    let arguments = ["config", "print", "--retention-age", "7d", "--cors-origin", "https://a.example"];
    let first = run(tidings(&arguments));
    let (_dir, path) = file(&first.stdout);

    let second = run(tidings(&["config", "print", "--config", path.to_str().unwrap()]));

    let settings =
        |page: &str| page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let (first, second): (Vec<_>, Vec<_>) = (settings(&first.stdout), settings(&second.stdout));
    assert_eq!(first, second);
    assert!(first.contains(&"retention_age = \"7d\"".to_owned()), "{first:?}");
}

#[test]
fn a_list_is_a_repeated_flag_or_commas_or_an_array() {
    let (_dir, path) = file("cors_origin = [\"https://a.example\", \"https://b.example\"]");
    let flags = ["--cors-origin", "https://a.example", "--cors-origin", "https://b.example"];
    let variable = [("TIDINGS_CORS_ORIGIN", "https://a.example,https://b.example")];

    let from_flags = printed(&flags, &[], "cors_origin").1;
    let from_variable = printed(&[], &variable, "cors_origin").1;
    let from_file = printed(&["--config", path.to_str().unwrap()], &[], "cors_origin").1;

    let expected = "cors_origin = [\"https://a.example\", \"https://b.example\"]";
    assert_eq!([from_flags.as_str(), &from_variable, &from_file], [expected; 3]);
}

#[test]
fn what_is_no_origin_is_refused_with_what_to_write() {
    let hint = "write scheme and host without anything after it, such as https://example.com, or * alone";
    for (origin, hint) in [
        ("https://example.com/", "write https://example.com alone, without anything after it"),
        ("https://Example.com:443/app", "write https://example.com alone, without anything after it"),
        ("example.com:8443", "write https://example.com:8443 or http://example.com:8443"),
        ("*,https://example.com", hint),
        ("https://", hint),
        ("https://a,,https://b", hint),
        ("https://user@a", hint),
        ("https://*.example.com", hint),
    ] {
        let left = check(&["--cors-origin", origin], &[]);

        assert_eq!(left, refusal(&format!("--cors-origin: {origin:?} is not an origin"), hint));
    }
}

#[test]
fn what_is_no_host_or_address_is_refused() {
    for host in ["https://a", "a/b", "a:b", "[::1", "a..b"] {
        let left = check(&["--allowed-host", host], &[]);
        let hint =
            "write a name or an address, with a port of at most 65535 or without, such as hub.example.com";
        assert_eq!(left, refusal(&format!("--allowed-host: {host:?} is not a host name"), hint));
    }
    for address in ["localhost", "127.0.0.1:80", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "[::1]"] {
        let left = check(&["--trusted-proxies", address], &[]);
        let hint = "write the address alone, without a port, such as 127.0.0.1 or ::1, or a range of them, such as 10.0.0.0/8 or \
                    fd00::/8";
        let message = format!("--trusted-proxies: {address:?} is not an IP address or a range of them");
        assert_eq!(left, refusal(&message, hint));
    }
}

#[test]
fn of_a_list_the_member_is_named_that_is_wrong() {
    for (flag, list, wrong, what) in [
        ("--allowed-host", "a.example,b..example", "b..example", "a host name"),
        ("--cors-origin", "https://a.example,https://user@b", "https://user@b", "an origin"),
        (
            "--trusted-proxies",
            "::1,10.0.0.0/8,10.0.0.0/33",
            "10.0.0.0/33",
            "an IP address or a range of them",
        ),
    ] {
        let left = check(&[flag, list], &[]);
        assert!(left.stderr.contains(&format!("{flag}: {wrong:?} is not {what}\n")), "{}", left.stderr);
    }
}

#[test]
fn proxies_are_trusted_by_ranges_in_every_place() {
    let line = |(_, line): (String, String)| line;
    let (_dir, path) = file("trusted_proxies = [\"10.1.2.3/8\", \"::ffff:127.0.0.1\"]\n");
    let expected = "trusted_proxies = [\"10.0.0.0/8\", \"127.0.0.1\"]";

    let from_file = line(printed(&["--config", path.to_str().unwrap()], &[], "trusted_proxies"));
    let list = "10.0.0.0/8,127.0.0.1/32";
    let from_variable = line(printed(&[], &[("TIDINGS_TRUSTED_PROXIES", list)], "trusted_proxies"));
    let flags = ["--trusted-proxies", "10.0.0.0/8", "--trusted-proxies", "127.0.0.1"];
    let from_flags = line(printed(&flags, &[], "trusted_proxies"));

    assert_eq!([from_file, from_variable, from_flags], [expected; 3]);
    let (_dir, path) = file("[access]\ntrusted_proxies = [\"10.1.2.3/8\", \"::ffff:127.0.0.1\"]\n");
    let from_access = line(printed(&["--config", path.to_str().unwrap()], &[], "trusted_proxies"));
    assert_eq!(from_access, expected);
    let (_dir, path) = file("[access]\ntrusted_proxies = []\n");
    let none = line(printed(&["--config", path.to_str().unwrap()], &[], "trusted_proxies"));
    assert_eq!(none, "trusted_proxies = []");
}

#[test]
fn the_publish_key_is_never_printed() {
    let (from, line) = printed(&[], &[("TIDINGS_PUBLISH_KEY", "hunter22")], "publish_key");

    assert_eq!(from, "# From TIDINGS_PUBLISH_KEY; the default is none.");
    assert_eq!(line, "# publish_key = \"(not shown)\"");
}

#[test]
fn a_wrong_publish_key_is_not_repeated_in_the_error() {
    let left = check(&[], &[("TIDINGS_PUBLISH_KEY", "my secret")]);

    let hint = "write letters, digits and -._~+/= alone; `tidings key` makes a good one";
    let message =
        "TIDINGS_PUBLISH_KEY: its value is not a bearer token: character 3 of it is a space, U+0020";
    assert_eq!(left, refusal(message, hint));
}

#[test]
fn a_right_configuration_passes_the_check() {
    let left = check(&["--heartbeat", "30s"], &[]);

    assert_eq!((left.code, left.stdout.as_str()), (Some(0), ""));
    assert_eq!(left.stderr, "the configuration is right\n");
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    let (_dir, path) = file("hartbeat = \"15s\"");

    let left = check(&["--config", path.to_str().unwrap()], &[]);

    let message = format!("{}:1: unknown key \"hartbeat\"", path.display());
    assert_eq!(left, refusal(&message, "did you mean heartbeat?"));
}

#[test]
fn an_unknown_variable_is_refused_with_a_suggestion() {
    let left = check(&[], &[("TIDINGS_CORS_ORIGINS", "*")]);

    let message = "unknown environment variable TIDINGS_CORS_ORIGINS";
    assert_eq!(left, refusal(message, "did you mean TIDINGS_CORS_ORIGIN?"));
}

#[test]
fn an_unknown_flag_is_refused_with_a_suggestion() {
    let left = check(&["--cors-origins", "*"], &[]);

    assert_eq!(left, refusal("unexpected argument `--cors-origins` found", "did you mean --cors-origin?"));
}

#[test]
fn a_name_that_resembles_nothing_is_refused_without_a_guess() {
    let left = check(&[], &[("TIDINGS_QUX", "1")]);

    let hint = "`tidings config print` shows every setting";
    assert_eq!(left, refusal("unknown environment variable TIDINGS_QUX", hint));
}

#[test]
fn variables_that_a_container_platform_sets_are_ignored() {
    let variables = [
        ("TIDINGS_PORT", "tcp://10.0.0.1:8080"),
        ("TIDINGS_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("TIDINGS_SERVICE_HOST", "10.0.0.1"),
        ("TIDINGS_X_SERVICE_HOST", "10.0.0.1"),
        ("TIDINGS_X_SERVICE_PORT_HTTP", "8080"),
        ("TIDINGS_X_PORT", "tcp://10.0.0.1:8080"),
        ("TIDINGS_DATA_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
    ];

    let left = check(&[], &variables);

    assert_eq!(left.code, Some(0), "{}", left.stderr);
}

#[test]
fn a_port_that_somebody_has_set_is_no_variable_of_a_platform() {
    let left = check(&[], &[("TIDINGS_PORT", "8080")]);

    assert_eq!(left.code, Some(2));
    assert!(left.stderr.starts_with("error: unknown environment variable TIDINGS_PORT\n"), "{}", left.stderr);
}

#[test]
fn a_covered_value_must_be_right_too() {
    let left = check(&["--heartbeat", "15s"], &[("TIDINGS_HEARTBEAT", "15")]);

    let hint = "write a whole number and ms, s, m, h or d, such as 250ms, 15s or 7d";
    assert_eq!(left, refusal("TIDINGS_HEARTBEAT: \"15\" is not a duration", hint));
}

#[test]
fn a_value_out_of_range_is_refused() {
    let left = check(&["--heartbeat", "2h"], &[]);

    let hint = "it can be 1s at the least and 1h at the most";
    assert_eq!(left, refusal("--heartbeat: \"2h\" is not 1s to 1h", hint));
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_line() {
    let (_dir, path) = file("heartbeat = \"15s\"\nretry = 3s\n");

    let left = check(&["--config", path.to_str().unwrap()], &[]);

    assert_eq!(left.code, Some(2));
    assert!(left.stderr.starts_with(&format!("error: {}:2: ", path.display())), "{}", left.stderr);
}

#[test]
fn a_file_that_does_not_exist_is_refused() {
    let left = check(&["--config", "/nowhere/tidings.toml"], &[]);

    let message =
        "cannot read configuration file /nowhere/tidings.toml: No such file or directory (os error 2)";
    assert_eq!(left, Left { stderr: format!("error: {message}\n"), ..refusal("", "") });
}

#[test]
fn the_publish_key_cannot_stand_in_the_file() {
    let (_dir, path) = file("publish_key = \"hunter22\"");

    let left = check(&["--config", path.to_str().unwrap()], &[]);

    let message = format!("{}:1: publish_key cannot be set in a file", path.display());
    assert_eq!(left, refusal(&message, "set it by TIDINGS_PUBLISH_KEY"));
}

#[test]
fn other_machines_are_not_let_in_without_a_publish_key() {
    let left = check(&["--listen", "0.0.0.0:8080"], &[]);

    let message = "listening on 0.0.0.0:8080 without a publish key would let everybody publish";
    let hint = "set TIDINGS_PUBLISH_KEY or --publish-key-file, listen on 127.0.0.1, or say --insecure-open if you mean it";
    assert_eq!(left, refusal(message, hint));
}

#[test]
fn other_machines_are_let_in_with_a_publish_key_or_on_request() {
    let listen = ["--listen", "0.0.0.0:8080"];

    let with_key = check(&listen, &[("TIDINGS_PUBLISH_KEY", "hunter22")]);
    let on_request = check(&[listen.as_slice(), &["--insecure-open"]].concat(), &[]);

    assert_eq!((with_key.code, on_request.code), (Some(0), Some(0)));
}

#[test]
fn a_publish_key_file_must_exist() {
    let left = check(&["--publish-key-file", "/nowhere/key"], &[]);

    let message = "cannot read publish key file /nowhere/key: No such file or directory (os error 2)";
    assert_eq!(left, Left { stderr: format!("error: {message}\n"), ..refusal("", "") });
}

#[test]
fn memory_and_a_data_directory_exclude_each_other() {
    let left = check(&["--memory", "--data", "x"], &[]);

    let message = "data is set by flag, but memory is set by flag, which keeps none";
    assert_eq!(left, refusal(message, "leave one of them out, or say --memory=false"));
}

#[test]
fn memory_by_flag_sets_a_configured_data_directory_aside() {
    let left = check(&["--memory"], &[("TIDINGS_DATA", "/var/lib/tidings")]);

    assert_eq!(left.code, Some(0), "{}", left.stderr);
}

#[test]
fn a_notice_that_was_asked_for_must_leave_time_for_the_drain() {
    let left = check(&["--drain-notice", "6s"], &[]);

    let hint = "lengthen drain_deadline, and whatever kills the process if it takes longer";
    let message = "drain_notice 6s and drain_window 2s together are not shorter than drain_deadline 8s";
    assert_eq!(left, refusal(message, hint));
}

#[test]
fn a_notice_that_nobody_has_set_is_shortened_to_leave_time_for_the_drain() {
    let left = run(tidings(&["config", "print", "--drain-deadline", "4s", "--drain-window", "3s"]));

    assert!(left.stdout.contains("\ndrain_notice = \"500ms\"\n"), "{}", left.stdout);
}

#[test]
fn the_drain_must_fit_before_its_deadline() {
    let left = check(&["--drain-window", "10s"], &[]);

    let hint = "lengthen drain_deadline, and whatever kills the process if it takes longer";
    assert_eq!(left, refusal("drain_window 10s is not shorter than drain_deadline 8s", hint));
}

#[test]
fn plain_options_without_a_command_are_those_of_serve() {
    let left = run(tidings(&["--heartbeat", "15"]));

    let hint = "write a whole number and ms, s, m, h or d, such as 250ms, 15s or 7d";
    assert_eq!(left, refusal("--heartbeat: \"15\" is not a duration", hint));
}

#[test]
fn aliases_are_a_table_in_a_file_and_pairs_elsewhere() {
    let table = "heartbeat = \"20s\"\n\n[aliases]\n\"/stream\" = \"greetings\"\n\"/es\" = \"a,b=c%252F/*\"\n";
    let (_dir, path) = file(table);
    let flags = ["--aliases", "/stream=greetings", "--aliases", "/es=a%2Cb=c%252F/*"];
    let variable = [("TIDINGS_ALIASES", "/es=a%2Cb=c%252F/*, /stream=greetings")];

    let from_file = printed(&["--config", path.to_str().unwrap()], &[], "aliases");
    let from_flags = printed(&flags, &[], "aliases").1;
    let from_variable = printed(&[], &variable, "aliases").1;

    let expected = r#"aliases = { "/es" = "a%2Cb%3Dc%252F/*", "/stream" = "greetings" }"#;
    assert_eq!([from_file.1.as_str(), &from_flags, &from_variable], [expected; 3]);
    assert_eq!(from_file.0, "# From the file; the default is an empty table.");
    assert_eq!(printed(&[], &[], "aliases").1, "aliases = {}");
    let (_again, path) = file(expected);
    assert_eq!(printed(&["--config", path.to_str().unwrap()], &[], "aliases").1, expected);
}

#[test]
fn an_alias_that_cannot_be_one_is_named_with_its_rule() {
    for (pair, rule) in [
        (
            "\"/events/x\" = \"a\"",
            "the alias `/events/x` begins with `/events`, which the hub has or keeps for later",
        ),
        (
            "\"/streams\" = \"a\"",
            "the alias `/streams` begins with `/streams`, which the hub has or keeps for later",
        ),
        ("\"stream\" = \"a\"", "the alias `stream` does not begin with a slash"),
        ("\"/a?b\" = \"a\"", "the alias `/a?b` has more than letters"),
        ("\"/a\" = \"inbox/x\"", "the alias `/a` is for `inbox/x`"),
        ("\"/stream\" = \"a//b\"", "the topic has an empty segment"),
        ("\"/stream\" = \"caf%E9\"", "byte 4 of it, %E9, is not"),
        ("\"/stream\" = \"chat#general\"", "is written with %23"),
        ("\"/favicon.ico\" = \"a\"", "begins with `/favicon.ico`, which the hub has or keeps for later"),
        ("\"/Console/x\" = \"a\"", "begins with `/console`, which the hub has or keeps for later"),
        ("\"/a\" = \"a/../b\"", "which is no topic or pattern: a topic has no segment `.` or `..`"),
        ("heartbeat = \"15s\"", "the alias `heartbeat` does not begin with a slash"),
    ] {
        let (_dir, path) = file(&format!("[aliases]\n{pair}\n"));

        let left = check(&["--config", path.to_str().unwrap()], &[]);

        assert_eq!(left.code, Some(2), "{pair}: {left:?}");
        assert!(left.stderr.contains(rule), "{pair}: {left:?}");
        assert!(left.stderr.contains("other settings stand before [aliases]"), "{pair}: {left:?}");
    }
}

/// The whole list was shown.
#[test]
fn of_several_aliases_the_wrong_one_is_shown() {
    let list = "/a=b,/c=x//y,/d=e";
    for (arguments, variables, name) in [
        (vec!["--aliases", "/a=b", "--aliases", "/c=x//y", "--aliases", "/d=e"], vec![], "--aliases"),
        (vec![], vec![("TIDINGS_ALIASES", list)], "TIDINGS_ALIASES"),
    ] {
        let left = check(&arguments, &variables);
        let begins = format!("error: {name}: \"/c=x//y\" is not right: the alias `/c` is for `x//y`");
        assert!(left.stderr.starts_with(&begins), "{}", left.stderr);
    }
    let left = check(&["--aliases", "/a=b,/c,/d=e"], &[]);
    let begins = "error: --aliases: \"/c\" is not a path and a topic with = between them\n";
    assert!(left.stderr.starts_with(begins), "{}", left.stderr);
}

/// In a file it was the topic `caf%C3%A9`, and by a flag another.
#[test]
fn the_topic_of_an_alias_is_written_as_in_a_url_in_every_place() {
    let (_dir, path) = file("[aliases]\n\"/s\" = \"caf%C3%A9\"\n\"/t\" = \"a%2F%2Fb\"\n");
    let (_other, raw) = file("[aliases]\n\"/s\" = \"caf\u{e9}\"\n\"/t\" = \"a%2F%2Fb\"\n");
    let printed = |arguments: &[&str], variables: &[(&str, &str)]| printed(arguments, variables, "aliases").1;
    let expected = r#"aliases = { "/s" = "caf%C3%A9", "/t" = "a%2F%2Fb" }"#;

    assert_eq!(printed(&["--config", path.to_str().unwrap()], &[]), expected);
    assert_eq!(printed(&["--config", raw.to_str().unwrap()], &[]), expected);
    assert_eq!(printed(&["--aliases", "/s=caf%C3%A9", "--aliases", "/t=a%2F%2Fb"], &[]), expected);
    assert_eq!(printed(&[], &[("TIDINGS_ALIASES", "/s=caf%C3%A9,/t=a%2F%2Fb")]), expected);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_configuration_file() {
    let (_dir, path) = file("\u{feff}heartbeat = \"20s\"\n");

    let (_, line) = printed(&["--config", path.to_str().unwrap()], &[], "heartbeat");

    assert_eq!(line, "heartbeat = \"20s\"");
}

#[test]
fn a_configuration_file_that_is_not_utf_8_is_told_what_it_is() {
    let (_dir, path) = file("");
    let utf16: Vec<u8> = "\u{feff}heartbeat = 1".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let cases = [
        (utf16, "it is UTF-16BE, not UTF-8; `iconv -f UTF-16BE -t UTF-8` converts it"),
        (b"# ok\n# caf\xe9\n".to_vec(), "line 2 is not UTF-8: its byte 6 is 0xe9"),
    ];
    for (bytes, why) in cases {
        std::fs::write(&path, bytes).unwrap();

        let left = check(&["--config", path.to_str().unwrap()], &[]);

        let message = format!("error: cannot read configuration file {}: {why}\n", path.display());
        assert_eq!((left.code, left.stderr), (Some(2), message));
    }
}

#[test]
fn a_variable_of_ours_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;

    let mut command = tidings(&["config", "check"]);
    command.env("TIDINGS_PUBLISH_KEY", std::ffi::OsStr::from_bytes(b"k\xff"));
    command.env("OTHER", std::ffi::OsStr::from_bytes(b"\xff"));

    let left = run(command);

    let hint = "write it in UTF-8, or leave it out";
    assert_eq!(left, refusal("the value of TIDINGS_PUBLISH_KEY is not UTF-8", hint));
}

/// The environment of a linked container is in any encoding, and names there may begin with `_`.
#[test]
fn what_docker_copies_from_another_container_is_ignored_and_named() {
    use std::os::unix::ffi::OsStrExt;

    let mut command = tidings(&["config", "check"]);
    command.env("TIDINGS_ENV__JAVA_OPTIONS", std::ffi::OsStr::from_bytes(b"caf\xe9"));
    command.env("TIDINGS_ENV_TIDINGS_HEARTBEAT", "x").env("TIDINGS_NAME", "/web/tidings");
    command.env("TIDINGS_PORT_8000_TCP_PORT_END", "8010");

    let left = run(command);

    assert_eq!(left.code, Some(0), "{left:?}");
    let note = "note: ignored variables that a container platform sets for a service: \
                TIDINGS_ENV_TIDINGS_HEARTBEAT, TIDINGS_NAME, TIDINGS_PORT_8000_TCP_PORT_END\n";
    assert_eq!(left.stderr, format!("{note}the configuration is right\n"));
}

#[test]
fn an_address_or_port_in_a_variable_of_its_own_is_told_which_setting_has_both() {
    for (variable, value) in [
        ("TIDINGS_PORT", "8080"),
        ("TIDINGS_HOST", "0.0.0.0"),
        ("TIDINGS_SERVICE_HOST", "0.0.0.0"),
        ("TIDINGS_SERVICE_PORT", "http"),
    ] {
        let left = check(&[], &[(variable, value)]);

        let hint = "address and port are one setting, as in TIDINGS_LISTEN=127.0.0.1:8080";
        assert_eq!(left, refusal(&format!("unknown environment variable {variable}"), hint));
    }
}

/// A variable that is empty by accident must not let everybody in.
#[test]
fn an_empty_list_of_hosts_is_refused_and_one_that_says_so_is_not() {
    let open = ["--listen", "0.0.0.0:0", "--insecure-open"];

    let by_accident = check(&open, &[("TIDINGS_ALLOWED_HOST", "")]);
    let on_purpose = check(&[&open[..], &["--allowed-host", "[]"]].concat(), &[]);

    let hint = "write a value, or leave the setting out; an empty list is []";
    assert_eq!(by_accident, refusal("TIDINGS_ALLOWED_HOST: \"\" is not a host name", hint));
    assert_eq!(on_purpose.code, Some(0), "{on_purpose:?}");
}

#[test]
fn what_other_programs_call_an_option_is_told_as_it_is_here() {
    let listen = "address and port are one setting, as in --listen 127.0.0.1:8080";
    for (arguments, hint) in [
        (&["serve", "--port", "80"][..], listen),
        (&["--host=0.0.0.0"], listen),
        (&["config", "check", "--bind", "x"], listen),
        (&["bench", "fanout", "--port", "80"], "`tidings bench fanout --help` tells what there is"),
        (&["key", "x"], "`tidings key --help` tells what there is"),
        (&["nonsense-of-mine"], "`tidings --help` tells what there is"),
    ] {
        let left = run(tidings(arguments));

        assert_eq!(left.code, Some(2), "{arguments:?}: {left:?}");
        assert!(left.stderr.ends_with(&format!("\nhint: {hint}\n")), "{arguments:?}: {left:?}");
    }
}

#[test]
fn a_switch_takes_its_value_behind_a_space_as_behind_an_equals_sign_and_may_stand_alone() {
    let printed = |arguments: &[&str]| {
        let left = run(tidings(&[&["config", "print"], arguments].concat()));
        assert_eq!(left.code, Some(0), "{arguments:?}: {left:?}");
        left.stdout
    };
    for switch in ["memory", "inbox", "compression", "insecure_open", "tls_self_signed"] {
        let flag = format!("--{}", switch.replace('_', "-"));
        for value in ["true", "false"] {
            let expected = format!("{switch} = {value}");
            let behind_space = printed(&[&flag, value, "--heartbeat", "20s"]);
            let behind_equals = printed(&[&format!("{flag}={value}"), "--heartbeat", "20s"]);
            assert!(behind_space.contains(&expected), "{flag} {value}: {behind_space}");
            assert_eq!(behind_space, behind_equals);
        }
        assert_eq!(printed(&[&flag]), printed(&[&flag, "true"]));
        assert_eq!(printed(&[&flag, "--heartbeat", "20s"]), printed(&["--heartbeat", "20s", &flag]));
    }

    let other = run(tidings(&["serve", "--inbox", "off"]));
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.stderr.contains("`off`") && other.stderr.contains("--inbox"), "{other:?}");
}

#[test]
fn a_command_without_its_command_is_told_which_there_are() {
    let left = run(tidings(&["config"]));
    let message = "`tidings config` needs a command behind it: print, check, reference";
    assert_eq!(left, refusal(message, "`tidings config --help` tells what there is"));

    let left = run(tidings(&["bench"]));
    assert!(
        left.stderr.starts_with("error: `tidings bench` needs a command behind it: fanout, "),
        "{left:?}"
    );
}

/// A path of old configurations is one of the working directory, and stays one where nothing stands beside the file.
#[test]
fn a_key_is_looked_for_beside_the_configuration_file_and_then_in_the_working_directory() {
    let (dir, path) = file("publish_key_file = \"publish.key\"");
    let elsewhere = TempDir::new().unwrap();
    let check = || {
        let mut command = tidings(&["config", "check", "--config", path.to_str().unwrap()]);
        command.current_dir(elsewhere.path());
        run(command)
    };

    let missing = check();
    std::fs::write(elsewhere.path().join("publish.key"), "two words").unwrap();
    let in_working_directory = check();
    std::fs::write(dir.path().join("publish.key"), "two more words").unwrap();
    let beside = check();

    assert!(missing.stderr.contains("cannot read publish key file publish.key: "), "{missing:?}");
    assert!(
        in_working_directory.stderr.contains("publish key file publish.key is not"),
        "{in_working_directory:?}"
    );
    let told = format!("publish key file {} is not", dir.path().join("publish.key").display());
    assert!(beside.stderr.contains(&told), "{beside:?}");
}

#[test]
fn a_setting_without_effect_is_told_and_is_no_error() {
    let key = ("TIDINGS_PUBLISH_KEY", "k");
    let beyond = ["--listen", "0.0.0.0:0", "--insecure-open"];
    let proxy = ["--trusted-proxies", "10.0.0.1"];
    let open = "warning: insecure_open has no effect: ";
    let interval = "warning: durability_interval has no effect: durability is none, and not interval\n";
    let memory = |name: &str| format!("warning: {name} has no effect: memory is true");
    for (arguments, variables, told) in [
        (vec![], vec![], vec![]),
        (vec![], vec![key], vec![]),
        (beyond.to_vec(), vec![], vec![]),
        ([&proxy[..], &["--insecure-open"]].concat(), vec![], vec![]),
        (proxy.to_vec(), vec![], vec![]),
        ([&proxy[..], &beyond].concat(), vec![], vec![]),
        (proxy.to_vec(), vec![key], vec![]),
        (vec!["--insecure-open"], vec![], vec![open]),
        (vec!["--insecure-open"], vec![key], vec![open]),
        (beyond.to_vec(), vec![key], vec![open]),
        ([&proxy[..], &beyond].concat(), vec![key], vec![open]),
        (vec!["--durability", "none", "--durability-interval", "2s"], vec![], vec![interval]),
        (vec!["--durability", "none", "--durability-interval", "1s"], vec![], vec![]),
        (vec!["--durability", "interval", "--durability-interval", "2s"], vec![], vec![]),
        (vec!["--memory", "--retention-count", "5"], vec![], vec![]),
        (vec!["--memory", "--retention-age", "1d"], vec![], vec![&*memory("retention_age")]),
        (vec!["--memory"], vec![("TIDINGS_RETENTION_AGE", "1d")], vec![]),
        (
            vec![],
            vec![("TIDINGS_MEMORY", "true"), ("TIDINGS_DURABILITY", "none")],
            vec![&*memory("durability")],
        ),
    ] {
        let left = check(&arguments, &variables);

        let said: Vec<_> = left.stderr.lines().filter(|line| line.contains("has no effect")).collect();
        assert_eq!((left.code, said.len()), (Some(0), told.len()), "{arguments:?} {variables:?}: {left:?}");
        assert!(left.stderr.ends_with("the configuration is right\n"), "{left:?}");
        for told in told {
            assert!(left.stderr.contains(told), "{arguments:?} {variables:?}: {left:?}");
        }
    }
}
