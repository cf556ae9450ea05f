//! Reading a body: of bounded size, in bounded time, whole or piece by piece.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tidings_core::DraftError;
use tokio::time::timeout;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// Reads a whole body. `bytes_max` bounds its size, `wait_max` the time until its end.
pub(crate) async fn read_whole<B>(mut body: B, bytes_max: usize, wait_max: Duration) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let whole = timeout(wait_max, async {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| cut_off())?.into_data() else { continue };
            if first.len() + rest.len() + data.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            // Most bodies come in one piece, and stay as they came.
            if first.is_empty() { first = data } else { rest.extend_from_slice(&data) }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok([&first[..], &rest[..]].concat().into())
    });
    whole.await.unwrap_or_else(|_| Err(too_slow()))
}

/// Reads the next bytes of a body; `None` at its end. `wait_max` bounds the silence before them. Cancel safe.
pub(crate) async fn read_piece<B>(body: &mut B, wait_max: Duration) -> Result<Option<Bytes>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    match timeout(wait_max, body.frame()).await {
        Err(_) => Err(too_slow()),
        Ok(None) => Ok(None),
        // Trailers say nothing here.
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        Ok(Some(Err(_))) => Err(cut_off()),
    }
}

/// The data of one event is larger than the hub takes, whether it is the whole body or a part of it.
pub(crate) fn too_large(bytes_max: usize) -> Problem {
    let detail = DraftError::DataTooLong { bytes_max }.to_string();
    Problem::new(ProblemType::TooLarge, detail)
}

fn too_slow() -> Problem {
    Problem::new(ProblemType::TooSlow, "the body did not come in time; send it again")
}

fn cut_off() -> Problem {
    Problem::new(ProblemType::CutOff, "the body ended before it was complete; send it again")
}
