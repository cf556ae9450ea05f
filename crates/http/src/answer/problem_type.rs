//! The types of problems: one table of what a program may rely on when something is refused.
//!
//! A problem takes one of these, so that a type that is not in the table cannot be answered. A type keeps its name and
//! its status for ever; the detail of a problem may change.

use http::StatusCode;

macro_rules! problem_types {
    ($($problem_type:ident: $status:ident, $name:literal, $when:literal;)*) => {
        /// The type of a problem, by which programs tell problems apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemType {
            $($problem_type,)*
        }

        impl ProblemType {
            pub(crate) fn status(self) -> StatusCode {
                match self {
                    $(Self::$problem_type => StatusCode::$status,)*
                }
            }

            /// What stands after `urn:tidings:problem:`.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$problem_type => $name,)*
                }
            }
        }

        /// The types of all problems that the hub answers: the status, what stands after `urn:tidings:problem:` in the
        /// member `type`, and when it is answered.
        pub const PROBLEM_TYPES: &[(u16, &str, &str)] = &[
            $((StatusCode::$status.as_u16(), $name, $when),)*
        ];
    };
}

problem_types! {
    BadHead: BAD_REQUEST, "bad-head", "what came is no request of HTTP/1, or a line of its head is malformed, or it has `Content-Length` and `Transfer-Encoding`";
    BadHost: BAD_REQUEST, "bad-host", "the request has no `Host`, or two, or one that is no host name or address with at most a port behind it";
    RepeatedHeader: BAD_REQUEST, "repeated-header", "a header that may be given once is given twice";
    BadTopic: BAD_REQUEST, "bad-topic", "a name in the path or in `topic` is no topic or selector";
    BadTopics: BAD_REQUEST, "bad-topics", "there is no selector, or there are more than 100";
    PatternTooComplex: BAD_REQUEST, "pattern-too-complex", "a topic or pattern has more than 64 segments, or a pattern more than 16 wildcards or three `**`";
    TopicNotUtf8: BAD_REQUEST, "topic-not-utf8", "the topic in the path is not percent-encoded UTF-8";
    Fragment: BAD_REQUEST, "fragment", "the URL has a fragment; `%23` stands for a `#` that is meant";
    EmptySegment: BAD_REQUEST, "empty-segment", "a name in the path or in `topic` has two slashes side by side, or begins with one; `%2F` stands for one that is meant";
    TrailingSlash: BAD_REQUEST, "trailing-slash", "a name in the path or in `topic` ends in a slash; `%2F` stands for one that is meant";
    TopicsTwice: BAD_REQUEST, "topics-twice", "there is a topic in the path and another in `topic`";
    UnknownParameter: BAD_REQUEST, "unknown-parameter", "the URL has no such parameter";
    RepeatedParameter: BAD_REQUEST, "repeated-parameter", "a parameter that may be given once is given twice";
    TooManyParameters: BAD_REQUEST, "too-many-parameters", "there are more than 128 parameters";
    QueryNotUtf8: BAD_REQUEST, "query-not-utf8", "the query string is not percent-encoded UTF-8";
    BadSince: BAD_REQUEST, "bad-since", "`since` is neither `earliest` nor `now` nor an age nor a time";
    BadLast: BAD_REQUEST, "bad-last", "`last` is no number of events, or too large";
    SinceAndLast: BAD_REQUEST, "since-and-last", "both `since` and `last` are given";
    BadOnGap: BAD_REQUEST, "bad-on-gap", "`on_gap` is neither `earliest` nor `latest`";
    BadOpening: BAD_REQUEST, "bad-opening", "`opening` is neither `event` nor `always` nor `id` nor `none`";
    BadWith: BAD_REQUEST, "bad-with", "`with` is not `time`";
    BadEnvelope: BAD_REQUEST, "bad-envelope", "`envelope` is not `json`";
    BadMode: BAD_REQUEST, "bad-mode", "`mode` is neither `stream` nor `poll` nor `long-poll` nor `iframe`";
    BadOrigin: BAD_REQUEST, "bad-origin", "`mode=iframe` comes without `origin`, or with one that no page can have or no policy can name";
    BadWait: BAD_REQUEST, "bad-wait", "`wait` is no time in seconds, or longer than 60 s";
    BadSubscription: BAD_REQUEST, "bad-subscription", "the body of `POST /subscribe` is not what it must be";
    BadLine: BAD_REQUEST, "bad-line", "a line of the body of `POST /events` is no JSON object of an event, or there is no event; `line` is its number";
    BadHandshake: BAD_REQUEST, "bad-handshake", "the request opens a WebSocket, and its `Sec-WebSocket-Key` is none, or it is no request of HTTP/1.1, or asks for a `mode`";
    BadMessage: BAD_REQUEST, "bad-message", "a message of a WebSocket is no JSON object, or a member of it is not what it must be";
    BadLimit: BAD_REQUEST, "bad-limit", "`limit` is no number of events, or too large";
    BadUser: BAD_REQUEST, "bad-user", "the name of a user is empty or too long, or cannot stand in a topic";
    BadNotification: BAD_REQUEST, "bad-notification", "a notification, or the list of those who get it, is not what it must be";
    BadItem: BAD_REQUEST, "bad-item", "the id of an item of an inbox is none";
    BadMark: BAD_REQUEST, "bad-mark", "the body of a mark has not one of `ids`, `through` and `all`, or too many `ids`";
    BadFilter: BAD_REQUEST, "bad-filter", "`unread` or `archived` is neither `true` nor `false`, or `kind` is none, or there are too many";
    BadConnection: BAD_REQUEST, "bad-connection", "`after` or `except` is no id of a connection";
    BadDisconnect: BAD_REQUEST, "bad-disconnect", "what is to be disconnected is no JSON object with one of `user`, `token_id`, `topic` and `connection`, and perhaps `deny_for`";
    BadEventType: BAD_REQUEST, "bad-event-type", "the event's type is too long or has control characters";
    ReservedEventType: BAD_REQUEST, "reserved-event-type", "the event's type begins with `tidings.`";
    BadId: BAD_REQUEST, "bad-id", "the event's id is empty, too long, or has control characters or white space at an end";
    ReservedId: BAD_REQUEST, "reserved-id", "the event's id looks like one of the hub's own";
    BadRetry: BAD_REQUEST, "bad-retry", "`retry` is no number of milliseconds, or more than a day; of a count that is polled, no time from a second to a day";
    BadIdempotencyKey: BAD_REQUEST, "bad-idempotency-key", "the idempotency key is empty, too long, not ASCII, or given twice";
    DataNotUtf8: BAD_REQUEST, "data-not-utf8", "the body is not UTF-8, or is UTF-16 or UTF-32";
    FieldInQuery: BAD_REQUEST, "field-in-query", "`event`, `id` or `retry` is in the query, and the body is a stream of events";
    CutOff: BAD_REQUEST, "cut-off", "the body ended before it was complete";
    UnfinishedEvent: BAD_REQUEST, "unfinished-event", "the body is a stream of events, and ended inside one, or is one line";
    NoEventStream: BAD_REQUEST, "no-event-stream", "the body is sent as a stream of events, and has lines that are neither fields nor comments, and no event";
    SeveralCredentials: BAD_REQUEST, "several-credentials", "the request shows two of `Authorization`, `access_token`, `signature` and `ticket`";
    BadPartial: BAD_REQUEST, "bad-partial", "`partial` is neither `true` nor `false`";
    KeyRequired: UNAUTHORIZED, "key-required", "publishing, and `/metrics` where a publish key is set, need the key, and there is none in the request";
    InvalidKey: UNAUTHORIZED, "invalid-key", "the key in the request is not the hub's";
    CredentialsRequired: UNAUTHORIZED, "credentials-required", "what is asked for is not allowed to everybody, and the request shows no key, token or signature";
    InvalidCredentials: UNAUTHORIZED, "invalid-credentials", "the key, token or signature in the request gives nothing: it is unknown, malformed, expired or for somebody else";
    OriginNotAllowed: FORBIDDEN, "origin-not-allowed", "the request comes from a page of an origin that is not allowed";
    FrameNotAllowed: FORBIDDEN, "frame-not-allowed", "`mode=iframe` names an origin whose pages may not frame the hub's events";
    BehindAProxy: FORBIDDEN, "behind-a-proxy", "the hub has no key and listens on loopback, and the publish has come through a proxy";
    NotCovered: FORBIDDEN, "not-covered", "what the request shows does not allow what it asks for; `uncovered` has the selectors";
    NoOperator: FORBIDDEN, "no-operator", "the hub has neither a publish key nor access settings, so nobody is its operator";
    KeptOut: FORBIDDEN, "kept-out", "an operator keeps the user or the token of the request out for a time";
    ReservedTopic: FORBIDDEN, "reserved-topic", "a name in the path or in `topic` begins with `inbox/` or `tidings/`, and is no presence that can be read";
    NotFound: NOT_FOUND, "not-found", "there is nothing at this URL";
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method-not-allowed", "the URL does not take this method; `Allow` has those it takes";
    NotAcceptable: NOT_ACCEPTABLE, "not-acceptable", "`Accept` excludes everything that the URL answers";
    TooSlow: REQUEST_TIMEOUT, "too-slow", "the body did not come in time, or came too slowly";
    TooLarge: PAYLOAD_TOO_LARGE, "too-large", "the event's data has more than `event_bytes_max` bytes, or the body more bytes or events than its URL takes";
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "the body is compressed, or not text, or in a charset that the hub does not take, or not in the one that it names";
    UrlTooLong: URI_TOO_LONG, "url-too-long", "the URL has more than 65,534 bytes, or than fit into `head_bytes_max`";
    WrongHost: MISDIRECTED_REQUEST, "wrong-host", "the hub does not answer for this host";
    TooManyPreferences: CONFLICT, "too-many-preferences", "the user has as many muted kinds or followed topics as a user may have, or the users of the hub as many followed patterns";
    IdempotencyKeyReused: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "the idempotency key was used for another event or batch";
    WebSocketVersion: UPGRADE_REQUIRED, "websocket-version", "the request opens a WebSocket of another version than 13; `Sec-WebSocket-Version` has it";
    Busy: TOO_MANY_REQUESTS, "busy", "more is being published than the disk can take";
    TooManyPublishes: TOO_MANY_REQUESTS, "too-many-publishes", "one user, key or address publishes more events or bytes in a second than it may";
    TooManyStreams: TOO_MANY_REQUESTS, "too-many-streams", "one user, key or address has as many streams as it may, or begins more in a second; the stream is answered 200 with a `retry` and the end";
    HeadTooLarge: REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "the head of the request is larger than `head_bytes_max`, or has more than 100 headers";
    UnsupportedTransferCoding: NOT_IMPLEMENTED, "unsupported-transfer-coding", "the body comes in a transfer coding other than `chunked`";
    NoUpgrade: NOT_IMPLEMENTED, "no-upgrade", "the request opens a WebSocket, and the server in which the hub runs does not hand its connection over";
    UnsupportedVersion: HTTP_VERSION_NOT_SUPPORTED, "unsupported-version", "the request is of a version of HTTP that the hub does not speak";
    Unavailable: SERVICE_UNAVAILABLE, "unavailable", "the hub cannot write to its log, or cannot read it, at the moment";
    InboxNotReady: SERVICE_UNAVAILABLE, "inbox-not-ready", "the hub is making its inboxes from its log, and they are not there yet; or their database is behind, and shows later what was written";
    HeadsFull: SERVICE_UNAVAILABLE, "heads-full", "the head of the request has more than 8 KiB, and the heads of others take up all the room for such";
    AccessUnavailable: SERVICE_UNAVAILABLE, "access-unavailable", "the hub has to ask another program who may do it, and has no answer that counts";
    BodiesFull: SERVICE_UNAVAILABLE, "bodies-full", "the bodies that are being sent take up `bodies_bytes_max`, or the reserve for small ones";
    Ending: SERVICE_UNAVAILABLE, "ending", "the hub is ending, and takes no more publishes";
    TooManyConnections: SERVICE_UNAVAILABLE, "too-many-connections", "every connection of the hub is busy";
    TooManySelectors: SERVICE_UNAVAILABLE, "too-many-selectors", "all subscriptions together have `selectors_max` selectors";
    AnswersFull: SERVICE_UNAVAILABLE, "answers-full", "answers that are not read hold `answers_bytes_max` bytes";
    DenialsFull: SERVICE_UNAVAILABLE, "denials-full", "10,000 users and tokens are kept out, and no more can be";
    StoreFull: INSUFFICIENT_STORAGE, "store-full", "the hub's disk is full";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lists_exactly_these_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/http.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (_, section) = page.split_once("\n## Problem types\n").unwrap();
        let section = section.split("\n## ").next().unwrap();

        let listed: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        let expected: Vec<_> = PROBLEM_TYPES
            .iter()
            .map(|(status, name, when)| format!("| {status} | `{name}` | {when} |"))
            .collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn a_type_stands_at_its_place_in_the_list_of_all() {
        let [first, last] = [ProblemType::BadHost, ProblemType::StoreFull];

        assert_eq!(PROBLEM_TYPES[first as usize].1, first.name());
        assert_eq!(PROBLEM_TYPES[last as usize].1, last.name());
        assert_eq!(last as usize, PROBLEM_TYPES.len() - 1);
    }

    #[test]
    fn no_two_types_have_one_name() {
        let mut names: Vec<_> = PROBLEM_TYPES.iter().map(|(_, name, _)| name).collect();
        names.sort();
        names.dedup();

        assert_eq!(names.len(), PROBLEM_TYPES.len());
    }
}
