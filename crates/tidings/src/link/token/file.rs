//! A file with a token. Somebody may write it anew at any time, so it is read for every attempt.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Secret;
use crate::utf8;

/// The file.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    /// What was read of a pipe, such as that of `<(command)`: nobody writes to it again.
    piped: Option<Secret>,
}

/// Why a file has no token. Nothing of its content is told.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("cannot read token file {}: {cause}", path.display())]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("the content of token file {} is not {expected}", path.display())]
    Content { path: PathBuf, expected: String },
}

impl TokenFile {
    /// Reads it for the first time, so that a wrong path is told before anything is begun.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        // First: a pipe that was read to its end may be gone.
        let is_regular = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        let token = read(path)?;
        Ok(Self { path: path.to_owned(), piped: Some(token).filter(|_| !is_regular) })
    }

    pub(super) fn read(&self) -> Result<Secret, FileError> {
        match &self.piped {
            Some(token) => Ok(token.clone()),
            None => read(&self.path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn read(path: &Path) -> Result<Secret, FileError> {
    let text = utf8::read(path).map_err(|cause| FileError::Read { path: path.to_owned(), cause })?;
    Secret::token(&text).map_err(|bad| FileError::Content { path: path.to_owned(), expected: bad.expected })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_file_is_read_anew_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "t-1\n").unwrap();
        let file = TokenFile::open(&path).unwrap();

        fs::write(&path, "t-2\n").unwrap();

        assert_eq!(file.read().unwrap().0, "t-2");
        fs::remove_file(&path).unwrap();
        let error = file.read().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot read token file {}: No such file", path.display())),
            "{error}"
        );
    }

    #[test]
    fn a_pipe_is_read_once() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"t-1\n").unwrap();
        drop(writer);
        let file = TokenFile::open(Path::new(&format!("/dev/fd/{}", reader.as_raw_fd()))).unwrap();

        assert_eq!(file.read().unwrap().0, "t-1");
        assert_eq!(file.read().unwrap().0, "t-1");
    }

    #[test]
    fn what_is_no_token_is_told_without_showing_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "s3cr et").unwrap();

        let error = TokenFile::open(&path).unwrap_err().to_string();

        let words = "is not a bearer token: character 5 of it is a space, U+0020";
        assert_eq!(error, format!("the content of token file {} {words}", path.display()));
    }
}
