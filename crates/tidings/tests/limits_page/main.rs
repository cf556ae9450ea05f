//! The page of all limits, docs/reference/limits.md, made from the source text of every `limits.rs` in `crates/*/src`.
//!
//! A constant there is fixed, or the default of a setting. A field of `Limits` can be set by a program; where `tidings
//! serve` hands it a setting, the page names the flag. `settings` does the same for the structs that have settings beside
//! limits, and `elsewhere` looks for bounds that stand in no `limits.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

#[path = "../support/mod.rs"]
mod support;

mod elsewhere;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};

use settings::{Settings, first_sentence, plain};
use support::{assert_words, here};

const HEAD: &str = "\
<!-- Generated: TIDINGS_TEST_UPDATE=1 cargo test -p tidings --test limits_page -->

# Limits

Every queue, page, body, name and wait has a bound. The bounds of a crate stand in its `limits.rs`, from which this page
is made. A *fixed* limit is the same everywhere. A *default* holds until a program or a request says something else. A
limit that names a flag is a [setting](configuration.md) of `tidings serve`; the link leads to its default and the reason
for it. A limit of a *program* can be set by a program that uses the crate, for example one that [embeds the
hub](../guides/embedding.md); `tidings serve` uses the default.
";

/// A limit of a crate.
#[derive(Debug, PartialEq, Eq)]
struct Limit {
    name: String,
    value: String,
    means: String,
    kind: LimitKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LimitKind {
    /// A constant.
    Fixed,
    /// A constant that holds until something else is said.
    Default,
    /// A field of `Limits`.
    Field,
}

#[test]
fn the_page_of_limits_is_up_to_date() {
    let mut page = HEAD.to_owned();
    for (name, src) in crates() {
        let files = sources(&src).into_iter().filter(|file| file.ends_with("limits.rs"));
        let limits: Vec<_> = files.flat_map(|file| limits(&fs::read_to_string(file).unwrap())).collect();
        if limits.is_empty() {
            continue;
        }
        page.push_str(&section(&name, &limits));
        for settings in Settings::ALL.iter().filter(|settings| settings.package == name) {
            page.push_str(&settings.table());
        }
    }

    assert_words(&here("../../docs/reference/limits.md"), &page);
}

#[test]
fn constants_and_fields_are_read_with_all_their_lines() {
    let text = "\
/// Bytes of a thing. One: it is | small.
pub(crate) const THING_BYTES_MAX: usize = 1;

// A line that is about the next ones.

/// Time of another. It takes
/// two lines.
#[cfg(target_os = \"linux\")]
pub const OTHER_WAIT_MAX: Duration =
    Duration::from_secs(2);

/// What holds at first.
const THIRD_DEFAULT: u8 = 3;

/// What is no limit.
pub struct Report {
    /// Whether it is told.
    pub told: bool,
}

impl Report {
    /// Everything.
    pub const ALL: Self = Self { told: true };
}

/// What can be set.
pub struct Limits {
    /// Pages at once.
    pub pages_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pages_max: 64 }
    }
}
";
    let limit = |name: &str, value: &str, means: &str, kind| Limit {
        name: name.to_owned(),
        value: value.to_owned(),
        means: means.to_owned(),
        kind,
    };

    let expected = [
        limit("THING_BYTES_MAX", "1", "Bytes of a thing. One: it is | small.", LimitKind::Fixed),
        limit("OTHER_WAIT_MAX", "2 s", "Time of another. It takes two lines.", LimitKind::Fixed),
        limit("THIRD_DEFAULT", "3", "What holds at first.", LimitKind::Default),
        limit("pages_max", "64", "Pages at once.", LimitKind::Field),
    ];
    assert_eq!(limits(text), expected);
}

#[test]
#[should_panic(expected = "BARE_MAX has no comment")]
fn a_limit_without_a_comment_is_refused() {
    limits("pub(crate) const BARE_MAX: usize = 1;\n");
}

/// The sources of all crates, by the name of the crate.
fn crates() -> Vec<(String, PathBuf)> {
    let dirs = fs::read_dir(here("..")).unwrap().map(|entry| entry.unwrap().path());
    let mut crates: Vec<_> = dirs
        .map(|dir| (crate_name(&dir), dir.join("src")))
        .filter(|(name, src)| !name.is_empty() && src.is_dir())
        .collect();
    crates.sort();
    assert!(crates.len() > 1, "there is more than one crate");
    crates
}

