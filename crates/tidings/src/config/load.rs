//! Flags over environment over file over default.

use std::path::Path;

use super::access::AccessTables;
use super::environment::FromEnvironment;
use super::file::FromFile;
use super::loaded::Loaded;
use super::setting::{Source, Texts};
use super::{check, environment, file};
use crate::environment::Environment;
use crate::terminal::failure::Failure;

/// Loads the configuration: a flag is stronger than the environment, which is stronger than the file, which is
/// stronger than the default. Each value of each place must be right, also where a stronger one covers it.
pub(crate) fn load(flags: &Texts, variables: &Environment) -> Result<Loaded, Failure> {
    let variables = environment::read(variables);
    let file = named_file(flags, &variables.texts);
    let named = file.as_ref().ok().and_then(|file| file.access.as_ref());
    // First: a variable that is misspelt may be the one that names the file.
    variables.check_unknown(named.into_iter().flat_map(AccessTables::variables))?;
    let FromEnvironment { texts: variables, injected, .. } = variables;
    let file = file?;

    let mut loaded = Loaded::defaults();
    loaded.lay(Source::File, &file.texts, |setting| file.spelling(setting))?;
    loaded.lay(Source::Environment, &variables, |setting| setting.spelling(Source::Environment))?;
    loaded.lay(Source::Flag, flags, |setting| setting.spelling(Source::Flag))?;
    loaded.fit_notice();
    loaded.injected = injected;
    loaded.access = file.access;
    check::check(&loaded)?;
    Ok(loaded)
}

/// What is in the file that flags or variables name, if they name one.
fn named_file(flags: &Texts, variables: &Texts) -> Result<FromFile, Failure> {
    let mut loaded = Loaded::defaults();
    for (source, texts) in [(Source::Environment, variables), (Source::Flag, flags)] {
        let config = texts.get_key_value("config").map(|(name, text)| (*name, text.clone()));
        loaded.lay(source, &config.into_iter().collect(), |setting| setting.spelling(source))?;
    }
    let path = loaded.config.config.as_deref();
    Ok(path.map(Path::new).map(file::read).transpose()?.unwrap_or_default())
}
