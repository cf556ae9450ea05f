//! What a person sees who has just started a hub: where to look, and what to try.

use std::net::SocketAddr;

use tidings_core::Selector;
use tidings_http::Tls;

use crate::config::{Config, LogFormat};
use crate::credentials::access::AccessSources;
use crate::terminal::shell;
use crate::terminal::talk::tell;

/// Says that the hub listens. A person gets a page, a machine a record.
pub(crate) fn say(config: &Config, access: Option<&AccessSources>, address: SocketAddr, tls: Option<&Tls>) {
    let store = store(config);
    match config.log_format {
        LogFormat::Text => tell(&page(config, access, address, &store, tls)),
        LogFormat::Json if access.is_some() => {}
        LogFormat::Json => open(config).into_iter().for_each(|open| tracing::warn!("{open}")),
    }
    if let Some(access) = access {
        tracing::info!("access: {}", access.summary);
    }
    let fingerprint = tls.map(Tls::fingerprint);
    tracing::info!(%address, store, fingerprint, "listening");
}

fn page(
    config: &Config,
    access: Option<&AccessSources>,
    address: SocketAddr,
    store: &str,
    tls: Option<&Tls>,
) -> String {
    let url = url(address, tls);
    let insecure = if config.tls_self_signed { " -k" } else { "" };
    let header = |key: &str| format!(" -H \"Authorization: Bearer {key}\"");
    let key = key(config).map(|key| header(&key));
    // A key of a table is not told: it may be known by its hash alone.
    let of_access = access.map(|access| {
        let everybody = &access.access.anonymous;
        let is_open = |allowed: &tidings_access::Allowed| {
            Selector::parse("hello").is_ok_and(|hello| allowed.covers(&hello))
        };
        let shown = |is_open: bool| if is_open { String::new() } else { header("$KEY") };
        (shown(is_open(&everybody.subscribe)), shown(is_open(&everybody.publish)))
    });
    let (reading, publishing) = of_access.unwrap_or_default();
    let key = key.unwrap_or(publishing);
    let certificate = tls.map_or_else(String::new, |tls| format!("  SHA-256   {}\n", tls.fingerprint()));
    let open = match open(config) {
        _ if access.is_some() => String::new(),
        Some(open) => format!("  open      {open}\n"),
        None if has_key(config) => String::new(),
        None => "  proxy     a hub behind a proxy needs a publish key; `tidings init` makes one\n".to_owned(),
    };
    let inbox = if config.inbox { format!("  inbox     {url}/console/inbox.html\n") } else { String::new() };
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "tidings {version}

  look      {url}/
  listen    curl{insecure}{reading} -N {url}/events/hello
  publish   curl{insecure}{key} -d 'good news' {url}/events/hello
{inbox}
  events    {store}
{certificate}{open}  stop      Ctrl-C, or SIGTERM
"
    )
}

/// Where a browser on this machine finds the hub.
fn url(address: SocketAddr, tls: Option<&Tls>) -> String {
    let mut address = address;
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    format!("{}://{address}", if tls.is_some() { "https" } else { "http" })
}

/// The publish key, as a shell puts it between double quotation marks.
fn key(config: &Config) -> Option<String> {
    // A pipe was read to its end, and what is no word cannot be pasted.
    let file = config.publish_key_file.as_deref().filter(|path| path.is_file());
    let word = file.and_then(|path| shell::word(&std::path::absolute(path).ok()?));
    let variable = || "$TIDINGS_PUBLISH_KEY".to_owned();
    has_key(config).then(|| word.map_or_else(variable, |word| format!("$(cat {word})")))
}

fn has_key(config: &Config) -> bool {
    config.publish_key.is_some() || config.publish_key_file.is_some()
}

/// Who can publish without a key, if others than the programs of this machine can.
fn open(config: &Config) -> Option<&'static str> {
    if has_key(config) || !config.insecure_open {
        return None;
    }
    let trusts_proxies = !config.trusted_proxies.0.is_empty();
    match config.listen.ip().is_loopback() {
        false => Some(
            "everybody who can reach this address can publish: insecure_open is true, and there is no publish key",
        ),
        true if trusts_proxies => Some(
            "everybody who can reach a proxy of trusted_proxies can publish: insecure_open is true, and there is no publish key",
        ),
        true => None,
    }
}

fn store(config: &Config) -> String {
    if config.memory {
        return "in memory alone, gone when the hub ends".to_owned();
    }
    // A relative path says little to whoever started it elsewhere.
    let dir = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
    format!("{} ({})", dir.display(), durability(config))
}

fn durability(config: &Config) -> String {
    use crate::config::Durability::{Fsync, Interval, None};

    match config.durability {
        Fsync => "on the disk before a publisher is answered".to_owned(),
        Interval => format!("on the disk within {:?}", config.durability_interval),
        None => "on the disk when the system likes".to_owned(),
    }
}
