//! Who sent a request, as far as what it shows tells.

use std::borrow::Cow;

/// The name of the publish key. What belongs to its holder is kept under this name.
const PUBLISH_KEY: &str = "publish-key";

/// The name of what a request showed: of a key, never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential(Cow<'static, str>);

impl Credential {
    /// That of a request of which nothing was asked.
    pub(crate) const fn none() -> Self {
        Self(Cow::Borrowed(""))
    }

    /// That of a publisher who showed the publish key.
    pub(super) const fn publish_key() -> Self {
        Self(Cow::Borrowed(PUBLISH_KEY))
    }

    /// Its name; empty if nothing was asked.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}
