//! Lists the files of the web console, which the binary carries: `console/` at the root of the repository, without
//! its tests and without what is not served.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../../console");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root, &mut files)?;
    }
    files.sort();

    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.display();
        let path = file.canonicalize()?;
        writeln!(list, "    ({:?}, include_bytes!({:?})),", name.to_string(), path)
            .map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("console.rs"), list)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let served = !name.starts_with('.') && !["tests", "node_modules"].contains(&name);
        match path.is_dir() {
            true if served => collect(&path, files)?,
            false if served && is_served(&path) => files.push(path),
            true | false => {}
        }
    }
    Ok(())
}

/// Whether it is of a kind that is served; `src/console.rs` knows the same.
fn is_served(path: &Path) -> bool {
    let kinds = ["html", "css", "js", "svg", "png", "ico", "webmanifest", "woff2"];
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|kind| kinds.contains(&kind))
}
