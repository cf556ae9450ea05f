//! One request to a program of yours, and its answer.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response};
use tidings_client::{CallError, Caller};
use tokio::time::timeout;

use crate::fault::Fault;
use crate::limits::WEBHOOK_ANSWER_BYTES_MAX;
use crate::settings::WebhookUrl;

/// Posts JSON, and takes any answer of a bounded size. Cancel safe, if it does no harm to have asked.
pub(crate) async fn post(
    caller: &Caller,
    url: &WebhookUrl,
    json: Bytes,
    time_max: Duration,
) -> Result<Response<Bytes>, Fault> {
    let request = Request::post(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .body(json)
        .map_err(|error| Fault::Unreachable(error.to_string()))?;
    let called = timeout(time_max, caller.call(request, WEBHOOK_ANSWER_BYTES_MAX)).await;
    called.map_err(|_| Fault::Late(time_max))?.map_err(|error| match error {
        CallError::TooLarge { bytes_max } => Fault::TooLarge { bytes_max },
        CallError::Unreachable(why) => Fault::Unreachable(format!("it cannot be asked: {why}")),
        other => Fault::Unreachable(other.to_string()),
    })
}
