//! A store with a fault in what it appends or reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::{
    Bounds, Cursor, Draft, DraftParts, Epoch, EpochStatus, IdempotencyKey, KeyFields, Lost, Page, Placement,
    Query, Reading, Selector, Selectors, Sequence, Start, Store, StoreError, Tail, UnixMillis,
};

use super::Fault;
use super::batches::Batches;
use super::lasting::LastingStore;
use super::tail::FaultyTail;

pub(crate) struct FaultyStore {
    fault: Fault,
    sound: Arc<LastingStore>,
    /// The place of each draft that had a key, cut off or not.
    keys: Mutex<HashMap<IdempotencyKey, Cursor>>,
    batches: Batches,
}

impl FaultyStore {
    pub(crate) fn new(fault: Fault, sound: Arc<LastingStore>) -> Self {
        Self { fault, sound, keys: Mutex::default(), batches: Batches::default() }
    }

    pub(crate) fn begin_epoch(&self, epoch: Epoch, after: Sequence) -> Cursor {
        self.batches.cut_off();
        match self.fault {
            Fault::CutsOffOneTooMany => self.sound.begin_epoch(epoch, after.previous()).at(after),
            _ => self.sound.begin_epoch(epoch, after),
        }
    }

    /// Answers a key with its place before, though the event may have been cut off.
    fn remember(&self, drafts: &[Draft], placements: &mut [Placement]) {
        let mut keys = self.keys.lock().unwrap();
        for (draft, placement) in drafts.iter().zip(placements) {
            if let (Some(key), Placement::New(at)) = (draft.key(), *placement) {
                let first = *keys.entry(key.clone()).or_insert(at);
                *placement = if first == at { Placement::New(at) } else { Placement::Repeated(first) };
            }
        }
    }

    async fn append_one_by_one(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        let mut placements = Vec::new();
        for draft in drafts {
            placements.extend(self.sound.append(vec![draft]).await?);
            tokio::task::yield_now().await;
        }
        Ok(placements)
    }
}

pub(crate) fn parts(draft: &Draft) -> DraftParts {
    DraftParts {
        topic: draft.topic().clone(),
        data: draft.data().clone(),
        event_type: draft.event_type().cloned(),
        id: draft.id().cloned(),
        retry_ms: draft.retry_ms(),
        key: draft.key().cloned(),
        batch_part: draft.batch_part().copied(),
        is_state: draft.is_state(),
    }
}

pub(crate) fn without_key(draft: Draft) -> Draft {
    Draft::restore(DraftParts { key: None, batch_part: None, ..parts(&draft) })
}

fn as_event(draft: Draft) -> Draft {
    Draft::restore(DraftParts { is_state: false, ..parts(&draft) })
}

/// The draft with a key that a broken store makes of its own.
fn with_key(draft: Draft, credential: &str, key: &str) -> Draft {
    let key = IdempotencyKey::parse(KeyFields { credential, key }).ok();
    Draft::restore(DraftParts { key, ..parts(&draft) })
}

fn without_part(draft: Draft) -> Draft {
    Draft::restore(DraftParts { batch_part: None, ..parts(&draft) })
}

fn without_type(draft: Draft) -> Draft {
    Draft::restore(DraftParts { event_type: None, ..parts(&draft) })
}

fn map_keys(drafts: Vec<Draft>, with: impl Fn(Draft, &IdempotencyKey) -> Draft) -> Vec<Draft> {
    let changed = |draft: Draft| match draft.key().cloned() {
        Some(key) => with(draft, &key),
        None => draft,
    };
    drafts.into_iter().map(changed).collect()
}

/// What a client writes for all topics, which hides the reserved ones.
fn two_stars() -> Selectors {
    Selectors::new([Selector::parse("**").unwrap()]).unwrap()
}

#[async_trait]
impl Store for FaultyStore {
    async fn append(&self, mut drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        match self.fault {
            Fault::AppendHangs => std::future::pending().await,
            Fault::Interleaves => return self.append_one_by_one(drafts).await,
            Fault::Reorders => drafts.reverse(),
            Fault::ForgetsPartOfAnAppend if drafts.len() > 1 => {
                let last = drafts.pop().unwrap();
                let mut placements = self.sound.append(drafts).await?;
                let head = self.sound.append(vec![last.clone()]).await?;
                // The last one is answered with the place of its neighbour.
                let neighbour = placements.last().copied();
                placements.extend(neighbour.or(head.first().copied()));
                return Ok(placements);
            }
            Fault::ForgetsKeys => drafts = drafts.into_iter().map(without_key).collect(),
            Fault::IgnoresCredentials => {
                drafts = map_keys(drafts, |draft, key| with_key(draft, "", key.as_str()));
            }
            Fault::JoinsCredentialAndKey => {
                let joined = |key: &IdempotencyKey| format!("{}{}", key.credential(), key.as_str());
                drafts = map_keys(drafts, |draft, key| with_key(draft, "", &joined(key)));
            }
            Fault::TakesAStateForAnEvent => drafts = drafts.into_iter().map(as_event).collect(),
            Fault::DropsTheEventType => drafts = drafts.into_iter().map(without_type).collect(),
            Fault::TakesAppendsAfterClose => {
                let placed = self.sound.append(drafts).await;
                return Ok(placed.unwrap_or_else(|_| vec![Placement::New(self.bounds().head.next())]));
            }
            _ => {}
        }
        if drafts.last().is_some_and(|last| last.batch_part().is_some()) {
            return self.batches.append(self.fault, &*self.sound, drafts).await;
        }
        let mut placements = self.sound.append(drafts.clone()).await?;
        if self.fault == Fault::RemembersKeysThatWereCutOff {
            self.remember(&drafts, &mut placements);
        }
        for placement in &mut placements {
            *placement = match (self.fault, *placement) {
                (Fault::RepeatsAPlace, Placement::New(at)) if at.sequence == Sequence(3) => {
                    Placement::New(at.previous())
                }
                (Fault::TakesAnyDraftForTheKnownOne, Placement::KeyReused(at)) => Placement::Repeated(at),
                (_, placement) => placement,
            };
        }
        Ok(placements)
    }

