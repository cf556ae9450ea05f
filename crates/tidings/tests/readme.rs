//! The READMEs give commands that can be pasted: the address to clone from is the one of the workspace, and no placeholder
//! in angle brackets is left, which a shell would take for a redirection.

use std::fs;
use std::path::Path;

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

fn repository_file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(name)).expect("the file is in the repository")
}

/// The lines of all blocks of shell commands.
fn shell_lines(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).collect()
}

#[test]
fn the_clone_line_has_the_address_of_the_workspace() {
    let clone = format!("git clone {} tidings && cd tidings", env!("CARGO_PKG_REPOSITORY"));
    for name in READMES {
        let text = repository_file(name);
        assert!(shell_lines(&text).contains(&clone.as_str()), "{name} has no line `{clone}`");
    }
}

#[test]
fn the_version_of_rust_is_that_of_the_workspace() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    for name in READMES {
        assert!(
            repository_file(name).contains(&format!("Rust {version}")),
            "{name} does not name Rust {version}"
        );
    }
}

#[test]
fn no_command_has_a_placeholder_in_angle_brackets() {
    for name in READMES {
        for line in shell_lines(&repository_file(name)) {
            let code = line.split(" #").next().unwrap_or(line);
            assert!(!code.contains(['<', '>']), "{name}: {line}");
        }
    }
}
