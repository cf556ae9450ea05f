//! Which headers show that somebody has passed a request on, by their names alone.
//!
//! The names are told by families, because every product has its own: the headers about the hop before, the address of the
//! client, what the request was before it was rewritten, and all that begin with the name of a product that stands in front of
//! servers. Headers that programs send by themselves are none of these: those of tracing (`traceparent`, `x-request-id`, `x-b3-...`)
//! come from clients as often as from proxies.

use http::{HeaderName, HeaderValue};

use crate::limits::TRACE_WORDS_MAX;

/// Whether a header is one that proxies, balancers and content delivery networks add, and programs of this machine do not.
pub(super) fn is_of_a_proxy(name: &HeaderName, value: &HeaderValue) -> bool {
    // Those that nearly every publish has are not taken apart.
    let is_usual = matches!(
        name.as_str(),
        "accept"
            | "accept-encoding"
            | "authorization"
            | "connection"
            | "content-length"
            | "content-type"
            | "host"
            | "idempotency-key"
            | "transfer-encoding"
            | "user-agent"
    );
    if is_usual {
        return false;
    }
    let words = Words::of(name.as_str());
    words.are_about_a_hop()
        || words.are_an_address_of_a_client()
        || words.are_about_a_rewritten_request()
        || words.are_of_a_product(value)
}

/// The words of a header's name, which hyphens divide, or underscores, without the `x` and the `http` at its beginning.
struct Words<'a> {
    words: [&'a str; TRACE_WORDS_MAX],
    count: usize,
}

impl<'a> Words<'a> {
    fn of(name: &'a str) -> Self {
        let all = name.split(['-', '_']).skip_while(|word| matches!(*word, "x" | "http"));
        let mut words = Self { words: [""; TRACE_WORDS_MAX], count: 0 };
        for (place, word) in words.words.iter_mut().zip(all) {
            *place = word;
            words.count += 1;
        }
        words
    }

    fn all(&self) -> &[&'a str] {
        &self.words[..self.count]
    }

    /// `Forwarded`, `X-Forwarded-For`, `X-Original-Forwarded-Host`, `Via`, `Proxy-Connection`, `WL-Proxy-Client-IP`.
    fn are_about_a_hop(&self) -> bool {
        let is_hop = |word: &&str| word.starts_with("forwarded") || word.starts_with("prox");
        matches!(self.all(), ["via"] | ["early", "data"] | ["request" | "queue", "start"])
            || self.all().iter().any(|word| is_hop(word) && *word != "proximity")
    }

    /// `X-Real-IP`, `Client-IP`, `True-Client-IP`, `X-Cluster-Client-IP`, `X-ClientIP`, `X-Remote-Addr`.
    fn are_an_address_of_a_client(&self) -> bool {
        let Some((last, before)) = self.all().split_last() else { return false };
        let is_role = |role: &str| {
            matches!(
                role,
                "client"
                    | "connecting"
                    | "connection"
                    | "enduser"
                    | "origin"
                    | "originating"
                    | "peer"
                    | "real"
                    | "remote"
                    | "source"
                    | "user"
                    | "viewer"
                    | "visitor"
            )
        };
        match *last {
            "ip" | "ipv4" | "ipv6" | "addr" => before.last().is_some_and(|role| is_role(role)),
            joined => ["ip", "addr"].iter().any(|end| joined.strip_suffix(end).is_some_and(is_role)),
        }
    }

    /// `X-Original-Host`, `X-Rewrite-URL`, `X-Scheme`, `Front-End-Https`, `X-SSL-Client-Verify`, `Client-Cert`, `Remote-User`.
    fn are_about_a_rewritten_request(&self) -> bool {
        match self.all() {
            ["original" | "orig", of, ..] => matches!(
                *of,
                "client" | "host" | "method" | "path" | "port" | "proto" | "protocol" | "remote" | "request" | "scheme" | "uri" | "url"
            ),
            ["rewrite", "uri" | "url"]
            | ["scheme"]
            | ["url", "scheme"]
            | ["front", "end", "https"]
            | ["https" | "ssl"]
            // A certificate or a user that was checked before.
            | ["client", "cert" | "dn" | "verify", ..]
            | ["ssl", "client", ..]
            | ["remote", "user" | "group" | "groups" | "email" | "name"]
            | ["auth", "request", ..] => true,
            _ => false,
        }
    }

