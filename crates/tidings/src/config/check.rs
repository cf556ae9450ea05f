//! Rules that concern more than one setting.

use super::loaded::Loaded;
use super::setting::Source;
use crate::terminal::failure::Failure;

/// Refuses a configuration that contradicts itself or is not safe.
pub(super) fn check(loaded: &Loaded) -> Result<(), Failure> {
    one_store(loaded)?;
    one_key(loaded)?;
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
    let closed = config.publish_key.is_some() || config.publish_key_file.is_some();
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
