//! The token that `pub`, `sub` and `relay` send: given as it is, in a file, or by a command.
//!
//! | file | noun |
//! |---|---|
//! | `options` | the options, and the variables that stand for them |
//! | `file` | a file with a token, which somebody may write anew at any time |
//! | `command` | a command that prints a token |

mod command;
mod file;
mod options;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::HeaderValue;
use tidings_client::{EventSourceBuilder, PublisherBuilder, TokenNeed};

use self::command::{CommandError, TokenCommand};
use self::file::{FileError, TokenFile};
pub(crate) use self::options::{SourceTokenArgs, TokenArgs};
use super::hub::unusable;
use crate::config::Secret;
use crate::terminal::chain::chain;
use crate::terminal::failure::Failure;

/// Where the token of a command comes from.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// What was written to choose it, such as `--token-file`.
    pub(super) chosen_by: &'static str,
    pub(super) is_publish_key: bool,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    Given(Secret),
    File(Arc<TokenFile>),
    Command(Arc<TokenCommand>),
}

type TokenFuture = BoxFuture<'static, Result<String, TokenError>>;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Token {
    /// The publish key of a hub, which is sent in the same way.
    pub(super) fn publish_key(chosen_by: &'static str, key: Secret) -> Self {
        Self { chosen_by, is_publish_key: true, origin: Origin::Given(key) }
    }

    /// An event source that sends it.
    pub(super) fn on_source(&self, builder: EventSourceBuilder) -> Result<EventSourceBuilder, Failure> {
        match &self.origin {
            Origin::Given(Secret(token)) => builder.bearer_token(token).map_err(|error| unusable(&error)),
            Origin::File(_) | Origin::Command(_) => Ok(builder.token_source(self.clone().hook())),
        }
    }

    /// A publisher that sends it.
    pub(super) fn on_publisher(&self, builder: PublisherBuilder) -> Result<PublisherBuilder, Failure> {
        match &self.origin {
            Origin::Given(Secret(token)) => builder.bearer_token(token).map_err(|error| unusable(&error)),
            Origin::File(_) | Origin::Command(_) => Ok(builder.token_source(self.clone().hook())),
        }
    }

    /// The value of the `Authorization` header that sends it, marked as a secret. The error is in words.
    pub(crate) async fn bearer(&self, need: TokenNeed) -> Result<HeaderValue, String> {
        let Secret(text) = self.read(need).await.map_err(|error| chain(&error))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", text.trim()))
            .map_err(|_| "the token has a character that no header can carry".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn hook(self) -> impl Fn(TokenNeed) -> TokenFuture + Send + Sync + 'static {
        move |need| {
            let token = self.clone();
            Box::pin(async move { token.read(need).await.map(|Secret(text)| text) })
        }
    }

    async fn read(&self, need: TokenNeed) -> Result<Secret, TokenError> {
        match &self.origin {
            Origin::Given(token) => Ok(token.clone()),
            Origin::File(file) => Ok(file.read()?),
            Origin::Command(command) => Ok(command.token(need).await?),
        }
    }
}
