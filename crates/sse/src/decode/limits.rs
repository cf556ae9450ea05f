//! What a decoder refuses, and what it reports.

/// How large things may become before the decoder gives up on a stream.
///
/// Both count bytes as they stand on the wire. They bound what a decoder can be made to keep: one line, one
/// event's data, a type and an id that are a line each, and two labels of at most 1 KiB.
///
/// Not `non_exhaustive`: a third limit would be a new promise, worth a new major version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest line in bytes, its end not counted. Default 16 MiB: the largest lines known to be sent on purpose
    /// are images in base64, of a few MiB. At 0 only blank lines pass.
    pub line_bytes_max: usize,
    /// Longest data of one event in bytes, with the LFs between its lines. Default 16 MiB, like one line. At 0
    /// only events with empty data pass.
    pub event_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes_max: 16 << 20, event_bytes_max: 16 << 20 }
    }
}

/// What a decoder reports beside events. Nothing by default.
///
/// Not `non_exhaustive`: the format has no fifth thing to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Comments, as [`Item::Comment`](super::Item::Comment).
    pub comments: bool,
    /// Reconnection delays, at once, as [`Item::Retry`](super::Item::Retry).
    pub retries: bool,
    /// Ids of blocks without data, as [`Item::Id`](super::Item::Id).
    pub ids: bool,
}

impl Report {
    /// Everything there is.
    pub const ALL: Self = Self { comments: true, retries: true, ids: true };
}

/// Bytes of a line with a label, such as `topic: orders/42`; a longer one says nothing. 1,024: a hub's topics have at most 512 bytes, and
/// a time has 24.
pub(super) const LABEL_LINE_BYTES_MAX: usize = 1_024;

/// Bytes of a line that is no field which are kept. 256: enough to show it, and more than the name of any field.
pub(super) const STRAY_LINE_BYTES_MAX: usize = 256;

/// Unused bytes of memory that may go with a text that is handed over. 1 KiB: to give fewer back would take as long as to
/// copy the text.
pub(super) const SPARE_BYTES_MAX: usize = 1_024;
