//! Other paths of topics: for programs that ask for `/stream` or `/sse`, and cannot be told otherwise.
//!
//! An alias is a path to the byte. What stands behind it is what stands behind `/events/` and its target, by the same
//! rules, and the target is written as it would be there. An alias can be no path that the hub has, or keeps for what it may
//! have one day.

use std::collections::BTreeMap;

use tidings_core::{Selector, TopicError};

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::request::path::{decode, in_path};
use crate::scripts;

/// What no alias begins with, as a whole segment: the hub's own paths, those that it keeps, and those that browsers and
/// crawlers ask for by themselves.
const TAKEN: &[&str] = &[
    "/events",
    "/inbox",
    "/admin",
    "/tickets",
    "/subscribe",
    "/subscriptions",
    "/topics",
    "/streams",
    "/v1",
    "/console",
    "/tidings.js",
    "/tidings.json",
    "/tidings",
    "/.well-known",
    "/healthz",
    "/readyz",
    "/livez",
    "/health",
    "/metrics",
    "/favicon.ico",
    "/favicon.svg",
    "/apple-touch-icon.png",
    "/apple-touch-icon-precomposed.png",
    "/robots.txt",
    "/sitemap.xml",
];

/// What no alias is, either: the [name](scripts::name) of a script, of this version or another one.
const SCRIPT: &str = "/tidings-*.js";

/// Paths, and the topic or the pattern behind each.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd)]
pub struct Aliases(BTreeMap<Box<str>, Target>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd)]
struct Target {
    selector: Selector,
    /// As it would stand after `/events/`.
    in_path: Box<str>,
}

impl Aliases {
    /// Collects pairs of a path, such as `/stream`, and a topic or a pattern, as it is written in a path after `/events/`:
    /// `caf%C3%A9` or `caf\u{e9}`, and `a%2F%2Fb` for a topic with an empty segment.
    ///
    /// # Errors
    ///
    /// [`AliasError`] for a path or a target that cannot be one, and for a path that comes twice.
    pub fn new<P, T>(pairs: impl IntoIterator<Item = (P, T)>) -> Result<Self, AliasError>
    where
        P: AsRef<str>,
        T: AsRef<str>,
    {
        let mut aliases = BTreeMap::new();
        for (path, target) in pairs {
            let (path, target) = (path.as_ref(), target.as_ref());
            check_path(path)?;
            let previous = aliases.insert(path.into(), Target::parse(path, target)?);
            if previous.is_some() {
                return Err(AliasError::Twice { path: path.to_owned() });
            }
        }
        Ok(Self(aliases))
    }

    /// The paths in order, each with its topic or pattern.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Selector)> {
        self.0.iter().map(|(path, target)| (&**path, &target.selector))
    }

    /// The paths in order, each with its topic or pattern as it is written in a path after `/events/`.
    pub fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, target)| (&**path, &*target.in_path))
    }

    /// Refuses a publish to a path that stands for a pattern.
    pub(crate) fn refuse_pattern(&self, path: &str) -> Result<(), Problem> {
        let Some(pattern) =
            self.0.get(path).map(|target| &target.selector).filter(|own| own.topic().is_none())
        else {
            return Ok(());
        };
        let detail = format!(
            "`{path}` is an alias of the pattern `{pattern}`, which is for readers; publish to one topic that it matches, at \
             /events/{{topic}}"
        );
        Err(Problem::new(ProblemType::BadTopic, detail))
    }

    /// What would stand after `/events/` in the place of this path.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(|target| &*target.in_path)
    }
}

impl Target {
    fn parse(path: &str, target: &str) -> Result<Self, AliasError> {
        let written =
            |reason: String| AliasError::Written { path: path.to_owned(), target: target.to_owned(), reason };
        // In a URL they end the path.
        if let Some(end) = target.chars().find(|character| matches!(character, '#' | '?')) {
            return Err(written(format!(
                "a topic with `{end}` in it is written with %{:02X}",
                u32::from(end)
            )));
        }
        let name = decode(target).map_err(|problem| written(problem.detail().to_owned()))?;
        let selector = Selector::parse(&name).map_err(|source| AliasError::Target {
            path: path.to_owned(),
            target: target.to_owned(),
            source,
        })?;
        if selector.reaches_reserved() {
            return Err(AliasError::Reserved { path: path.to_owned(), target: target.to_owned() });
        }
        Ok(Self { selector, in_path: in_path(&name).into() })
    }
}

