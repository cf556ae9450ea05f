//! Words that people read: help, and the page made from the table of settings.

mod support;

use support::{assert_words, here, run, tidings};

#[track_caller]
fn assert_prints(arguments: &[&str], file: &str) {
    let left = run(tidings(arguments));

    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    assert_words(&here(file), &left.stdout);
}

#[test]
fn short_help_shows_the_commands() {
    assert_prints(&["-h"], "tests/words/help-short.txt");
}

#[test]
fn long_help_adds_the_exit_codes() {
    assert_prints(&["--help"], "tests/words/help.txt");
}

#[test]
fn short_help_of_serve_shows_each_option_on_a_line() {
    assert_prints(&["serve", "-h"], "tests/words/serve-short.txt");
}

#[test]
fn long_help_of_serve_says_what_each_option_means() {
    assert_prints(&["serve", "--help"], "tests/words/serve.txt");
}

#[test]
fn help_of_config_shows_its_commands() {
    assert_prints(&["config", "--help"], "tests/words/config.txt");
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
