//! What must hold of a request before it is handled. The table of routes gives each action one of these.
//!
//! | policy | host | page | key | for |
//! |---|---|---|---|---|
//! | `PUBLIC` | any | any | | health, the pages for people. Probes come by address, and a proxy may have rewritten the host |
//! | `METRICS` | any | any | asked, if one is set | metrics: public as long as the hub has no key |
//! | `PUBLIC_FILE` | any | any | | static files. Pages of other sites may load them, as they would load a script or a component of the client |
//! | `SCRIPT` | any | any | | the browser client, which pages of all sites may import |
//! | `PREFLIGHT` | the hub's | any | | `OPTIONS`: a browser asks whether its page may go on |
//! | `READ` | the hub's | the hub's own, or allowed; following a link from any | | events, as a stream or as history |
//! | `TICKET` | the hub's | the hub's own, or allowed | | `POST /tickets`, which asks for grants itself |
//! | `ADMIN` | the hub's | the hub's own, or allowed | asked, if one is set; without one and without grants nobody is let in | live connections |
//! | `PUBLISH` | the hub's | the hub's own, or allowed | asked | publishing |
//!
//! A URL that carries its own permission, such as a signed one, and a document that is made to be framed by other sites,
//! such as a transport for old browsers, check their own proof in place of the page.

/// What must hold of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(super) host: HostRule,
    pub(super) page: PageRule,
    pub(super) publisher: PublisherRule,
    pub(super) loaders: Loaders,
}

/// Which hosts may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostRule {
    Any,
    /// Those of the setting.
    Own,
}

/// Which pages may have sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageRule {
    Any,
    /// The hub's own and those of allowed origins. A person may come from any page by a link.
    OwnOrLinked,
    /// The hub's own and those of allowed origins.
    Own,
}

/// What the sender must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PublisherRule {
    Nothing,
    /// The publish key, if one is set.
    KeyIfSet,
    /// The publish key. Without one in the settings, perhaps that it is on this machine.
    Key,
}

/// Whose pages may load the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loaders {
    /// The hub's own, and those of allowed origins.
    Own,
    /// All without CORS: as a script, a style or an image.
    All,
    /// All by CORS, too, as modules are loaded.
    AllByCors,
}

impl Policy {
    pub(crate) const PUBLIC: Self = Self {
        host: HostRule::Any,
        page: PageRule::Any,
        publisher: PublisherRule::Nothing,
        loaders: Loaders::Own,
    };
    pub(crate) const METRICS: Self = Self { publisher: PublisherRule::KeyIfSet, ..Self::PUBLIC };
    pub(crate) const PUBLIC_FILE: Self = Self { loaders: Loaders::All, ..Self::PUBLIC };
    pub(crate) const SCRIPT: Self = Self { loaders: Loaders::AllByCors, ..Self::PUBLIC };
    pub(crate) const PREFLIGHT: Self = Self { host: HostRule::Own, ..Self::PUBLIC };
    pub(crate) const READ: Self = Self { page: PageRule::OwnOrLinked, ..Self::PREFLIGHT };
    pub(crate) const TICKET: Self = Self { page: PageRule::Own, ..Self::PREFLIGHT };
    pub(crate) const ADMIN: Self =
        Self { page: PageRule::Own, publisher: PublisherRule::KeyIfSet, ..Self::PREFLIGHT };
    pub(crate) const PUBLISH: Self =
        Self { page: PageRule::Own, publisher: PublisherRule::Key, ..Self::PREFLIGHT };
}
