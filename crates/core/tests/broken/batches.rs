//! Faults in what a store makes of the parts of a batch.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings_core::{
    BatchPart, BatchProgress, Cursor, Draft, DraftParts, IdempotencyKey, Placement, Store, StoreError,
};

use super::Fault;
use super::store::{parts, without_key};

/// What a broken store remembers of the parts that it was handed.
#[derive(Default)]
pub(crate) struct Batches {
    /// The place of the first part of each batch, and the newest progress, cut off or not.
    seen: Mutex<HashMap<IdempotencyKey, (Cursor, BatchProgress)>>,
    cut_off: AtomicBool,
}

impl Batches {
    /// Takes note that the log has lost events.
    pub(crate) fn cut_off(&self) {
        self.cut_off.store(true, Ordering::SeqCst);
    }

    /// Appends a part, as wrongly as the fault says.
    pub(crate) async fn append(
        &self,
        fault: Fault,
        sound: &dyn Store,
        mut drafts: Vec<Draft>,
    ) -> Result<Vec<Placement>, StoreError> {
        if fault == Fault::PlacesTwoPartsThatGoOnAtTheSamePlace {
            // Without a wait, a busy machine may run each publisher to its end before it begins the next one.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let last = drafts.pop().expect("a part has a last draft");
        let (key, part) = (last.key().unwrap().clone(), *last.batch_part().unwrap());
        let seen = self.seen.lock().unwrap().get(&key).copied();
        let forgets = match fault {
            Fault::ForgetsBatches => true,
            Fault::ForgetsABatchOfWhichAPartWasCutOff => self.cut_off.load(Ordering::SeqCst),
            Fault::ForgetsABatchWithItsFirstPart => {
                seen.is_some_and(|(first, _)| first.sequence < sound.bounds().earliest())
            }
            // As if the part were judged first, and placed later.
            Fault::PlacesTwoPartsThatGoOnAtTheSamePlace => seen.is_some_and(|(_, known)| {
                part.before > 0 && part.before < known.through && part.through > known.through
            }),
            _ => false,
        };
        let refusal = match (fault, seen) {
            (Fault::RefusesABatchThatItDoesNotKnow, None) if part.before > 0 => {
                let digest = Default::default();
                Some(BatchProgress { through: 0, digest, complete: false, last: sound.bounds().head })
            }
            (Fault::KnowsPartsThatWereCutOff, Some((_, known))) if part.before != known.through => {
                Some(known)
            }
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Ok(vec![Placement::BatchAt(refusal); drafts.len() + 1]);
        }
        let last = match fault {
            _ if forgets => without_key(last),
            Fault::GoesOnBehindACompleteBatch => {
                let open = BatchPart { complete: false, ..part };
                Draft::restore(DraftParts { batch_part: Some(open), ..parts(&last) })
            }
            _ => last,
        };
        let mut placements = Vec::new();
        if fault == Fault::JudgesABatchByItsLastDraftAlone {
            placements = sound.append(std::mem::take(&mut drafts)).await?;
        }
        drafts.push(last);
        placements.extend(sound.append(drafts).await?);
        if fault == Fault::TakesAnyDraftForTheKnownOne {
            let known = |placement| match placement {
                Placement::KeyReused(at) => Placement::Repeated(at),
                other => other,
            };
            placements = placements.into_iter().map(known).collect();
        }
        if let Some(Placement::New(at)) = placements.last() {
            let first = seen.map_or(*at, |(first, _)| first);
            self.seen.lock().unwrap().insert(key, (first, part.at(*at)));
        }
        Ok(placements)
    }
}
