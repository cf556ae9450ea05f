//! The structs whose fields are settings: which of them bound something, and which flag of `tidings serve` sets them.
//!
//! The flag is found in the text of `serve`, in the statement that hands a setting on: `http.FIELD = config.SETTING`, or
//! `FIELD: config.SETTING` in a struct.

use std::fs;

use super::support::here;
use super::{declaration, field};

/// A struct of settings.
pub(super) struct Settings {
    /// The crate that has it.
    pub(super) package: &'static str,
    /// The struct.
    name: &'static str,
    /// Its file, from the folder of the crates.
    file: &'static str,
    /// The file of `serve` that fills it; none if another struct of settings does.
    filled_by: Option<&'static str>,
    /// What stands before a field where it is filled.
    filled_as: &'static str,
}

impl Settings {
    /// Those of the core, which stand in its `limits.rs`.
    pub(super) const LIMITS: Self = Self {
        package: "tidings-core",
        name: "Limits",
        file: "core/src/limits.rs",
        filled_by: Some("mod.rs"),
        filled_as: "limits.",
    };

    /// All others.
    pub(super) const ALL: [Self; 6] = [
        Self {
            package: "tidings-core",
            name: "MemoryRetention",
            file: "core/src/store/memory/mod.rs",
            filled_by: Some("store.rs"),
            filled_as: "    ",
        },
        Self {
            package: "tidings-http",
            name: "HttpConfig",
            file: "http/src/config.rs",
            filled_by: Some("front.rs"),
            filled_as: "http.",
        },
        Self {
            package: "tidings-http",
            name: "LaneConfig",
            file: "http/src/lane/lanes.rs",
            filled_by: None,
            filled_as: "",
        },
        Self {
            package: "tidings-http",
            name: "StreamConfig",
            file: "http/src/stream/machine.rs",
            filled_by: None,
            filled_as: "",
        },
        Self {
            package: "tidings-store",
            name: "FileStoreConfig",
            file: "store/src/file/config.rs",
            filled_by: Some("store.rs"),
            filled_as: "    ",
        },
        Self {
            package: "tidings-store",
            name: "Retention",
            file: "store/src/file/config.rs",
            filled_by: Some("store.rs"),
            filled_as: "    ",
        },
    ];

    /// A table of the fields that are a number or a time. Empty if there is none.
    pub(super) fn table(&self) -> String {
        let text = fs::read_to_string(here("..").join(self.file)).unwrap();
        let mut table =
            format!("\n| setting of `{}` | set by | what it bounds |\n|---|---|---|\n", self.name);
        for (name, means) in bounds(&text, self.name) {
            let flags = self.flags(&name);
            let set_by = if flags.is_empty() { "program".to_owned() } else { flags.join(", ") };
            let means = if flags.is_empty() { means.as_str() } else { first_sentence(&means) };
            table.push_str(&format!("| `{name}` | {set_by} | {} |\n", plain(means)));
        }
        table
    }

    /// The flags that set a field, each a link to its setting.
    pub(super) fn flags(&self, field: &str) -> Vec<String> {
        let Some(filled_by) = self.filled_by else { return Vec::new() };
        let serve = fs::read_to_string(here("src/serve").join(filled_by)).unwrap();
        let begin = format!("{}{field}", self.filled_as);
        handed_on(&serve, &begin).iter().map(|setting| link(setting)).collect()
    }
}

/// The fields of a struct that are a number or a time, each with its comment.
fn bounds(text: &str, name: &str) -> Vec<(String, String)> {
    let (_, body) = text.split_once(&format!("pub struct {name} {{\n")).expect("the struct is in its file");
    let (body, _) = body.split_once("\n}").expect("a struct ends");
    let (mut bounds, mut means) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            means.push(words.trim());
            continue;
        }
        let (declared, means) = (declaration(line), std::mem::take(&mut means));
        let Some(name) = field(declared) else { continue };
        let kind = declared[name.len() + 2..].trim_end_matches(',');
        let kind = kind.strip_prefix("Option<").and_then(|kind| kind.strip_suffix('>')).unwrap_or(kind);
        if ["Duration", "u8", "u32", "u64", "usize"].contains(&kind) {
            bounds.push((name.to_owned(), means.join(" ")));
        }
    }
    assert!(!bounds.is_empty(), "{name} has a setting that is a number or a time");
    bounds
}

