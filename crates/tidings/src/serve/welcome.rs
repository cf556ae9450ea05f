//! What a person sees who has just started a hub: where to look, and what to try.

use std::net::SocketAddr;

use tidings_http::Tls;

use crate::config::{Config, LogFormat};
use crate::terminal::talk::tell;

/// Says that the hub listens. A person gets a page, a machine a record.
pub(crate) fn say(config: &Config, address: SocketAddr, tls: Option<&Tls>) {
    let store = store(config);
    match config.log_format {
        LogFormat::Text => tell(&page(config, address, &store, tls)),
        LogFormat::Json => {}
    }
    let fingerprint = tls.map(Tls::fingerprint);
    tracing::info!(%address, store, fingerprint, "listening");
}

fn page(config: &Config, address: SocketAddr, store: &str, tls: Option<&Tls>) -> String {
    let url = url(address, tls);
    let insecure = if config.tls_self_signed { " -k" } else { "" };
    let key = if has_key(config) { " -H \"Authorization: Bearer $TIDINGS_PUBLISH_KEY\"" } else { "" };
    let certificate = tls.map_or_else(String::new, |tls| format!("  SHA-256   {}\n", tls.fingerprint()));
    let proxy = if has_key(config) {
        ""
    } else {
        "  proxy     a hub behind a proxy needs a publish key; `tidings init` makes one\n"
    };
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "tidings {version}

  look      {url}/
  listen    curl{insecure} -N {url}/events/hello
  publish   curl{insecure}{key} -d 'good news' {url}/events/hello

  events    {store}
{certificate}{proxy}  stop      Ctrl-C, or SIGTERM
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

fn has_key(config: &Config) -> bool {
    config.publish_key.is_some() || config.publish_key_file.is_some()
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
