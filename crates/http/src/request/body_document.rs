//! A body that is a document and no event: it has a limit of its own, and is told of it in its own words.

use bytes::Bytes;
use http::HeaderMap;

use super::body::{BodyRules, WholeBody, read_whole};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

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
