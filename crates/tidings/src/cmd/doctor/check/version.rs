//! Which version of HTTP a browser would speak.

use http::Version;

use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::Target;

const NAME: &str = "http-version";

/// Looks at the version in which the hub was reached.
pub(in crate::cmd::doctor) fn look(target: &Target, version: Version) -> Check {
    let name = name(version);
    let six = "so a browser opens six connections to the host, of which each stream keeps one";
    match (version == Version::HTTP_2, target.is_https(), target.is_loopback()) {
        (true, _, _) => Check::well(NAME, "HTTP/2: a browser has one connection for all streams"),
        (false, true, _) => Check::finding(NAME, format!("HTTP/2 is not offered, only HTTP/{name}, {six}"))
            .mended_by(Fault::NoHttp2),
        // A hub on the developer's own machine.
        (false, false, true) => Check::note(NAME, format!("HTTP/{name} without TLS, {six}")),
        (false, false, false) => {
            Check::finding(NAME, format!("browsers speak HTTP/2 over TLS alone, and this is http://, {six}"))
                .mended_by(Fault::NoTls)
        }
    }
}

/// A version for people.
pub(in crate::cmd::doctor) fn name(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        Version::HTTP_09 => "0.9",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
