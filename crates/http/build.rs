//! Lists the scripts of the browser client, which the crate carries: `browser/` is a link to `clients/js/hub`, which cargo
//! follows when it packs the crate.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Cargo looks at the files behind a link only if it is told where they are.
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?)
        .join("browser")
        .canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut list = String::from("&[\n");
    for path in scripts(&root)? {
        writeln!(list, "    (true, {:?}, include_bytes!({path:?})),", name(&path))
            .map_err(io::Error::other)?;
    }
    // What pages that are open since before an update may still ask for, a folder for each version.
    let former = root.join("former");
    for version in if former.is_dir() { entries(&former)? } else { Vec::new() } {
        for path in scripts(&version)? {
            writeln!(list, "    (false, {:?}, include_bytes!({path:?})),", name(&path))
                .map_err(io::Error::other)?;
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("scripts.rs"), list)
}

/// The scripts of a folder, in order.
fn scripts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = entries(folder)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "js"));
    Ok(files)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths: io::Result<Vec<PathBuf>> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
