//! Rules that concern more than one setting.

use super::loaded::Loaded;
use super::setting::Source;
use crate::terminal::failure::Failure;

/// Refuses a configuration that contradicts itself or is not safe.
pub(super) fn check(loaded: &Loaded) -> Result<(), Failure> {
    one_store(loaded)?;
    one_key(loaded)?;
    one_key_of_access(loaded)?;
    one_certificate(loaded)?;
    not_open_by_accident(loaded)?;
    drain_fits(loaded)
}

/// `--memory` beside a weaker `data` wins silently: that is how one tries a configured hub without its log.
fn one_store(loaded: &Loaded) -> Result<(), Failure> {
    let (memory, data) = (loaded.source("memory"), loaded.source("data"));
    if !loaded.config.memory || data == Source::Default || data < memory {
        return Ok(());
    }
    Err(Failure::usage(format!("data is set by {data}, but memory is set by {memory}, which keeps none"))
        .hint("leave one of them out, or say --memory=false"))
}

fn one_key(loaded: &Loaded) -> Result<(), Failure> {
    if loaded.config.publish_key.is_none() || loaded.config.publish_key_file.is_none() {
        return Ok(());
    }
    Err(Failure::usage("there are two publish keys: TIDINGS_PUBLISH_KEY and publish_key_file")
        .hint("leave one of them out"))
}

/// Two keys of one kind, each from a place of its own: none of them is the one that was meant.
fn one_key_of_access(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    let jwt = [
        ("TIDINGS_JWT_KEY", config.jwt_key.is_some()),
        ("jwt_key_file", config.jwt_key_file.is_some()),
        ("jwt_jwks_url", config.jwt_jwks_url.is_some()),
    ];
    let signing = [
        ("TIDINGS_SIGNING_KEY", config.signing_key.is_some()),
        ("signing_key_file", config.signing_key_file.is_some()),
    ];
    for (kind, keys) in [("that check tokens", &jwt[..]), ("that sign URLs", &signing[..])] {
        let set: Vec<_> = keys.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
        if let [one, other, ..] = set[..] {
            let message = format!("there are two keys {kind}: {one} and {other}");
            return Err(Failure::usage(message).hint("leave one of them out"));
        }
    }
    if let Some(table) = loaded.access.as_ref().and_then(|access| access.jwt.as_ref())
        && table.key.is_none()
        && jwt.iter().all(|(_, is_set)| !is_set)
    {
        return Err(Failure::usage(format!("{}: [access.jwt] has no key", table.place))
            .hint("set one of key, key_file and jwks_url in it, or TIDINGS_JWT_KEY"));
    }
    if let Some(table) = loaded.access.as_ref().and_then(|access| access.signing.as_ref())
        && table.key.is_none()
        && signing.iter().all(|(_, is_set)| !is_set)
    {
        return Err(Failure::usage(format!("{}: [access.signing] has no key", table.place))
            .hint("set one of key and key_file in it, or TIDINGS_SIGNING_KEY"));
    }
    Ok(())
}

fn one_certificate(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    match (&config.tls_cert, &config.tls_key, config.tls_self_signed) {
        (Some(_), None, _) => Err(half("tls_cert", "tls_key")),
        (None, Some(_), _) => Err(half("tls_key", "tls_cert")),
        (Some(_), Some(_), true) => {
            Err(Failure::usage("there are two certificates: tls_cert and tls_self_signed")
                .hint("leave one of them out"))
        }
        (Some(_), Some(_), false) | (None, None, _) => Ok(()),
    }
}

fn half(given: &str, missing: &str) -> Failure {
    Failure::usage(format!("{given} is set, but {missing} is not")).hint("set both, or none")
}

fn not_open_by_accident(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    let closed = config.publish_key.is_some() || config.publish_key_file.is_some() || loaded.has_access();
    if config.listen.ip().is_loopback() || closed || config.insecure_open {
        return Ok(());
    }
    let message = format!("listening on {} without a publish key would let everybody publish", config.listen);
    Err(Failure::usage(message).hint(
        "set TIDINGS_PUBLISH_KEY or --publish-key-file, listen on 127.0.0.1, or say --insecure-open if you mean it",
    ))
}

fn drain_fits(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    let [notice, window, deadline] =
        ["drain_notice", "drain_window", "drain_deadline"].map(|name| config.text(name));
    let message = if config.drain_window >= config.drain_deadline {
        format!("drain_window {window} is not shorter than drain_deadline {deadline}")
    } else if config.drain_notice + config.drain_window >= config.drain_deadline {
        format!(
            "drain_notice {notice} and drain_window {window} together are not shorter than drain_deadline {deadline}"
        )
    } else {
        return Ok(());
    };
    let hint = "lengthen drain_deadline, and whatever kills the process if it takes longer";
    Err(Failure::usage(message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_window_as_long_as_the_deadline_is_refused() {
        let mut loaded = Loaded::defaults();
        loaded.config.drain_window = loaded.config.drain_deadline;

        let failure = check(&loaded).unwrap_err();

        assert_eq!(failure.message(), "drain_window 8s is not shorter than drain_deadline 8s");
    }

    #[test]
    fn a_notice_that_leaves_no_time_for_the_drain_is_refused() {
        let mut loaded = Loaded::defaults();
        loaded.config.drain_notice = loaded.config.drain_deadline - loaded.config.drain_window;

        let failure = check(&loaded).unwrap_err();

        let message = "drain_notice 6s and drain_window 2s together are not shorter than drain_deadline 8s";
        assert_eq!(failure.message(), message);
    }

    #[test]
    fn the_defaults_contradict_each_other_nowhere() {
        assert_eq!(check(&Loaded::defaults()), Ok(()));
    }
}
