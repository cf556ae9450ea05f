//! What a store needs of the machine it runs on.

use std::io::{self, Read};
use std::sync::Arc;

use tidings_core::{Clock, Epoch, EpochStatus, Line};

use super::disk::Disk;

/// Bits of an epoch: short as text, and still never the same twice.
const EPOCH_BITS: u32 = 40;

/// What a store needs of the machine.
pub(crate) struct Host {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Which start of the machine this is, if it tells.
    pub(crate) boot: Option<String>,
    pub(crate) random: Random,
}

/// Random bytes.
pub(crate) struct Random {
    pub(crate) key: [u8; 16],
    pub(crate) epoch: u64,
}

impl Random {
    /// Asks the system.
    #[expect(clippy::disallowed_methods, reason = "the file is a device, and no part of the log")]
    pub(crate) fn of_system() -> io::Result<Self> {
        let (mut key, mut epoch) = ([0; 16], [0; 8]);
        let mut source = std::fs::File::open("/dev/urandom")?;
        source.read_exact(&mut key)?;
        source.read_exact(&mut epoch)?;
        Ok(Self { key, epoch: u64::from_le_bytes(epoch) })
    }

    /// An epoch that is not on a line. Never 0, so that no cursor of a real log looks like one that was made up.
    pub(crate) fn epoch(&self, line: Option<&Line>) -> Epoch {
        let on_line = |epoch| line.is_some_and(|line| line.status_of(epoch) != EpochStatus::Unknown);
        let mut epoch = Epoch((self.epoch >> (u64::BITS - EPOCH_BITS)).max(1));
        while on_line(epoch) {
            epoch.0 += 1;
        }
        epoch
    }
}

/// Which start of the machine this is.
#[expect(clippy::disallowed_methods, reason = "the kernel's word, and no part of the log")]
pub(crate) fn boot_of_system() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !id.is_empty()).then(|| id.to_owned())
}
