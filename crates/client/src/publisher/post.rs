//! A publish as a request that can be sent again.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;
use url::Url;

use super::{PublishError, draw_key, key};
use crate::draft::Draft;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is sent, as often as need be.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) url: Url,
    pub(super) body: Bytes,
    content_type: HeaderValue,
    key: HeaderValue,
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
        Ok(Self {
            url,
            body: Bytes::from(draft.data.clone()),
            content_type: HeaderValue::from_static("text/plain; charset=utf-8"),
            key: draft.key.as_deref().map_or_else(draw_key, key)?,
        })
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
        Ok(Self {
            url,
            body: body.into(),
            content_type: HeaderValue::from_static("text/event-stream"),
            key: draw_key()?,
        })
    }

    pub(super) fn request(&self, headers: HeaderMap) -> Result<Request<Full<Bytes>>, PublishError> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.as_str().parse().map_err(|_| PublishError::Target {
            target: self.url.to_string(),
            hub: self.url.origin().ascii_serialization(),
        })?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::CONTENT_TYPE, self.content_type.clone());
        request.headers_mut().insert(IDEMPOTENCY_KEY, self.key.clone());
        Ok(request)
    }
}
