//! Why the inbox did not do it.

use rusqlite::ErrorCode;
use tidings_core::store::Turn;
use tidings_core::{PublishError, StoreError};

/// Why the inbox did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// The log did not take the record, or could not be read.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The database failed. It can be removed: the hub makes it anew from its log.
    #[error("the database of the inbox failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file of the database could not be removed.
    #[error("the database of the inbox could not be removed: {0}")]
    Files(#[from] std::io::Error),
    /// The database is of another version of the hub.
    #[error("the database of the inbox has another form")]
    OtherForm,
    /// The files of the database do not belong together: one of them was put back, or removed.
    #[error("the files of the inbox's database do not belong together")]
    Mixed,
    /// A file of the database is damaged.
    #[error("the database of the inbox is damaged: {0}")]
    Damaged(String),
    /// The inbox is not there yet: it is being made from the log.
    #[error("the inbox is being made from the log, and is not there yet")]
    NotReady,
    /// The hub closes, or the projection has stopped.
    #[error("the inbox has stopped")]
    Stopped,
    /// The notification is larger than an event may be.
    #[error("the notification is larger than an event may be: {0}")]
    TooLarge(tidings_core::DraftError),
    /// The idempotency key is none.
    #[error(transparent)]
    Key(tidings_core::DraftError),
    /// The idempotency key was used for another call.
    #[error("this idempotency key was used for another call")]
    KeyReused,
    /// It is in the log, and the database has not come to it in time: it shows it later.
    #[error("the database of the inbox is behind the log")]
    Behind,
    /// The users of the hub follow as many patterns as they may together.
    #[error(
        "the users of the hub follow {} patterns together, and no more can be",
        crate::limits::PATTERNS_MAX
    )]
    TooManyPatterns,
    /// More users follow a topic than one call may notify.
    #[error(
        "one call may notify {} followers of a topic, and it has {followers}",
        crate::limits::FOLLOWERS_MAX
    )]
    TooManyFollowers {
        /// How many follow it; those who do by several selectors are counted several times.
        followers: u64,
    },
    /// A user has as many follows or mutes as a user may have.
    #[error("a user has at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

impl InboxError {
    /// Whether the same may go well later with these files: the system or the log refuses something for the moment, as for want of permission,
    /// of space or of file descriptors.
    pub fn is_passing(&self) -> bool {
        match self {
            error if error.is_damage() => false,
            Self::Publish(PublishError::Store(error)) => matches!(error.turn(), Turn::TryAgain),
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::CannotOpen
                        | ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::PermissionDenied
                        | ErrorCode::ReadOnly
                        | ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::OutOfMemory
                )
            ),
            Self::Publish(PublishError::Busy) | Self::Files(_) | Self::NotReady | Self::Behind => true,
            _ => false,
        }
    }

    /// The database cannot be used any more, and is to be made anew.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Database(error) => is_damage(error),
            Self::Mixed | Self::Damaged(_) | Self::OtherForm => true,
            _ => false,
        }
    }
}

/// Whether a failure comes from what the database holds. Statements of the inbox break no constraint of a database that is whole, and its rows
/// have the types that are read.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase};
    use rusqlite::ffi::SQLITE_IOERR_SHORT_READ;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ConstraintViolation | DatabaseCorrupt | NotADatabase)
                || failure.extended_code == SQLITE_IOERR_SHORT_READ
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

impl From<StoreError> for InboxError {
    fn from(error: StoreError) -> Self {
        Self::Publish(error.into())
    }
}
