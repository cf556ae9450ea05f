//! Words that people read: help, and the page made from the table of settings.

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
    let commands: [&[&str]; 4] =
        [&["--help"], &["serve", "--help"], &["config", "--help"], &["bench", "--help"]];
    let head =
        "<!-- Generated: TIDINGS_TEST_UPDATE=1 cargo test -p tidings --test words -->\n\n# Command line\n";

    let page: String = [head.to_owned()].into_iter().chain(commands.map(block)).collect();

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
