//! Percent-encoding that is none. Decoders leave a `%` as it is where no two hexadecimal digits follow it, so what a program has
//! cut off or has not encoded would be another name, without a word.

/// What is wrong with a text that may be percent-encoded, behind the name of what it is.
pub(crate) fn broken_escape(text: &str) -> Option<String> {
    let is_broken = |at: &usize| !text.as_bytes()[at + 1..].iter().take(2).all(u8::is_ascii_hexdigit);
    let ends = |at: &usize| text.len() < at + "%41".len();
    let at = memchr::memchr_iter(b'%', text.as_bytes()).find(|at| ends(at) || is_broken(at))?;
    let part: String = text[at..].chars().take("%41".len()).flat_map(char::escape_default).collect();
    Some(format!("`{part}`, and % begins two hexadecimal digits; write %25 for a % that is meant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_without_two_digits_behind_it_is_shown() {
        for (text, part) in [
            ("%zz", "`%zz`"),
            ("%", "`%`"),
            ("a%2", "`%2`"),
            ("100%", "`%`"),
            ("%41%4g%", "`%4g`"),
            ("%%41", "`%%4`"),
            ("a%+1", "`%+1`"),
            ("% 41", "`% 4`"),
            ("%\u{e9}1", "`%\\u{e9}1`"),
            ("%4\u{661}", "`%4\\u{661}`"),
        ] {
            let told = broken_escape(text).unwrap_or_else(|| panic!("{text} is taken"));
            assert!(told.starts_with(part), "{text}: {told}");
        }
        for text in ["", "a", "%41", "%ff%C3%a9", "%25", "%25zz"] {
            assert_eq!(broken_escape(text), None, "{text}");
        }
    }
}
