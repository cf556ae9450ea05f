//! `tidings init`: what it writes, what it leaves alone, and whether the commands that it prints can be pasted.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use support::published::{event, events};
use support::{Left, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

fn init(dir: &Path) -> Left {
    run(tidings(&["init", dir.to_str().unwrap()]))
}

/// A line of what it prints, pasted into a shell.
fn pasted(line: &str) -> Command {
    let mut shell = Command::new("sh");
    let binary = Path::new(env!("CARGO_BIN_EXE_tidings")).parent().unwrap().display();
    shell
        .args(["-c", line])
        .env_clear()
        .env("PATH", format!("{binary}:{}", env!("PATH")))
        .stdin(Stdio::null());
    shell
}

/// The command behind a word.
fn command<'a>(left: &'a Left, word: &str) -> &'a str {
    let line = left.stdout.lines().find_map(|line| line.trim().strip_prefix(word));
    line.unwrap_or_else(|| unreachable!("no {word} in {left:?}")).trim()
}

#[test]
fn the_commands_that_it_prints_can_be_pasted_whatever_the_directory_is_called() {
    for name in ["hub", "it's a hub", "$HOME `x`", "caf\u{e9} \"q\" *"] {
        let dir = TempDir::new().unwrap();

        let left = init(&dir.path().join(name));

        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{name}");
        let start = command(&left, "start");
        let hub =
            Hub::spawn(pasted(&format!("exec {start} --memory --listen 127.0.0.1:0 --log-format json")));
        let publish = command(&left, "publish").replace("127.0.0.1:8080", &hub.address.to_string());
        let published = run(pasted(&publish));
        assert_eq!(published.code, Some(0), "{name}: {published:?}");
        assert_eq!(events(&hub, "hello"), [event("message", "good news", "-")], "{name}");
        assert_eq!(hub.publish("hello", "without the key").status, 401, "{name}");
    }
}

#[test]
fn both_files_are_for_their_owner_alone() {
    let dir = TempDir::new().unwrap();

    assert_eq!(init(dir.path()).code, Some(0));

    let mode = |name| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["tidings.toml", "publish.key"].map(mode), [0o600, 0o600]);
}

#[test]
fn a_token_and_a_signed_url_can_be_tried_as_the_file_says() {
    let dir = TempDir::new().unwrap();
    assert_eq!(init(dir.path()).code, Some(0));
    let text = fs::read_to_string(dir.path().join("tidings.toml")).unwrap();
    let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# tidings ")).collect();
    assert_eq!(lines.len(), 2, "{text}");

    for line in lines {
        let left = run(pasted(&format!("cd {} && tidings {line}", dir.path().display())));
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{line}: {left:?}");
    }
}

#[test]
fn the_keys_and_tokens_of_the_file_reach_inboxes() {
    let dir = TempDir::new().unwrap();
    assert_eq!(init(dir.path()).code, Some(0));
    let hub = support::hub(&["--memory", "--config", dir.path().join("tidings.toml").to_str().unwrap()]);
    let url = format!("http://{}", hub.address);
    let line = |line: &str| run(pasted(&format!("cd {} && {line}", dir.path().display())));
    let token = line("tidings token --config tidings.toml --sub alice > alice.token");
    assert_eq!(token.code, Some(0), "{token:?}");

    let notified = line(&format!(
        "tidings inbox notify {url} alice 'Your order has left' --publish-key-file publish.key"
    ));
    let own = line(&format!("tidings inbox count {url} alice --token-file alice.token"));
    let other = line(&format!("tidings inbox count {url} bob --token-file alice.token"));
    let anybody = line(&format!("tidings inbox count {url} alice"));

    assert_eq!(notified.code, Some(0), "{notified:?}");
    assert_eq!((own.code, own.stdout.as_str()), (Some(0), "1\n"), "{own:?}");
    assert_eq!((other.code, anybody.code), (Some(1), Some(1)), "{other:?} {anybody:?}");
}

