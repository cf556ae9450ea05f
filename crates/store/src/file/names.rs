//! The names of the files of a store.

use tidings_core::Sequence;

/// Held by the process that has the store open.
pub(crate) const LOCK: &str = "LOCK";

/// Says what the directory is.
pub(crate) const META: &str = "META";

/// Ends the name of a file that is not complete yet. One that is left over means nothing.
const NEW: &str = ".new";

/// The name under which a file is written before it takes its own.
pub(crate) fn new(name: &str) -> String {
    format!("{name}{NEW}")
}

/// The segment that begins with an event.
pub(crate) fn log(base: Sequence) -> String {
    format!("{:020}.log", base.0)
}

/// The index of that segment.
pub(crate) fn index(base: Sequence) -> String {
    format!("{:020}.idx", base.0)
}

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileName {
    /// A segment.
    Log(Sequence),
    /// An index.
    Index(Sequence),
    /// An incomplete file.
    New,
    /// Something else, which is left alone.
    Other,
}

/// Reads a name.
pub(crate) fn parse(name: &str) -> FileName {
    if name.ends_with(NEW) {
        return FileName::New;
    }
    let Some((digits, extension)) = name.split_once('.') else { return FileName::Other };
    let Some(base) = base(digits) else { return FileName::Other };
    match extension {
        "log" => FileName::Log(base),
        "idx" => FileName::Index(base),
        _ => FileName::Other,
    }
}

fn base(digits: &str) -> Option<Sequence> {
    let decimal = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| decimal && *number > 0).map(Sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_they_say_are_one_to_one() {
        assert_eq!(log(Sequence(1)), "00000000000000000001.log");
        assert_eq!(parse(&log(Sequence(u64::MAX))), FileName::Log(Sequence(u64::MAX)));
        assert_eq!(parse(&index(Sequence(42))), FileName::Index(Sequence(42)));
        assert_eq!(parse(&new(&index(Sequence(42)))), FileName::New);
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in ["LOCK", "META", "1.log", "0000000000000000000a.log", "00000000000000000000.log", "x.idx"]
        {
            assert_eq!(parse(name), FileName::Other, "{name}");
        }
    }
}
