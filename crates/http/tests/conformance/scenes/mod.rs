//! What is played over all transports.

pub(crate) mod access;
pub(crate) mod beat;
pub(crate) mod ending;
pub(crate) mod gap;
pub(crate) mod loss;
pub(crate) mod order;
pub(crate) mod place;
pub(crate) mod slow;
