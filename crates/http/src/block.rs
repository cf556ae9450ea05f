//! Blocks.
use std::time::Duration;
use tidings_core::{Cursor, Gap};

pub(crate) fn heartbeat(cursor: Option<Cursor>) -> Vec<u8> {
    match cursor {
        None => b":\n\n".to_vec(),
        Some(c) => format!(":\nid: {c}\n\n").into_bytes(),
    }
}
pub(crate) fn gap(gap: &Gap) -> Vec<u8> {
    format!("event: tidings.gap\nid: {}\ndata: {{\"requested\":\"{}\",\"reason\":\"{}\",\"resumes_after\":\"{}\"}}\n\n", gap.resumes_after, gap.requested, gap.lost.as_str(), gap.resumes_after).into_bytes()
}
pub(crate) fn farewell(retry: Duration) -> Vec<u8> {
    format!("retry: {}\n\n", retry.as_millis()).into_bytes()
}
