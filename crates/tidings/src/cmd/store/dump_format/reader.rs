//! The items of a text, in either form: the first byte tells which.

use std::io::{BufRead, Read};

use tidings_store::offline::DumpItem;

use super::event_stream::Block;
use super::{DumpFormat, ndjson};
use crate::limits::DUMP_LINE_BYTES_MAX;

/// Why a text is no dump, and where.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cmd::store) struct ReadError {
    /// The first line is 1.
    pub(in crate::cmd::store) line: u64,
    pub(in crate::cmd::store) what: String,
}

/// Reads items. It keeps one line, or one block, at a time.
pub(in crate::cmd::store) struct DumpReader<R> {
    input: R,
    format: Option<DumpFormat>,
    /// The line that was read last.
    pub(in crate::cmd::store) line: u64,
}

impl<R: BufRead> DumpReader<R> {
    pub(in crate::cmd::store) fn new(input: R) -> Self {
        Self { input, format: None, line: 0 }
    }

    /// The next item; none at the end.
    pub(in crate::cmd::store) fn next(&mut self) -> Result<Option<DumpItem>, ReadError> {
        let mut block = Block::default();
        while let Some(line) = self.line()? {
            let format = *self.format.get_or_insert(match line.starts_with('{') {
                true => DumpFormat::Ndjson,
                false => DumpFormat::EventStream,
            });
            let item = match format {
                DumpFormat::Ndjson if line.is_empty() => Ok(None),
                DumpFormat::Ndjson => ndjson::read(&line).map(Some),
                DumpFormat::EventStream if line.is_empty() => block.end(),
                DumpFormat::EventStream => block.line(&line).map(|()| None),
            };
            match item {
                Ok(None) => {}
                Ok(item) => return Ok(item),
                Err(what) => return Err(ReadError { line: self.line, what }),
            }
        }
        // A block without an empty line behind it is not whole.
        Ok(None)
    }

    fn line(&mut self) -> Result<Option<String>, ReadError> {
        self.line += 1;
        let mut bytes = Vec::new();
        let limit = DUMP_LINE_BYTES_MAX as u64 + 1;
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut bytes);
        let error = |what: String| ReadError { line: self.line, what };
        if read.map_err(|failed| error(format!("cannot read it: {failed}")))? == 0 {
            return Ok(None);
        }
        if bytes.len() > DUMP_LINE_BYTES_MAX {
            return Err(error(format!("it has more than {DUMP_LINE_BYTES_MAX} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|_| error("it is not UTF-8".to_owned()))?;
        Ok(Some(
            text.strip_suffix('\n')
                .map_or(text.clone(), |line| line.strip_suffix('\r').unwrap_or(line).to_owned()),
        ))
    }
}
