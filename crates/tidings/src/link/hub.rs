//! How another server is reached: what `pub`, `sub` and `relay` have in common.

use std::path::{Path, PathBuf};

use clap::Args;
use http::{HeaderName, HeaderValue};
use tidings_client::{
    ConfigError, EventSource, EventSourceBuilder, Problem, PublishError, Publisher, PublisherBuilder,
    RedirectError,
};

use super::token::{Token, TokenArgs};
use crate::config::Secret;
use crate::credentials::{exposed, key};
use crate::environment::Environment;
use crate::terminal::chain::chain;
use crate::terminal::failure::{Exit, Failure};
use crate::utf8;

/// Where the key is that the hub of the same name reads, too.
const PUBLISH_KEY_VARIABLE: &str = "TIDINGS_PUBLISH_KEY";

/// A header, as `Name: value`.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

impl std::str::FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
        let name = name.trim().parse().map_err(|_| "that is no name of a header")?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| "a header cannot carry that value")?;
        // Whatever a person types for one server is not for the next one that a redirect names.
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

/// Whom to believe.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// Trust the certificates in FILE, too
    ///
    /// PEM; for a server whose certificate no public authority has signed.
    #[arg(long = "ca-file", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl Trust {
    /// The certificates to believe, in PEM.
    pub(crate) fn pem(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.ca_file.as_deref().map(read_file).transpose()
    }

    /// What the file holds cannot be used.
    pub(crate) fn unusable(&self, error: &ConfigError) -> Failure {
        let file = self.ca_file.as_deref().unwrap_or(Path::new("")).display();
        Failure::usage(format!("--ca-file {file}: {}", chain(error)))
            .hint("it is a file in PEM, in which -----BEGIN CERTIFICATE----- begins each certificate")
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    utf8::read_pem(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// How a hub is published to.
#[derive(Debug, Args)]
pub(crate) struct HubArgs {
    /// File with the publish key of the hub
    ///
    /// It holds one line. The key can also be in TIDINGS_PUBLISH_KEY, where the hub itself reads it, too. Where a hub takes tokens,
    /// one of them can be sent in its place.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "token_file", "token_command"])]
    publish_key_file: Option<PathBuf>,
    #[command(flatten)]
    token: TokenArgs,
}

impl HubArgs {
    /// A publisher to the hub that has this URL.
    pub(crate) fn publisher(
        &self,
        url: &str,
        trust: &Trust,
        token: Option<&Token>,
    ) -> Result<PublisherBuilder, Failure> {
        let mut builder = Publisher::builder(url).map_err(|error| match error {
            ConfigError::Credentials => Failure::usage(chain(&error)).hint(
                "URLs end up in logs; a publish key is given by --publish-key-file or TIDINGS_PUBLISH_KEY",
            ),
            error => unusable(&error),
        })?;
        if let Some(token) = token {
            builder = token.on_publisher(builder)?;
        }
        if let Some(pem) = trust.pem()? {
            builder = builder.root_certificates(&pem).map_err(|error| trust.unusable(&error))?;
        }
        Ok(builder)
    }

    /// A stream of the hub at this URL.
    pub(crate) fn source(
        &self,
        url: &str,
        trust: &Trust,
        token: Option<&Token>,
    ) -> Result<EventSourceBuilder, Failure> {
        let mut builder = EventSource::builder(url).map_err(|error| unusable(&error))?;
        if let Some(token) = token {
            builder = token.on_source(builder)?;
        }
        if let Some(pem) = trust.pem()? {
            builder = builder.root_certificates(&pem).map_err(|error| trust.unusable(&error))?;
        }
        Ok(builder)
    }

    /// What is sent to the hub: a token or its publish key. An option is stronger than a variable, and a variable for a token is
    /// stronger than that of the key, which may be there because the hub reads it.
    pub(crate) fn token(
        &self,
        environment: &Environment,
        warn: &dyn Fn(&str),
    ) -> Result<Option<Token>, Failure> {
        if let Some(token) = self.token.chosen(warn)? {
            return Ok(Some(token));
        }
        if let Some(path) = &self.publish_key_file {
            exposed::warning(path).iter().for_each(|warning| warn(warning));
            return key::from_file(path).map(|key| Some(Token::publish_key("--publish-key-file", key)));
        }
        if let Some(token) = TokenArgs::of_environment(environment, warn)? {
            return Ok(Some(token));
        }
        let Some(text) = environment.get(PUBLISH_KEY_VARIABLE) else { return Ok(None) };
        let key = Secret::token(text).map_err(|bad| {
            Failure::usage(format!("{PUBLISH_KEY_VARIABLE} is not {}", bad.expected)).hint(bad.hint)
        })?;
        Ok(Some(Token::publish_key(PUBLISH_KEY_VARIABLE, key)))
    }
}

/// What was given cannot be used.
pub(crate) fn unusable(error: &ConfigError) -> Failure {
    let failure = Failure::usage(chain(error));
    match error {
        ConfigError::Url { .. } | ConfigError::Scheme { .. } => {
            failure.hint("write it out, such as http://127.0.0.1:8080/events/orders")
        }
        ConfigError::Credentials => failure.hint(
            "URLs end up in logs; a secret is given by --header, such as --header 'Authorization: Bearer KEY'",
        ),
        _ => failure,
    }
}

/// A field that no event can have.
pub(crate) fn unusable_draft(option: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::usage(format!("{option} cannot be sent: {}", chain(error)))
}

/// Adds what to try when a connection came to nothing, by what the network and TLS say; else what is `usual`.
pub(super) fn hinted(failure: Failure, usual: Option<&str>) -> Failure {
    let hints = [
        (
            "no authority that is trusted",
            Some("--ca-file trusts the certificate of a server that no public authority has signed"),
        ),
        // These words say themselves what is wrong and what to write.
        ("its certificate", None),
        ("does not speak", None),
        ("failed to lookup", Some("is the name right?")),
        ("dns error", Some("is the name right?")),
    ];
    let found = hints.into_iter().find(|(sign, _)| failure.message().contains(sign));
    match found.map_or(usual, |(_, hint)| hint) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Whether a hub refused a topic because its name is reserved.
pub(super) fn is_of_reserved_topic(problem: &Problem) -> bool {
    problem.kind.as_deref() == Some("urn:tidings:problem:reserved-topic")
}

/// Whether the hub itself refused, and not a server in front of it.
pub(crate) fn is_of_hub(error: &PublishError) -> bool {
    let kind = error.problem().and_then(|problem| problem.kind);
    kind.is_some_and(|kind| kind.starts_with("urn:tidings:problem:"))
}

/// Whether the one key that the hub has would do. A server that says nothing of it may be a hub that is older, or a proxy before one.
fn wants_publish_key(error: &PublishError) -> bool {
    let kinds = ["key-required", "invalid-key", "behind-a-proxy"];
    let kind = error.problem().and_then(|problem| problem.kind);
    let own = kind.as_deref().and_then(|kind| kind.strip_prefix("urn:tidings:problem:"));
    own.is_none_or(|kind| kinds.contains(&kind))
}

/// Adds what to try when a redirect was not followed.
fn hinted_at_redirect(failure: Failure, error: &PublishError) -> Failure {
    let PublishError::Redirected(redirected) = error else { return failure };
    match redirected.why {
        // To go to the next address of a loop leads nowhere.
        RedirectError::TooMany => failure,
        RedirectError::Origin => failure.hint(
            "if that address is right, write it in the command: the key goes to the address that you write, and to no other",
        ),
        _ => failure.hint("if that address is right, write it in the command"),
    }
}

/// Something was not published, with `sent` as token or key.
pub(crate) fn unpublished(what: &str, error: &PublishError, sent: Option<&Token>) -> Failure {
    let failure = Failure::new(Exit::Failed, format!("{what}: {}", chain(error)));
    match error.status().map(|status| status.as_u16()) {
        // No key opens it, and the hub's words say what to do.
        Some(403) if error.problem().is_some_and(|problem| is_of_reserved_topic(&problem)) => failure,
        // The hub's words say what is wrong with the token.
        Some(401 | 403) if sent.is_some_and(|token| !token.is_publish_key) => failure,
        Some(401 | 403) if wants_publish_key(error) => {
            failure.hint("this hub wants its publish key, in TIDINGS_PUBLISH_KEY or --publish-key-file")
        }
        Some(401 | 403) => failure.hint(
            "does it want another key, or a token? --token-file or --token-command gives one, and --publish-key-file a key",
        ),
        Some(404 | 405) => failure.hint("a hub's topics are at /events/TOPIC"),
        Some(413) if is_of_hub(error) => failure.hint("the hub's event_bytes_max says how large an event may be"),
        Some(413) => failure.hint(
            "a server in front of the hub answered that, not the hub: its own limit says how large a request may be, such as client_max_body_size of nginx",
        ),
        Some(_) if matches!(error, PublishError::Redirected(_)) => hinted_at_redirect(failure, error),
        Some(_) => failure,
        None => match error {
            PublishError::Unreachable { .. } => {
                hinted(failure, Some("is a hub listening there? `tidings serve` starts one"))
            }
            // Their words say what to write.
            PublishError::Fragment
            | PublishError::Rewritten { .. }
            | PublishError::Escape { .. }
            | PublishError::Token(_) => failure,
            _ => failure.hint("is that the URL of a topic of a hub? it ends in /events/TOPIC"),
        },
    }
}
