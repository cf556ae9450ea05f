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
    let files: io::Result<Vec<PathBuf>> = fs::read_dir(&root)?.map(|entry| Ok(entry?.path())).collect();
    let mut files = files?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "js"));
    files.sort();

    let mut list = String::from("&[\n");
    for path in &files {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        writeln!(list, "    ({name:?}, include_bytes!({path:?})),").map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("scripts.rs"), list)
}
