//! What real machines say of their mounts.

use super::*;

/// A laptop: a root of btrfs with a subvolume, a disk by its path and a second time by a bind mount, shares, a name with
/// a space. Lines that mean nothing here are left out.
const LAPTOP: &str = r"22 1 0:24 /@ / rw,relatime shared:1 - btrfs /dev/nvme0n1p3 rw,ssd,subvolid=256,subvol=/@
23 22 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw
36 22 0:24 /@home /home rw,relatime shared:28 - btrfs /dev/nvme0n1p3 rw,ssd,subvolid=257,subvol=/@home
40 22 8:17 / /srv/disk rw,relatime shared:40 - ext4 /dev/sdb1 rw
41 22 8:17 /deep /mnt/bound rw,relatime shared:40 - ext4 /dev/sdb1 rw
60 22 0:45 / /mnt/nas rw,relatime shared:30 - nfs4 192.168.1.5:/export rw,vers=4.2,rsize=1048576
61 22 0:46 / /mnt/My\040Share rw,relatime shared:31 master:2 propagate_from:2 - cifs //fileserver/docs rw,vers=3.1.1
62 36 0:52 / /home/ben/far rw,nosuid,nodev,relatime shared:71 - fuse.sshfs ben@nas:/srv rw,user_id=1000,group_id=1000
63 22 8:33 / /mnt/ntfs rw,relatime shared:72 - fuseblk /dev/sdc1 rw,user_id=0
64 22 0:53 / /mnt/cloud rw,relatime - fuse https://cloud.example/dav rw,user_id=0
65 22 0:54 / /mnt/bucket rw,relatime - fuse mountpoint-s3 rw,user_id=0
66 22 0:55 / /mnt/ram rw - tmpfs tmpfs rw
";

fn kind(mountinfo: &str, device: (u32, u32), path: &str) -> Option<(String, Option<&'static str>)> {
    let place = Place { device, path: path.into() };
    let found = file_system(mountinfo.as_bytes(), &place);
    found.map(|FileSystem { kind, refusal }| (kind.into_owned(), refusal))
}

fn allowed(kind: &str) -> Option<(String, Option<&'static str>)> {
    Some((kind.to_owned(), None))
}

fn refused(kind: &str) -> Option<(String, Option<&'static str>)> {
    Some((kind.to_owned(), Some(NOT_TOLD)))
}

/// The verdict on a mount of a type, with a source and options.
fn verdict(kind: &str, source: &str, options: &str) -> Option<&'static str> {
    let line = format!("30 1 0:50 / / rw,relatime shared:1 - {kind} {source} {options}\n");
    let place = Place { device: (0, 50), path: "/data".into() };
    file_system(line.as_bytes(), &place).expect("the line is as it should be").refusal
}

#[test]
fn shares_of_servers_are_refused() {
    assert_eq!(kind(LAPTOP, (0, 45), "/mnt/nas/hub"), refused("nfs4"));
    assert_eq!(kind(LAPTOP, (0, 46), "/mnt/My Share"), refused("cifs"));
    for name in SERVERS {
        assert_eq!(verdict(name, "server:/export", "rw"), Some(NOT_TOLD), "{name}");
    }
}

#[test]
fn disks_of_the_machine_are_allowed() {
    assert_eq!(kind(LAPTOP, (8, 17), "/srv/disk/data"), allowed("ext4"));
    assert_eq!(kind(LAPTOP, (0, 55), "/mnt/ram"), allowed("tmpfs"));
    for name in ["ext4", "xfs", "zfs", "f2fs", "overlay", "virtiofs", "a-type-of-next-year"] {
        assert_eq!(verdict(name, "/dev/sda1", "rw"), None, "{name}");
    }
}

#[test]
fn file_systems_of_several_machines_that_share_their_locks_are_allowed() {
    for name in ["ceph", "gfs2", "ocfs2"] {
        assert_eq!(verdict(name, "cluster:/", "rw"), None, "{name}");
    }
}

#[test]
fn what_runs_in_user_space_is_known_by_what_is_behind_the_dot() {
    assert_eq!(kind(LAPTOP, (0, 52), "/home/ben/far/data"), refused("fuse.sshfs"));
    for name in FUSE_CLIENTS {
        assert_eq!(verdict(&format!("fuse.{name}"), "somewhere", "rw"), Some(NOT_TOLD), "{name}");
    }
    for name in ["fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.mergerfs", "fuse.gocryptfs", "fuse.ssh"] {
        assert_eq!(verdict(name, "somewhere", "rw"), None, "{name}");
    }
}

#[test]
fn what_runs_in_user_space_and_says_no_more_is_known_by_its_source() {
    assert_eq!(kind(LAPTOP, (0, 53), "/mnt/cloud/data"), refused("fuse"));
    assert_eq!(kind(LAPTOP, (0, 54), "/mnt/bucket/data"), refused("fuse"));
    assert_eq!(kind(LAPTOP, (8, 33), "/mnt/ntfs/data"), allowed("fuseblk"));
    assert_eq!(verdict("fuse", "/dev/fuse", "rw"), None);
}

