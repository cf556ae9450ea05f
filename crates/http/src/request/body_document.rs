//! A body that is a document and no event: it has a limit of its own, and is told of it in its own words.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::body::{BodyRules, WholeBody, read_whole};
use super::json_fault;
use crate::access::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::BODY_SHOWN_BYTES_MAX;

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

/// Refuses a body that says that it is something else than JSON. `also` are types that are taken for it.
pub(crate) fn check_json(headers: &HeaderMap, also: &[&str]) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(ProblemType::UnsupportedMediaType, detail));
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return refused("the request has no content-type; send the body as application/json".to_owned());
    };
    let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
    if is("application/json") || also.iter().copied().any(is) {
        return Ok(());
    }
    refused(format!(
        "the content-type of the body is `{}`; send it as application/json",
        shown(value.as_bytes())
    ))
}

/// A document as an object of JSON. The error says which member is wrong, and why.
pub(crate) fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    match body.trim_ascii_start() {
        [] => return Err("the body is empty, and must be a JSON object".to_owned()),
        [b'{', ..] => {}
        other => {
            let beginning = &other[..other.len().min(BODY_SHOWN_BYTES_MAX)];
            return Err(format!("the body begins with `{}`, and must be a JSON object", shown(beginning)));
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(document) = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| json_fault::told(&error.path().to_string(), &error.into_inner()))?;
    deserializer.end().map_err(|error| json_fault::told(".", &error))?;
    Ok(document)
}

/// A document that is written as an object. The parser alone would take a list for the members in their order.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}
