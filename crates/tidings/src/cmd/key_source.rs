//! Where a command has a secret key from: a file, standard input or a variable. Never an argument, which every user of the machine
//! can see.

use std::path::{Path, PathBuf};

use clap::Args;

use super::key::input;
use crate::config::KeyText;
use crate::credentials::exposed;
use crate::environment::Environment;
use crate::terminal::failure::Failure;
use crate::terminal::talk::tell;
use crate::utf8;

/// Where the key is.
#[derive(Debug, Args)]
pub(crate) struct KeySource {
    /// File that holds the key that signs; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "key_env")]
    key_file: Option<PathBuf>,
    /// Environment variable that holds the key that signs
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

impl KeySource {
    /// Whether none is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.key_file.is_none() && self.key_env.is_none()
    }

    /// The text of the key.
    pub(crate) fn read(&self, environment: &Environment) -> Result<String, Failure> {
        match (&self.key_file, &self.key_env) {
            (Some(path), _) if path == Path::new("-") => input(),
            (Some(path), _) => {
                if let Some(warning) = exposed::warning(path) {
                    tell(&format!("warning: {warning}"));
                }
                let shown = path.display();
                utf8::read(path)
                    .map_err(|error| Failure::usage(format!("cannot read key file {shown}: {error}")))
            }
            (None, Some(name)) => environment.get(name).cloned().ok_or_else(|| {
                Failure::usage(format!("the environment has no variable {name:?}")).hint("set it to the key")
            }),
            (None, None) => Err(Failure::usage("there is no key that signs")
                .hint("name the file that holds it by --key-file FILE, a variable by --key-env NAME, or the configuration of the hub by --config FILE")),
        }
    }
}

/// A text as a secret that signs.
pub(crate) fn secret(text: &str) -> Result<KeyText, Failure> {
    let refused = |why: String| Failure::usage(why).hint("`tidings key` makes a good one");
    let secret = KeyText::parse(text).map_err(|why| refused(format!("the key: {why}")))?;
    if secret.is_pem() {
        Err(refused("the key is in PEM, and must be a secret".to_owned()))
    } else {
        Ok(secret)
    }
}
