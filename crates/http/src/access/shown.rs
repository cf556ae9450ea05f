//! A value of a request, as it may stand in a sentence of a problem or of the log: escaped, and not longer than a line.

use crate::limits::SHOWN_BYTES_MAX;

/// Anything but visible ASCII is escaped, so that nothing breaks a line or hides what stands beside it.
pub(crate) fn shown(value: &[u8]) -> String {
    let head = &value[..value.len().min(SHOWN_BYTES_MAX)];
    let rest = if head.len() < value.len() { "..." } else { "" };
    format!("{}{rest}", head.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_in_visible_ascii_and_cut_where_it_is_long() {
        assert_eq!(shown(b"https://app.example"), "https://app.example");
        assert_eq!(shown("a\u{202e}\t\x1b[0m".as_bytes()), "a\\xe2\\x80\\xae\\t\\x1b[0m");
        assert_eq!(shown(&[b'a'; 1_000]), "a".repeat(SHOWN_BYTES_MAX) + "...");
    }
}
