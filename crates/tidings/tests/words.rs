//! Words that people read: help, and the page made from the table of settings.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use support::{assert_words, here, run, tidings};

#[track_caller]
fn assert_prints(arguments: &[&str], file: &str) {
    let left = run(tidings(arguments));

    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    assert_words(&here(file), &left.stdout);
}

/// What a command prints, as a block of a Markdown page.
fn block(arguments: &[&str]) -> String {
    let left = run(tidings(arguments));
    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = left.stdout.lines().map(str::trim_end).collect();
    format!("\n## `tidings {}`\n\n```text\n{}\n```\n", arguments.join(" "), lines.join("\n"))
}

#[test]
fn the_page_of_all_help_is_up_to_date() {
    let commands = [
        "",
        "serve",
        "pub",
        "sub",
        "relay",
        "store",
        "store info",
        "store verify",
        "store backup",
        "store repair",
        "store dump",
        "store load",
        "inbox",
        "inbox notify",
        "inbox list",
        "inbox read",
        "inbox count",
        "doctor",
        "key",
        "token",
        "token explain",
        "sign",
        "init",
        "bench",
        "bench fanout",
        "bench publish",
        "bench idle",
        "bench resume",
        "bench inbox",
        "bench soak",
        "config",
        "completions",
        "man",
    ];
    let commands = commands.map(|command| command.split_whitespace().chain(["--help"]).collect::<Vec<_>>());
    let head =
        "<!-- Generated: TIDINGS_TEST_UPDATE=1 cargo test -p tidings --test words -->\n\n# Command line\n";

    let page: String =
        [head.to_owned()].into_iter().chain(commands.iter().map(|command| block(command))).collect();

    assert_words(&here("../../docs/reference/command-line.md"), &page);
}

#[test]
fn short_help_shows_the_commands() {
    assert_prints(&["-h"], "tests/words/help.txt");
}

#[test]
fn short_help_of_serve_shows_each_option_on_a_line() {
    assert_prints(&["serve", "-h"], "tests/words/serve.txt");
}

#[test]
fn the_default_configuration_is_printed_as_a_commented_file() {
    assert_prints(&["config", "print"], "tests/words/config-print.toml");
}

#[test]
fn the_reference_page_is_up_to_date() {
    assert_prints(&["config", "reference"], "../../docs/reference/configuration.md");
}

#[test]
fn the_version_is_one_line() {
    let left = run(tidings(&["--version"]));

    assert_eq!(left.stdout, concat!("tidings ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn every_command_has_a_page_in_the_manual() {
    let dir = tempfile::tempdir().unwrap();

    let one = run(tidings(&["man"]));
    let all = run(tidings(&["man", dir.path().to_str().unwrap()]));

    assert_eq!((one.code, all.code, all.stdout.as_str(), all.stderr.as_str()), (Some(0), Some(0), "", ""));
    assert!(one.stdout.contains(".TH tidings 1"), "{}", one.stdout);
    for command in [
        "",
        "-serve",
        "-pub",
        "-sub",
        "-relay",
        "-key",
        "-token",
        "-token-explain",
        "-sign",
        "-bench-fanout",
        "-config-print",
    ] {
        let page = std::fs::read_to_string(dir.path().join(format!("tidings{command}.1"))).unwrap();
        assert!(page.contains(".SH NAME\ntidings"), "{page}");
    }
    let sub = std::fs::read_to_string(dir.path().join("tidings-sub.1")).unwrap();
    assert!(sub.contains("Exit codes") && sub.contains("no\\-reconnect"), "{sub}");
}

#[test]
fn every_shell_has_its_completions() {
    for (shell, words) in
        [("bash", "complete -F _tidings"), ("zsh", "#compdef tidings"), ("fish", "complete -c tidings")]
    {
        let left = run(tidings(&["completions", shell]));
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
        assert!(left.stdout.contains(words), "{shell}");
        assert!(left.stdout.contains("last-event-id"), "{shell}");
    }

    let unknown = run(tidings(&["completions", "cmd"]));
    assert_eq!(unknown.code, Some(2));
}