/// All files of Rust in a folder and below it.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What the manifest calls it; empty for a folder without one.
fn crate_name(dir: &Path) -> String {
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap_or_default();
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    name.unwrap_or_default().to_owned()
}

/// The limits in the text of a file, constants and fields in their order.
fn limits(text: &str) -> Vec<Limit> {
    let mut limits = Vec::new();
    let mut means = Vec::new();
    let mut in_limits = false;
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let declared = declaration(line);
        if let Some(words) = line.strip_prefix("///") {
            means.push(words.trim());
        } else if line.starts_with("#[") {
            // An attribute stands between a comment and what it is about.
        } else if let Some(constant) = declared.strip_prefix("const ") {
            let mut constant = constant.to_owned();
            while !constant.ends_with(';') {
                constant = format!("{constant} {}", lines.next().expect("a constant ends with a semicolon"));
            }
            let (name, value) = constant.split_once(':').expect("a constant has a type");
            let (kind, value) = value.split_once('=').expect("a constant has a value");
            if kind.trim() == "Self" {
                // A value of a type with a name of its own, such as `Report::ALL`.
                means.clear();
                continue;
            }
            let value = value.trim().trim_end_matches(';');
            let kind = if name.ends_with("_DEFAULT") { LimitKind::Default } else { LimitKind::Fixed };
            limits.push(limit(name, value, &std::mem::take(&mut means), kind));
        } else if let Some(name) = declared.strip_prefix("struct ") {
            in_limits = name == "Limits {";
            means.clear();
        } else if line == "}" {
            in_limits = false;
        } else if let Some(name) = field(declared).filter(|_| in_limits) {
            limits.push(limit(name, default_of(text, name), &std::mem::take(&mut means), LimitKind::Field));
        } else {
            means.clear();
        }
    }
    limits
}

fn limit(name: &str, value: &str, means: &[&str], kind: LimitKind) -> Limit {
    assert!(
        !means.is_empty(),
        "{name} has no comment that tells what it bounds, its unit and why this value"
    );
    Limit { name: name.to_owned(), value: shown(value), means: means.join(" "), kind }
}

/// A value as people write it: `2 s` for `Duration::from_secs(2)`.
fn shown(value: &str) -> String {
    let duration = |constructor: &str| value.strip_prefix(constructor)?.strip_suffix(')');
    match (duration("Duration::from_secs("), duration("Duration::from_millis(")) {
        (Some(seconds), _) => format!("{seconds} s"),
        (None, Some(milliseconds)) => format!("{milliseconds} ms"),
        (None, None) => value.to_owned(),
    }
}

/// A line without its visibility.
fn declaration(line: &str) -> &str {
    let public = ["pub(crate) ", "pub(super) ", "pub "].into_iter().find_map(|word| line.strip_prefix(word));
    public.unwrap_or(line)
}

/// The name of the field that a line of a struct declares.
fn field(declared: &str) -> Option<&str> {
    let (name, _) = declared.split_once(": ")?;
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    Some(name).filter(|name| is_name(name))
}

/// The value that `impl Default for Limits` gives a field.
fn default_of<'a>(text: &'a str, field: &str) -> &'a str {
    let (_, defaults) = text.split_once("impl Default for Limits").expect("fields of Limits have defaults");
    let (_, defaults) = defaults.split_once("Self {").expect("the default is a struct");
    let (_, value) = defaults
        .match_indices(field)
        .map(|(at, _)| defaults.split_at(at))
        .find(|(before, _)| before.ends_with([' ', '\n']))
        .unwrap_or_else(|| panic!("{field} has no default"));
    let value = value[field.len()..].trim_start_matches(':');
    value[..value.find([',', '}']).expect("a value ends")].trim()
}

fn section(name: &str, limits: &[Limit]) -> String {
    let mut section =
        format!("\n## {name}\n\n| limit | value | set by | what it bounds |\n|---|---|---|---|\n");
    for Limit { name: limit, value, means, kind } in limits {
        let flags = if name == "tidings-core" { Settings::LIMITS.flags(limit) } else { Vec::new() };
        let set_by = match kind {
            LimitKind::Fixed => "fixed".to_owned(),
            LimitKind::Default => "default".to_owned(),
            LimitKind::Field if flags.is_empty() => "program".to_owned(),
            LimitKind::Field => flags.join(", "),
        };
        let means = if flags.is_empty() { means.as_str() } else { first_sentence(means) };
        section.push_str(&format!("| `{limit}` | `{value}` | {set_by} | {} |\n", plain(means)));
    }
    section
}
