//! The hub whose inboxes are asked for, and what is said when it does not do it.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::de::DeserializeOwned;
use tidings_client::{EventSourceBuilder, InboxQuestion, PublishError, Publisher};
use tidings_inbox::User;

use crate::config::duration;
use crate::environment::Environment;
use crate::link::{HubArgs, Outage, Token, Trust, is_of_hub, unpublished};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::talk::tell;

/// The options of all commands that ask for inboxes.
#[derive(Debug, Args)]
pub(super) struct InboxHubArgs {
    /// How long to try again while the hub cannot be reached, such as 30s or 1d; 0s is one attempt [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    give_up_after: Option<Duration>,
    #[command(flatten)]
    hub: HubArgs,
    #[command(flatten)]
    trust: Trust,
}

/// A hub that can be asked.
pub(super) struct InboxHub {
    publisher: Publisher,
    token: Option<Token>,
    outage: Arc<Outage>,
}

/// The URL of a hub: what stands before `/inbox`, or with it.
#[derive(Debug, Clone)]
pub(super) struct HubUrl(String);

impl std::str::FromStr for HubUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
        if !is_url {
            return Err("the first argument is the URL of the hub, such as http://127.0.0.1:8080");
        }
        let bare = text.trim_end_matches('/');
        Ok(Self(bare.strip_suffix("/inbox").unwrap_or(bare).to_owned()))
    }
}

impl InboxHubArgs {
    pub(super) fn connect(&self, url: &HubUrl, environment: &Environment) -> Result<InboxHub, Failure> {
        let token = self.token(environment)?;
        let builder = self.hub.publisher(&url.0, &self.trust, token.as_ref())?;
        let builder = match self.give_up_after {
            Some(time) => builder.give_up_after(time),
            None => builder,
        };
        let outage = Arc::new(Outage::new(tell));
        let told = outage.clone();
        let publisher = builder.on_retry(move |error, _| told.failed(error)).build();
        Ok(InboxHub { publisher, token, outage })
    }

    /// The stream of a user's inbox.
    pub(super) fn stream(
        &self,
        url: &HubUrl,
        user: &User,
        token: Option<&Token>,
    ) -> Result<EventSourceBuilder, Failure> {
        let encoded =
            percent_encoding::utf8_percent_encode(user.as_str(), percent_encoding::NON_ALPHANUMERIC);
        self.hub.source(&format!("{}/inbox/{encoded}", url.0), &self.trust, token)
    }

    pub(super) fn token(&self, environment: &Environment) -> Result<Option<Token>, Failure> {
        self.hub.token(environment, &|words| tell(&format!("warning: {words}")))
    }
}

impl InboxHub {
    /// Asks, until there is an answer. `what` is what has not happened if there is none.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        question: &InboxQuestion,
        what: &str,
    ) -> Result<T, Failure> {
        let answer = self.publisher.ask_inbox(question).await;
        let answer = answer.map_err(|error| self.refused(what, &error))?;
        self.outage.is_over();
        serde_json::from_str(&answer).map_err(|error| {
            Failure::new(Exit::Failed, format!("{what}: this is not the answer of a tidings hub: {error}"))
        })
    }

    fn refused(&self, what: &str, error: &PublishError) -> Failure {
        let failure = unpublished(what, error, self.token.as_ref());
        match error.status().map(|status| status.as_u16()) {
            // The hub's words say that it keeps none.
            Some(404) if failure.message().contains("no inbox") => failure,
            Some(404 | 405) => failure.hint(URL_HINT),
            // The trap of a grant that seems to be of everything.
            Some(401 | 403) if failure.message().contains("does not cover `inbox/") => {
                failure.hint(GRANT_HINT)
            }
            // Only what a publish is too large for is said of it there.
            Some(413) if is_of_hub(error) => Failure::new(Exit::Failed, failure.message()),
            None if matches!(error, PublishError::Answer(_)) => failure.hint(URL_HINT),
            _ => failure,
        }
    }
}

const URL_HINT: &str =
    "is this the URL of a tidings hub? write it without a topic or a user, as in http://127.0.0.1:8080";

const GRANT_HINT: &str = "give a key or a token that may: its grant is `inbox/USER` or `inbox/**`, because `**` covers no inbox; \
                          --publish-key-file, --token-file or --token-command names it";

/// The name of a user, from the command line.
pub(super) fn user(text: &str) -> Result<User, String> {
    User::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_hub_may_end_in_inbox() {
        let read = |text: &str| text.parse::<HubUrl>().map(|HubUrl(url)| url).unwrap();

        assert_eq!(read("http://h:1"), "http://h:1");
        assert_eq!(read("http://h:1/inbox"), "http://h:1");
        assert_eq!(read("https://h/push/inbox/"), "https://h/push");
        assert_eq!(read("https://h/push/"), "https://h/push");
        assert_eq!(read("https://h/myinbox"), "https://h/myinbox");
        assert!("alice".parse::<HubUrl>().is_err());
    }
}
