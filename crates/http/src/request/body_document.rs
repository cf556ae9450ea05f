//! A body that is a document and no event: it has a limit of its own, and is told of it in its own words.

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;

use super::body::{BodyRules, WholeBody, read_whole};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::JSON_FAULT_CHARS_MAX;

/// Reads a document of at most so many bytes, by rules that hold for events.
pub(crate) async fn read_document<'a, B>(
    body: B,
    headers: &HeaderMap,
    rules_of_events: BodyRules<'a>,
    bytes_max: usize,
) -> Result<WholeBody<'a>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let rules = BodyRules { bytes_max, ..rules_of_events };
    read_whole(body, headers, &rules).await.map_err(|problem| match problem.problem_type() {
        ProblemType::TooLarge => {
            Problem::new(ProblemType::TooLarge, format!("the body has at most {bytes_max} bytes"))
        }
        _ => problem,
    })
}

/// A document as an object of JSON. The error says what is wrong with it; `unlike` are the words for one that has other members or values.
pub(crate) fn object<'a, T: Deserialize<'a>>(body: &'a [u8], unlike: &str) -> Result<T, String> {
    // The parser would take a list for the members in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("the body is no JSON object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| {
        let fault: String = error.to_string().chars().take(JSON_FAULT_CHARS_MAX).collect();
        format!("{unlike}: {fault}")
    })
}
