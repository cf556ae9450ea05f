//! What a server says in an answer that was not expected, as one short line for people.
//!
//! Whatever answers may be the wrong program: a page, a balancer, a server that wants TLS. Its own words say best what is wrong, so
//! they are shown, but bounded and without anything that moves a cursor or turns the direction of writing.

use crate::limits::SAID_CHARS_MAX;

/// The words of an answer that is no problem of RFC 9457: of a page its title, of other text the beginning. `None` if it says nothing
/// that people can read.
pub(crate) fn by(content_type: Option<&str>, body: &str) -> Option<String> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_page = essence.eq_ignore_ascii_case("text/html")
        // Servers that are asked in the wrong protocol often answer with text and do not say that it is some.
        || essence.is_empty() && body.trim_start().starts_with('<');
    let is_text = essence.is_empty()
        || ["text/plain", "application/json"].iter().any(|of| essence.eq_ignore_ascii_case(of));
    let words = match (is_page, is_text) {
        (true, _) => title(body)?,
        (false, true) => body,
        (false, false) => return None,
    };
    // What cannot be shown at all is no text, whatever the server calls it.
    let line = line(words, SAID_CHARS_MAX);
    (!line.is_empty() && !words.contains('\0')).then_some(line)
}

/// Text as one line of bounded length, in which characters that a terminal obeys are shown by number.
pub(crate) fn line(text: &str, chars_max: usize) -> String {
    let text = text.trim_start_matches('\u{feff}');
    // A look at more than can be shown is a waste: a word may be as long as the body.
    let beginning: String = text.chars().take(chars_max * 4).collect();
    let words = beginning.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = String::new();
    for (count, c) in words.chars().enumerate() {
        if count == chars_max {
            line.push_str("...");
            break;
        }
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || c.is_control() {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

/// What stands between `<title>` and its end.
fn title(page: &str) -> Option<&str> {
    // ASCII keeps its length in lower case, and so do the places of the tags.
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let begin = tag + lower[tag..].find('>')? + 1;
    let end = lower[begin..].find("</title").map_or(lower.len(), |end| begin + end);
    Some(&page[begin..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_text_the_beginning_is_told_on_one_line() {
        for of in [None, Some("text/plain"), Some("TEXT/Plain; charset=utf-8"), Some("application/json")] {
            assert_eq!(by(of, " no\r\n  such\ttopic \n").as_deref(), Some("no such topic"), "{of:?}");
        }
        assert_eq!(
            by(Some("text/plain"), "\u{feff}a\u{1b}[2J\u{202e}b").as_deref(),
            Some("a\\u{1b}[2J\\u{202e}b")
        );
    }

    #[test]
    fn of_a_page_the_title_is_told() {
        let page = "<!doctype html><HTML><head><Title lang=en>\n 502 Bad\nGateway </TITLE></head><body>x";
        for of in [None, Some("text/html"), Some("Text/HTML; charset=utf-8")] {
            assert_eq!(by(of, page).as_deref(), Some("502 Bad Gateway"), "{of:?}");
        }
        assert_eq!(by(Some("text/html"), "<title>Log in").as_deref(), Some("Log in"), "cut off");
        for page in ["<p>x", "<title", "<title></title>", "", "\u{212a}<title"] {
            assert_eq!(by(Some("text/html"), page), None, "{page:?}");
        }
    }

    #[test]
    fn what_people_cannot_read_is_not_told() {
        for of in ["application/octet-stream", "image/png", "text/event-stream", "application/problem+json"] {
            assert_eq!(by(Some(of), "x"), None, "{of}");
        }
        assert_eq!(by(None, "\u{15}\u{3}\0\0\u{2}"), None);
        assert_eq!(by(Some("text/plain"), " \r\n"), None);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let line = line(&"\u{e9}".repeat(5_000), SAID_CHARS_MAX);

        assert_eq!(line, format!("{}...", "\u{e9}".repeat(SAID_CHARS_MAX)));
    }
}
