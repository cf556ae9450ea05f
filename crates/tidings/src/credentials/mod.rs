//! The secrets of a hub, read from where the configuration says they are: the publish key, what `[access]` names, and the
//! certificate for TLS; whether others can read them, too; and whether the certificate is valid now. Files of keys and the certificate are
//! read again on SIGHUP.

pub(crate) mod access;
pub(crate) mod certificate;
pub(crate) mod exposed;
pub(crate) mod key;
pub(crate) mod key_files;
pub(crate) mod key_set;
mod validity;
