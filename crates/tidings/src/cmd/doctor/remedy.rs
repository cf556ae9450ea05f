//! What to write where: for each fault the line of each proxy, or of the hub, that mends it.
//!
//! The lines of nginx, HAProxy and Caddy are applied by `tests/proxies/doctor.test.js` as they are printed here.

use std::time::Duration;

use serde::Serialize;

use super::proxy::Proxy;
use super::target::Target;

/// A fault that a line of a configuration mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Answers are held back.
    Held,
    /// Compressed answers are held back.
    HeldCompressed,
    /// A silence of so long is cut.
    SilenceCut { silence: Duration },
    /// A long poll is cut while it waits, which no heartbeat prevents.
    LongPollCut,
    /// A stream is cut although it is not silent.
    AgeCut,
    /// `Last-Event-ID` does not arrive.
    NoLastEventId,
    /// Browsers are not offered HTTP/2.
    NoHttp2,
    /// There is no TLS, so that browsers speak HTTP/1.1.
    NoTls,
    /// Not all connections are let through.
    Connections,
    /// The hub has no room for as many.
    HubIsFull,
    /// The hub does not know the origin of a page.
    OriginRefused { origin: String },
    /// The headers of CORS do not arrive.
    CorsLost,
    /// The headers of CORS arrive twice.
    CorsTwice,
    /// A preflight is not answered by the hub.
    Preflight,
    /// The hub is asked for another host than its client was.
    HostRewritten,
    /// The hub does not answer for its host.
    HostRefused,
    /// The path of the proxy is passed on to the hub.
    Prefix,
    /// The path is decoded, or its slashes are folded.
    PathRewritten,
    /// A `POST` is not passed on.
    PostRefused,
    /// `Upgrade` is not passed on.
    NoUpgrade,
}

/// Who is told what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Remedy {
    /// The proxy; the hub if there is none.
    #[serde(rename = "for")]
    pub(super) of: Of,
    #[serde(rename = "do")]
    pub(super) action: Action,
    /// Where the line stands.
    pub(super) place: &'static str,
    pub(super) line: String,
}

/// Whose configuration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Of {
    Proxy(Proxy),
    Hub(Hub),
}

/// The hub itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Hub {
    Hub,
}

/// What to do with the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// Add it.
    Add,
    /// Write it in the place of the one of this name that is there.
    Change,
    /// Take out what begins like this.
    Remove,
}

use Action::{Add, Change, Remove};

const LOCATION: &str = "in the location of the hub";
/// How nginx reaches the hub, only its operator knows.
const PASS: &str =
    "in the location of the hub, with the address at which nginx reaches it for 127.0.0.1:8080";
const BACKEND: &str = "in the backend of the hub";
const FRONTEND: &str = "in the frontend";
const DEFAULTS: &str = "in defaults, or in frontend and backend";
const REVERSE_PROXY: &str = "in reverse_proxy";
const MIDDLEWARES: &str = "among the middlewares of the hub";
const ENTRY_POINT: &str = "in respondingTimeouts of the entry point";
const GLOBAL: &str = "in servers of the global options";
const ZONE: &str = "in the settings of the zone";
const RULES: &str = "among the rules of the zone";
const SETTINGS: &str = "in its configuration";

impl Remedy {
    /// The remedies of a fault: those of the hub, and those of these proxies.
    pub(super) fn all(fault: &Fault, target: &Target, proxies: &[Proxy]) -> Vec<Self> {
        let hub = of_hub(fault, target);
        let hub =
            hub.into_iter().map(|(action, place, line)| Self { of: Of::Hub(Hub::Hub), action, place, line });
        let of_proxies = proxies.iter().flat_map(|proxy| {
            let lines = match proxy {
                Proxy::Nginx => nginx(fault, target),
                Proxy::Haproxy => haproxy(fault, target),
                Proxy::Caddy => caddy(fault, target),
                Proxy::Cloudflare => cloudflare(fault),
                Proxy::Traefik => traefik(fault, target),
            };
            lines.into_iter().map(|(action, place, line)| Self { of: Of::Proxy(*proxy), action, place, line })
        });
        hub.chain(of_proxies).collect()
    }