fn check_path(path: &str) -> Result<(), AliasError> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(AliasError::NoSlash { path: path.to_owned() });
    };
    if rest.is_empty() {
        return Err(AliasError::Home);
    }
    // What a client or a proxy might write in another way would be another path.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:+".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    if !rest.split('/').all(is_segment) {
        return Err(AliasError::NotPlain { path: path.to_owned() });
    }
    let begins_with = |taken: &str| {
        let (beginning, rest) = path.split_at_checked(taken.len()).unwrap_or_default();
        beginning.eq_ignore_ascii_case(taken) && (rest.is_empty() || rest.starts_with('/'))
    };
    let is_script = scripts::name(&path.to_ascii_lowercase()).is_some();
    let taken = TAKEN.iter().find(|taken| begins_with(taken)).copied().or(is_script.then_some(SCRIPT));
    match taken {
        Some(taken) => Err(AliasError::Taken { path: path.to_owned(), taken }),
        None => Ok(()),
    }
}

/// Why a pair cannot be an alias. The operator's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AliasError {
    /// The path does not begin with a slash.
    #[error("the alias `{path}` does not begin with a slash")]
    NoSlash {
        /// The path.
        path: String,
    },
    /// The path is `/`.
    #[error("the alias `/` is the path of the console")]
    Home,
    /// The path has something in it that could be written in two ways.
    #[error(
        "the alias `{path}` has more than letters, digits and -._~@:+ between single slashes, or ends in a slash"
    )]
    NotPlain {
        /// The path.
        path: String,
    },
    /// The path belongs to the hub.
    #[error("the alias `{path}` begins with `{taken}`, which the hub has or keeps for later")]
    Taken {
        /// The path.
        path: String,
        /// The path of the hub.
        taken: &'static str,
    },
    /// The path comes twice.
    #[error("the alias `{path}` comes twice")]
    Twice {
        /// The path.
        path: String,
    },
    /// What the path stands for is not written as it would be in a path.
    #[error(
        "the alias `{path}` is for `{target}`, which is not written as in a path after /events/: {reason}"
    )]
    Written {
        /// The path.
        path: String,
        /// What it is for.
        target: String,
        /// What is wrong with it, and what to write.
        reason: String,
    },
    /// What the path stands for is no topic and no pattern.
    #[error("the alias `{path}` is for `{target}`, which is no topic or pattern: {source}")]
    Target {
        /// The path.
        path: String,
        /// What it is for.
        target: String,
        /// Why that is none.
        source: TopicError,
    },
    /// What the path stands for is reserved.
    #[error(
        "the alias `{path}` is for `{target}`, but what begins with `inbox/` or `tidings/` is the hub's own"
    )]
    Reserved {
        /// The path.
        path: String,
        /// What it is for.
        target: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str, target: &str) -> String {
        Aliases::new([(path, target)]).unwrap_err().to_string()
    }

    #[test]
    fn a_path_leads_to_what_stands_after_events() {
        let aliases = Aliases::new([
            ("/stream", "greetings"),
            ("/es", "orders/*"),
            ("/api/v2/sse", "https:%2F%2Fexample.com/a%2F"),
            ("/events.php", "caf\u{e9} %231"),
            ("/s", "caf%C3%A9"),
            ("/percent", "100%25"),
            ("/v10", "a"),
        ])
        .unwrap();

        assert_eq!(aliases.get("/stream"), Some("greetings"));
        assert_eq!(aliases.get("/es"), Some("orders/*"));
        assert_eq!(aliases.get("/api/v2/sse"), Some("https:%2F%2Fexample.com%2Fa%2F"));
        assert_eq!(aliases.get("/events.php"), Some("caf%C3%A9%20%231"));
        assert_eq!(aliases.get("/s"), Some("caf%C3%A9"));
        assert_eq!(aliases.get("/percent"), Some("100%25"));
        let names: Vec<_> = aliases.iter().map(|(_, selector)| selector.as_str()).collect();
        let expected =
            ["https://example.com/a/", "orders/*", "caf\u{e9} #1", "100%", "caf\u{e9}", "greetings", "a"];
        assert_eq!(names, expected);
        assert_eq!(Aliases::new(aliases.written()).as_ref(), Ok(&aliases));
        for path in ["/stream/", "/Stream", "/stream/a", "/api/v2", ""] {
            assert_eq!(aliases.get(path), None, "{path}");
        }
    }

    #[test]
    fn the_hubs_own_paths_and_those_it_keeps_are_refused() {
        for taken in TAKEN {
            let below = format!("{taken}/a");
            let words = |path: &str| {
                format!("the alias `{path}` begins with `{taken}`, which the hub has or keeps for later")
            };
            assert_eq!(refused(taken, "a"), words(taken));
            assert_eq!(refused(&below, "a"), words(&below));
            assert_eq!(refused(&taken.to_uppercase(), "a"), words(&taken.to_uppercase()));
            let encoded = taken.replacen('e', "%65", 1).replacen('o', "%6F", 1).replace("/v1", "/%761");
            assert!(Aliases::new([(encoded, "a")]).is_err(), "{taken}");
            assert!(Aliases::new([(format!("{taken}2"), "a")]).is_ok(), "{taken}2");
            assert!(Aliases::new([(format!("/a{taken}"), "a")]).is_ok(), "/a{taken}");
        }
    }

    #[test]
    fn the_names_of_scripts_are_refused() {
        for path in ["/tidings-ABCDEFGH.js", "/Tidings-a.JS"] {
            let words = "begins with `/tidings-*.js`, which the hub has or keeps for later";
            assert_eq!(refused(path, "a"), format!("the alias `{path}` {words}"));
        }
        for path in ["/tidings-feed", "/tidings-a/b.js", "/a/tidings-a.js"] {
            assert!(Aliases::new([(path, "a")]).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_path_that_could_be_written_in_two_ways_is_refused() {
        for path in [
            "/a//b",
            "//a",
            "/a/",
            "/a/../b",
            "/./a",
            "/a?b",
            "/a#b",
            "/a%20b",
            "/a b",
            "/caf\u{e9}",
            "/a\\b",
            "/a,b",
            "/a=b",
            "/a\nb",
        ] {
            assert!(matches!(Aliases::new([(path, "a")]), Err(AliasError::NotPlain { .. })), "{path}");
        }
        assert_eq!(refused("stream", "a"), "the alias `stream` does not begin with a slash");
        assert_eq!(refused("/", "a"), "the alias `/` is the path of the console");
        let twice = Aliases::new([("/a", "a"), ("/a", "b")]);
        assert_eq!(twice, Err(AliasError::Twice { path: "/a".to_owned() }));
    }

    #[test]
    fn the_target_is_a_topic_or_a_pattern_that_clients_may_name() {
        let control =
            "the alias `/a` is for `x\ny`, which is no topic or pattern: a topic has no control characters";
        assert!(refused("/a", "x\ny").starts_with(control));
        assert!(refused("/a", "").contains("needs at least one character"));
        assert!(refused("/a", "inbox/x").contains("the hub's own"));
        assert!(refused("/a", "inbox%2Fx").contains("the hub's own"));
        assert!(refused("/a", "tidings/*").contains("the hub's own"));
    }

    #[test]
    fn the_target_obeys_the_rules_of_a_path() {
        for (target, words) in [
            ("a//b", "an empty segment"),
            ("/a", "an empty segment"),
            ("a/", "ends in a slash"),
            ("%zz", "the topic has `%zz`, and % begins two hexadecimal digits"),
            ("a%2", "the topic has `%2`, and"),
            ("caf%E9", "byte 4 of it, %E9, is not"),
            ("chat#general", "is written with %23"),
            ("a?topic=b", "is written with %3F"),
        ] {
            let told = refused("/stream", target);
            let begins = format!(
                "the alias `/stream` is for `{target}`, which is not written as in a path after /events/: "
            );
            assert!(told.starts_with(&begins) && told.contains(words), "{target}: {told}");
        }
    }
}
