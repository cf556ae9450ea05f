//! Numbers with a unit: durations and sizes.

use std::time::Duration;

use super::value::{BadValue, Form, Value};
use crate::limits::FREE_PERCENT_MAX;

/// A duration, for other options than settings.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).map_err(|bad| bad.hint)
}

/// A size, for other options than settings. A plain number is one of bytes.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    text.parse().map(Size).or_else(|_| Size::parse(text).map_err(|bad| bad.hint))
}

/// Units of time, from the largest, in milliseconds.
const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Value for Duration {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write a whole number and ms, s, m, h or d, such as 250ms, 15s or 7d";
        with_unit(text, &DURATION_UNITS)
            .map(Self::from_millis)
            .ok_or_else(|| BadValue::new("a duration", hint))
    }

    fn text(&self) -> String {
        in_largest_unit(u64::try_from(self.as_millis()).unwrap_or(u64::MAX), &DURATION_UNITS)
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    /// The size as a length in memory.
    pub(crate) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Units of size, from the largest, those that values are shown in first.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

impl Value for Size {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write a whole number and B, KiB, MiB, GiB, TiB, kB, MB, GB or TB, such as 64MiB";
        with_unit(text, &SIZE_UNITS).map(Self).ok_or_else(|| BadValue::new("a size", hint))
    }

    fn text(&self) -> String {
        in_largest_unit(self.0, &SIZE_UNITS)
    }
}

/// How much of a file system stays free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum FreeMin {
    Size(Size),
    /// Hundredths of the whole.
    Percent(u8),
}

impl Value for FreeMin {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write a size, such as 64MiB, or hundredths of the file system, such as 5%; it can be 90% at the most";
        let bad = || BadValue::new("a size, or 0% to 90%", hint);
        match text.strip_suffix('%') {
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                let percent = number.parse().ok().filter(|percent| *percent <= FREE_PERCENT_MAX);
                percent.map(Self::Percent).ok_or_else(bad)
            }
            Some(_) => Err(bad()),
            None => Size::parse(text).map(Self::Size).map_err(|_| bad()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Size(size) => size.text(),
            Self::Percent(percent) => format!("{percent}%"),
        }
    }
}

/// A number of bytes for people: in a unit that fits, with one digit behind the point.
pub(crate) fn rounded(bytes: u64) -> String {
    let unit = SIZE_UNITS.iter().find(|(_, factor)| bytes >= *factor).filter(|(_, factor)| *factor > 1);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, factor)| format!("{:.1} {unit}", bytes as f64 / *factor as f64),
    )
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_')?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim_start()))?;
    number.replace('_', "").parse::<u64>().ok()?.checked_mul(*factor)
}

fn in_largest_unit(number: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| number != 0 && number.is_multiple_of(*factor) || *factor == 1;
    let (unit, factor) = units.iter().find(fits).expect("every list of units has one of factor 1");
    format!("{}{unit}", number / factor)
}
