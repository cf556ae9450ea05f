//! A store with a fault in what it appends or reads.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{
    Bounds, Draft, DraftParts, MemoryStore, Page, Placement, Query, Reading, Selector, Selectors, Sequence,
    Start, Store, StoreError, Tail, UnixMillis,
};

use super::Fault;
use super::tail::FaultyTail;

pub(crate) struct FaultyStore {
    fault: Fault,
    sound: Arc<MemoryStore>,
}

impl FaultyStore {
    pub(crate) fn new(fault: Fault, sound: Arc<MemoryStore>) -> Self {
        Self { fault, sound }
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

fn parts(draft: &Draft) -> DraftParts {
    DraftParts {
        topic: draft.topic().clone(),
        data: draft.data().clone(),
        event_type: draft.event_type().cloned(),
        id: draft.id().cloned(),
        retry_ms: draft.retry_ms(),
        key: draft.key().cloned(),
    }
}

pub(crate) fn without_key(draft: Draft) -> Draft {
    Draft::restore(DraftParts { key: None, ..parts(&draft) })
}

fn without_type(draft: Draft) -> Draft {
    Draft::restore(DraftParts { event_type: None, ..parts(&draft) })
}

fn everything() -> Selectors {
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
            Fault::DropsTheEventType => drafts = drafts.into_iter().map(without_type).collect(),
            Fault::TakesAppendsAfterClose => {
                let placed = self.sound.append(drafts).await;
                return Ok(placed.unwrap_or_else(|_| vec![Placement::New(self.bounds().head.next())]));
            }
            _ => {}
        }
        let mut placements = self.sound.append(drafts).await?;
        for placement in &mut placements {
            *placement = match (self.fault, *placement) {
                (Fault::RepeatsAPlace, Placement::New(Sequence(3))) => Placement::New(Sequence(2)),
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
            (Fault::IgnoresSelectors, _) => query.selectors = everything(),
            (Fault::IgnoresEventsMax, _) => query.events_max = usize::MAX,
            (Fault::IgnoresBytesMax, _) => query.bytes_max = usize::MAX,
            (Fault::SinceIsOneLate, Start::Since(time)) => *time = UnixMillis(time.0 + 1),
            (Fault::LastIsOneShort, Start::Last(count)) => *count = count.saturating_sub(1),
            _ => {}
        }
        let mut reading = self.sound.read(query).await?;
        let Bounds { earliest, head, .. } = self.bounds();
        let empty = |after| Reading::Page(Page { after, events: Vec::new(), next: after, head });
        match (self.fault, &mut reading, asked.start) {
            (Fault::LetsTimeGoBack, Reading::Page(page), _) => {
                if let Some(second) = page.events.get_mut(1) {
                    second.time = UnixMillis(400);
                }
            }
            (Fault::SkipsOneBetweenPages, Reading::Page(page), _) if page.next < page.head => {
                page.next = page.next.next();
            }
            (Fault::AnswersUnknownIdsWithAPage, Reading::Unknown { .. }, Start::AfterId(_)) => {
                reading = empty(head);
            }
            (Fault::AnswersPlacesAfterTheHeadWithAPage, Reading::Unknown { .. }, Start::After(_)) => {
                reading = empty(head);
            }
            (Fault::AnswersExpiredWithAPage, Reading::Expired { .. }, _) => {
                reading = empty(earliest.previous());
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

    async fn tail(&self, after: Sequence) -> Result<Box<dyn Tail>, StoreError> {
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
