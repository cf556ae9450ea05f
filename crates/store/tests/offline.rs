//! The tools of the store, on directories that a store has written and that are damaged here in every way: flipped, cut, removed, swapped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

#[path = "offline/backup.rs"]
mod backup;
#[path = "offline/copy.rs"]
mod copy;
#[path = "offline/directory.rs"]
mod directory;
#[path = "offline/look.rs"]
mod look;
#[path = "offline/mend.rs"]
mod mend;
#[path = "offline/scrub.rs"]
mod scrub;
