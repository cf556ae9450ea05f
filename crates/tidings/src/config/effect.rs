//! Settings that are right and do nothing, because of another one: somebody may rely on them.
//!
//! They are told and not refused, since a file may be shared by hubs of which each lacks something else.

use super::choice::Durability;
use super::loaded::Loaded;
use super::table::Config;

/// A sentence about each setting that has no effect.
pub(crate) fn without_effect(loaded: &Loaded) -> Vec<String> {
    let (config, default) = (&loaded.config, Config::default());
    // What says the same as the default is no loss.
    let is_set = |name: &str| config.text(name) != default.text(name);
    let mut told = if loaded.has_access() { beside_access(config) } else { access(config) };
    if config.memory {
        // A weaker place is covered on purpose: that is how one tries a configured hub without its log.
        let memory = loaded.source("memory");
        let of_disk = ["durability", "durability_interval", "retention_age", "segment_bytes"];
        let idle = of_disk.into_iter().filter(|name| is_set(name) && loaded.source(name) >= memory);
        told.extend(idle.map(|name| (name, "memory is true, and then nothing is on the disk".to_owned())));
    } else if config.durability != Durability::Interval && is_set("durability_interval") {
        let why = format!("durability is {}, and not interval", config.text("durability"));
        told.push(("durability_interval", why));
    }
    told.into_iter().map(|(name, why)| format!("{name} has no effect: {why}")).collect()
}

/// The settings that say who may publish without a key, where tables say it.
fn beside_access(config: &Config) -> Vec<(&'static str, String)> {
    let set =
        [("insecure_open", config.insecure_open), ("trusted_proxies", !config.trusted_proxies.0.is_empty())];
    let why = "the tables of [access], or the key of TIDINGS_JWT_KEY or its like, say who may publish";
    set.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (name, why.to_owned())).collect()
}

/// The settings that say who may publish without a key.
fn access(config: &Config) -> Vec<(&'static str, String)> {
    let has_key = config.publish_key.is_some() || config.publish_key_file.is_some();
    let is_loopback = config.listen.ip().is_loopback();
    let trusts_proxies = !config.trusted_proxies.0.is_empty();
    let open = match (config.insecure_open, is_loopback) {
        (true, _) if has_key => Some("there is a publish key, which publishers must send"),
        (true, true) if !trusts_proxies => {
            Some("the hub listens on loopback, and trusted_proxies names no proxy")
        }
        _ => None,
    };
    let proxies = match (trusts_proxies, is_loopback) {
        (true, _) if has_key => {
            Some("there is a publish key, which publishers must send, also through a proxy")
        }
        (true, false) => Some("insecure_open is true beyond loopback, so everybody can publish"),
        (true, true) if !config.insecure_open => {
            Some("a proxy that is trusted may pass publishes on only if insecure_open is true, too")
        }
        _ => None,
    };
    let told = [("insecure_open", open), ("trusted_proxies", proxies)];
    told.into_iter().filter_map(|(name, why)| Some((name, why?.to_owned()))).collect()
}
