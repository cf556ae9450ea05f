//! Writes records into the log, and waits for what comes of them.

use tidings_core::{
    BatchPart, BatchProgress, Cursor, Draft, IdempotencyKey, PublishError, Published, Sequence,
};
use tidings_sse::EventType;
use tokio::time::{Instant, timeout_at};

use crate::effect::Outcome;
use crate::error::InboxError;
use crate::key::CallKey;
use crate::limits::OUTCOME_WAIT_MAX;
use crate::record::{RECORD_TYPE, Record};
use crate::shared::Shared;

/// A record as a draft.
#[expect(clippy::expect_used, reason = "a constant that is an event type")]
pub(crate) fn draft(shared: &Shared, record: &Record) -> Result<Draft, InboxError> {
    let own_type = EventType::new(RECORD_TYPE).expect("the type of records is an event type");
    let (topic, data) = (record.topic(), record.data());
    let draft = if matches!(record, Record::State(_)) {
        shared.hub.state_draft(topic, &own_type, data)
    } else {
        shared.hub.own_draft(topic, &own_type, data)
    };
    draft.map_err(InboxError::TooLarge)
}

/// Appends records, all or none, and waits until they are durable and the projection has applied them. What came of all of them, and
/// where they are. None if it is not known any more: the database was made anew in the meantime.
///
/// Cancel safety: a dropped call may or may not have written.
pub(crate) async fn write(
    shared: &Shared,
    records: Vec<Record>,
) -> Result<(Option<Outcome>, Vec<Published>), InboxError> {
    let drafts = records.iter().map(|record| draft(shared, record)).collect::<Result<Vec<_>, _>>()?;
    append(shared, drafts).await
}

/// Records of a call that are in the log.
pub(crate) struct Written {
    /// What came of all of them together; none if it is not known any more.
    pub(crate) outcome: Option<Outcome>,
    /// The place of the last of them.
    pub(crate) last: Cursor,
    /// The call was made before.
    pub(crate) repeated: bool,
}

/// The same as [`write`], for a call that may be made again under an idempotency key: its records are a whole batch under this key, by the
/// digest of what the caller said. So a call is the same also if its records would not be, as with an end that is told by its distance.
///
/// Cancel safety: as of [`write`]. The key makes a repetition harmless.
pub(crate) async fn write_once(
    shared: &Shared,
    records: Vec<Record>,
    key: Option<CallKey<'_>>,
) -> Result<Written, InboxError> {
    let mut drafts = records.iter().map(|record| draft(shared, record)).collect::<Result<Vec<_>, _>>()?;
    let count = drafts.len() as u64;
    let digest = key.map(|key| key.digest);
    if let (Some(CallKey { fields, digest }), Some(last)) = (key, drafts.pop_if(|_| key.is_some())) {
        let key = IdempotencyKey::parse(fields).map_err(InboxError::Key)?;
        drafts.push(last.ending_part(key, BatchPart { before: 0, through: count, digest, complete: true }));
    }
    match shared.hub.publish_all(drafts).await {
        Ok(published) => {
            let outcome = outcome_of(shared, published.iter().map(|published| published.cursor)).await?;
            let last = published.last().ok_or(InboxError::Stopped)?.cursor;
            Ok(Written { outcome, last, repeated: false })
        }
        Err(PublishError::BatchAt(BatchProgress { through, digest: placed, complete: true, last }))
            if Some(placed) == digest =>
        {
            // They stand next to each other.
            let first = last.sequence.0.saturating_sub(through.saturating_sub(1));
            let places = (first..=last.sequence.0).map(|sequence| last.at(Sequence(sequence)));
            let outcome = outcome_of(shared, places).await?;
            Ok(Written { outcome, last, repeated: true })
        }
        Err(PublishError::BatchAt(_) | PublishError::KeyReused { .. }) => Err(InboxError::KeyReused),
        Err(error) => Err(error.into()),
    }
}

/// Appends drafts, all or none, and waits until they are durable and the projection has applied them.
pub(crate) async fn append(
    shared: &Shared,
    drafts: Vec<Draft>,
) -> Result<(Option<Outcome>, Vec<Published>), InboxError> {
    let published = shared.hub.publish_all(drafts).await?;
    let outcome = outcome_of(shared, published.iter().map(|published| published.cursor)).await?;
    Ok((outcome, published))
}

/// What came of records at these places, once the projection has applied them; none if it is not known any more of one of them.
pub(crate) async fn outcome_of(
    shared: &Shared,
    places: impl Iterator<Item = Cursor>,
) -> Result<Option<Outcome>, InboxError> {
    // One for all of them: a call with many records waits no longer.
    let ends_at = Instant::now() + OUTCOME_WAIT_MAX;
    let mut all = Some(Outcome::default());
    for place in places {
        let outcome = shared.progress.outcome(place.sequence);
        let outcome = timeout_at(ends_at, outcome).await.map_err(|_| InboxError::Behind)?;
        let outcome = outcome.map_err(|_| InboxError::Stopped)?;
        all = all.zip(outcome).map(|(all, outcome)| all.and(outcome));
    }
    Ok(all)
}
