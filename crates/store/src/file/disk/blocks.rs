//! Reads what is around blocks that the disk cannot read.

use std::io;

use super::{DiskFile, is_unreadable};
use crate::limits::UNREADABLE_BLOCK_BYTES;

/// As [`DiskFile::read_at`], with zeros in the place of blocks that the disk cannot read.
pub(crate) fn read_with_zeros(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    match file.read_at(buffer, offset) {
        Err(error) if is_unreadable(&error) => {}
        read => return read,
    }
    let mut done = 0;
    while done < buffer.len() {
        let block = block(buffer, offset, done);
        let len = block.len();
        match file.read_at(block, offset + done as u64) {
            Err(error) if is_unreadable(&error) => block.fill(0),
            Ok(read) if read < len => return Ok(done + read),
            read => _ = read?,
        }
        done += len;
    }
    Ok(done)
}

/// As [`DiskFile::read_at`], up to the first block that the disk cannot read. It fails if that is the first one.
pub(crate) fn read_before_unreadable(
    file: &dyn DiskFile,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    match file.read_at(buffer, offset) {
        Err(error) if is_unreadable(&error) => {}
        read => return read,
    }
    let mut done = 0;
    while done < buffer.len() {
        let block = block(buffer, offset, done);
        let len = block.len();
        match file.read_at(block, offset + done as u64) {
            Err(error) if is_unreadable(&error) && done > 0 => return Ok(done),
            Ok(read) if read < len => return Ok(done + read),
            read => _ = read?,
        }
        done += len;
    }
    Ok(done)
}

/// The next piece of a buffer that lies in one block of the file.
fn block(buffer: &mut [u8], offset: u64, done: usize) -> &mut [u8] {
    let at = offset + done as u64;
    let rest = UNREADABLE_BLOCK_BYTES - (at % UNREADABLE_BLOCK_BYTES as u64) as usize;
    let end = buffer.len().min(done + rest);
    &mut buffer[done..end]
}
