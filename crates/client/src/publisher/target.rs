//! Where to publish.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::PublishError;
use crate::written::{advice, broken_escape};

/// A topic of the hub, or a URL at the hub. A `&str` is a topic.
///
/// Not `non_exhaustive`: a place has a name or an address, or is the one for all names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A topic, as it is: this encodes it for the path.
    Topic(&'a str),
    /// A URL, whole or relative to the hub's, for whoever was given one.
    Url(&'a str),
    /// Where the hub takes [events of many topics](crate::Publisher::publish_atomically).
    AllTopics,
}

/// RFC 3986, "unreserved".
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Target<'_> {
    pub(super) fn url(self, hub: &Url) -> Result<Url, PublishError> {
        let (text, url) = match self {
            Self::Topic(topic) => (topic, topic_url(hub, topic)),
            Self::AllTopics => ("/events", at_path(hub, "/events")),
            Self::Url(url) => (url, hub.join(url).ok()),
        };
        // Nothing that the hub's token is for goes to anybody else.
        let url = url
            .filter(|url| url.origin() == hub.origin())
            .ok_or_else(|| PublishError::Target { target: text.to_owned(), hub: hub.to_string() })?;
        if url.fragment().is_some() {
            return Err(PublishError::Fragment);
        }
        if matches!(self, Self::Url(_))
            && let Some(advice) = advice(text, &url)
        {
            let (target, path) = (text.to_owned(), url.path().to_owned());
            return Err(PublishError::Rewritten { target, path, advice });
        }
        if matches!(self, Self::Url(_))
            && let Some(fault) = broken_escape(text)
        {
            return Err(PublishError::Escape { target: text.to_owned(), fault });
        }
        Ok(url)
    }
}

/// `/events/{topic}` below the hub's own path. `None` if a URL cannot hold the topic: it takes `..` for a direction.
fn topic_url(hub: &Url, topic: &str) -> Option<Url> {
    if topic.is_empty() {
        return None;
    }
    // Slashes stay readable where they part names, and are encoded where a path would lose or add some.
    let is_plain = topic.split('/').all(|name| !name.is_empty() && name != "." && name != "..");
    let encoded = if is_plain {
        let names: Vec<String> =
            topic.split('/').map(|name| utf8_percent_encode(name, ENCODED).to_string()).collect();
        names.join("/")
    } else {
        utf8_percent_encode(topic, ENCODED).to_string()
    };
    at_path(hub, &format!("/events/{encoded}"))
}

/// `/inbox` below the hub's own path, and what stands below it. `None` if a URL cannot hold a segment.
pub(super) fn inbox_url(hub: &Url, segments: &[String]) -> Option<Url> {
    if segments.iter().any(String::is_empty) {
        return None;
    }
    let below: String =
        segments.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, ENCODED))).collect();
    at_path(hub, &format!("/inbox{below}"))
}

/// A path below the hub's own. `None` if a URL bends it.
fn at_path(hub: &Url, path: &str) -> Option<Url> {
    let path = format!("{}{path}", hub.path().trim_end_matches('/'));
    let mut url = hub.clone();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    (url.path() == path).then_some(url)
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(topic: &'a str) -> Self {
        Self::Topic(topic)
    }
}

