//! What is examined: the root of a hub, and a stream below it that can be asked for.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

/// Parameters of a stream that the doctor chooses itself.
const CHOSEN: [&str; 12] = [
    "after",
    "envelope",
    "last",
    "lastEventId",
    "last_event_id",
    "limit",
    "mode",
    "on_gap",
    "opening",
    "origin",
    "since",
    "wait",
];

/// A stream of a hub.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The root of the hub. Its path ends with a slash.
    root: Url,
    /// The path of the stream behind the root, as it is sent.
    path: String,
    /// Parameters that the URL had, as they are sent.
    query: Vec<String>,
    /// Whether somebody has named the topic. Else it is one that nobody publishes to.
    pub(super) is_named: bool,
}

impl Target {
    /// What a URL names: a topic of a hub, which stands behind `/events`, or the root of a hub.
    pub(super) fn of(url: &Url) -> Self {
        let path = url.path();
        let query: Vec<String> =
            url.query().into_iter().flat_map(|query| query.split('&')).map(str::to_owned).collect();
        let by_query = path.ends_with("/events") && query.iter().any(|pair| pair.starts_with("topic="));
        let begin = match path.find("/events/") {
            Some(begin) if path.len() > begin + "/events/".len() => Some(begin),
            Some(_) | None => by_query.then(|| path.len() - "/events".len()),
        };
        let query = query.into_iter().filter(|pair| !pair.is_empty() && !is_chosen(pair)).collect();
        match begin {
            Some(begin) => Self {
                root: with_path(url, &path[..=begin]),
                path: path[begin + 1..].to_owned(),
                query,
                is_named: true,
            },
            None => {
                let root = path.strip_suffix("/events/").or(path.strip_suffix("/events")).unwrap_or(path);
                let root = with_path(url, &format!("{}/", root.trim_end_matches('/')));
                Self { root, path: format!("events/{}", unused_name()), query, is_named: false }
            }
        }
    }

    /// The URL itself as a stream: a hub may have other paths for its topics.
    pub(super) fn alias(url: &Url) -> Option<Self> {
        let named = Self::of(url);
        let (folder, name) = url.path().rsplit_once('/')?;
        let is_alias = !named.is_named && !name.is_empty();
        is_alias.then(|| Self {
            root: with_path(url, &format!("{folder}/")),
            path: name.to_owned(),
            is_named: true,
            ..named
        })
    }

    /// The same at the top of the host.
    pub(super) fn at_top(&self) -> Option<Self> {
        (self.root.path() != "/").then(|| Self { root: with_path(&self.root, "/"), ..self.clone() })
    }

    /// The same stream, where another URL of it leads to. `None` if that URL does not end as this one does.
    pub(super) fn moved(&self, url: &Url) -> Option<Self> {
        let root = url.path().strip_suffix(self.path.as_str()).filter(|root| root.ends_with('/'))?;
        Some(Self { root: with_path(url, root), ..self.clone() })
    }

    /// The root of the hub.
    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// The path before that of the hub, without a slash at its end. Empty at the top of a host.
    pub(super) fn prefix(&self) -> &str {
        self.root.path().trim_end_matches('/')
    }

    /// The URL of the stream with these parameters.
    pub(super) fn url(&self, parameters: &[(&str, &str)]) -> Url {
        self.with_topic(&self.path, parameters)
    }

