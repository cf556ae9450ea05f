//! The secrets of a hub, read from where the configuration says they are: the publish key, and the certificate for TLS.

pub(crate) mod certificate;
pub(crate) mod key;
