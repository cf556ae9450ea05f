//! A file in pages, each with a checksum of its own, so that a part can be read and trusted without the rest.

use std::ops::Range;
use std::sync::Arc;

use tidings_core::Sequence;

use crate::file::disk::DiskFile;
use crate::file::fault::Fault;
use crate::file::record::number::u32_at;
use crate::limits::INDEX_PAGES_PER_WRITE;

/// Bytes of a page in the file.
pub(crate) const PAGE_BYTES: usize = 4_096;

/// Bytes of a page that are content; the checksum takes the rest.
const CONTENT_BYTES: usize = PAGE_BYTES - 4;

/// Reads the content of a file in pages.
pub(crate) struct IndexPages {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) name: String,
    /// The segment that the file belongs to: a page of another file has a wrong checksum.
    pub(crate) base: Sequence,
    /// Bytes of the content of all pages.
    content: u64,
}

impl IndexPages {
    pub(crate) fn new(file: Arc<dyn DiskFile>, name: String, base: Sequence) -> Result<Self, Fault> {
        let bytes = file.len().map_err(Fault::io(&name))?;
        Ok(Self { file, name, base, content: bytes / PAGE_BYTES as u64 * CONTENT_BYTES as u64 })
    }

    /// Reads a range of the content. Takes no memory for more than the file has.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Fault> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let first = range.start / CONTENT_BYTES as u64;
        if range.end > self.content {
            return Err(self.corrupt(first, "the file ends early"));
        }
        let pages = (range.end - 1) / CONTENT_BYTES as u64 - first + 1;
        let mut bytes = vec![0; pages as usize * PAGE_BYTES];
        let at = first * PAGE_BYTES as u64;
        if self.file.read_at(&mut bytes, at).map_err(Fault::unread(self.base, &self.name, at))? < bytes.len()
        {
            return Err(self.corrupt(first, "the file ends early"));
        }
        for page in 0..pages {
            self.verify(first + page, &bytes[page as usize * PAGE_BYTES..][..PAGE_BYTES])?;
            let content = page as usize * PAGE_BYTES;
            bytes.copy_within(content..content + CONTENT_BYTES, page as usize * CONTENT_BYTES);
        }
        let start = (range.start - first * CONTENT_BYTES as u64) as usize;
        bytes.truncate(start + (range.end - range.start) as usize);
        bytes.drain(..start);
        Ok(bytes)
    }

    fn verify(&self, number: u64, page: &[u8]) -> Result<(), Fault> {
        let (content, _) = page.split_at(CONTENT_BYTES);
        if checksum(self.base, number, content) == u32_at(page, CONTENT_BYTES) {
            return Ok(());
        }
        Err(self.corrupt(number, "the checksum of the page is not that of its bytes"))
    }

    /// For numbers of a table that lead nowhere.
    pub(crate) fn corrupt_at(&self, at: u64, what: &str) -> Fault {
        self.corrupt(at / CONTENT_BYTES as u64, what)
    }

    fn corrupt(&self, page: u64, what: &str) -> Fault {
        Fault::damaged_index(self.base, page * PAGE_BYTES as u64, what)
    }
}

/// Reads small ranges of a table whose places mostly ascend: a page serves all of them that are in it.
pub(crate) struct PagesAhead<'a> {
    pages: &'a IndexPages,
    /// Where the table ends.
    end: u64,
    /// What was read last: where it begins, and the bytes.
    at: u64,
    bytes: Vec<u8>,
}

impl<'a> PagesAhead<'a> {
    pub(crate) fn new(pages: &'a IndexPages, end: u64) -> Self {
        Self { pages, end, at: 0, bytes: Vec::new() }
    }

    /// Reads a range of the content, which must be in the table.
    pub(crate) fn read(&mut self, range: Range<u64>) -> Result<&[u8], Fault> {
        if range.start < self.at || range.end > self.at + self.bytes.len() as u64 {
            let pages_end = range.end.next_multiple_of(CONTENT_BYTES as u64);
            self.bytes = self.pages.read(range.start..pages_end.min(self.end.max(range.end)))?;
            self.at = range.start;
        }
        let start = (range.start - self.at) as usize;
        Ok(&self.bytes[start..start + (range.end - range.start) as usize])
    }
}

/// Writes content as a file in pages.
pub(crate) fn write(file: &dyn DiskFile, base: Sequence, content: &[u8]) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(INDEX_PAGES_PER_WRITE * PAGE_BYTES);
    for (round, contents) in content.chunks(INDEX_PAGES_PER_WRITE * CONTENT_BYTES).enumerate() {
        let first = round * INDEX_PAGES_PER_WRITE;
        bytes.clear();
        for (number, content) in (first as u64..).zip(contents.chunks(CONTENT_BYTES)) {
            let start = bytes.len();
            bytes.extend_from_slice(content);
            bytes.resize(start + CONTENT_BYTES, 0);
            let checksum = checksum(base, number, &bytes[start..]);
            bytes.extend_from_slice(&checksum.to_le_bytes());
        }
        file.write_at(&bytes, (first * PAGE_BYTES) as u64)?;
    }
    Ok(())
}

fn checksum(base: Sequence, number: u64, content: &[u8]) -> u32 {
    let place = [base.0.to_le_bytes(), number.to_le_bytes()].concat();
    crc32c::crc32c_append(crc32c::crc32c(&place), content)
}

/// Bytes of a file with so much content.
pub(crate) fn file_bytes(content: usize) -> u64 {
    content.div_ceil(CONTENT_BYTES) as u64 * PAGE_BYTES as u64
}

/// The first of some pages, which begin at an offset of the file, that has a wrong checksum, or not the expected content.
pub(crate) fn first_wrong(
    base: Sequence,
    offset: u64,
    pages: &[u8],
    expected: Option<&[u8]>,
) -> Option<(u64, &'static str)> {
    let numbers = offset / PAGE_BYTES as u64..;
    numbers.zip(pages.chunks(PAGE_BYTES)).find_map(|(number, page)| {
        let what = match page.split_at_checked(CONTENT_BYTES) {
            Some((content, sum)) if sum.len() == 4 => {
                if checksum(base, number, content) != u32_at(sum, 0) {
                    "the checksum of the page is not that of its bytes"
                } else if expected.is_some_and(|expected| !is_content(content, number, expected)) {
                    "the page is not what the segment says"
                } else {
                    return None;
                }
            }
            _ => "it has a broken page",
        };
        Some((number * PAGE_BYTES as u64, what))
    })
}

/// Whether the content of a page is that part of the whole content, and zeros behind its end.
fn is_content(page: &[u8], number: u64, whole: &[u8]) -> bool {
    let start = usize::try_from(number)
        .map_or(whole.len(), |number| number.saturating_mul(CONTENT_BYTES).min(whole.len()));
    let expected = &whole[start..whole.len().min(start + CONTENT_BYTES)];
    page.starts_with(expected) && page[expected.len()..].iter().all(|byte| *byte == 0)
}
