//! The configuration as values, each with the place that it is from. Stronger places are laid over weaker ones.

use std::collections::BTreeMap;
use std::time::Duration;

use super::access::{AccessTables, JwtKey, SigningKeyFrom};
use super::setting::{Setting, Source, Texts};
use super::table::{Config, SETTINGS};
use super::value::Form;
use crate::terminal::failure::Failure;

/// Something that the configuration says, and where.
#[derive(Debug, Clone)]
pub(crate) struct Said<T> {
    /// File and line, or the variable or the flag.
    pub(crate) place: String,
    pub(crate) what: T,
}

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
                let is_secret = setting.form == Form::Secret || bad.holds_secret;
                let shown = if is_secret { "its value" } else { &format!("{part:?}") };
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

    /// The key that checks tokens. A variable or a flag is stronger than the table.
    pub(crate) fn jwt_key(&self) -> Option<Said<JwtKey>> {
        let Config { jwt_key, jwt_key_file, jwt_jwks_url, .. } = &self.config;
        let said = |name, what| Some(Said { place: self.spelling(name), what });
        if let Some(key) = jwt_key {
            return said("jwt_key", JwtKey::Here(key.clone()));
        }
        if let Some(path) = jwt_key_file {
            return said("jwt_key_file", JwtKey::File(path.clone()));
        }
        if let Some(url) = jwt_jwks_url {
            return said("jwt_jwks_url", JwtKey::Url(url.clone()));
        }
        let table = self.access.as_ref()?.jwt.as_ref()?;
        Some(Said { place: table.place.clone(), what: table.key.clone()? })
    }

    /// The key that signs URLs, in the same way.
    pub(crate) fn signing_key(&self) -> Option<Said<SigningKeyFrom>> {
        let Config { signing_key, signing_key_file, .. } = &self.config;
        let said = |name, what| Some(Said { place: self.spelling(name), what });
        if let Some(key) = signing_key {
            return said("signing_key", SigningKeyFrom::Here(key.clone()));
        }
        if let Some(path) = signing_key_file {
            return said("signing_key_file", SigningKeyFrom::File(path.clone()));
        }
        let table = self.access.as_ref()?.signing.as_ref()?;
        Some(Said { place: table.place.clone(), what: table.key.clone()? })
    }

    /// A setting, as it is spelt where it was set.
    fn spelling(&self, name: &str) -> String {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        setting.map_or_else(String::new, |setting| setting.spelling(self.source(name)))
    }

    /// Where the value of a setting is from.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or(Source::Default)
    }
}
