//! Writes records into the log, and waits for what comes of them.

use tidings_core::{Draft, Published};
use tidings_sse::EventType;

use crate::effect::Outcome;
use crate::error::InboxError;
use crate::record::{RECORD_TYPE, Record};
use crate::shared::Shared;

/// A record as a draft.
#[expect(clippy::expect_used, reason = "a constant that is an event type")]
pub(crate) fn draft(shared: &Shared, record: &Record) -> Result<Draft, InboxError> {
    let own_type = EventType::new(RECORD_TYPE).expect("the type of records is an event type");
    shared.hub.own_draft(record.topic(), &own_type, record.data()).map_err(InboxError::TooLarge)
}

/// Appends records, all or none, and waits until they are durable and the projection has applied them. What came of all of them, and
/// where they are.
///
/// Cancel safety: a dropped call may or may not have written.
pub(crate) async fn write(
    shared: &Shared,
    records: Vec<Record>,
) -> Result<(Outcome, Vec<Published>), InboxError> {
    let drafts = records.iter().map(|record| draft(shared, record)).collect::<Result<Vec<_>, _>>()?;
    append(shared, drafts).await
}

/// The same, of drafts.
pub(crate) async fn append(
    shared: &Shared,
    drafts: Vec<Draft>,
) -> Result<(Outcome, Vec<Published>), InboxError> {
    let published = shared.hub.publish_all(drafts).await?;
    let mut all = Outcome::default();
    for published in &published {
        let outcome =
            shared.progress.outcome(published.cursor.sequence).await.map_err(|_| InboxError::Stopped)?;
        all = all.and(outcome.unwrap_or_default());
    }
    Ok((all, published))
}
