//! A subscription as a stream of bytes.
//!
//! | file | noun |
//! |---|---|
//! | `task` | stop 8 of the walk for connections that cannot be parked in a lane |
//! | `block` | blocks of a stream that are no published event |
//! | `drain` | the end of all streams in good order |
//! | `permits` | the bound of streams on connections that carry many |

pub(crate) mod block;
pub(crate) mod drain;
pub(crate) mod permits;
pub(crate) mod task;
