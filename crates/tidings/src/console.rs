//! The files of the web console, which the binary carries.

/// Path below `console/`, and content.
pub(crate) static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));
