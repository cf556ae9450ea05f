//! Settings that are right and do nothing, because of another one, and braces that mean nothing: somebody may rely on them.
//!
//! They are told and not refused, since a file may be shared by hubs of which each lacks something else.

use super::access::taken_as_they_stand;
use super::choice::Durability;
use super::loaded::Loaded;
use super::table::Config;

/// A sentence about each of them.
pub(crate) fn without_effect(loaded: &Loaded) -> Vec<String> {
    let (config, default) = (&loaded.config, Config::default());
    // What says the same as the default is no loss.
    let is_set = |name: &str| config.text(name) != default.text(name);
    let mut told = if loaded.has_access() { beside_access(config) } else { access(config) };
    if config.memory {
        // A weaker place is covered on purpose: that is how one tries a configured hub without its log.
        let memory = loaded.source("memory");
        let of_disk = [
            "durability",
            "durability_interval",
            "retention_age",
            "segment_bytes",
            "scrub_bytes_per_second",
            "disk_free_min",
            "strict_recovery",
        ];
        let idle = of_disk.into_iter().filter(|name| is_set(name) && loaded.source(name) >= memory);
        told.extend(idle.map(|name| (name, "memory is true, and then nothing is on the disk".to_owned())));
    } else if config.durability != Durability::Interval && is_set("durability_interval") {
        let why = format!("durability is {}, and not interval", config.text("durability"));
        told.push(("durability_interval", why));
    }
    if !config.inbox {
        let of_inbox = ["inbox_items_max", "inbox_unread_max", "inbox_age", "inbox_unread_age"];
        let idle = of_inbox.into_iter().filter(|name| is_set(name));
        told.extend(idle.map(|name| (name, "inbox is false, and then there is none".to_owned())));
    }
    let settings = told.into_iter().map(|(name, why)| format!("{name} has no effect: {why}"));
    settings.chain(loaded.access.iter().flat_map(taken_as_they_stand)).collect()
}

/// The setting that says who may publish without a key, where tables say it.
fn beside_access(config: &Config) -> Vec<(&'static str, String)> {
    let why = "the tables of [access], or the key of TIDINGS_JWT_KEY or its like, say who may publish";
    config.insecure_open.then(|| ("insecure_open", why.to_owned())).into_iter().collect()
}

/// The setting that says who may publish without a key.
fn access(config: &Config) -> Vec<(&'static str, String)> {
    let has_key = config.publish_key.is_some() || config.publish_key_file.is_some();
    let is_loopback = config.listen.ip().is_loopback();
    let trusts_proxies = !config.trusted_proxies.0.is_empty();
    let why = match (config.insecure_open, is_loopback) {
        (true, _) if has_key => Some("there is a publish key, which publishers must send"),
        (true, true) if !trusts_proxies => {
            Some("the hub listens on loopback, and trusted_proxies names no proxy")
        }
        _ => None,
    };
    why.map(|why| ("insecure_open", why.to_owned())).into_iter().collect()
}
