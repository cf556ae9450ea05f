//! A tail with a fault.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{Event, MemoryStore, Sequence, Store, Tail, TailError};

use super::Fault;

pub(crate) struct FaultyTail {
    fault: Fault,
    store: Arc<MemoryStore>,
    sound: Box<dyn Tail>,
    after: Sequence,
    batches: usize,
    again: Option<Arc<[Event]>>,
}

impl FaultyTail {
    pub(crate) fn new(fault: Fault, store: Arc<MemoryStore>, sound: Box<dyn Tail>, after: Sequence) -> Self {
        Self { fault, store, sound, after, batches: 0, again: None }
    }

    async fn sound_next(&mut self) -> Result<Option<Arc<[Event]>>, TailError> {
        let batch = self.sound.next().await?;
        self.batches += 1;
        if let Some(last) = batch.as_ref().and_then(|batch| batch.last()) {
            self.after = last.sequence;
        }
        Ok(batch)
    }
}

#[async_trait]
impl Tail for FaultyTail {
    async fn next(&mut self) -> Result<Option<Arc<[Event]>>, TailError> {
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
                let batch = self.sound_next().await?;
                Ok(batch.map(|batch| batch.iter().rev().cloned().collect()))
            }
            Fault::TailLosesABatchWithADroppedWait => {
                let batch = self.sound_next().await;
                // A dropped wait ends here, and the batch with it.
                tokio::task::yield_now().await;
                batch
            }
            Fault::TailHandsOutEmptyBatches => tokio::select! {
                biased;
                batch = self.sound.next() => batch,
                () = tokio::task::yield_now() => Ok(Some(Arc::new([]))),
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
                Err(TailError::Expired { earliest: self.after.next() })
            }
            _ => self.sound_next().await,
        }
    }
}
