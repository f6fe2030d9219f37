//! Memory for the texts of one batch's records: written in one place again and again, kept side by side in a few pieces.
//! A piece is freed with the last record of it, so that one record that stays behind holds no more than a piece.

use bytes::{Bytes, BytesMut};

/// Bytes of a piece that holds more than one text.
const PIECE_BYTES: usize = 32 * 1024;

/// Bytes of the draft that are there from the start; most texts are shorter.
const DRAFT_BYTES: usize = 1024;

/// Where texts are written and kept.
#[derive(Debug, Default)]
pub struct Texts {
    /// The text that is being written.
    draft: Vec<u8>,
    /// What is left of the piece.
    piece: BytesMut,
    /// How many more texts are expected.
    expected: usize,
}

impl Texts {
    /// For so many texts, more or less.
    pub fn new(expected: usize) -> Self {
        Self { expected, draft: Vec::with_capacity(DRAFT_BYTES), ..Self::default() }
    }

    /// The text that is being written, empty.
    pub(super) fn begin(&mut self) -> &mut Vec<u8> {
        self.draft.clear();
        &mut self.draft
    }

    /// Keeps what was written.
    pub(super) fn keep(&mut self) -> Bytes {
        let bytes = self.draft.len();
        if self.piece.capacity() < bytes {
            // Those of one batch are of about the same size.
            let all = bytes.saturating_mul(self.expected.max(1));
            self.piece = BytesMut::with_capacity(all.min(PIECE_BYTES).max(bytes));
        }
        self.expected = self.expected.saturating_sub(1);
        self.piece.extend_from_slice(&self.draft);
        self.piece.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(texts: &mut Texts, bytes: usize) -> Bytes {
        texts.begin().resize(bytes, b'x');
        texts.keep()
    }

    #[test]
    fn texts_stand_side_by_side_and_none_takes_more_than_it_needs() {
        let mut texts = Texts::new(3);
        let kept: Vec<_> = (0..3).map(|_| keep(&mut texts, 1000)).collect();
        assert!(kept.windows(2).all(|pair| pair[0].as_ptr_range().end == pair[1].as_ptr()));
        assert_eq!(texts.piece.capacity(), 0, "the piece has room for the three of them alone");
        assert_eq!(keep(&mut texts, 5).len(), 5, "one more than expected");
    }

    #[test]
    fn a_piece_is_no_larger_than_its_bound_or_its_only_text() {
        let mut texts = Texts::new(1000);
        keep(&mut texts, 1000);
        assert!(texts.piece.capacity() <= PIECE_BYTES - 1000);
        let large = keep(&mut texts, 3 * PIECE_BYTES);
        assert_eq!((large.len(), texts.piece.capacity()), (3 * PIECE_BYTES, 0));
        assert_eq!(keep(&mut Texts::default(), 0).len(), 0);
    }
}
