//! What the doctor has found, for people and for programs.

use serde::Serialize;

use super::proxy::Proxy;
use super::remedy::{Fault, Remedy};
use super::target::Target;
use crate::config::lines;
use crate::terminal::chain::visible;

/// What was found out about one matter.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// The name, which stays the same in later versions.
    pub(super) name: &'static str,
    pub(super) state: State,
    /// Words for people.
    words: String,
    fault: Option<Fault>,
}

/// How it stands with the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Well,
    /// Something stands between.
    Finding,
    /// Something that concerns few, or nobody here.
    Note,
    /// It could not be found out.
    Unknown,
}

impl Check {
    pub(super) fn well(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, state: State::Well, words: words.into(), fault: None }
    }

    pub(super) fn finding(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, state: State::Finding, words: words.into(), fault: None }
    }

    pub(super) fn note(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, state: State::Note, words: words.into(), fault: None }
    }

    pub(super) fn unknown(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, state: State::Unknown, words: words.into(), fault: None }
    }

    /// The same, with what mends it.
    pub(super) fn mended_by(self, fault: impl Into<Option<Fault>>) -> Self {
        Self { fault: fault.into(), ..self }
    }
}

/// All that was found out.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) target: Target,
    /// Whether a hub is there.
    pub(super) has_hub: bool,
    /// What the server calls itself, for people.
    pub(super) server: Option<String>,
    /// The proxies that the server names, or that were given.
    pub(super) proxies: Vec<Proxy>,
    /// The version of HTTP that a browser would speak.
    pub(super) version: Option<&'static str>,
    pub(super) checks: Vec<Check>,
}

#[derive(Serialize)]
struct Document<'a> {
    url: String,
    hub: Option<&'a str>,
    server: Option<&'a str>,
    proxies: &'a [Proxy],
    http_version: Option<&'a str>,
    checks: Vec<CheckDocument<'a>>,
    findings: usize,
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    check: &'a str,
    state: State,
    text: String,
    remedies: Vec<Remedy>,
}

/// The column in which words begin.
const INDENT: usize = 10;

/// The width of a line.
const WIDTH: usize = 100;

impl Report {
    /// How many things stand between.
    pub(super) fn findings(&self) -> usize {
        self.checks.iter().filter(|check| check.state == State::Finding).count()
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        let document = Document {
            url: self.target.shown(),
            hub: self.has_hub.then(|| self.target.root().as_str()),
            server: self.server.as_deref(),
            proxies: &self.proxies,
            http_version: self.version,
            checks: self.checks.iter().map(|check| self.document(check)).collect(),
            findings: self.findings(),
        };
        let json = serde_json::to_string(&document).expect("a report is always JSON");
        format!("{json}\n")
    }

    fn document<'a>(&self, check: &'a Check) -> CheckDocument<'a> {
        let text = visible(&check.words);
        CheckDocument { check: check.name, state: check.state, text, remedies: self.remedies(check) }
    }

    /// Lines for people.
    pub(super) fn text(&self, color: bool) -> String {
        let mut text = self.head();
        for check in &self.checks {
            self.write(check, color, &mut text);
        }
        text.push('\n');
        text.push_str(&match (self.findings(), self.count(State::Unknown)) {
            (0, 0) => "nothing stands between this machine and the hub".to_owned(),
            (0, unknown) => format!("nothing was found; {unknown} could not be found out"),
            (1, _) => "1 finding".to_owned(),
            (findings, _) => format!("{findings} findings"),
        });
        text.push('\n');
        text
    }

    fn head(&self) -> String {
        let mut head = visible(&self.target.shown());
        if let Some(server) = &self.server {
            head = format!("{head}, which names {server}");
        }
        if let Some(version) = self.version {
            let tls = if self.target.is_https() { " over TLS" } else { "" };
            head = format!("{head}, in HTTP/{version}{tls}");
        }
        format!("{head}\n\n")
    }

    fn write(&self, check: &Check, color: bool, text: &mut String) {
        let word = match check.state {
            State::Well => "ok",
            State::Finding => "FINDING",
            State::Note => "note",
            State::Unknown => "unknown",
        };
        let word = format!("{word:INDENT$}");
        match (color, check.state) {
            (true, State::Finding) => text.push_str(&format!("\x1b[1;31m{word}\x1b[0m")),
            (true, State::Well) => text.push_str(&format!("\x1b[2m{word}\x1b[0m")),
            _ => text.push_str(&word),
        }
        let words = visible(&format!("{}: {}", check.name, check.words));
        let margin = " ".repeat(INDENT);
        text.push_str(&lines(&words, WIDTH - INDENT).join(&format!("\n{margin}")));
        text.push('\n');
        text.push_str(&remedy_lines(&self.remedies(check), &margin));
    }

    fn remedies(&self, check: &Check) -> Vec<Remedy> {
        let proxies = if self.proxies.is_empty() { &Proxy::ALL[..] } else { &self.proxies };
        check.fault.as_ref().map_or_else(Vec::new, |fault| Remedy::all(fault, &self.target, proxies))
    }

    fn count(&self, state: State) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }
}

/// What to write where. All lines of one configuration belong together; those of another are a way of their own, behind an "or".
fn remedy_lines(remedies: &[Remedy], margin: &str) -> String {
    let mut text = String::new();
    let mut last: Option<&Remedy> = None;
    for remedy in remedies {
        let is_same_place = last.is_some_and(|last| {
            (last.of, last.place, last.action) == (remedy.of, remedy.place, remedy.action)
        });
        if !is_same_place {
            let or = if last.is_some_and(|last| last.of != remedy.of) { "or " } else { "" };
            text.push_str(&format!(
                "{margin}{or}{}, {}, {}:\n",
                remedy.of(),
                remedy.place,
                remedy.action.words()
            ));
        }
        text.push_str(&format!("{margin}  {}\n", visible(&remedy.line)));
        last = Some(remedy);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use url::Url;

    use super::*;

    #[test]
    fn the_lines_of_another_configuration_are_another_way() {
        let target = Target::of(&Url::parse("https://h/").unwrap());
        let fault = Fault::SilenceCut { silence: Duration::from_secs(10) };

        let text = remedy_lines(&Remedy::all(&fault, &target, &[Proxy::Nginx]), "  ");

        let expected = "  the hub, in its configuration, change to:\n    heartbeat = \"5s\"\n  or nginx, in the location of the hub, add:\n    \
                        proxy_read_timeout 1h;\n    proxy_send_timeout 1h;\n";
        assert_eq!(text, expected);
    }
}
