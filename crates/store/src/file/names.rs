//! The names of the files of a store.

use tidings_core::Sequence;

/// Held by the process that has the store open.
pub(crate) const LOCK: &str = "LOCK";

/// Says what the directory is.
pub(crate) const META: &str = "META";

/// Ends the name of a file that is not complete yet. One that is left over means nothing: it is removed, but only if what
/// stands before this is a name of ours.
pub(crate) const NEW: &str = ".new";

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
    /// `LOCK`.
    Lock,
    /// `META`.
    Meta,
    /// One of these, incomplete.
    New,
    /// Something else, which no store has made.
    Other,
}

/// Reads a name.
pub(crate) fn parse(name: &str) -> FileName {
    if let Some(name) = name.strip_suffix(NEW) {
        return match parse(name) {
            FileName::Meta | FileName::Log(_) | FileName::Index(_) => FileName::New,
            FileName::Lock | FileName::New | FileName::Other => FileName::Other,
        };
    }
    match name {
        LOCK => return FileName::Lock,
        META => return FileName::Meta,
        _ => {}
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
        assert_eq!((parse(META), parse(LOCK)), (FileName::Meta, FileName::Lock));
        for name in [log(Sequence(7)), index(Sequence(42)), META.to_owned()] {
            assert_eq!(parse(&new(&name)), FileName::New, "{name}");
        }
    }

    #[test]
    fn other_names_are_not_ours() {
        let names =
            ["1.log", "0000000000000000000a.log", "00000000000000000000.log", "x.idx", "lock", "META.old"];
        let unfinished = [".new", "notes.new", "LOCK.new", "META.new.new", "1.log.new"];
        for name in names.into_iter().chain(unfinished) {
            assert_eq!(parse(name), FileName::Other, "{name}");
        }
    }
}
