//! The end of connections, as an operator asks for it.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidings_core::{Dismissal, Topic, UnixMillis, Whom};

use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::denials::Outcast;
use crate::front::Front;
use crate::limits::{ADMIN_BODY_BYTES_MAX, DENIED_NAME_BYTES_MAX, DENY_SECONDS_MAX};
use crate::request::body_document::{object, read_document};

/// What to end, and for how long it stays out.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    whom: Whom,
    /// Whom to keep out, and for how many seconds.
    deny: Option<(Outcast, u64)>,
}

/// The body of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderDocument {
    user: Option<Value>,
    token_id: Option<Value>,
    topic: Option<Value>,
    connection: Option<Value>,
    deny_for: Option<Value>,
}

#[derive(Serialize)]
struct DisconnectedDocument {
    disconnected: usize,
}

/// Ends what the body names. The answer says how many connections these were.
pub(super) async fn disconnect<B>(front: &Front, parts: &Parts, body: B) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let rules = front.body_rules(&parts.extensions);
    let body = read_document(body, &parts.headers, rules, ADMIN_BODY_BYTES_MAX).await?;
    let order = Order::parse(&body.data)?;
    let disconnected = match order.deny {
        Some((outcast, seconds)) => {
            let until = front.clock().now().0.saturating_add(1_000 * seconds);
            front.deny(outcast, UnixMillis(until)).await?
        }
        None => front.hub().roster().dismiss(&order.whom, Dismissal::ByOperator).await,
    };
    Ok(json::response(StatusCode::OK, &DisconnectedDocument { disconnected }))
}

impl Order {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        let document: OrderDocument = object(body).map_err(refused)?;
        let OrderDocument { user, token_id, topic, connection, deny_for } = document;
        let user = user.map(|value| text("user", value)).transpose()?;
        let token_id = token_id.map(|value| text("token_id", value)).transpose()?;
        let topic = topic.map(|value| text("topic", value)).transpose()?;
        let connection = connection.map(|value| text("connection", value)).transpose()?;
        let whom = match (user, token_id, topic, connection) {
            (Some(user), None, None, None) => Whom::User(user.into()),
            (None, Some(token_id), None, None) => Whom::Token(token_id.into()),
            (None, None, Some(topic), None) => Whom::Topic(
                Topic::parse(&topic).map_err(|error| refused(format!("`topic` is no topic: {error}")))?,
            ),
            (None, None, None, Some(id)) => Whom::Connection(
                id.parse().map_err(|error| refused(format!("`connection` is no id: {error}")))?,
            ),
            _ => {
                return Err(refused(
                    "the body has one of `user`, `token_id`, `topic` and `connection`".to_owned(),
                ));
            }
        };
        let deny = deny_for.map(|value| Ok((outcast(&whom)?, seconds(value)?))).transpose()?;
        Ok(Self { whom, deny })
    }
}

/// Whom an order can keep out.
fn outcast(whom: &Whom) -> Result<Outcast, Problem> {
    let (name, outcast) = match whom {
        Whom::User(user) => (user, Outcast::User(user.clone())),
        Whom::Token(token_id) => (token_id, Outcast::Token(token_id.clone())),
        Whom::Topic(_) | Whom::Connection(_) | Whom::OfEndedKeys => {
            let detail = "`deny_for` keeps a user or a token out; it goes with `user` or `token_id`";
            return Err(refused(detail.to_owned()));
        }
    };
    if name.len() > DENIED_NAME_BYTES_MAX {
        let detail = format!("`deny_for` keeps out who has a name of at most {DENIED_NAME_BYTES_MAX} bytes");
        return Err(refused(detail));
    }
    Ok(outcast)
}

fn text(name: &str, value: Value) -> Result<String, Problem> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text),
        _ => Err(refused(format!("`{name}` is a text that is not empty"))),
    }
}

fn seconds(value: Value) -> Result<u64, Problem> {
    let seconds = value.as_u64().filter(|seconds| (1..=DENY_SECONDS_MAX).contains(seconds));
    seconds.ok_or_else(|| refused(format!("`deny_for` is a number of seconds from 1 to {DENY_SECONDS_MAX}")))
}

