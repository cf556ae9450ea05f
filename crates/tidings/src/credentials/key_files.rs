//! Files of keys, which are read again on SIGHUP: those of named keys, of tokens and of signed URLs, and that of the publish key.
//!
//! All are read before one is taken, so one that is missing or wrong leaves all keys as they were. Who may do what with a key is
//! configuration, and is not read again.

use std::convert::Infallible;
use std::path::PathBuf;

use tidings_access::Access;
use tidings_access::jwt::Verifier;
use tidings_http::Front;
use tokio::task::spawn_blocking;

use super::access::{self, AccessSources};
use super::{exposed, key};
use crate::config::{JwtKey, Loaded, Said, Secret, SecretFrom, SigningKeyFrom};
use crate::environment::Environment;
use crate::signals::Hangups;
use crate::terminal::failure::{Exit, Failure};

/// The files of keys that the configuration names, and what they are read by.
pub(crate) struct KeyFiles {
    loaded: Loaded,
    environment: Environment,
    /// What checks tokens by keys that are fetched: those are renewed by themselves.
    fetching: Option<Verifier>,
    paths: Vec<PathBuf>,
    hangups: Hangups,
}

/// What the files hold.
struct ReadKeys {
    publish_key: Option<Secret>,
    access: Option<Access>,
}

impl KeyFiles {
    /// Takes the signal over from the system's default. None if the configuration names no such file. `access` is what was read at
    /// the start. Must be called in a tokio runtime.
    pub(crate) fn of(
        loaded: &Loaded,
        environment: &Environment,
        access: Option<&AccessSources>,
    ) -> Result<Option<Self>, Failure> {
        let paths = paths(loaded);
        if paths.is_empty() {
            return Ok(None);
        }
        let hangups = Hangups::new()
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
        let fetching = access.filter(|access| access.fetched.is_some());
        Ok(Some(Self {
            loaded: loaded.clone(),
            environment: environment.clone(),
            fetching: fetching.and_then(|access| access.access.tokens.clone()),
            paths,
            hangups,
        }))
    }

    /// What is in the files now. None if one cannot be read or is wrong.
    fn read(&self) -> Option<ReadKeys> {
        self.try_read()
            .inspect_err(|error| {
                let mut error = error.message().to_owned();
                // Two keys may each be well and not go together.
                let paths: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
                if !paths.iter().any(|path| error.contains(path)) {
                    error = format!("{error} (files of keys: {})", paths.join(", "));
                }
                tracing::error!(error, "cannot read the files of keys again; all old keys stay in force");
            })
            .ok()
    }

    fn try_read(&self) -> Result<ReadKeys, Failure> {
        let publish_key = key::read(&self.loaded.config)?;
        let access = access::read(&self.loaded, &self.environment, publish_key.as_ref())?;
        let secret_files = access.as_ref().map_or(&[][..], |access| &access.secret_files);
        let secret_files = secret_files.iter().chain(&self.loaded.config.publish_key_file);
        // What renews a file may have written it for all to read.
        for warning in secret_files.filter_map(|path| exposed::warning(path)) {
            tracing::warn!("{warning}");
        }
        let access = access.map(|AccessSources { mut access, .. }| {
            if self.fetching.is_some() {
                access.tokens.clone_from(&self.fetching);
            }
            access
        });
        Ok(ReadKeys { publish_key, access })
    }

    /// Has the front check requests by these keys, and end the streams of those that are not there any more.
    async fn put_in_force(&self, keys: ReadKeys, front: &Front) {
        if let Some(key) = keys.publish_key {
            front.replace_publish_key(&key.0);
        }
        let streams_ended = match keys.access {
            Some(access) => front.replace_access(access).await,
            None => 0,
        };
        tracing::info!(files = self.paths.len(), streams_ended, "read the files of keys again");
    }
}

/// Reads them again on SIGHUP, for ever, if there are any. Cancel safe: what was begun ends by itself.
pub(crate) async fn keep_fresh(files: Option<KeyFiles>, front: Front) -> Infallible {
    let Some(mut files) = files else { return std::future::pending().await };
    loop {
        files.hangups.next().await;
        let read;
        (files, read) = on_another_thread(files).await;
        if let Some(keys) = read {
            files.put_in_force(keys, &front).await;
        }
    }
}

/// A file may be a pipe, or on a disk that does not answer: neither a signal nor the end waits for that.
#[expect(clippy::disallowed_methods, reason = "the loop waits for it, and the end of the process need not")]
async fn on_another_thread(files: KeyFiles) -> (KeyFiles, Option<ReadKeys>) {
    let reading = spawn_blocking(move || {
        let read = files.read();
        (files, read)
    });
    match reading.await {
        Ok(read) => read,
        // The runtime is ending, and this with it.
        Err(_) => std::future::pending().await,
    }
}

/// The files that are read.
fn paths(loaded: &Loaded) -> Vec<PathBuf> {
    let mut paths: Vec<_> = loaded.config.publish_key_file.iter().cloned().collect();
    let named = loaded.access.iter().flat_map(|tables| &tables.keys);
    paths.extend(named.filter_map(|table| match &table.key {
        SecretFrom::File(path) => Some(path.clone()),
        SecretFrom::Here(_) | SecretFrom::Hash(_) | SecretFrom::Variable(_) => None,
    }));
    if let Some(Said { what: JwtKey::File(path), .. }) = loaded.jwt_key() {
        paths.push(path);
    }
    if let Some(Said { what: SigningKeyFrom::File(path), .. }) = loaded.signing_key() {
        paths.push(path);
    }
    paths
}
