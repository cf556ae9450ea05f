//! From the text of `/proc/self/mountinfo` to the file system of a directory.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::FileSystem;

/// Clients of servers in the kernel. Their directories have no `flock` of their own, so that the kernel answers. Of file
/// systems that several machines share, `ceph`, `gfs2` and `ocfs2` are not here: they hold a lock on a directory for all of
/// their machines.
const SERVERS: [&str; 12] =
    ["afs", "beegfs", "cifs", "coda", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "pvfs2", "smb3", "smbfs"];

/// Clients of servers in user space, as they call themselves behind `fuse.`, or as the source of a mount of type `fuse`.
/// What keeps its files on this machine, such as `fuse-overlayfs` and `ntfs-3g`, is not here.
const FUSE_CLIENTS: [&str; 25] = [
    "blobfuse",
    "blobfuse2",
    "ceph-fuse",
    "cephfs",
    "curlftpfs",
    "davfs",
    "fuse_dfs",
    "gcsfuse",
    "geesefs",
    "glusterfs",
    "goofys",
    "gvfsd-fuse",
    "hdfs",
    "httpfs",
    "juicefs",
    "lizardfs",
    "mfs",
    "moosefs",
    "mountpoint-s3",
    "rclone",
    "s3fs",
    "seaweedfs",
    "smbnetfs",
    "sshfs",
    "wdfs",
];

const NOT_TOLD: &str = "its server is not told of a lock on a directory, so a hub on another machine could write to the same log";

/// 9p comes in three kinds. Over the network its server knows nothing of locks. The Windows drives of WSL are mounted by
/// each distribution, and by each container, for itself. What a virtual machine or a sandbox has from its host is allowed:
/// often it has no other disk, and its processes see each other's locks. The same is true of `virtiofs`.
const WINDOWS_DRIVE: &str = "a lock on a directory of a Windows drive holds in one distribution or container, so a hub in another one could \
     write to the same log";

/// A directory, as the system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Major and minor number of its device.
    pub(super) device: (u32, u32),
    /// Its path from the root, without links.
    pub(super) path: PathBuf,
}

/// The file system of a place; none if the text does not say.
pub(super) fn file_system(mountinfo: &[u8], place: &Place) -> Option<FileSystem> {
    let mounts: Vec<_> = mountinfo.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect();
    let mount = Mount::of(&mounts, place)?;
    Some(FileSystem { kind: mount.kind.clone().into(), refusal: mount.refusal() })
}

/// A file system in the kernel, by its name alone.
pub(super) fn of_server(kind: &'static str) -> FileSystem {
    FileSystem { kind: kind.into(), refusal: SERVERS.contains(&kind).then_some(NOT_TOLD) }
}

/// A line of the text.
struct Mount {
    device: (u32, u32),
    point: PathBuf,
    kind: String,
    source: String,
    options: String,
}

impl Mount {
    /// None if the line is not as it should be.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let (major, minor) = std::str::from_utf8(fields.nth(2)?).ok()?.split_once(':')?;
        let device = (major.parse().ok()?, minor.parse().ok()?);
        let point = PathBuf::from(OsString::from_vec(unescape(fields.nth(1)?)));
        // A number of optional fields, which a hyphen ends.
        let mut fields = fields.skip(1).skip_while(|field| *field != b"-").skip(1);
        let mut text = || Some(String::from_utf8_lossy(&unescape(fields.next()?)).into_owned());
        let (kind, source) = (text()?, text()?);
        if kind.is_empty() {
            return None;
        }
        // 9p of WSL leaves spaces in its options as they are.
        let options = String::from_utf8_lossy(&fields.collect::<Vec<_>>().join(&b' ')).into_owned();
        Some(Self { device, point, kind, source, options })
    }

    /// The mount that a place is on.
    fn of<'a>(mounts: &'a [Self], place: &Place) -> Option<&'a Self> {
        let on_device: Vec<_> = mounts.iter().filter(|mount| mount.device == place.device).collect();
        // A subvolume of btrfs has a device number of its own, which no line names.
        let candidates = if on_device.is_empty() { mounts.iter().collect() } else { on_device };
        let around = candidates.iter().filter(|mount| place.path.starts_with(&mount.point));
        // Of two on the same mount point, the later one covers the other.
        let nearest = around.max_by_key(|mount| mount.point.components().count());
        let same_device = candidates.last().filter(|mount| mount.device == place.device);
        nearest.or(same_device).copied()
    }

    /// Why a lock on a directory there does not keep every other process out, if it does not.
    fn refusal(&self) -> Option<&'static str> {
        let refused = match self.kind.split_once('.').unwrap_or((&self.kind, "")) {
            ("9p" | "drvfs", _) if self.is_windows_drive() => return Some(WINDOWS_DRIVE),
            ("9p", _) => self.has_option("trans=tcp") || self.has_option("trans=rdma"),
            ("fuse", "") => FUSE_CLIENTS.contains(&&*self.source) || self.source.contains("://"),
            ("fuse", name) => FUSE_CLIENTS.contains(&name),
            _ => SERVERS.contains(&&*self.kind),
        };
        refused.then_some(NOT_TOLD)
    }

    fn is_windows_drive(&self) -> bool {
        self.kind == "drvfs" || self.options.split([',', ';']).any(|option| option == "aname=drvfs")
    }

    fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|one| one == option)
    }
}

/// Space, tab, newline, backslash and `#` are written as a backslash and three octal digits. What is no such number is left
/// as it is.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, behind)) = rest.split_first() {
        let number = behind.get(..3).filter(|_| *byte == b'\\').and_then(octal);
        plain.push(number.unwrap_or(*byte));
        rest = if number.is_some() { &behind[3..] } else { behind };
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| u8::from_str_radix(text, 8).ok())?
}

#[cfg(test)]
mod tests;
