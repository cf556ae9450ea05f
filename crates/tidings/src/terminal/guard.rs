//! The last guard before a terminal. What comes from the network is made visible where it is put into words; what somebody has forgotten
//! is caught here, for all that the program writes to standard output and standard error.
//!
//! It guards terminals alone: a file or a program gets the bytes as they are.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::chain::{acts, visible};

/// Words for people. Line ends, tabs and colours pass; everything else that a terminal would act on is shown by number.
pub(crate) fn words(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| acts(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len() + 64), text);
    while let Some(c) = rest.chars().next() {
        let bytes = color_bytes(rest).unwrap_or(c.len_utf8());
        let (now, later) = rest.split_at(bytes);
        if bytes > 1 && c == '\x1b' || c == '\n' {
            shown.push_str(now);
        } else {
            shown.push_str(&visible(now));
        }
        rest = later;
    }
    Cow::Owned(shown)
}

/// Lines of JSON. What a terminal would act on is escaped as JSON does it, so it is the same value.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    // In JSON, line ends stand between values only.
    let is_active = |c: char| acts(c) && c != '\n';
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_active(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Bytes of the colour that a text begins with, if it does: one that changes no more than how what follows is drawn, and hides nothing.
fn color_bytes(text: &str) -> Option<usize> {
    let (code, _) = text.strip_prefix("\x1b[")?.split_once('m')?;
    let is_number = (1..=2).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    let number: u8 = code.parse().ok().filter(|_| is_number)?;
    matches!(number, 0..=4 | 30..=37 | 39 | 90..=97).then_some("\x1b[m".len() + code.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_lines_pass_and_nothing_else_that_a_terminal_acts_on() {
        let own = "\x1b[2ma\tb\x1b[0m\n\x1b[32mc\x1b[39m\n";
        assert_eq!(words(own), own);

        let foreign = "\x1b[8mhidden \x1b[2J\x1b]0;title\x07 \u{9b}31m \u{202e}x\r \x1b[ \x1b[0000000m \x1b";
        let shown = words(foreign);
        assert!(!shown.contains(acts), "{shown:?}");
        assert!(
            shown.starts_with("\\u{1b}[8mhidden \\u{1b}[2J\\u{1b}]0;title\\u{7} \\u{9b}31m \\u{202e}x\\u{d}")
        );
    }

    #[test]
    fn every_character_that_acts_is_escaped_in_json_and_stays_the_same_value() {
        let all: String = ('\0'..='\u{2100}').chain(['\u{e0001}', '\u{1f600}', 'x']).collect();
        let line = serde_json::to_string(&all).unwrap() + "\n";

        let shown = json(&line);

        assert!(!shown.trim_end().contains(acts), "{shown:?}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), all);
    }
}
