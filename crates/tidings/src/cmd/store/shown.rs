//! Times, sizes and ranges as people read them.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use tidings_core::{Sequence, UnixMillis};

/// The time as RFC 3339, in UTC and with milliseconds; one that is too late for that is a number.
pub(super) fn time(time: UnixMillis) -> String {
    let known = i64::try_from(time.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    known.map_or_else(|| time.0.to_string(), |time| format!("{time:.3}"))
}

/// Bytes in a unit that fits.
pub(super) fn bytes(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => format!("{:.1} {unit}", bytes as f64 / (1_u64 << shift) as f64),
        None => format!("{bytes} bytes"),
    }
}

/// Several events, or one.
pub(super) fn events(events: &RangeInclusive<Sequence>) -> String {
    match events.start() == events.end() {
        true => format!("event {}", events.start()),
        false => format!("events {} to {}", events.start(), events.end()),
    }
}

/// A number and its noun, which takes an s for several.
pub(super) fn count(number: u64, noun: &str) -> String {
    let s = match (number, noun) {
        (1, _) => "",
        (_, noun) if noun.ends_with('x') => "es",
        _ => "s",
    };
    format!("{number} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_read_them() {
        assert_eq!(
            [0, 1_023, 1_024, 67_108_864, 3 << 30].map(bytes),
            ["0 bytes", "1023 bytes", "1.0 KiB", "64.0 MiB", "3.0 GiB"]
        );
        assert_eq!(time(UnixMillis(1_000)), "1970-01-01T00:00:01.000Z");
        assert_eq!(time(UnixMillis(u64::MAX)), u64::MAX.to_string());
        assert_eq!(events(&(Sequence(3)..=Sequence(3))), "event 3");
        assert_eq!(
            (count(1, "index"), count(2, "index"), count(0, "segment")),
            ("1 index".into(), "2 indexes".into(), "0 segments".into())
        );
    }
}