fn refused(detail: String) -> Problem {
    Problem::new(ProblemType::BadDisconnect, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_one_thing_to_end_and_perhaps_for_how_long() {
        let token = Outcast::Token("t".into());
        for (body, whom, deny) in [
            (r#"{"user":"u1"}"#, Whom::User("u1".into()), None),
            (r#"{"token_id":"t","deny_for":60}"#, Whom::Token("t".into()), Some((token, 60))),
            (r#"{"topic":"orders/9"}"#, Whom::Topic(Topic::parse("orders/9").unwrap()), None),
            (r#"{"connection":"1vcknh9ndjmm8"}"#, Whom::Connection("1vcknh9ndjmm8".parse().unwrap()), None),
        ] {
            assert_eq!(Order::parse(body.as_bytes()), Ok(Order { whom, deny }), "{body}");
        }
    }

    #[test]
    fn the_longest_time_and_the_longest_name_are_taken_and_none_above() {
        let order = |name: usize, seconds: u64| {
            let body = format!("{{\"token_id\":\"{}\",\"deny_for\":{seconds}}}", "x".repeat(name));
            Order::parse(body.as_bytes()).map(|order| order.deny.map(|(_, seconds)| seconds))
        };

        let (name, seconds) = (DENIED_NAME_BYTES_MAX, DENY_SECONDS_MAX);
        assert_eq!(order(name, seconds).map_err(|_| ()), Ok(Some(seconds)));
        for (name, seconds, named) in [(name + 1, seconds, "1024 bytes"), (name, seconds + 1, "31536000")] {
            assert!(order(name, seconds).unwrap_err().detail().contains(named), "{name} {seconds}");
        }
    }

    /// Typed programs write members that they have not.
    #[test]
    fn a_member_that_is_null_counts_as_one_that_is_not_there() {
        let body = br#"{"user":"u1","token_id":null,"topic":null,"connection":null,"deny_for":null}"#;

        assert_eq!(Order::parse(body), Ok(Order { whom: Whom::User("u1".into()), deny: None }));
    }

    #[test]
    fn anything_else_is_refused_by_its_name() {
        for (body, named) in [
            ("", "JSON"),
            ("[]", "JSON"),
            (r#"["u1", null, null, null, null]"#, "JSON"),
            (r#"{"user":"a"} x"#, "JSON"),
            (r#"{"user":"a","user":"b"}"#, "`user` stands twice"),
            (r#"{"usr":"a"}"#, "`usr`"),
            ("{}", "one of `user`"),
            (r#"{"user":null}"#, "one of `user`"),
            (r#"{"user":"a","topic":"b"}"#, "one of `user`"),
            (r#"{"user":5}"#, "`user` is a text"),
            (r#"{"user":""}"#, "`user` is a text"),
            (r#"{"token_id":["t"]}"#, "`token_id` is a text"),
            (r#"{"topic":"a/*"}"#, "`topic` is no topic"),
            (r#"{"connection":"A"}"#, "`connection` is no id"),
            (r#"{"user":"a","deny_for":-1}"#, "`deny_for` is a number"),
            (r#"{"user":"a","deny_for":0}"#, "`deny_for` is a number"),
            (r#"{"user":"a","deny_for":1.5}"#, "`deny_for` is a number"),
            (r#"{"user":"a","deny_for":"60"}"#, "`deny_for` is a number"),
            (r#"{"user":"a","deny_for":99999999999}"#, "`deny_for` is a number"),
            (r#"{"topic":"a","deny_for":60}"#, "`deny_for` keeps"),
        ] {
            let problem = Order::parse(body.as_bytes()).unwrap_err();
            assert!(problem.detail().contains(named), "{body}: {}", problem.detail());
        }
        let long = format!("{{\"{}\":1}}", "x".repeat(10_000));
        assert!(Order::parse(long.as_bytes()).unwrap_err().detail().len() < 500);
    }
}
