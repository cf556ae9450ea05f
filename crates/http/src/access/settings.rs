//! What HTTP adds to the sources of grants: where a request may show a token.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_access::Access;

/// Who may do what, and where a request shows who sends it.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// What gives grants.
    pub access: Access,
    /// The cookie in which a token may stand. Default `tidings`.
    pub cookie: String,
    /// Whether a token may stand in the URL, as `?access_token=`. Default no: URLs stand in logs and histories.
    pub query: bool,
    /// What fetches the keys that check tokens, if something does. Default nothing: then they are what they are.
    pub renewal: Option<Arc<dyn KeyRenewal>>,
}

/// Fetches the keys of an issuer anew, for a token that is signed by none of those which are there: the issuer may have changed
/// its keys a moment ago.
#[async_trait]
pub trait KeyRenewal: Debug + Send + Sync + 'static {
    /// Returns when the keys have been fetched, or at once if they were fetched a moment ago: anybody can send such a token. It may
    /// be dropped before.
    async fn renew(&self);
}

impl Default for AccessSettings {
    fn default() -> Self {
        Self { access: Access::default(), cookie: "tidings".to_owned(), query: false, renewal: None }
    }
}