    /// Whose it is, for people.
    pub(super) fn of(&self) -> &'static str {
        match self.of {
            Of::Proxy(proxy) => proxy.name(),
            Of::Hub(Hub::Hub) => "the hub",
        }
    }
}

impl Action {
    /// What people are told.
    pub(super) fn words(self) -> &'static str {
        match self {
            Add => "add",
            Change => "change to",
            Remove => "take out",
        }
    }
}

type Line = (Action, &'static str, String);

fn of_hub(fault: &Fault, target: &Target) -> Vec<Line> {
    let add = |line: String| vec![(Add, SETTINGS, line)];
    let change = |lines: &[&str]| lines.iter().map(|line| (Change, SETTINGS, (*line).to_owned())).collect();
    match fault {
        // Half of it, so that one late heartbeat is no cut.
        Fault::SilenceCut { silence } if silence.as_secs() >= 2 => {
            vec![(Change, SETTINGS, format!("heartbeat = \"{}s\"", silence.as_secs() / 2))]
        }
        // Twice the defaults: which of them it is, the hub tells its operator alone.
        Fault::HubIsFull => {
            change(&["connections_max = 20000", "user_streams_max = 2000", "address_streams_max = 10000"])
        }
        Fault::OriginRefused { origin } => add(format!("cors_origin = [\"{origin}\"]")),
        Fault::HostRefused => add(format!("allowed_host = [\"{}\"]", target.host())),
        _ => vec![],
    }
}

fn nginx(fault: &Fault, target: &Target) -> Vec<Line> {
    let port = target.root().port_or_known_default().unwrap_or(443);
    let prefix = target.prefix();
    let here = |line: &str| (Add, LOCATION, line.to_owned());
    let out = |line: &str| (Remove, LOCATION, line.to_owned());
    match fault {
        Fault::Held => vec![here("proxy_buffering off;")],
        Fault::HeldCompressed => vec![here("gzip off;")],
        Fault::SilenceCut { .. } => vec![here("proxy_read_timeout 1h;"), here("proxy_send_timeout 1h;")],
        Fault::LongPollCut => vec![here("proxy_read_timeout 1h;")],
        Fault::NoLastEventId => vec![here("proxy_set_header Last-Event-ID $http_last_event_id;")],
        Fault::NoHttp2 => vec![(Change, "in the server of the hub", format!("listen {port} ssl http2;"))],
        Fault::NoTls => vec![(Change, "in the server of the hub", "listen 443 ssl http2;".to_owned())],
        Fault::Connections => vec![here("limit_conn_dry_run on;"), here("limit_req_dry_run on;")],
        Fault::CorsLost => CORS_HEADERS.map(|name| here(&format!("proxy_pass_header {name};"))).to_vec(),
        Fault::CorsTwice => vec![out("add_header Access-Control-")],
        Fault::PostRefused => vec![out("limit_except"), out("if ($request_method")],
        Fault::Preflight => vec![out("if ($request_method = OPTIONS)"), out("limit_except")],
        Fault::HostRewritten => vec![here("proxy_set_header Host $http_host;")],
        Fault::Prefix | Fault::PathRewritten if !prefix.is_empty() => vec![
            (
                Add,
                "beside server",
                format!("map $request_uri $behind_prefix {{ ~^{prefix}(?<rest>/.*)$ $rest; }}"),
            ),
            (Change, PASS, "proxy_pass http://127.0.0.1:8080$behind_prefix;".to_owned()),
        ],
        Fault::Prefix | Fault::PathRewritten => {
            vec![(Change, PASS, "proxy_pass http://127.0.0.1:8080;".to_owned())]
        }
        Fault::NoUpgrade => vec![
            here("proxy_http_version 1.1;"),
            here("proxy_set_header Upgrade $http_upgrade;"),
            here("proxy_set_header Connection $to_hub;"),
            (Add, "beside server", "map $http_upgrade $to_hub { default upgrade; \"\" \"\"; }".to_owned()),
        ],
        Fault::AgeCut | Fault::HubIsFull | Fault::HostRefused | Fault::OriginRefused { .. } => vec![],
    }
}

/// The headers of CORS that a page depends on.
const CORS_HEADERS: [&str; 2] = ["Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"];

fn haproxy(fault: &Fault, target: &Target) -> Vec<Line> {
    let prefix = target.prefix();
    let add = |place, line: &str| (Add, place, line.to_owned());
    let out = |place, line: &str| (Remove, place, line.to_owned());
    match fault {
        Fault::Held => vec![out(BACKEND, "http-response wait-for-body")],
        Fault::HeldCompressed => vec![out(BACKEND, "compression")],
        Fault::SilenceCut { .. } | Fault::LongPollCut => vec![
            (Change, DEFAULTS, "timeout client 1h".to_owned()),
            (Change, DEFAULTS, "timeout server 1h".to_owned()),
        ],
        Fault::NoLastEventId => vec![out(BACKEND, "http-request del-header Last-Event-ID")],
        Fault::NoHttp2 => vec![add("at the end of the bind line", "alpn h2,http/1.1")],
        Fault::NoTls => vec![add(FRONTEND, "bind :443 ssl crt /etc/ssl/both.pem alpn h2,http/1.1")],
        Fault::Connections => vec![(Change, "in global, and on the server line", "maxconn 10000".to_owned())],
        Fault::CorsLost => vec![out(BACKEND, "http-response del-header Access-Control-")],
        Fault::CorsTwice => vec![out(BACKEND, "http-response add-header Access-Control-")],
        Fault::PostRefused => vec![out(FRONTEND, "http-request deny")],
        Fault::Preflight => vec![out(FRONTEND, "http-request return status 204")],
        Fault::HostRewritten => vec![out(BACKEND, "http-request set-header Host")],
        Fault::Prefix => vec![add(BACKEND, &format!("http-request replace-path {prefix}/(.*) /\\1"))],
        Fault::PathRewritten => vec![out(FRONTEND, "http-request normalize-uri")],
        Fault::NoUpgrade => vec![out(BACKEND, "http-request del-header Upgrade")],
        Fault::AgeCut | Fault::HubIsFull | Fault::HostRefused | Fault::OriginRefused { .. } => vec![],
    }
}

fn caddy(fault: &Fault, target: &Target) -> Vec<Line> {
    let prefix = target.prefix();
    let add = |place, line: &str| (Add, place, line.to_owned());
    let out = |place, line: &str| (Remove, place, line.to_owned());
    match fault {
        Fault::Held => vec![add(REVERSE_PROXY, "flush_interval -1")],
        Fault::HeldCompressed => vec![out("in the site of the hub", "encode")],
        Fault::SilenceCut { .. } | Fault::LongPollCut => {
            vec![(Change, "in transport http of reverse_proxy", "read_timeout 1h".to_owned())]
        }
        Fault::AgeCut => {
            vec![
                (Change, "in timeouts of servers, in the global options", "write 0".to_owned()),
                out(REVERSE_PROXY, "stream_timeout"),
            ]
        }
        Fault::NoLastEventId => vec![out(REVERSE_PROXY, "header_up -Last-Event-ID")],
        Fault::NoHttp2 => vec![(Change, GLOBAL, "protocols h1 h2 h3".to_owned())],
        Fault::NoTls => vec![(Change, "as the address of the site", target.host().to_owned())],
        Fault::Connections => vec![],
        Fault::CorsLost => vec![out(REVERSE_PROXY, "header_down -Access-Control-")],
        Fault::CorsTwice => vec![out("in the site of the hub", "header Access-Control-")],
        Fault::PostRefused => vec![out("in the site of the hub", "method GET")],
        Fault::Preflight => vec![out("in the site of the hub", "method OPTIONS")],
        Fault::HostRewritten => vec![out(REVERSE_PROXY, "header_up Host")],
        Fault::Prefix => vec![add("before reverse_proxy", &format!("uri path_regexp ^{prefix}/ /"))],
        Fault::PathRewritten => vec![
            (Change, "in the place of handle_path", format!("handle {prefix}/* {{")),
            add("before reverse_proxy", &format!("uri path_regexp ^{prefix}/ /")),
        ],
        Fault::NoUpgrade => vec![out(REVERSE_PROXY, "header_up -Upgrade")],
        Fault::HubIsFull | Fault::HostRefused | Fault::OriginRefused { .. } => vec![],
    }
}

fn cloudflare(fault: &Fault) -> Vec<Line> {
    let line = |action, place, line: &str| vec![(action, place, line.to_owned())];
    match fault {
        Fault::Held => line(Change, ZONE, "response_buffering: off"),
        Fault::HeldCompressed => {
            line(Add, RULES, "a compression rule for the host of the hub: disable compression")
        }
        // Its time cannot be set but by the largest plan.
        Fault::SilenceCut { .. } | Fault::LongPollCut => {
            line(Change, ZONE, "proxy_read_timeout: 3600 (Enterprise)")
        }
        Fault::AgeCut => vec![],
        Fault::NoLastEventId => line(Remove, RULES, "a request header transform rule for Last-Event-ID"),
        Fault::NoHttp2 => line(Change, ZONE, "http2: on"),
        Fault::NoTls => line(Change, ZONE, "always_use_https: on"),
        Fault::Connections => line(Remove, RULES, "a rate limiting rule for the host of the hub"),
        Fault::CorsLost | Fault::CorsTwice => {
            line(Remove, RULES, "a response header transform rule for Access-Control-")
        }
        Fault::PostRefused => line(Remove, RULES, "a custom rule that blocks POST to the host of the hub"),
        Fault::Preflight => {
            line(Change, "in Access, in the settings of the application", "options_preflight_bypass: true")
        }
        Fault::HostRewritten => line(Remove, RULES, "an origin rule that overrides the host header"),
        Fault::Prefix => line(Add, RULES, "a URL rewrite rule for the path"),
        Fault::PathRewritten => line(Change, RULES, "normalize URLs to origin: off"),
        Fault::NoUpgrade => line(Change, ZONE, "websockets: on"),
        Fault::HubIsFull | Fault::HostRefused | Fault::OriginRefused { .. } => vec![],
    }
}

fn traefik(fault: &Fault, target: &Target) -> Vec<Line> {
    let prefix = target.prefix();
    let line = |action, place, line: &str| vec![(action, place, line.to_owned())];
    match fault {
        Fault::Held => line(Remove, MIDDLEWARES, "buffering:"),
        Fault::HeldCompressed => {
            line(Add, "in the middleware compress", "excludedContentTypes: [text/event-stream]")
        }
        Fault::SilenceCut { .. } | Fault::LongPollCut | Fault::AgeCut => {
            line(Change, ENTRY_POINT, "writeTimeout: 0")
        }
        Fault::NoLastEventId => line(Remove, "in customRequestHeaders", "Last-Event-ID: \"\""),
        Fault::NoHttp2 => line(Change, "in the options of TLS", "alpnProtocols: [h2, http/1.1]"),
        Fault::NoTls => line(Add, "in the router of the hub", "tls: {}"),
        Fault::Connections => line(Change, "in the middleware inFlightReq", "amount: 10000"),
        Fault::CorsLost | Fault::CorsTwice | Fault::Preflight => {
            line(Remove, "in the middleware headers", "accessControlAllow")
        }
        Fault::HostRewritten => line(Change, "in loadBalancer of the service", "passHostHeader: true"),
        Fault::Prefix => line(Add, MIDDLEWARES, &format!("stripPrefix: {{ prefixes: [\"{prefix}\"] }}")),
        Fault::PathRewritten => line(Change, "in http of the entry point", "sanitizePath: false"),
        Fault::PostRefused => line(Remove, "in the rule of the router", "Method(`GET`)"),
        Fault::NoUpgrade => line(Remove, "in customRequestHeaders", "Upgrade: \"\""),
        Fault::HubIsFull | Fault::HostRefused | Fault::OriginRefused { .. } => vec![],
    }
}
