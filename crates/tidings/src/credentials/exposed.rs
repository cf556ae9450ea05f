//! Whether other users of the machine can read a file with a secret in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::config::Config;

/// What to say about the files of a configuration that others can read. `more` are those that `[access]` names.
pub(crate) fn warnings(config: &Config, more: &[PathBuf]) -> Vec<String> {
    let files = [&config.publish_key_file, &config.tls_key];
    files.into_iter().flatten().chain(more).filter_map(|path| warning(path)).collect()
}

/// What to say about a file, if others can read it.
pub(crate) fn warning(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let (mode, owner) = (metadata.mode() & 0o777, metadata.uid());
    let user = geteuid().as_raw();
    is_exposed(mode, owner, user).then(|| {
        let shown = path.display();
        let way = if is_handed_out(owner, user) {
            "its owner can hand it to the hub's group alone with mode 0440 (in Kubernetes defaultMode: 0440)"
                .to_owned()
        } else {
            format!("chmod 600 {shown}")
        };
        format!("other users of this machine can read {shown}, which holds a secret (mode {mode:04o}): {way}")
    })
}

/// A group may read what belongs to another user, such as root: that is how a system hands secrets to a service.
fn is_exposed(mode: u32, owner: u32, user: u32) -> bool {
    mode & 0o004 != 0 || mode & 0o040 != 0 && !is_handed_out(owner, user)
}

/// Whether the user can read the file only because its owner lets others. Root can read every file.
fn is_handed_out(owner: u32, user: u32) -> bool {
    owner != user && user != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_exposed() {
        for mode in [0o600, 0o400, 0o700, 0o620, 0o602, 0o711] {
            assert!(!is_exposed(mode, 1_000, 1_000), "{mode:o}");
        }
        for mode in [0o644, 0o604, 0o640, 0o660, 0o666] {
            assert!(is_exposed(mode, 1_000, 1_000), "{mode:o}");
        }
    }

    #[test]
    fn another_user_may_hand_a_file_to_the_group_of_a_service() {
        assert!(!is_exposed(0o440, 0, 1_000));
        assert!(is_exposed(0o444, 0, 1_000));
        assert!(is_exposed(0o440, 0, 0));
        assert!(!is_exposed(0o440, 999, 1_000));
        assert!(is_exposed(0o440, 1_000, 0));
    }
}
