//! Flags over environment over file over default.

use std::path::PathBuf;

use super::environment::FromEnvironment;
use super::loaded::Loaded;
use super::setting::{Source, Texts};
use super::{check, environment, file};
use crate::environment::Environment;
use crate::terminal::failure::Failure;

/// Loads the configuration: a flag is stronger than the environment, which is stronger than the file, which is
/// stronger than the default. Each value of each place must be right, also where a stronger one covers it.
pub(crate) fn load(flags: &Texts, variables: &Environment) -> Result<Loaded, Failure> {
    let FromEnvironment { texts: variables, injected } = environment::read(variables)?;
    let path = flags.get("config").or_else(|| variables.get("config")).map(PathBuf::from);
    let file = path.as_deref().map(file::texts).transpose()?.unwrap_or_default();

    let mut loaded = Loaded::defaults();
    loaded.lay(Source::File, &file)?;
    loaded.lay(Source::Environment, &variables)?;
    loaded.lay(Source::Flag, flags)?;
    loaded.fit_notice();
    loaded.injected = injected;
    check::check(&loaded)?;
    Ok(loaded)
}
