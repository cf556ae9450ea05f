//! A number as decimal text, kept where slices can point at it.

/// Of `u64::MAX`.
const DIGITS_MAX: usize = 20;

/// The decimal digits of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digits {
    text: [u8; DIGITS_MAX],
    start: u8,
}

impl Digits {
    pub(super) fn of(mut number: u64) -> Self {
        let mut text = [b'0'; DIGITS_MAX];
        let mut start = DIGITS_MAX;
        loop {
            start -= 1;
            text[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Self { text, start: start as u8 };
            }
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[usize::from(self.start)..]
    }
}
