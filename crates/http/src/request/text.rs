//! Checks that bytes which arrive in pieces are UTF-8.
//!
//! The decoder replaces what is not, as the standard says for clients. A publisher should rather be told.

/// What is left of a character that was cut by the end of a piece, and how far the text is checked.
#[derive(Debug, Default)]
pub(crate) struct TextCheck {
    cut: Vec<u8>,
    checked: u64,
}

impl TextCheck {
    /// The part of a piece that may be passed on, and the offset in the whole text of the first byte that is not
    /// UTF-8, if there is one.
    pub(crate) fn check<'a>(&mut self, piece: &'a [u8]) -> (&'a [u8], Option<u64>) {
        let mut start = 0;
        while !self.cut.is_empty() && start < piece.len() {
            self.cut.push(piece[start]);
            start += 1;
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return (&[], Some(self.checked + start as u64 - self.cut.len() as u64)),
            }
        }
        let before = self.checked;
        self.checked += piece.len() as u64;
        match std::str::from_utf8(&piece[start..]) {
            Ok(_) => (piece, None),
            Err(error) if error.error_len().is_none() => {
                self.cut = piece[start + error.valid_up_to()..].to_vec();
                (piece, None)
            }
            Err(error) => {
                let at = start + error.valid_up_to();
                (&piece[..at], Some(before + at as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = "a\u{e9}\u{8ba2}\u{1f980}z".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut check = TextCheck::default();
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    assert_eq!(check.check(piece), (piece, None));
                }
            }
        }
    }

    #[test]
    fn the_first_bad_byte_is_named_wherever_the_text_is_cut() {
        let text = b"ab\xe8\xae\xa2\xffcd";
        for first in 0..5 {
            let mut check = TextCheck::default();
            check.check(&text[..first]);
            assert_eq!(check.check(&text[first..]).1, Some(5), "cut at {first}");
        }
        let mut check = TextCheck::default();
        assert_eq!(check.check(b"a\xe8"), (&b"a\xe8"[..], None));
        assert_eq!(check.check(b"xy"), (&b""[..], Some(1)));
    }
}