    /// `CF-Ray`, `CDN-Loop`, `Fly-Client-IP`, `X-Envoy-External-Address`, `X-Azure-ClientIP`, `Surrogate-Capability`.
    fn are_of_a_product(&self, value: &HeaderValue) -> bool {
        match self.all() {
            ["amzn", "trace", "id"] => !is_of_a_tracing_program(value),
            ["amz", "cf", ..] | ["goog", "iap", ..] | ["ali", "cdn", ..] | ["do", "connecting", ..] => true,
            [first, _, ..] => matches!(
                *first,
                "akamai"
                    | "amzn"
                    | "appengine"
                    | "arr"
                    | "authentik"
                    | "azure"
                    | "bluecoat"
                    | "cdn"
                    | "cf"
                    | "cloudfront"
                    | "envoy"
                    | "fastly"
                    | "fly"
                    | "haproxy"
                    | "incap"
                    | "istio"
                    | "kong"
                    | "l5d"
                    | "nf"
                    | "nginx"
                    | "ngrok"
                    | "pomerium"
                    | "railway"
                    | "sucuri"
                    | "surrogate"
                    | "tailscale"
                    | "traefik"
                    | "varnish"
                    | "vercel"
                    | "waws"
                    | "wl"
                    | "zscaler"
            ),
            [] | [_] => false,
        }
    }
}

