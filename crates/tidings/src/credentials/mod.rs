//! The secrets of a hub, read from where the configuration says they are: the publish key, and the certificate for TLS; and
//! whether others can read them, too.

pub(crate) mod certificate;
pub(crate) mod exposed;
pub(crate) mod key;
