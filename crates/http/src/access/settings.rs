//! What HTTP adds to the sources of grants: where a request may show a token.

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
}

impl Default for AccessSettings {
    fn default() -> Self {
        Self { access: Access::default(), cookie: "tidings".to_owned(), query: false }
    }
}