#[test]
fn windows_drives_of_wsl_are_refused() {
    let options =
        r"rw,dirsync,aname=drvfs;path=C:\;uid=1000;gid=1000;symlinkroot=/mnt/,mmap,trans=fd,rfd=8,wfd=8";
    assert_eq!(verdict("9p", r"C:\134", options), Some(WINDOWS_DRIVE));
    // The options of this one have spaces that are not escaped.
    let options = r"rw,dirsync,mmap,path=C:\Program Files\Docker,aname=drvfs;symlinkroot=/mnt/,trans=virtio";
    assert_eq!(verdict("9p", "drvfs", options), Some(WINDOWS_DRIVE));
    assert_eq!(verdict("drvfs", "D:", "rw,dirsync"), Some(WINDOWS_DRIVE));
}

#[test]
fn a_folder_of_the_host_is_allowed_and_the_same_protocol_over_the_network_is_not() {
    assert_eq!(verdict("9p", "none", "rw,trans=fd,rfdno=4,wfdno=4,aname=/"), None);
    assert_eq!(verdict("9p", "hostshare", "rw,access=client,msize=512000,trans=virtio"), None);
    assert_eq!(verdict("9p", "10.0.0.1", "rw,access=user,trans=tcp,port=564"), Some(NOT_TOLD));
    assert_eq!(verdict("9p", "10.0.0.2", "rw,trans=rdma"), Some(NOT_TOLD));
}

#[test]
fn a_subvolume_whose_device_no_line_names_is_found_by_its_path() {
    assert_eq!(kind(LAPTOP, (0, 99), "/home/ben/data"), allowed("btrfs"));
    assert_eq!(kind(LAPTOP, (0, 99), "/mnt/nas/data"), refused("nfs4"));
    assert_eq!(kind(LAPTOP, (0, 99), "/mnt/My Share/data"), refused("cifs"));
    // A path is made of names, not of letters.
    assert_eq!(kind(LAPTOP, (0, 99), "/mnt/nasty/data"), allowed("btrfs"));
}

#[test]
fn of_several_mounts_of_one_device_any_tells_the_type() {
    assert_eq!(kind(LAPTOP, (8, 17), "/mnt/bound/data"), allowed("ext4"));
    // The process has another root than its mounts are told from.
    assert_eq!(kind(LAPTOP, (0, 45), "/elsewhere"), refused("nfs4"));
}

#[test]
fn of_two_mounts_on_one_mount_point_the_later_one_counts() {
    let two = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:40 / /data rw - nfs srv:/x rw\n3 2 8:2 / /data rw - xfs /dev/sdb rw\n";
    assert_eq!(kind(two, (0, 99), "/data"), allowed("xfs"));
}

#[test]
fn a_container_is_on_an_overlay_and_its_volume_on_what_lies_under_it() {
    let container = "\
1514 1360 0:60 / / rw,relatime master:462 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/d/diff,workdir=/d/work
1515 1514 0:63 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1524 1514 254:1 /docker/volumes/hub/_data /data rw,relatime master:1 - ext4 /dev/vda1 rw,discard
1525 1514 0:71 /hub /share rw,relatime - nfs 10.0.0.7:/export/hub rw,vers=3,nolock
";
    assert_eq!(kind(container, (0, 60), "/var/lib/tidings"), allowed("overlay"));
    assert_eq!(kind(container, (254, 1), "/data"), allowed("ext4"));
    assert_eq!(kind(container, (0, 71), "/share"), refused("nfs"));
}

#[test]
fn lines_that_are_no_mounts_are_passed_over() {
    let garbage = [
        "",
        " ",
        "-",
        "not a mount",
        "1 2 3",
        "1 2 0:50",
        "1 2 x:y / / rw - nfs s rw",
        "1 2 0:50 / / rw shared:1",
        "1 2 0:50 / / rw -",
        "1 2 0:50 / / rw - nfs",
        "1 2 0:50 / / rw -  s rw",
        "1 2 99999999999:50 / / rw - nfs s rw",
    ];
    for line in garbage {
        assert_eq!(kind(line, (0, 50), "/data"), None, "{line}");
        let text = format!("{line}\n3 1 0:50 / / rw - tmpfs tmpfs rw\n{line}");
        assert_eq!(kind(&text, (0, 50), "/data"), allowed("tmpfs"), "{line}");
    }
    let raw = b"\xff\xfe \xff\n3 1 0:50 / /\xff rw - nfs4 \xff rw\n";
    let place = Place { device: (0, 50), path: "/data".into() };
    assert_eq!(file_system(raw, &place), Some(FileSystem { kind: "nfs4".into(), refusal: Some(NOT_TOLD) }));
}

#[test]
fn names_are_unescaped_and_what_is_no_escape_is_kept() {
    for (escaped, plain) in [
        (r"/a\040b\011c\012d\134e\043f", "/a b\tc\nd\\e#f"),
        (r"/a\134040", r"/a\040"),
        (r"\", r"\"),
        (r"\04", r"\04"),
        (r"\049", r"\049"),
        (r"\+40", r"\+40"),
        (r"\777", r"\777"),
    ] {
        assert_eq!(String::from_utf8(unescape(escaped.as_bytes())).unwrap(), plain);
    }
}
