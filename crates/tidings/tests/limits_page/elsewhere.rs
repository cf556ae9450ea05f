//! Every bound stands in a `limits.rs`: looks for constants elsewhere whose name says that they bound something.
//!
//! A constant that only looks like a bound, such as the size of a field in a file format, is in the list of exceptions,
//! with what it is.

use std::fs;

use super::support::here;
use super::{crates, declaration, sources};

/// How the name of a bound ends.
const ENDINGS: [&str; 12] = [
    "_MAX",
    "_MIN",
    "_BYTES",
    "_CHARS",
    "_WAIT",
    "_PAUSE",
    "_INTERVAL",
    "_TICKS",
    "_TIMEOUT",
    "_DEADLINE",
    "_AFTER",
    "_DEFAULT",
];

/// Files that have constants which look like bounds, from the folder of the crates; their names; what they are.
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    ("access/src/ticket.rs", &["MAC_BYTES"], "the length of a hash"),
    ("core/src/event/batch.rs", &["BATCH_DIGEST_BYTES"], "the length of a hash"),
    (
        "core/src/event/cursor.rs",
        &["TEXT_BYTES_MAX"],
        "the length of the longest cursor follows from its form",
    ),
    ("core/src/select/pattern.rs", &["WORD_BYTES"], "what a machine word holds"),
    ("http/src/lane/batch.rs", &["CHUNK_OVERHEAD_BYTES"], "the framing of a chunk, as HTTP has it"),
    (
        "http/src/stream/encode/iframe.rs",
        &["PADDING_BYTES"],
        "what browsers hold back of a document's beginning",
    ),
    ("http/src/tickets.rs", &["ID_BYTES"], "the length of an id"),
    (
        "inbox/src/rebuild/spill.rs",
        &["HEAD_BYTES"],
        "a part of the form of a file that no other process reads",
    ),
    ("sse/src/decode/glance.rs", &["ONLY_BYTES_MAX"], "a choice between two ways to the same result"),
    ("sse/src/decode/lines.rs", &["NEAR_BYTES"], "a choice between two ways to the same result"),
    ("sse/src/decode/partial.rs", &["DATA_NAME_BYTES"], "the length of a word of the format"),
    ("sse/src/decode/utf8.rs", &["SEQUENCE_BYTES_MAX"], "the length of a character in UTF-8"),
    ("sse/src/decode/utf8.rs", &["SHORT_BYTES"], "a choice between two ways to the same result"),
    ("sse/src/encode/digits.rs", &["DIGITS_MAX"], "the digits of the largest number of 64 bits"),
    ("sse/src/scan.rs", &["NEAR_BYTES"], "a choice between two ways to the same result"),
    ("sse/src/scan.rs", &["CHUNK_BYTES"], "the sum of a chunk fits a byte"),
    ("sse/src/scan/block.rs", &["BLOCK_BYTES"], "the bits of a word"),
    ("sse/src/scan/block.rs", &["PIECE_BYTES"], "the bytes of a vector"),
    ("store/src/file/disk/sim.rs", &["SECTOR_BYTES"], "the sector of a disk that is simulated"),
    ("store/src/file/header.rs", &["SEGMENT_HEADER_BYTES"], "a part of the file format"),
    (
        "store/src/file/index/sealed.rs",
        &["INDEX_HEADER_BYTES", "TOPIC_BYTES", "ID_BYTES", "KEY_BYTES", "EPOCH_BYTES"],
        "parts of the file format",
    ),
    ("store/src/file/index/literals.rs", &["LITERAL_BYTES", "LISTED_BYTES"], "parts of the file format"),
    ("store/src/file/index/pages.rs", &["PAGE_BYTES", "CONTENT_BYTES"], "parts of the file format"),
    ("store/src/file/header.rs", &["FORMAT_MIN"], "a version of the file format"),
    ("store/src/file/record/attribute.rs", &["ATTRIBUTE_HEADER_BYTES"], "a part of the file format"),
    ("store/src/file/record/mod.rs", &["RECORD_BYTES_MIN"], "follows from the file format"),
    ("store/src/file/record/v1.rs", &["HEADER_BYTES"], "a part of the file format"),
    ("store/src/file/record/v2.rs", &["HEADER_BYTES", "EPOCH_RECORD_BYTES"], "parts of the file format"),
    ("store/src/file/trial/campaign.rs", &["READERS_MAX"], "the readers of a test"),
    ("store/src/file/record/v2.rs", &["BATCH_BYTES"], "a part of the file format"),
    ("store/src/file/trial/forgery.rs", &["JUNK_BYTES"], "what a test writes"),
    ("store/src/file/trial/index.rs", &["CASE_MAX"], "the deadline of a test"),
];

#[test]
fn every_constant_that_bounds_something_stands_in_limits_rs() {
    let mut found = Vec::new();
    let root = here("..").canonicalize().unwrap();
    for (_, src) in crates() {
        for file in sources(&src.canonicalize().unwrap()) {
            let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
            if !name.ends_with("limits.rs") {
                let text = fs::read_to_string(&file).unwrap();
                found.extend(bounds(&text).map(|constant| format!("{name}: {constant}")));
            }
        }
    }

    let mut expected: Vec<_> = EXCEPTIONS
        .iter()
        .flat_map(|(file, constants, _)| constants.iter().map(move |constant| format!("{file}: {constant}")))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "a bound belongs into limits.rs of its crate; what is none, into EXCEPTIONS");
}

#[test]
fn constants_of_tests_are_no_bounds() {
    let text = "
pub(super) const A_MAX: u8 = 1;
    const B_WAIT: Duration = c();
const D_MAXIMUM: u8 = 1;
pub const fn e_MAX() {}

#[cfg(test)]
mod tests {
    const F_MAX: u8 = 1;
}
";

    assert_eq!(bounds(text).collect::<Vec<_>>(), ["A_MAX", "B_WAIT"]);
}

/// The names of the constants that look like bounds, before the tests of the file.
fn bounds(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("\nmod tests {").next().unwrap_or_default();
    code.lines().filter_map(|line| {
        let (name, _) = declaration(line.trim()).strip_prefix("const ")?.split_once(':')?;
        Some(name).filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)))
    })
}
