//! A tail with a fault.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{Cursor, Store, Tail, TailError, Tailed};

use super::Fault;
use super::lasting::LastingStore;

pub(crate) struct FaultyTail {
    fault: Fault,
    store: Arc<LastingStore>,
    sound: Box<dyn Tail>,
    after: Cursor,
    batches: usize,
    again: Option<Tailed>,
}

impl FaultyTail {
    pub(crate) fn new(fault: Fault, store: Arc<LastingStore>, sound: Box<dyn Tail>, after: Cursor) -> Self {
        Self { fault, store, sound, after, batches: 0, again: None }
    }

    async fn sound_next(&mut self) -> Result<Option<Tailed>, TailError> {
        let tailed = self.sound.next().await?;
        self.batches += 1;
        match &tailed {
            Some(Tailed::Events(batch)) => self.after = batch.last().map_or(self.after, |last| last.cursor),
            Some(Tailed::NewEpoch(begins)) => self.after = *begins,
            None => {}
        }
        Ok(tailed)
    }
}

#[async_trait]
impl Tail for FaultyTail {
    async fn next(&mut self) -> Result<Option<Tailed>, TailError> {
        match self.fault {
            Fault::NextHangs => std::future::pending().await,
            Fault::TailSkipsABatch if self.batches == 1 => {
                self.sound_next().await?;
                self.sound_next().await
            }
            Fault::TailRepeatsABatch => match self.again.take() {
                Some(batch) => Ok(Some(batch)),
                None => {
                    let batch = self.sound_next().await?;
                    self.again = batch.clone().filter(|_| self.batches == 1);
                    Ok(batch)
                }
            },
            Fault::TailReordersABatch => {
                let tailed = self.sound_next().await?;
                Ok(tailed.map(|tailed| match tailed {
                    Tailed::Events(batch) => Tailed::Events(batch.iter().rev().cloned().collect()),
                    told @ Tailed::NewEpoch(_) => told,
                }))
            }
            Fault::TailHidesReservedTopics => loop {
                let Some(Tailed::Events(batch)) = self.sound_next().await? else { return Ok(None) };
                let shown: Arc<[_]> =
                    batch.iter().filter(|event| !event.draft.topic().is_reserved()).cloned().collect();
                if !shown.is_empty() {
                    return Ok(Some(Tailed::Events(shown)));
                }
            },
            Fault::TailLosesABatchWithADroppedWait => {
                let batch = self.sound_next().await;
                // A dropped wait ends here, and the batch with it.
                tokio::task::yield_now().await;
                batch
            }
            Fault::TailHandsOutEmptyBatches => tokio::select! {
                biased;
                batch = self.sound.next() => batch,
                () = tokio::task::yield_now() => Ok(Some(Tailed::Events(Arc::new([])))),
            },
            Fault::TailEndsEarly if self.batches == 1 => Ok(None),
            Fault::TailNeverEnds => match self.sound_next().await? {
                None => std::future::pending().await,
                batch => Ok(batch),
            },
            Fault::TailHidesALoss => loop {
                match self.sound_next().await {
                    Err(TailError::Expired { .. }) => {}
                    other => return other,
                }
            },
            Fault::TailKeepsNothing => {
                self.sound = self.store.tail(self.after).await?;
                self.sound_next().await
            }
            Fault::TailTellsOfALossThatIsNone if self.batches == 1 => {
                self.batches += 1;
                Err(TailError::Expired { resumes_after: self.after })
            }
            Fault::TailNeverTellsOfAnEpoch => loop {
                match self.sound_next().await? {
                    Some(Tailed::NewEpoch(_)) => {}
                    other => return Ok(other),
                }
            },
            Fault::TailTellsOfAnEpochAfterItsFirstEvent => match self.again.take() {
                Some(told) => Ok(Some(told)),
                None => match self.sound_next().await? {
                    told @ Some(Tailed::NewEpoch(_)) => {
                        let first = self.sound_next().await?;
                        self.again = told;
                        Ok(first)
                    }
                    other => Ok(other),
                },
            },
            Fault::TailTellsTheWrongPlaceOfAnEpoch => {
                Ok(self.sound_next().await?.map(|tailed| match tailed {
                    Tailed::NewEpoch(begins) => Tailed::NewEpoch(begins.previous()),
                    events @ Tailed::Events(_) => events,
                }))
            }
            Fault::TailTellsOfAnEpochTwice => match self.again.take() {
                Some(told) => Ok(Some(told)),
                None => {
                    let tailed = self.sound_next().await?;
                    self.again = tailed.clone().filter(|tailed| matches!(tailed, Tailed::NewEpoch(_)));
                    Ok(tailed)
                }
            },
            Fault::TailForgetsAnEpochWithADroppedWait => {
                let tailed = self.sound_next().await?;
                if matches!(tailed, Some(Tailed::NewEpoch(_))) {
                    // A dropped wait ends here, and the epoch with it.
                    tokio::task::yield_now().await;
                }
                Ok(tailed)
            }
            _ => self.sound_next().await,
        }
    }
}
