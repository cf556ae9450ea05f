//! The configuration as values, each with the place that it is from. Stronger places are laid over weaker ones.

use std::collections::BTreeMap;
use std::time::Duration;

use super::access::AccessTables;
use super::setting::{Setting, Source, Texts};
use super::table::{Config, SETTINGS};
use super::value::Form;
use crate::terminal::failure::Failure;

/// The configuration, and where each of its values is from.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// The values.
    pub(crate) config: Config,
    /// Variables that a container platform has set for a service, and that are not ours.
    pub(crate) injected: Vec<String>,
    /// The tables of `[access]` of the file, if it has any.
    pub(crate) access: Option<AccessTables>,
    sources: BTreeMap<&'static str, Source>,
}

impl Loaded {
    /// The defaults.
    pub(super) fn defaults() -> Self {
        Self { config: Config::default(), injected: Vec::new(), access: None, sources: BTreeMap::new() }
    }

    /// Lays the values of one place over those of weaker ones. `spelt` is a setting as it is spelt there.
    pub(super) fn lay(
        &mut self,
        source: Source,
        texts: &Texts,
        spelt: impl Fn(&Setting) -> String,
    ) -> Result<(), Failure> {
        for setting in SETTINGS {
            let Some(text) = texts.get(setting.name) else { continue };
            self.config.assign(setting.name, text).map_err(|bad| {
                let part = bad.part.as_ref().unwrap_or(text);
                let shown = if setting.form == Form::Secret { "its value" } else { &format!("{part:?}") };
                let name = spelt(setting);
                Failure::usage(format!("{name}: {shown} is not {}", bad.expected)).hint(bad.hint)
            })?;
            self.sources.insert(setting.name, source);
        }
        Ok(())
    }

    /// Shortens the notice of the end so that it leaves time for the drain, unless somebody has set it.
    pub(super) fn fit_notice(&mut self) {
        if self.source("drain_notice") == Source::Default {
            let left = self.config.drain_deadline.saturating_sub(self.config.drain_window);
            let half = Duration::from_millis(u64::try_from(left.as_millis() / 2).unwrap_or(u64::MAX));
            self.config.drain_notice = self.config.drain_notice.min(half);
        }
    }

    /// Whether anything says who may publish and read what, beside the publish key: a table of the file, or a key by another way.
    pub(crate) fn has_access(&self) -> bool {
        let Config { jwt_key, jwt_key_file, jwt_jwks_url, signing_key, signing_key_file, .. } = &self.config;
        self.access.is_some()
            || jwt_key.is_some()
            || jwt_key_file.is_some()
            || jwt_jwks_url.is_some()
            || signing_key.is_some()
            || signing_key_file.is_some()
    }

    /// Where the value of a setting is from.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or(Source::Default)
    }
}