/// A program that traces its calls names the call that this one belongs to. A balancer of AWS writes `Root` alone, and puts
/// `Self` before what it was sent.
fn is_of_a_tracing_program(trace: &HeaderValue) -> bool {
    let has = |key: &[u8]| {
        trace.as_bytes().split(|byte| *byte == b';').any(|part| part.trim_ascii().starts_with(key))
    };
    has(b"Parent=") && !has(b"Self=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_trace(name: &str) -> bool {
        has_trace(name, "x")
    }

    fn has_trace(name: &str, value: &str) -> bool {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        is_of_a_proxy(&name, &HeaderValue::from_str(value).unwrap())
    }

    #[test]
    fn what_proxies_balancers_and_delivery_networks_add_is_noticed() {
        for name in [
            // The hop before.
            "Forwarded",
            "Forwarded-For",
            "X-Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Client-Cert",
            "X_Forwarded_For",
            "X-Original-Forwarded-For",
            "X-ForwardedFor",
            "Via",
            "X-Via",
            "Proxy-Connection",
            "Proxy-Authorization",
            "X-ProxyUser-Ip",
            "X-NginX-Proxy",
            "Early-Data",
            "X-Request-Start",
            "X-Queue-Start",
            // The address of the client.
            "X-Real-IP",
            "Client-IP",
            "X-Client-IP",
            "X-ClientIP",
            "True-Client-IP",
            "X-True-Client-IP",
            "X-Cluster-Client-IP",
            "X-Originating-IP",
            "X-Remote-IP",
            "X-Remote-Addr",
            "X-Source-IP",
            "X-Nf-Client-Connection-Ip",
            "HTTP-Client-IP",
            // The request before it was rewritten.
            "X-Original-Host",
            "X-Original-URL",
            "X-Original-URI",
            "X-Original-Method",
            "X-Orig-Host",
            "X-Rewrite-URL",
            "X-Scheme",
            "X-Url-Scheme",
            "Front-End-Https",
            "X-SSL",
            "X-SSL-Client-Verify",
            "SSL-Client-Cert",
            "Client-Cert",
            "Remote-User",
            "X-Remote-User",
            "X-Auth-Request-Email",
            // Products.
            "CF-Ray",
            "CF-Connecting-IP",
            "CF-IPCountry",
            "CDN-Loop",
            "Akamai-Origin-Hop",
            "X-Akamai-Edgescape",
            "Fastly-Client-IP",
            "Fastly-FF",
            "Fly-Client-IP",
            "Fly-Region",
            "X-Envoy-External-Address",
            "X-Envoy-Expected-Rq-Timeout-Ms",
            "X-Azure-ClientIP",
            "X-Azure-FDID",
            "X-Appengine-User-Ip",
            "X-Appengine-Country",
            "X-Vercel-Id",
            "X-Vercel-Deployment-Url",
            "X-ARR-SSL",
            "X-WAWS-Unencoded-URL",
            "CloudFront-Viewer-Country",
            "X-Amz-Cf-Id",
            "X-Amzn-Mtls-Clientcert",
            "X-Goog-IAP-JWT-Assertion",
            "Surrogate-Capability",
            "WL-Proxy-Client-IP",
            "WL-Proxy-SSL",
            "X-Sucuri-ClientIP",
            "Incap-Client-IP",
            "Ali-CDN-Real-IP",
            "DO-Connecting-IP",
            "Tailscale-User-Login",
            "ngrok-skip-browser-warning",
            "l5d-dst-canonical",
            "X-Varnish-Id",
        ] {
            assert!(is_trace(name), "{name}");
        }
    }

    #[test]
    fn what_programs_send_by_themselves_is_not() {
        for name in [
            // Standard, and of browsers.
            "Host",
            "User-Agent",
            "Accept",
            "Accept-Encoding",
            "Accept-Language",
            "Content-Type",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "Keep-Alive",
            "Upgrade",
            "Upgrade-Insecure-Requests",
            "TE",
            "Expect",
            "From",
            "Origin",
            "Referer",
            "Cookie",
            "Authorization",
            "Cache-Control",
            "Pragma",
            "Date",
            "DNT",
            "Priority",
            "Max-Forwards",
            "Sec-Fetch-Site",
            "Sec-CH-UA",
            "X-Client-Data",
            "Idempotency-Key",
            "Last-Event-ID",
            // Tracing.
            "Traceparent",
            "Tracestate",
            "Baggage",
            "Sentry-Trace",
            "B3",
            "X-B3-TraceId",
            "Uber-Trace-Id",
            "X-Datadog-Trace-Id",
            "X-Cloud-Trace-Context",
            "Newrelic",
            "Request-Id",
            "X-Request-ID",
            "X-Correlation-ID",
            // Programs and their libraries.
            "X-Requested-With",
            "X-CSRF-Token",
            "X-XSRF-TOKEN",
            "X-API-Key",
            "X-HTTP-Method-Override",
            "X-Client-Version",
            "X-Client-ID",
            "X-Client-Name",
            "X-User-ID",
            "X-User-Agent",
            "X-Device-IP",
            "X-Email-Address",
            "X-Mac-Address",
            "X-Origin-ID",
            "X-Original-Filename",
            "X-Original-Name",
            "X-Remote-File",
            "X-Source",
            "X-Proximity",
            "X-GitHub-Event",
            "X-Hub-Signature-256",
            "X-Goog-Api-Client",
            "X-Amz-Date",
            "X-Amz-Security-Token",
            "X-Ms-Client-Request-Id",
            "X-Stainless-Lang",
            "Stripe-Signature",
            "Postman-Token",
            "Grpc-Timeout",
            "X",
            "X-",
            "-",
        ] {
            assert!(!is_trace(name), "{name}");
        }
    }

    #[test]
    fn a_trace_of_aws_is_of_a_balancer_unless_a_program_names_its_own_call_in_it() {
        for value in
            ["Root=1-67891233-abcdef012345678912345678", "Self=1-2;Root=1-1;Parent=3", "", "Parents=1"]
        {
            assert!(has_trace("X-Amzn-Trace-Id", value), "{value}");
        }
        for value in ["Root=1-1;Parent=53995c3f42cd8ad8;Sampled=1", "Root=1-1; Parent=5"] {
            assert!(!has_trace("X-Amzn-Trace-Id", value), "{value}");
        }
    }
}
