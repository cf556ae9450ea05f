//! What the C library's allocator is told: large buffers go back to the system when they are freed.
//!
//! glibc takes a buffer of 128 KiB or more from the system by itself, and gives it back. But the first of them that is freed
//! raises this bound to its size, up to 32 MiB, for good. Later ones lie between small buffers on a heap that seldom
//! shrinks: after a flood of large events the hub kept 70 MiB. A bound that was set stays as it is. The environment sets it
//! before `main`, and nothing sets it afterwards without unsafe code, so the hub begins once more, as the same process.

use crate::environment::Environment;

/// Begins the process once more with the bound set, unless somebody has set one. Does nothing on other C libraries.
pub(crate) fn give_large_buffers_back(environment: &Environment) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if !BOUNDS.iter().any(|bound| environment.contains_key(*bound)) {
        begin_again();
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = environment;
}

/// The variables that glibc reads. An operator who tunes it knows better.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const BOUNDS: [&str; 2] = ["MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"];

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn begin_again() {
    use std::os::unix::process::CommandExt;

    let mut arguments = std::env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), std::env::current_exe()) else { return };
    let bound = crate::limits::SHARED_HEAP_BYTES_MAX.to_string();
    let mut again = std::process::Command::new(program);
    // Returns only when it fails: then the hub runs as it is.
    let error = again.arg0(name).args(arguments).env(BOUNDS[0], bound).exec();
    tracing::debug!(%error, "the allocator keeps its own bound");
}
