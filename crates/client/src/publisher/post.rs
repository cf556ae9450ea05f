//! A request to a hub that can be sent again.

use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{PublishError, draw_key, key};
use crate::atomic_batch::AtomicBatch;
use crate::draft::Draft;
use crate::inbox::InboxQuestion;
use crate::limits::{
    HISTORY_EVENTS, HISTORY_PAGE_BYTES_MAX, IDS_BYTES_MAX, INBOX_ANSWER_BYTES_MAX, RECEIPT_BYTES_MAX,
};
use crate::redirect::Hop;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What is sent, as often as need be.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) url: Url,
    pub(super) body: Bytes,
    pub(super) answers_bytes_max: usize,
    method: Method,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Post {
    /// One event: its data is the body, to the byte, and the other fields stand in the query.
    pub(super) fn event(mut url: Url, draft: &Draft) -> Result<Self, PublishError> {
        let fields = [
            ("event", draft.event_type.as_ref().map(ToString::to_string)),
            ("id", draft.id.as_ref().map(ToString::to_string)),
            ("retry", draft.retry.map(|retry| retry.to_string())),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        let key = draft.key.as_deref().map_or_else(draw_key, key)?;
        // A hub takes one mark at the beginning for that of the encoding, so data that begins with one needs another.
        let mut body = draft.data.clone();
        if body.starts_with(BYTE_ORDER_MARK) {
            body.insert(0, BYTE_ORDER_MARK);
        }
        Ok(Self::publish(url, "text/plain; charset=utf-8", body.into(), key))
    }

    /// Many events, as a stream.
    pub(super) fn batch<'d>(
        url: Url,
        drafts: impl IntoIterator<Item = &'d Draft>,
    ) -> Result<Self, PublishError> {
        let mut body = Vec::new();
        for draft in drafts {
            draft.encode(&mut body);
        }
        Ok(Self::publish(url, "text/event-stream", body.into(), draw_key()?))
    }

    /// Events of many topics, as lines of JSON.
    pub(super) fn atomic(url: Url, batch: &AtomicBatch) -> Result<Self, PublishError> {
        let key = batch.key.as_deref().map_or_else(draw_key, key)?;
        let post = Self::publish(url, "application/x-ndjson", batch.lines(), key);
        Ok(Self { answers_bytes_max: IDS_BYTES_MAX, ..post })
    }

    /// The newest events, as a page of history.
    pub(super) fn newest(mut url: Url) -> Self {
        url.set_query(None);
        url.query_pairs_mut().append_pair("last", HISTORY_EVENTS);
        Self {
            url,
            body: Bytes::new(),
            answers_bytes_max: HISTORY_PAGE_BYTES_MAX,
            method: Method::GET,
            headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
        }
    }

    /// A question about inboxes. Who only reads needs no key.
    pub(super) fn inbox(mut url: Url, question: &InboxQuestion) -> Result<Self, PublishError> {
        if !question.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&question.query);
        }
        let json = HeaderValue::from_static("application/json");
        let mut headers = vec![(header::ACCEPT, json.clone())];
        if question.method != Method::GET {
            headers.push((header::CONTENT_TYPE, json));
            headers.push((IDEMPOTENCY_KEY, question.key.as_deref().map_or_else(draw_key, key)?));
        }
        Ok(Self {
            url,
            body: question.body.clone(),
            answers_bytes_max: INBOX_ANSWER_BYTES_MAX,
            method: question.method.clone(),
            headers,
        })
    }

    fn publish(url: Url, content_type: &'static str, body: Bytes, key: HeaderValue) -> Self {
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            url,
            body,
            answers_bytes_max: RECEIPT_BYTES_MAX,
            method: Method::POST,
            headers: vec![content_type, (IDEMPOTENCY_KEY, key)],
        }
    }

    /// The first request, with the headers of every request.
    pub(super) fn hop(&self, mut headers: HeaderMap) -> Hop {
        headers.extend(self.headers.iter().cloned());
        Hop { url: self.url.clone(), method: self.method.clone(), headers, body: self.body.clone() }
    }
}