impl<'a> From<&'a String> for Target<'a> {
    fn from(topic: &'a String) -> Self {
        Self::Topic(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url<'a>(hub: &str, target: impl Into<Target<'a>>) -> Option<String> {
        target.into().url(&Url::parse(hub).unwrap()).ok().map(String::from)
    }

    #[test]
    fn a_topic_stands_in_the_path_and_its_slashes_stay() {
        assert_eq!(url("http://h:1", "orders/42").as_deref(), Some("http://h:1/events/orders/42"));
        assert_eq!(url("http://h:1/hub/?x=1", "a b").as_deref(), Some("http://h:1/hub/events/a%20b"));
        let chinese = url("http://h:1", "\u{8ba2}\u{5355}");
        assert_eq!(chinese.as_deref(), Some("http://h:1/events/%E8%AE%A2%E5%8D%95"));
    }

    #[test]
    fn events_of_many_topics_go_to_the_url_without_a_topic() {
        assert_eq!(url("http://h:1", Target::AllTopics).as_deref(), Some("http://h:1/events"));
        assert_eq!(url("http://h:1/hub/?x=1", Target::AllTopics).as_deref(), Some("http://h:1/hub/events"));
    }

    #[test]
    fn a_user_is_one_segment_whatever_its_name() {
        let at = |hub: &str, segments: &[&str]| {
            let segments: Vec<_> = segments.iter().map(|segment| (*segment).to_owned()).collect();
            inbox_url(&Url::parse(hub).unwrap(), &segments).map(String::from)
        };
        assert_eq!(at("http://h:1", &["alice", "count"]).as_deref(), Some("http://h:1/inbox/alice/count"));
        assert_eq!(at("http://h:1/hub/?x=1", &[]).as_deref(), Some("http://h:1/hub/inbox"));
        assert_eq!(at("http://h:1", &["a/b?c#d%"]).as_deref(), Some("http://h:1/inbox/a%2Fb%3Fc%23d%25"));
        assert_eq!((at("http://h:1", &[".."]), at("http://h:1", &[""])), (None, None));
    }

    #[test]
    fn a_topic_that_a_path_would_bend_is_encoded_whole() {
        let address = url("http://h:1", "https://example.com/a/");
        assert_eq!(address.as_deref(), Some("http://h:1/events/https%3A%2F%2Fexample.com%2Fa%2F"));
        assert_eq!(url("http://h:1", "a/../b").as_deref(), Some("http://h:1/events/a%2F..%2Fb"));
    }

    #[test]
    fn a_topic_that_no_path_can_hold_is_refused() {
        for topic in ["", ".", ".."] {
            assert_eq!(url("http://h:1", topic), None, "{topic:?}");
        }
    }

    #[test]
    fn a_url_with_a_fragment_is_refused_and_a_topic_with_a_hash_is_encoded() {
        let hub = Url::parse("http://h:1").unwrap();
        for target in ["http://h:1/events/chat#general", "/events/chat#", "events/chat?retry=1#x"] {
            assert!(matches!(Target::Url(target).url(&hub), Err(PublishError::Fragment)), "{target}");
        }
        assert_eq!(url("http://h:1", "chat#general").as_deref(), Some("http://h:1/events/chat%23general"));
        let encoded = url("http://h:1", Target::Url("/events/chat%23general"));
        assert_eq!(encoded.as_deref(), Some("http://h:1/events/chat%23general"));
    }

    #[test]
    fn a_url_that_would_be_read_as_another_is_refused() {
        let hub = Url::parse("http://h:1").unwrap();
        for (target, read, told) in [
            ("http://h:1/events/a/../b", "/events/b", "%2F"),
            ("http://h:1/events/a/%2E%2e/b", "/events/b", "%2F"),
            ("/events/./a?retry=1", "/events/a", "%2F"),
            ("http://h:1/events\\a", "/events/a", "%5C"),
            ("http://h:1/events/a\tb", "/events/ab", "%09"),
            ("http://h:1/events/a\rb ", "/events/ab", "%09"),
            ("http://h:1/events/a ", "/events/a", "%20"),
            ("http://h:1/events/a\n", "/events/a", "%20"),
            ("http:h:1/events/a", "/events/h:1/events/a", "http://HOST/PATH"),
            ("http:/h:1/events/a", "/h:1/events/a", "http://HOST/PATH"),
            ("HTTP:///h:1/events/a", "/events/a", "http://HOST/PATH"),
            ("http:\\\\h:1\\events\\a", "/events/a", "http://HOST/PATH"),
        ] {
            let absolute = Url::parse(target).unwrap_or(hub.clone());
            let refused = Target::Url(target).url(&absolute);
            assert!(
                matches!(&refused, Err(PublishError::Rewritten { path, advice, .. }) if path == read && advice.contains(told)),
                "{target}: {refused:?}"
            );
        }
        for target in [
            "http://h:1/events/a%2F..%2Fb",
            "/events/a b",
            "events/\u{e9}%20x?id=../y",
            "events/a?id=http://x/1",
            "http://h:1",
            "http://h:1?id=http://x/1",
        ] {
            assert!(Target::Url(target).url(&hub).is_ok(), "{target}");
        }
    }

    #[test]
    fn a_url_with_broken_percent_encoding_is_refused_and_a_topic_with_a_percent_sign_is_encoded() {
        let hub = Url::parse("http://h:1").unwrap();
        for (target, part) in [
            ("http://h:1/events/%zz", "has `%zz`, and % begins"),
            ("/events/100%", "has `%`, and % begins"),
            ("events/a%2", "has `%2`, and"),
            ("/events/a?id=%41%g1", "has `%g1`, and"),
            ("/events/a%+1", "has `%+1`, and"),
        ] {
            let refused = Target::Url(target).url(&hub).unwrap_err().to_string();
            assert!(refused.contains(part), "{target}: {refused}");
        }
        assert_eq!(url("http://h:1", "100%").as_deref(), Some("http://h:1/events/100%25"));
        assert!(Target::Url("/events/100%25?id=%C3%a9").url(&hub).is_ok());
    }

    #[test]
    fn a_url_must_be_the_hubs() {
        let at = |target| url("http://h:1/x", Target::Url(target));

        assert_eq!(at("/events/a?retry=1").as_deref(), Some("http://h:1/events/a?retry=1"));
        assert_eq!(at("http://h:1/events/a").as_deref(), Some("http://h:1/events/a"));
        assert_eq!(at("http://other:1/events/a"), None);
        assert_eq!(at("https://h:1/events/a"), None);
    }
}
