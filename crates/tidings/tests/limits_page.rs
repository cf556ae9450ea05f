//! The page of all limits, docs/reference/limits.md, made from the source text of every `crates/*/src/limits.rs`.
//!
//! A constant there is fixed. A field of `Limits` can be set by a program that embeds the hub; where `tidings serve` hands
//! it a setting, the page names the flag.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{assert_words, here};

const HEAD: &str = "\
<!-- Generated: TIDINGS_TEST_UPDATE=1 cargo test -p tidings --test limits_page -->

# Limits

Every queue, page, body, name and wait has a bound. Each stands in the `limits.rs` of its crate, from which this page is
made. A *fixed* limit is the same everywhere. A limit that names a flag is a [setting](configuration.md) of
`tidings serve`. A limit of *embedding* can be set by a program that [embeds the hub](../guides/embedding.md); `tidings
serve` uses the default.
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
    /// A field of `Limits`.
    Field,
}

#[test]
fn the_page_of_limits_is_up_to_date() {
    let mut page = HEAD.to_owned();
    for (name, file) in crates() {
        page.push_str(&section(&name, &limits(&fs::read_to_string(file).unwrap()), &flag));
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
        limit("pages_max", "64", "Pages at once.", LimitKind::Field),
    ];
    assert_eq!(limits(text), expected);
}

#[test]
#[should_panic(expected = "BARE_MAX has no comment")]
fn a_limit_without_a_comment_is_refused() {
    limits("pub(crate) const BARE_MAX: usize = 1;\n");
}

/// The crates that have a file of limits, by name.
fn crates() -> Vec<(String, PathBuf)> {
    let dirs = fs::read_dir(here("..")).unwrap().map(|entry| entry.unwrap().path());
    let mut crates: Vec<_> = dirs
        .map(|dir| (crate_name(&dir), dir.join("src/limits.rs")))
        .filter(|(_, file)| file.is_file())
        .collect();
    crates.sort();
    assert!(crates.len() > 1, "there is more than one crate with limits");
    crates
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
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let declared =
            line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or_default();
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
            let (_, value) = value.split_once('=').expect("a constant has a value");
            let value = value.trim().trim_end_matches(';');
            limits.push(limit(name, value, &std::mem::take(&mut means), LimitKind::Fixed));
        } else if let Some((name, _)) = declared.split_once(": ").filter(|(name, _)| is_field(name)) {
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

fn is_field(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
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

fn section(name: &str, limits: &[Limit], flag: &dyn Fn(&str) -> Option<String>) -> String {
    let mut section =
        format!("\n## {name}\n\n| limit | value | set by | what it bounds |\n|---|---|---|---|\n");
    for Limit { name, value, means, kind } in limits {
        let set_by = match kind {
            LimitKind::Fixed => "fixed".to_owned(),
            LimitKind::Field => flag(name).map_or_else(|| "embedding".to_owned(), |flag| format!("`{flag}`")),
        };
        let means = means.replace('|', "\\|");
        section.push_str(&format!("| `{name}` | `{value}` | {set_by} | {means} |\n"));
    }
    section
}

/// The flag that sets a field of `Limits`, as `serve` hands settings on: `limits.FIELD = config.SETTING`.
fn flag(field: &str) -> Option<String> {
    let serve = fs::read_to_string(here("src/serve/mod.rs")).unwrap();
    let assignment = format!("limits.{field} = config.");
    let (_, rest) = serve.split_once(&assignment)?;
    let setting = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next()?;
    let reference = fs::read_to_string(here("../../docs/reference/configuration.md")).unwrap();
    let flag = format!("--{}", setting.replace('_', "-"));
    assert!(reference.contains(&format!("- `{flag} ")), "{flag} is a flag of the reference of settings");
    Some(flag)
}
