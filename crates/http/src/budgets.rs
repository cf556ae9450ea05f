//! The budgets of a front: what large heads, bodies, answers, unread events and pages may take, and what they take now.
//!
//! The budgets are kept by those who lend from them. Here they stand together, so that `/metrics` tells what is used of each
//! beside its bound.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use tidings_core::Hub;
use tidings_core::metrics::encode_gauge;

use crate::answer::budget::AnswerBudget;
use crate::budget::Budget;
use crate::config::HttpConfig;
use crate::lane::PagePermits;
use crate::limits::{DEFLATED_BYTES_MAX, HEADS_BYTES_MAX};
use crate::request::body_budgets::BodyBudgets;
use crate::stream::gzip::Deflater;
use crate::unread::UnreadFrames;

/// All budgets of a front. Cloning shares them.
#[derive(Clone)]
pub(crate) struct FrontBudgets {
    /// What large heads of HTTP/1 have beyond their first bytes.
    pub(crate) heads: Budget,
    /// The bodies of publishes.
    pub(crate) bodies: BodyBudgets,
    /// Pages of history whose clients have not taken them.
    pub(crate) answers: AnswerBudget,
    /// Large events of which subscribers have taken a part.
    pub(crate) unread: UnreadFrames,
    /// Pages that are read for parked subscribers.
    pub(crate) pages: PagePermits,
    /// Compressed events that are kept for others.
    pub(crate) deflater: Deflater,
}

impl FrontBudgets {
    pub(crate) fn new(hub: &Hub, config: &HttpConfig) -> Self {
        Self {
            heads: Budget::new(HEADS_BYTES_MAX),
            bodies: BodyBudgets::new(config.bodies_bytes_max, config.body_bytes_per_second_min),
            answers: AnswerBudget::new(config.answers_bytes_max),
            unread: UnreadFrames::new(config.unread_bytes_max),
            pages: PagePermits::new(hub.limits().pages_max),
            deflater: Deflater::default(),
        }
    }
}

impl Collector for FrontBudgets {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self { heads, bodies, answers, unread, pages, deflater } = self;
        let mut bytes =
            |name, help, value| encode_gauge(&mut encoder, name, help, Some(&Unit::Bytes), value as u64);
        let help = "Bytes that the heads of requests hold now beyond their first 8 KiB each, over HTTP/1";
        bytes("heads", help, heads.used())?;
        bytes("heads_max", "Bytes that the heads of requests may hold beyond that", heads.bytes_max())?;
        bytes("bodies", "Bytes that the bodies of publishes hold now", bodies.used())?;
        let help = "Bytes that the bodies of publishes may hold, with the reserves for small ones";
        bytes("bodies_max", help, bodies.bytes_max())?;
        let help = "Bytes that pages of history hold now, because their clients have not taken them";
        bytes("answers", help, answers.used())?;
        bytes("answers_max", "Bytes that pages of history may hold", answers.bytes_max())?;
        let help = "Bytes of large events of which subscribers have taken a part and no more now";
        bytes("unread", help, unread.bytes())?;
        bytes("unread_max", "Bytes of large events that are kept for such subscribers", unread.bytes_max())?;
        let help = "Bytes of compressed events that are kept now for others who read the same";
        bytes("deflated", help, deflater.bytes())?;
        bytes("deflated_max", "Bytes of compressed events that may be kept", DEFLATED_BYTES_MAX)?;
        let mut gauge = |name, help, value| encode_gauge(&mut encoder, name, help, None, value as u64);
        gauge("pages", "Pages of the log that are read or held for parked subscribers now", pages.used())?;
        let help = "Pages of the log that may be read or held for parked subscribers";
        gauge("pages_max", help, pages.pages_max())?;
        let help = "Searches of parked subscribers for their next page that take long now";
        gauge("page_searches", help, pages.searches())?;
        gauge("page_searches_max", "Searches for a page that may take long at once", pages.searches_max())
    }
}

impl fmt::Debug for FrontBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrontBudgets")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;
    use tidings_core::contract::ManualClock;
    use tidings_core::memory::MemoryRetention;
    use tidings_core::{Cursor, Epoch, Limits, MemoryStore, Sequence};
    use tidings_testkit::metrics::Exposition;

    use super::*;
    use crate::limits::{PIECE_BYTES, SMALL_BODIES_BYTES_MAX, WHOLE_BODIES_BYTES_MAX};
    use crate::stream::gzip::Packing;
    use crate::stream::{Encoder, Opening};
    use crate::unread::FrameKey;

    /// The values of a gauge and of its bound.
    fn told(budgets: &FrontBudgets) -> [(f64, f64); 6] {
        let (mut registry, mut text) = (Registry::default(), String::new());
        registry.register_collector(Box::new(budgets.clone()));
        encode(&mut text, &registry).unwrap();
        let now = Exposition::open_metrics(&text);
        [
            ("heads_bytes", "heads_max_bytes"),
            ("bodies_bytes", "bodies_max_bytes"),
            ("answers_bytes", "answers_max_bytes"),
            ("unread_bytes", "unread_max_bytes"),
            ("pages", "pages_max"),
            ("page_searches", "page_searches_max"),
        ]
        .map(|(gauge, bound)| (now.value(gauge), now.value(bound)))
    }

    #[tokio::test]
    async fn what_is_taken_of_each_budget_is_told_beside_its_bound_until_it_is_given_back() {
        let store = MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default());
        let mut limits = Limits::default();
        limits.pages_max = 10;
        let hub = Hub::start(Arc::new(store), limits).await.unwrap();
        let config = HttpConfig {
            bodies_bytes_max: 1_000_000,
            answers_bytes_max: 2_000_000,
            unread_bytes_max: 3_000_000,
            ..HttpConfig::default()
        };
        let budgets = FrontBudgets::new(&hub, &config);
        let key = FrameKey {
            cursor: Cursor::new(Epoch(1), Sequence(1)),
            encoder: Encoder::Sse(Opening::Event),
            packing: Packing::Plain,
        };
        let bodies_max = (1_000_000 + SMALL_BODIES_BYTES_MAX + WHOLE_BODIES_BYTES_MAX) as f64;

        let head = budgets.heads.try_take(50_000);
        let body = budgets.bodies.admission(None).admit(100_000).await.ok();
        let answer = budgets.answers.try_take(200_000);
        let frame = budgets.unread.keep(key, vec![0; 300_000].into());
        let [heads, bodies, answers, unread, pages, searches] = told(&budgets);

        assert_eq!(heads, (50_000.0, HEADS_BYTES_MAX as f64));
        assert_eq!(bodies, (100_000.0, bodies_max));
        assert_eq!(answers, (200_000.0 + PIECE_BYTES as f64, 2_000_000.0));
        assert_eq!(unread, (300_000.0, 3_000_000.0));
        assert_eq!((pages, searches), ((0.0, 10.0), (0.0, 30.0)));
        drop((head, body, answer, frame));
        assert_eq!(told(&budgets).map(|(used, _)| used), [0.0; 6]);
    }
}
