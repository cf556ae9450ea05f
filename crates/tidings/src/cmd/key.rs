//! `tidings key`: a key that nobody guesses, and the hash by which a configuration knows it.

use std::io::Read;

use clap::Args;
use tidings_access::KeyHash;
use tidings_access::limits::HASHED_KEY_CHARS_MIN;

use crate::config::Secret;
use crate::limits::TEXT_FILE_BYTES_MAX;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::say;
use crate::terminal::talk::tell;

/// 256 bits, as many as the hashes and ciphers around it have.
const BYTES: usize = 32;

/// A new key, or the hash of one.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Print the hash of the key on standard input, and make none
    #[arg(long)]
    hash: bool,
}

/// The key goes to standard output, so that it can go to a file alone.
pub(crate) fn run(args: &KeyArgs) -> Result<(), Failure> {
    if args.hash {
        return say(&format!("{}\n", hash_of_input()?));
    }
    let key = draw()?;
    say(&key)?;
    tell(&format!("key_hash = \"{}\"", KeyHash::of(key.trim_end().as_bytes())));
    Ok(())
}

/// A new key in hexadecimal, which every header, shell and file can carry.
pub(crate) fn draw() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::Failed, format!("the system has no random numbers: {error}")))?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{key}\n"))
}

fn hash_of_input() -> Result<KeyHash, Failure> {
    let text = input()?;
    let Secret(key) = Secret::token(&text)
        .map_err(|bad| Failure::usage(format!("standard input is not {}", bad.expected)).hint(bad.hint))?;
    if key.len() < HASHED_KEY_CHARS_MIN {
        let has = key.len();
        let message = format!(
            "the key has {has} characters, and needs {HASHED_KEY_CHARS_MIN} or more, or it can be found from its hash by trying"
        );
        return Err(Failure::usage(message).hint("`tidings key` makes a good one"));
    }
    Ok(KeyHash::of(key.as_bytes()))
}

/// All of standard input, which holds a key or a token.
pub(crate) fn input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(TEXT_FILE_BYTES_MAX).read_to_string(&mut text);
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("cannot read standard input: {error}"))),
    }
}
