//! What a blocked member is owed: the rest of a chunk, of which its socket took the beginning.
//!
//! Small bytes are copied, so that a blocked member does not keep a whole batch in memory. The rest of a large frame is a
//! slice of the frame that all its readers share, and [`UnreadFrames`] bounds what is kept in memory in this way.

use std::ops::Range;

use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use tidings_core::Sequence;

use super::batch::{Batch, Piece};
use crate::limits::CHUNK_BYTES_MAX;
use crate::unread::{KeptFrame, UnreadFrames};

#[derive(Debug)]
pub(super) struct Owed {
    // First, so that it is given back before the frame is.
    kept: Option<KeptFrame>,
    pub(super) pieces: SmallVec<[Piece; 1]>,
    /// Where the member stands when it has all of it.
    pub(super) then: Sequence,
    /// What is owed tells the client that place, or ends a block that does.
    pub(super) tells: bool,
    /// The system has been told that the lane watches the socket.
    pub(super) watched: bool,
    /// The member waits for its turn, because its socket can be written again.
    pub(super) has_turn: bool,
    /// The client has said something, which is read once it has taken what it is owed.
    pub(super) is_called: bool,
}

/// What was owed to a member that has left.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    pub(crate) pieces: Vec<Bytes>,
    /// Counts the large frame that it keeps in memory.
    pub(crate) kept: Option<KeptFrame>,
}

impl Owed {
    pub(super) fn nothing(then: Sequence) -> Self {
        Self {
            kept: None,
            pieces: SmallVec::new(),
            then,
            tells: false,
            watched: false,
            has_turn: false,
            is_called: false,
        }
    }

    /// What ends a chunk of events or a gap.
    pub(super) fn chunk(then: Sequence) -> Self {
        Self { tells: true, ..Self::nothing(then) }
    }

    /// The rest of words that are no event.
    pub(super) fn rest(words: &[u8], then: Sequence, tells: bool) -> Self {
        let mut owed = Self { tells, ..Self::nothing(then) };
        owed.add_copy(words);
        owed
    }

    /// Adds a part of a piece.
    pub(super) fn add(&mut self, piece: &Piece, part: Range<usize>) {
        if piece.frame.is_some() && part.len() >= CHUNK_BYTES_MAX {
            self.pieces.push(Piece { bytes: piece.bytes.slice(part), frame: piece.frame });
        } else {
            self.add_copy(&piece.bytes[part]);
        }
    }

    /// Counts the large frame that it keeps in memory, if there is one, and shares it with others that are in it.
    pub(super) fn count_in(&mut self, unread: &UnreadFrames, batch: &Batch) {
        let Some((rest, key)) = self.pieces.iter_mut().find_map(|piece| piece.frame.map(|key| (piece, key)))
        else {
            return;
        };
        let Some(whole) = batch.frame(key) else { return };
        let (shared, kept) = unread.keep(key, whole.clone());
        rest.bytes = shared.slice(shared.len() - rest.bytes.len()..);
        self.kept = Some(kept);
    }

    /// The first bytes were taken.
    pub(super) fn advance(&mut self, mut taken: usize) {
        if let Some(kept) = &self.kept {
            kept.took(taken);
        }
        while let Some(piece) = self.pieces.first_mut()
            && taken >= piece.bytes.len()
        {
            taken -= piece.bytes.len();
            self.pieces.remove(0);
        }
        if let Some(piece) = self.pieces.first_mut() {
            piece.bytes.advance(taken);
            if piece.frame.is_some() && piece.bytes.len() < CHUNK_BYTES_MAX {
                *piece = Piece { bytes: Bytes::copy_from_slice(&piece.bytes), frame: None };
            }
        }
        if !self.pieces.iter().any(|piece| piece.frame.is_some()) {
            self.kept = None;
        }
    }

    /// What is left of it without the member.
    pub(super) fn into_unwritten(self) -> Unwritten {
        Unwritten { pieces: self.pieces.into_iter().map(|piece| piece.bytes).collect(), kept: self.kept }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }

    /// There is no room for the frame that it keeps any more, and it is the slowest.
    pub(super) fn must_let_go(&self) -> bool {
        self.kept.as_ref().is_some_and(KeptFrame::must_be_let_go)
    }

    fn add_copy(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.pieces.push(Piece { bytes: Bytes::copy_from_slice(bytes), frame: None });
        }
    }
}
