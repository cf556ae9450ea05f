//! Fair shares: how many streams one user, key or address may have, and how much each may publish, so that one of them does not take
//! what is for all.
//!
//! | file | noun |
//! |---|---|
//! | `limits` | the settings: what one user, one key, one address may have |
//! | `sender` | whom a request counts for |
//! | `bucket` | a rate, as the moment at which nothing of it is used |
//! | `table` | what each of them uses, in bounded memory |
//! | `shares` | takes shares, and says what is over a limit |
//!
//! It knows neither requests nor grants. What is over a limit is answered where it is asked for.

mod bucket;
mod limits;
mod sender;
#[allow(clippy::module_inception)]
mod shares;
mod table;

pub use limits::{FairShares, ShareLimits};
pub(crate) use sender::{Sender, household};
pub(crate) use shares::{LIMITS, Limited, Shares, StreamShare};
