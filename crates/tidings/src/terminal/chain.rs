//! An error and its causes as one line that a terminal can show.

use std::error::Error;

use crate::limits::{ERROR_CHARS_MAX, SAID_CHARS_MAX};

/// The error and its causes, each once, with nothing in it that moves a cursor.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // Some errors say what their cause says, too.
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        source = error.source();
    }
    let line: String = line.chars().take(ERROR_CHARS_MAX).collect();
    visible(&line)
}

/// Text of a stranger's for a terminal: control characters, and those that turn the direction of writing, are shown
/// by number.
pub(crate) fn visible(text: &str) -> String {
    text.chars().flat_map(Visible::new).collect()
}

/// The same of a text that may be long: its beginning.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(SAID_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    visible(&shown)
}

/// Whether a terminal may do something at a character other than to draw it: a control character other than a tab, or one that turns the
/// direction of writing.
pub(crate) fn acts(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    // Unicode's own ends of lines and paragraphs are no controls, and yet some terminals begin a line at them.
    turns || matches!(c, '\u{2028}' | '\u{2029}') || c.is_control() && c != '\t'
}

/// The characters of one character.
enum Visible {
    Itself(Option<char>),
    Number(std::char::EscapeUnicode),
}

impl Visible {
    fn new(c: char) -> Self {
        if acts(c) { Self::Number(c.escape_unicode()) } else { Self::Itself(Some(c)) }
    }
}

impl Iterator for Visible {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::Itself(c) => c.take(),
            Self::Number(number) => number.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_is_shown_by_number() {
        assert_eq!(visible("a\tb\u{1b}[2Jc\rd\u{202e}e\u{9b}"), "a\tb\\u{1b}[2Jc\\u{d}d\\u{202e}e\\u{9b}");
    }

    #[test]
    fn a_long_text_is_shown_by_its_beginning() {
        let long = "\u{e9}".repeat(SAID_CHARS_MAX);

        assert_eq!(excerpt(&long), long);
        assert_eq!(excerpt(&format!("{long}x")), format!("{long}..."));
    }

    #[test]
    fn every_cause_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("failed to connect")]
        struct Outer(#[source] std::io::Error);

        let error = Outer(std::io::Error::other("refused\n"));

        assert_eq!(chain(&error), "failed to connect: refused\\u{a}");
    }
}