/// The settings that stand in the statement, or in the field of a struct, that begins like this.
fn handed_on(serve: &str, begin: &str) -> Vec<String> {
    let begins = |line: &&str| {
        let rest = line.split_once(begin).filter(|(before, _)| before.trim().is_empty());
        rest.is_some_and(|(_, rest)| rest.starts_with(": ") || rest.starts_with(" = "))
    };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = serve.lines().skip_while(|line| !begins(line));
    let Some(first) = lines.next() else { return Vec::new() };
    // What continues a statement is indented further.
    let rest = lines.take_while(|line| indent(line) > indent(first));
    let names = std::iter::once(first).chain(rest).flat_map(|line| line.split("config.").skip(1));
    names.map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()).collect()
}

/// A link to a setting that the reference has.
fn link(setting: &str) -> String {
    let reference = fs::read_to_string(here("../../docs/reference/configuration.md")).unwrap();
    let flag = format!("--{}", setting.replace('_', "-"));
    assert!(reference.contains(&format!("- `{flag} ")), "{flag} is a flag of the reference of settings");
    format!("[`{flag}`](configuration.md#{setting})")
}

/// The first sentence of a comment: a setting's reference says the rest.
pub(super) fn first_sentence(means: &str) -> &str {
    means.split_once(". ").map_or(means, |(first, _)| &means[..=first.len()])
}

/// A comment as it can stand in a table: links to items are only their names.
pub(super) fn plain(means: &str) -> String {
    let mut plain = String::new();
    let mut rest = means;
    while let Some((before, link)) = rest.split_once("[`") {
        let (name, after) = link.split_once("`]").expect("the name of an item ends");
        plain.push_str(&format!("{before}`{name}`"));
        rest = after
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'))
            .map_or(after, |(_, after)| after);
    }
    plain.push_str(rest);
    plain.replace('|', "\\|")
}

#[test]
fn a_setting_is_found_in_the_statement_that_hands_it_on_and_in_no_other() {
    let serve = "
    http.retry = config.retry;
    http.cors = match &config.cors_origin {
        Any => config.other,
    };
    http.wait_max = key(closing);
    let keep = Retention {
        bytes: config.retention_bytes.map(|size| size.0),
        megabytes: config.wrong,
    };
";
    let found = |begin: &str| handed_on(serve, begin);

    assert_eq!(found("http.retry"), ["retry"]);
    assert_eq!(found("http.cors"), ["cors_origin", "other"]);
    assert_eq!(found("    bytes"), ["retention_bytes"]);
    assert!(found("http.wait_max").is_empty());
    assert!(found("http.wait").is_empty());
}

#[test]
fn settings_that_are_no_number_and_no_time_are_left_out() {
    let text = "
pub struct Config {
    /// Where. It is a folder.
    pub dir: PathBuf,
    /// How long. Default
    /// none.
    pub age: Option<Duration>,
    /// How many.
    pub count: usize,
}
";

    let expected = [("age", "How long. Default none."), ("count", "How many.")];
    assert_eq!(bounds(text, "Config"), expected.map(|(name, means)| (name.to_owned(), means.to_owned())));
}

#[test]
fn a_link_to_an_item_becomes_its_name() {
    assert_eq!(plain("a [`B`](crate::B), [`C`] | d"), "a `B`, `C` \\| d");
}

#[test]
fn a_first_sentence_keeps_its_full_stop() {
    assert_eq!(first_sentence("Bytes of a thing. Default 1.5 MiB."), "Bytes of a thing.");
    assert_eq!(first_sentence("Only one."), "Only one.");
}
