//! Gives memory that a program has freed back to the system.
//!
//! The allocator of glibc keeps what was freed, unless it happens to be at the end of one of its heaps: a flood that was
//! bounded well leaves the process as large as it was in the midst of it. `malloc_trim` gives all free pages back, and no
//! safe interface to it is published. So this crate is the only one of the workspace that may contain unsafe code, and
//! it has two calls, neither of which takes or returns a pointer.
//!
//! Other allocators give memory back by themselves (musl, macOS), or have no such call. There is nothing to do then:
//! [`free_bytes`] is none, and [`give_back`] does nothing.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[path = "glibc.rs"]
mod allocator;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[path = "other.rs"]
mod allocator;

/// Bytes of memory that the process has freed and the system has not got back. An estimate, good to a few MiB: stacks
/// are counted as free, and memory that was allocated and never written is counted as in use and thereby hides free memory.
///
/// None where the allocator does not tell. It holds up allocations while it counts, for about a millisecond for each
/// 100,000 free pieces: call it seldom, and on a thread that may block.
pub fn free_bytes() -> Option<u64> {
    allocator::free_bytes()
}

/// Gives free memory back to the system, and returns whether there was any. What is in use is not touched.
///
/// It holds up allocations for about a millisecond for each 10 MiB that it gives back: call it seldom, and on a thread
/// that may block.
pub fn give_back() -> bool {
    allocator::give_back()
}
