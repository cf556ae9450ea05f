//! What the rules need of what keeps the inboxes: rows of accounts, items, mutes and follows.
//!
//! The database implements it for records that come one by one, and memory for a rebuild, so that both come to the same state.

use tidings_core::Cursor;

use crate::item::{Flags, Item};
use crate::record::{Followers, Mark, Which};
use crate::user::User;

/// What is known of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Account {
    /// What stands for the user in other rows.
    pub(crate) key: i64,
    /// Items that are not read.
    pub(crate) unread: u64,
    /// All items.
    pub(crate) items: u64,
    /// The sequence of the last change.
    pub(crate) version: u64,
    /// The first sequence of the log that is needed to come to this state without this database.
    pub(crate) needs_from: u64,
    /// All that the log ever said of the user is in it.
    pub(crate) is_complete: bool,
    /// Of items that were deleted up to this sequence, not all are remembered.
    pub(crate) forgot: u64,
    /// The sequence of the last change of what is muted or followed; zero if that was never changed.
    pub(crate) preferred: u64,
}

/// An item, by whose it is and its sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) user: User,
    pub(crate) sequence: u64,
}

/// Keeps the inboxes.
pub(crate) trait Rows {
    type Error;

    /// The place of the log that these rows began after. Zero if they have had the log from its beginning, or know all of it.
    fn began_after(&self) -> u64;

    fn account(&mut self, user: &User) -> Result<Option<Account>, Self::Error>;
    /// Makes an account. Its key is a new one.
    fn open(&mut self, user: &User, account: Account) -> Result<Account, Self::Error>;
    fn save(&mut self, account: &Account) -> Result<(), Self::Error>;
    /// The sequence of the last erasure among the users of a bucket, or a later one: nobody of them has lost anything after it but items that are
    /// remembered.
    fn erased(&mut self, bucket: u16) -> Result<u64, Self::Error>;
    /// Remembers that a user of a bucket was erased.
    fn note_erased(&mut self, bucket: u16, sequence: u64) -> Result<(), Self::Error>;
    /// Takes an account away, with all that hangs on it.
    fn erase(&mut self, key: i64) -> Result<(), Self::Error>;
    /// Takes away all that hangs on an account.
    fn clear(&mut self, key: i64) -> Result<(), Self::Error>;

    fn add(&mut self, key: i64, item: &Item) -> Result<(), Self::Error>;
    /// The first item with this dedupe key.
    fn with_dedupe(&mut self, key: i64, dedupe: &str) -> Result<Option<Cursor>, Self::Error>;
    /// Those items whose flags a mark changes, oldest first.
    fn marked_by(&mut self, key: i64, which: &Which, mark: Mark)
    -> Result<Vec<(Cursor, Flags)>, Self::Error>;
    fn set_flags(&mut self, key: i64, sequence: u64, flags: Flags, version: u64) -> Result<(), Self::Error>;
    /// Takes an item away, and remembers that it was there.
    fn remove(
        &mut self,
        account: &mut Account,
        sequence: u64,
        version: u64,
    ) -> Result<Option<(Cursor, Flags)>, Self::Error>;
    /// The oldest item that is unread, or that is not.
    fn oldest(&mut self, key: i64, is_unread: bool) -> Result<Option<u64>, Self::Error>;

    /// Items that end at a time or before, of all users or of one, by user and then sequence.
    fn expired(&mut self, through: u64, only: Option<&User>) -> Result<Vec<Owned>, Self::Error>;
    /// Read items from before one time and unread ones from before another, of the users of a bucket or of one of them.
    fn aged(
        &mut self,
        bucket: u16,
        read_before: u64,
        unread_before: u64,
        only: Option<&User>,
    ) -> Result<Vec<Owned>, Self::Error>;

    fn is_muted(&mut self, key: i64, kind: &str) -> Result<bool, Self::Error>;
    /// Whether that changes anything; so below.
    fn set_muted(&mut self, key: i64, kind: &str, muted: bool) -> Result<bool, Self::Error>;
    fn set_follows(&mut self, key: i64, selector: &str, follows: bool) -> Result<bool, Self::Error>;
    /// The users who follow a topic, or a part of them.
    fn followers(&mut self, followers: &Followers, only: Option<&User>) -> Result<Vec<User>, Self::Error>;
}
