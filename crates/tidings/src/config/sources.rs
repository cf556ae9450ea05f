//! Flags over environment over file over default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::table::{Config, SETTINGS};
use super::{Form, check, environment, file};
use crate::terminal::failure::Failure;

/// Texts of settings, by name, from one place.
pub(crate) type Texts = BTreeMap<&'static str, String>;

/// The configuration, and where each of its values is from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The values.
    pub(crate) config: Config,
    sources: BTreeMap<&'static str, Source>,
}

/// Where a value is from, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// Loads the configuration: a flag is stronger than the environment, which is stronger than the file, which is
/// stronger than the default. Each value of each place must be right, also where a stronger one covers it.
pub(crate) fn load(flags: &Texts, variables: &BTreeMap<String, String>) -> Result<Loaded, Failure> {
    let variables = environment::texts(variables)?;
    let path = flags.get("config").or_else(|| variables.get("config")).map(PathBuf::from);
    let file = path.as_deref().map(file::texts).transpose()?.unwrap_or_default();

    let mut loaded = Loaded { config: Config::default(), sources: BTreeMap::new() };
    loaded.lay(Source::File, &file)?;
    loaded.lay(Source::Environment, &variables)?;
    loaded.lay(Source::Flag, flags)?;
    check::check(&loaded)?;
    Ok(loaded)
}

impl Loaded {
    /// Lays the values of one place over those of weaker ones.
    fn lay(&mut self, source: Source, texts: &Texts) -> Result<(), Failure> {
        for setting in SETTINGS {
            let Some(text) = texts.get(setting.name) else { continue };
            (setting.assign)(&mut self.config, text).map_err(|bad| {
                let shown = if setting.form == Form::Secret { "its value" } else { &format!("{text:?}") };
                let name = setting.spelling(source);
                Failure::usage(format!("{name}: {shown} is not {}", bad.expected)).hint(bad.hint)
            })?;
            self.sources.insert(setting.name, source);
        }
        Ok(())
    }

    /// Where the value of a setting is from.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.sources.get(name).copied().unwrap_or(Source::Default)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}
