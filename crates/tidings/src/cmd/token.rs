//! `tidings token`: a key that nobody guesses.

use crate::terminal::failure::{Exit, Failure};

/// 256 bits, as many as the hashes and ciphers around it have.
const BYTES: usize = 32;

/// A new key in hexadecimal, which every header, shell and file can carry.
pub(crate) fn draw() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::Failed, format!("the system has no random numbers: {error}")))?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{key}\n"))
}
