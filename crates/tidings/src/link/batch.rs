//! What has come by now, to leave in one request: alone when it is rare, together when it is much.

use futures_util::{FutureExt, Stream, StreamExt};

use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX};

/// A source, in batches.
pub(crate) struct Batches<S> {
    source: S,
}

/// Items in the order they came, and what ended their source.
pub(crate) struct Batch<T, E> {
    pub(crate) items: Vec<T>,
    pub(crate) error: Option<E>,
}

impl<S, T, E> Batches<S>
where
    S: Stream<Item = Result<(T, usize), E>> + Unpin,
{
    /// Batches of a source that tells the size of each item in bytes.
    pub(crate) fn new(source: S) -> Self {
        Self { source }
    }

    /// Waits for an item, and takes those that are there, too. `None` at the end. Cancel-safe: nothing is taken
    /// before something is given out.
    pub(crate) async fn next(&mut self) -> Option<Batch<T, E>> {
        let mut next = Some(self.source.next().await?);
        let mut batch = Batch { items: Vec::new(), error: None };
        let mut bytes = 0;
        while let Some(item) = next.take() {
            match item {
                Ok((item, size)) => {
                    bytes += size;
                    batch.items.push(item);
                }
                Err(error) => batch.error = Some(error),
            }
            if batch.error.is_none() && batch.items.len() < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX {
                next = self.source.next().now_or_never().flatten();
            }
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn item(size: usize) -> Result<((), usize), &'static str> {
        Ok(((), size))
    }

    /// The sizes of all batches of a source.
    async fn batches(
        source: impl Stream<Item = Result<((), usize), &'static str>> + Unpin,
    ) -> Vec<(usize, Option<&'static str>)> {
        let mut batches = Batches::new(source);
        let mut sizes = Vec::new();
        while let Some(batch) = batches.next().await {
            sizes.push((batch.items.len(), batch.error));
        }
        sizes
    }

    #[tokio::test]
    async fn what_is_there_leaves_together() {
        let two = stream::iter([item(1), item(1)]);
        let later = stream::once(Box::pin(async {
            tokio::task::yield_now().await;
            item(1)
        }));

        assert_eq!(batches(two.chain(later)).await, [(2, None), (1, None)]);
    }

    #[tokio::test]
    async fn a_batch_is_bounded_in_count_and_bytes() {
        let many = stream::iter((0..BATCH_EVENTS_MAX + 1).map(|_| item(1)));
        let large = stream::iter((0..3).map(|_| item(BATCH_BYTES_MAX / 2)));

        assert_eq!(batches(many).await, [(BATCH_EVENTS_MAX, None), (1, None)]);
        assert_eq!(batches(large).await, [(2, None), (1, None)]);
    }

    #[tokio::test]
    async fn what_came_before_an_error_is_kept() {
        let source = stream::iter([item(1), item(1), Err("cut")]);

        assert_eq!(batches(source).await, [(2, Some("cut"))]);
    }
}