    async fn read(&self, mut query: Query) -> Result<Reading, StoreError> {
        let asked = query.clone();
        match (self.fault, &mut query.start) {
            (Fault::ReadHangs, _) => std::future::pending().await,
            (Fault::IgnoresSelectors, _) => query.selectors = Selectors::everything(),
            (Fault::TakesTwoStarsForEverything, _) if query.selectors == two_stars() => {
                query.selectors = Selectors::everything();
            }
            (Fault::TakesEverythingForTwoStars, _) if query.selectors == Selectors::everything() => {
                query.selectors = two_stars();
            }
            (Fault::LastCountsReservedTopics, start @ Start::Last(_)) if query.selectors == two_stars() => {
                let counted = Query { selectors: Selectors::everything(), start: start.clone(), ..query };
                if let Reading::Page(page) = self.sound.read(counted).await? {
                    *start = Start::After(page.after);
                }
            }
            (Fault::IgnoresEventsMax, _) => query.events_max = usize::MAX,
            (Fault::IgnoresBytesMax, _) => query.bytes_max = usize::MAX,
            (Fault::SinceIsOneLate, Start::Since(time)) => *time = UnixMillis(time.0 + 1),
            (Fault::LastIsOneShort, Start::Last(count)) => *count = count.saturating_sub(1),
            _ => {}
        }
        let mut reading = self.sound.read(query).await?;
        let Bounds { floor, head } = self.bounds();
        let empty =
            |after| Reading::Page(Page { after, events: Vec::new(), next: after, head, partial: false });
        match (self.fault, &mut reading, asked.start) {
            (Fault::AnswersCutOffPlacesWithAPage, Reading::Lost { lost: Lost::OtherEpoch, .. }, _) => {
                reading = empty(head);
            }
            (Fault::AnswersCutOffPlacesAsExpired, Reading::Lost { lost, .. }, _)
                if *lost == Lost::OtherEpoch =>
            {
                *lost = Lost::Expired;
            }
            (Fault::RefusesEveryPlaceOfAnOldEpoch, Reading::Page(_), Start::After(after))
                if after.epoch != head.epoch =>
            {
                reading = Reading::Lost { lost: Lost::OtherEpoch, resumes_after: floor };
            }
            (Fault::AnswersUnknownEpochsAsUnknownPlaces, Reading::Lost { lost, resumes_after }, _)
                if *lost == Lost::OtherEpoch && *resumes_after == floor =>
            {
                *lost = Lost::Unknown;
            }
            (Fault::RenamesEventsToTheNewEpoch, Reading::Page(page), _) => {
                page.events.iter_mut().for_each(|event| event.cursor.epoch = head.epoch);
            }
            (Fault::DropsWhatAPartSaysOfItsBatch, Reading::Page(page), _) => {
                page.events.iter_mut().for_each(|event| event.draft = without_part(event.draft.clone()));
            }
            (Fault::LetsTimeGoBack, Reading::Page(page), _) => {
                if let Some(second) = page.events.get_mut(1) {
                    second.time = UnixMillis(400);
                }
            }
            (Fault::SkipsOneBetweenPages, Reading::Page(page), _) if page.has_more() => {
                page.next = page.next.next();
            }
            (
                Fault::AnswersUnknownIdsWithAPage,
                Reading::Lost { lost: Lost::Unknown, .. },
                Start::AfterId(_),
            ) => {
                reading = empty(head);
            }
            (
                Fault::AnswersPlacesAfterTheHeadWithAPage,
                Reading::Lost { lost: Lost::Unknown, .. },
                Start::After(_),
            ) => {
                reading = empty(head);
            }
            (Fault::AnswersExpiredWithAPage, Reading::Lost { lost: Lost::Expired, .. }, _) => {
                reading = empty(floor);
            }
            _ => {}
        }
        Ok(reading)
    }

    fn bounds(&self) -> Bounds {
        if self.fault == Fault::BoundsBlockTheirThread {
            loop {
                std::thread::park();
            }
        }
        self.sound.bounds()
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.sound.status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        if self.fault == Fault::TailHangs {
            std::future::pending::<()>().await;
        }
        let tail = self.sound.tail(after).await?;
        Ok(Box::new(FaultyTail::new(self.fault, self.sound.clone(), tail, after)))
    }

    async fn close(&self) -> Result<(), StoreError> {
        if self.fault == Fault::CloseHangs {
            std::future::pending::<()>().await;
        }
        self.sound.close().await
    }
}
