//! A sound store with one fault.

mod batches;
mod lasting;
mod store;
mod tail;

use std::ptr::addr_eq;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::contract::Fixture;
use tidings_core::contract::fixture::{query_everything, read_all};
use tidings_core::memory::MemoryRetention;
use tidings_core::{Clock, Cursor, Epoch, Event, RetentionHold, Sequence, Start, Store};

use lasting::LastingStore;
use store::FaultyStore;

/// What is wrong with a store. One name, one fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    RepeatsAPlace,
    Reorders,
    ForgetsPartOfAnAppend,
    ForgetsKeys,
    TakesAnyDraftForTheKnownOne,
    Interleaves,
    LetsTimeGoBack,
    DropsTheEventType,
    TakesAStateForAnEvent,
    TakesAppendsAfterClose,
    IgnoresSelectors,
    TakesTwoStarsForEverything,
    TakesEverythingForTwoStars,
    LastCountsReservedTopics,
    IgnoresEventsMax,
    IgnoresBytesMax,
    SkipsOneBetweenPages,
    SinceIsOneLate,
    LastIsOneShort,
    AnswersUnknownIdsWithAPage,
    AnswersPlacesAfterTheHeadWithAPage,
    AnswersExpiredWithAPage,
    LosesTheLastEventWhenOpenedAgain,
    ForgetsKeysWhenOpenedAgain,
    KeepsTheEpochOfALostLog,
    KeepsTheEpochOfTheLifeBefore,
    BeginsAnEpochWhenOpenedAgain,
    TailSkipsABatch,
    TailRepeatsABatch,
    TailReordersABatch,
    TailHidesReservedTopics,
    TailLosesABatchWithADroppedWait,
    TailHandsOutEmptyBatches,
    TailEndsEarly,
    TailHidesALoss,
    TailKeepsNothing,
    TailTellsOfALossThatIsNone,
    AppendHangs,
    ReadHangs,
    TailHangs,
    NextHangs,
    CloseHangs,
    OpenHangs,
    BoundsBlockTheirThread,
    TailNeverEnds,
    TailNeverTellsOfAnEpoch,
    TailTellsOfAnEpochAfterItsFirstEvent,
    TailTellsTheWrongPlaceOfAnEpoch,
    TailTellsOfAnEpochTwice,
    TailForgetsAnEpochWithADroppedWait,
    AnswersCutOffPlacesWithAPage,
    AnswersCutOffPlacesAsExpired,
    RefusesEveryPlaceOfAnOldEpoch,
    AnswersUnknownEpochsAsUnknownPlaces,
    RenamesEventsToTheNewEpoch,
    RemembersKeysThatWereCutOff,
    CutsOffOneTooMany,
    ForgetsBatches,
    JudgesABatchByItsLastDraftAlone,
    GoesOnBehindACompleteBatch,
    RefusesABatchThatItDoesNotKnow,
    DropsWhatAPartSaysOfItsBatch,
    IgnoresCredentials,
    JoinsCredentialAndKey,
    PlacesTwoPartsThatGoOnAtTheSamePlace,
    KnowsTheFirstPartAloneWhenOpenedAgain,
    ForgetsABatchWithItsFirstPart,
    KnowsPartsThatWereCutOff,
    ForgetsABatchOfWhichAPartWasCutOff,
    HoldsNothing,
}

/// Opens stores with a fault. A log survives a restart, as the events of the store that was opened last, unless the
/// fault is about a log that does not.
pub(crate) struct Faulty {
    fault: Fault,
    last: Mutex<Option<Arc<LastingStore>>>,
    /// All stores that were opened.
    opened: Mutex<Vec<Arc<FaultyStore>>>,
}

static NEXT_EPOCH: AtomicU64 = AtomicU64::new(1);

fn next_epoch() -> Epoch {
    Epoch(NEXT_EPOCH.fetch_add(1, Ordering::Relaxed))
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, last: Mutex::default(), opened: Mutex::default() }
    }

    fn store(&self, sound: Arc<LastingStore>) -> Arc<dyn Store> {
        let store = Arc::new(FaultyStore::new(self.fault, sound));
        self.opened.lock().unwrap().push(store.clone());
        store
    }
}

#[async_trait]
impl Fixture for Faulty {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        if self.fault == Fault::OpenHangs {
            std::future::pending::<()>().await;
        }
        let last = self.last.lock().unwrap().take();
        let kept = match &last {
            Some(last) if self.fault != Fault::KeepsTheEpochOfALostLog => events(&**last).await,
            _ => Vec::new(),
        };
        let epoch = match &last {
            Some(last) if self.fault == Fault::KeepsTheEpochOfALostLog => last.bounds().epoch(),
            _ => next_epoch(),
        };
        let count = kept.len()
            - usize::from(self.fault == Fault::LosesTheLastEventWhenOpenedAgain && !kept.is_empty());
        let draft = |event: &Event| {
            let is_later_part = event.draft.batch_part().is_some_and(|part| part.before > 0);
            match self.fault {
                Fault::ForgetsKeysWhenOpenedAgain => store::without_key(event.draft.clone()),
                Fault::KnowsTheFirstPartAloneWhenOpenedAgain if is_later_part => {
                    store::without_key(event.draft.clone())
                }
                _ => event.draft.clone(),
            }
        };
        let kept = kept.into_iter().take(count).map(|event| Event { draft: draft(&event), ..event });
        let kept: Vec<_> = kept.collect();
        let is_opened_again = !kept.is_empty();
        let retention = MemoryRetention { events_max: 1_000_000, ..MemoryRetention::default() };
        let store = Arc::new(LastingStore::open(kept, epoch, clock, retention).await);
        match self.fault {
            Fault::KeepsTheEpochOfTheLifeBefore => store.keep_epoch(),
            Fault::BeginsAnEpochWhenOpenedAgain if is_opened_again => {
                store.keep_epoch();
                store.begin_epoch(epoch, store.bounds().head.sequence);
            }
            _ => {}
        }
        *self.last.lock().unwrap() = Some(store.clone());
        self.store(store)
    }

    async fn open_bounded(&self, clock: Arc<dyn Clock>, events: usize) -> Arc<dyn Store> {
        let retention = MemoryRetention { events_max: events, ..MemoryRetention::default() };
        self.store(Arc::new(LastingStore::open(Vec::new(), next_epoch(), clock, retention).await))
    }

    async fn open_held(
        &self,
        clock: Arc<dyn Clock>,
        events: usize,
        hold: Arc<RetentionHold>,
    ) -> Option<Arc<dyn Store>> {
        let retention = MemoryRetention { events_max: events, ..MemoryRetention::default() };
        let store = LastingStore::open(Vec::new(), next_epoch(), clock, retention).await;
        let store = match self.fault {
            Fault::HoldsNothing => {
                hold.want_through(Sequence(1));
                store
            }
            _ => store.with_hold(hold),
        };
        Some(self.store(Arc::new(store)))
    }

    fn survives_restart(&self) -> bool {
        self.fault != Fault::KeepsTheEpochOfALostLog
    }

    fn batches_a_tail_keeps(&self) -> usize {
        // What an announcer keeps.
        256
    }

    async fn begin_epoch(&self, store: &Arc<dyn Store>, after: Sequence) -> Option<Cursor> {
        let opened = self.opened.lock().unwrap();
        let store = opened.iter().find(|own| addr_eq(Arc::as_ptr(own), Arc::as_ptr(store)));
        Some(store?.begin_epoch(next_epoch(), after))
    }
}

async fn events(store: &dyn Store) -> Vec<Event> {
    read_all(store, query_everything(Start::Earliest)).await
}