    /// The same of another stream below the root: a path as it is sent.
    pub(super) fn with_topic(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.root.path()));
        let own = parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let query: Vec<String> = self.query.iter().cloned().chain(own).collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        url
    }

    /// For people, the stream if somebody has named it, else the hub. Without parameters, in which secrets may stand.
    pub(super) fn shown(&self) -> String {
        let mut url = if self.is_named { self.url(&[]) } else { self.root.clone() };
        url.set_query(None);
        url.into()
    }

    /// The origin of the hub, as a page there has it.
    pub(super) fn origin(&self) -> String {
        self.root.origin().ascii_serialization()
    }

    /// The host of the hub, without a port.
    pub(super) fn host(&self) -> &str {
        self.root.host_str().unwrap_or_default()
    }

    /// Whether the stream has a topic behind `/events/`, in the place of which another can stand.
    pub(super) fn has_topic_in_path(&self) -> bool {
        self.path.starts_with("events/")
    }

    /// The topic or pattern behind `/events/`, as a text.
    pub(super) fn topic(&self) -> Option<String> {
        let path = self.path.strip_prefix("events/")?;
        percent_decode_str(path).decode_utf8().ok().map(Cow::into_owned)
    }

    /// Whether the connection has TLS.
    pub(super) fn is_https(&self) -> bool {
        self.root.scheme() == "https"
    }

    /// Whether the host is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        match self.root.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// How a name begins that no topic and no event has.
pub(super) const UNUSED_NAME: &str = "tidings-doctor-";

/// A name that no topic and no event has.
pub(super) fn unused_name() -> String {
    format!("{UNUSED_NAME}{:016x}", fastrand::u64(..))
}

fn is_chosen(pair: &str) -> bool {
    CHOSEN.contains(&pair.split('=').next().unwrap_or_default())
}

fn with_path(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_url_names_a_topic_or_the_root_of_a_hub() {
        let of = |url| {
            let target = target(url);
            (target.root().to_string(), target.is_named.then(|| target.path.clone()))
        };
        let named = |root: &str, path: &str| (root.to_owned(), Some(path.to_owned()));
        let root = |root: &str| (root.to_owned(), None);

        assert_eq!(of("http://h/events/a/b"), named("http://h/", "events/a/b"));
        assert_eq!(of("http://h/push/events/x%2Fy?since=1h"), named("http://h/push/", "events/x%2Fy"));
        assert_eq!(of("http://h/push/events?topic=a&topic=b"), named("http://h/push/", "events"));
        assert_eq!(of("http://h/events/events/x"), named("http://h/", "events/events/x"));
        for url in ["http://h", "http://h/", "http://h/events", "http://h/events/"] {
            assert_eq!(of(url), root("http://h/"), "{url}");
        }
        assert_eq!(of("http://h/push"), root("http://h/push/"));
        assert_eq!(of("http://h/push/"), root("http://h/push/"));
    }

    #[test]
    fn parameters_that_are_not_the_doctors_go_along() {
        let url = "http://h/events?topic=a&since=1h&access_token=x&mode=poll&last_event_id=y";
        let url = target(url).url(&[("mode", "long-poll")]);

        assert_eq!(url.as_str(), "http://h/events?topic=a&access_token=x&mode=long-poll");
    }

    #[test]
    fn a_topic_is_decoded() {
        assert_eq!(target("http://h/events/caf%C3%A9/x%2Fy").topic().as_deref(), Some("caf\u{e9}/x/y"));
        assert_eq!(target("http://h/events/%ff").topic(), None);
        assert_eq!(target("http://h/events?topic=a").topic(), None);
    }

    #[test]
    fn what_is_shown_has_no_parameters() {
        assert_eq!(target("http://h/events?topic=a&access_token=x").shown(), "http://h/events");
    }

    #[test]
    fn a_path_of_its_own_may_be_an_alias() {
        let alias = |url| Target::alias(&Url::parse(url).unwrap()).map(|target| target.url(&[]).to_string());

        assert_eq!(alias("http://h/push/stream").as_deref(), Some("http://h/push/stream"));
        assert_eq!(alias("http://h/"), None);
        assert_eq!(alias("http://h/events/a"), None);
    }

    #[test]
    fn a_stream_that_has_moved_is_below_another_root() {
        let target = target("http://h/events/a");
        let moved = |url| target.moved(&Url::parse(url).unwrap()).map(|target| target.root().to_string());

        assert_eq!(moved("https://h/push/events/a?mode=poll").as_deref(), Some("https://h/push/"));
        assert_eq!(moved("https://h/login"), None);
    }
}
