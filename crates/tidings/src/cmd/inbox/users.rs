//! The users that are notified: named in the command, or one on each line of a file or of standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use tidings_inbox::User;
use tidings_inbox::limits::USERS_MAX;

use super::hub::user;
use crate::limits::USER_LINE_BYTES_MAX;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::talk::tell;

/// Lines with a user each.
pub(super) struct UserLines {
    reader: Box<dyn BufRead>,
    name: String,
    /// Lines that were read.
    line: usize,
}

impl UserLines {
    /// A file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            if io::stdin().is_terminal() {
                tell("type one user per line; Ctrl-D ends");
            }
            let reader = Box::new(BufReader::new(io::stdin()));
            return Ok(Self { reader, name: "standard input".to_owned(), line: 0 });
        }
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
        Ok(Self { reader: Box::new(BufReader::new(file)), name, line: 0 })
    }

    /// As many users as one request takes; none at the end. Blank lines are passed over.
    pub(super) fn next(&mut self) -> Result<Vec<User>, Failure> {
        let mut users = Vec::new();
        while users.len() < USERS_MAX {
            let Some(line) = self.next_line()? else { break };
            if !line.is_empty() {
                let named = user(&line);
                users.push(named.map_err(|error| self.failure(&format!("line {}: {error}", self.line)))?);
            }
        }
        Ok(users)
    }

    fn next_line(&mut self) -> Result<Option<String>, Failure> {
        let mut line = Vec::new();
        let limit = USER_LINE_BYTES_MAX as u64;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(|error| self.failure(&error.to_string()))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if line.len() == USER_LINE_BYTES_MAX {
            return Err(self.failure(&format!("line {} is too long for the name of a user", self.line)));
        }
        let line =
            String::from_utf8(line).map_err(|_| self.failure(&format!("line {} is not UTF-8", self.line)))?;
        Ok(Some(line.trim().to_owned()))
    }

    fn failure(&self, why: &str) -> Failure {
        Failure::new(Exit::Failed, format!("{}: {why}", self.name))
    }
}