#[test]
fn the_directory_can_be_moved_and_the_key_goes_with_it() {
    let dir = TempDir::new().unwrap();
    let moved = dir.path().join("moved");
    assert_eq!(init(&dir.path().join("first")).code, Some(0));

    fs::rename(dir.path().join("first"), &moved).unwrap();
    let hub = support::hub(&["--memory", "--config", moved.join("tidings.toml").to_str().unwrap()]);

    assert_eq!(hub.publish("hello", "without the key").status, 401);
}

#[test]
fn a_second_time_says_what_is_there_and_how_to_use_it_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    assert_eq!(init(dir.path()).code, Some(0));
    let content = || ["tidings.toml", "publish.key"].map(|name| fs::read(dir.path().join(name)).unwrap());
    let before = content();

    let left = init(dir.path());

    let settings = dir.path().canonicalize().unwrap().join("tidings.toml");
    let settings = settings.display();
    let stderr = format!(
        "error: {settings} is there already, and `tidings init` overwrites nothing\n\
         hint: start a hub with it by `tidings serve --config {settings}`, or name another directory, as in: tidings init hub\n"
    );
    assert_eq!(left, Left { code: Some(1), stdout: String::new(), stderr });
    assert_eq!(content(), before);
}

#[test]
fn whatever_has_one_of_the_two_names_is_left_alone_and_nothing_is_written_beside_it() {
    for name in ["tidings.toml", "publish.key"] {
        for kind in ["file", "directory", "link to nothing"] {
            let dir = TempDir::new().unwrap();
            let path = dir.path().join(name);
            match kind {
                "file" => fs::write(&path, "of somebody else").unwrap(),
                "directory" => fs::create_dir(&path).unwrap(),
                _ => symlink("missing", &path).unwrap(),
            }

            let left = init(dir.path());

            assert_eq!(left.code, Some(1), "{name}, {kind}: {left:?}");
            assert!(left.stderr.contains(&format!("{name} is there already")), "{name}, {kind}: {left:?}");
            let names: Vec<_> =
                fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, [name], "{kind}");
        }
    }
}

/// The key is shorter than the limit of a file's length, and the settings are longer.
#[test]
fn a_disk_that_becomes_full_between_the_two_files_leaves_neither() {
    let dir = TempDir::new().unwrap();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        r#"trap "" XFSZ; exec prlimit --fsize=100 "$0" "$@""#,
        env!("CARGO_BIN_EXE_tidings"),
        "init",
    ]);
    shell.arg(dir.path());

    let left = run(shell);

    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(
        left.stderr.contains("error: cannot write ") && left.stderr.contains("tidings.toml: "),
        "{left:?}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(init(dir.path()).code, Some(0));
}

#[test]
fn a_directory_that_cannot_be_made_or_have_such_a_name_is_told() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, code, message) in [
        (file.clone(), 1, "cannot make the directory "),
        (file.join("below"), 1, "cannot make the directory "),
        (dir.path().join("two\nlines"), 2, "two\\u{a}lines has characters that no setting can have"),
    ] {
        let left = init(&path);

        assert_eq!(left.code, Some(code), "{left:?}");
        assert!(
            left.stderr.contains(message) && left.stderr.contains("\nhint: name a directory "),
            "{left:?}"
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made");
}

#[test]
fn what_it_writes_can_be_read_by_its_owner_alone_whatever_the_umask_is() {
    for umask in ["000", "022", "077"] {
        let dir = TempDir::new().unwrap();

        let left =
            run(pasted(&format!("umask {umask}; exec tidings init {}", dir.path().join("hub").display())));

        assert_eq!(left.code, Some(0), "{left:?}");
        let mode = |name: &str| dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("hub/publish.key"), 0o600, "umask {umask}");
        assert_eq!(mode("hub/tidings.toml") & 0o133, 0, "umask {umask}");
    }
}

#[test]
fn a_standard_output_that_takes_nothing_costs_no_file() {
    let dir = TempDir::new().unwrap();

    let left = run(pasted(&format!("exec tidings init {} >/dev/full", dir.path().display())));

    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(
        left.stderr.contains("both files are written, but cannot write to stdout: No space left"),
        "{left:?}"
    );
    let again = init(dir.path());
    assert!(again.stderr.contains("hint: start a hub with it by `tidings serve --config "), "{again:?}");
}
