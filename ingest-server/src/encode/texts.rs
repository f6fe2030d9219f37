//! Memory for the texts of one batch's records: each is written where it stays, side by side with others in a few pieces.
//! What is taken once is freed once, and pieces are small enough that the allocator keeps them at hand.

use bytes::{Bytes, BytesMut};
use std::io::{self, Write};
use std::ops::{Deref, DerefMut};

/// Bytes of a piece that holds more than one text.
const PIECE_BYTES: usize = 32 * 1024;

/// Bytes of the first piece, which tells how long the texts of this batch are; most are shorter.
const FIRST_BYTES: usize = 2048;

/// What the texts together may be longer than as many of the longest before them: a quarter of one. Where the last one
/// has no room, it is copied into a piece of its own.
const SLACK: usize = 4;

/// Where texts are written and kept.
#[derive(Debug, Default)]
pub struct Texts {
    /// The text that is being written, and the room behind it.
    text: Text,
    /// Bytes of the longest text so far, up to those of a piece.
    longest: usize,
    /// How many more texts are expected.
    expected: usize,
}

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: BytesMut,
    /// The day that was written last.
    pub(super) last_day: WrittenDay,
}

/// A day as RFC 3339 has it: most events of a batch are of the same one.
#[derive(Debug, Default)]
pub(super) struct WrittenDay {
    /// Days since 1970; none before the first.
    pub(super) day: Option<i64>,
    /// `2026-11-24T00:00:00.000Z`
    pub(super) midnight: [u8; 24],
}

impl Texts {
    /// For so many texts, more or less.
    pub fn new(expected: usize) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The text that is being written, empty.
    pub(super) fn begin(&mut self) -> &mut Text {
        self.text.bytes.clear();
        if self.longest == 0 || self.text.bytes.capacity() < self.longest {
            // Those of one batch are of about the same size.
            let all = self.longest.saturating_mul(self.expected.max(1)).min(PIECE_BYTES).max(self.longest);
            let all = all + self.longest / SLACK;
            self.text.bytes = BytesMut::with_capacity(if self.longest == 0 { FIRST_BYTES } else { all });
        }
        &mut self.text
    }

    /// Keeps what was written.
    pub(super) fn keep(&mut self) -> Bytes {
        self.longest = self.longest.max(self.text.bytes.len()).min(PIECE_BYTES);
        self.expected = self.expected.saturating_sub(1);
        let text = self.text.bytes.split().freeze();
        // The room behind the last one is of no use to anybody.
        let is_roomy = self.expected == 0 && self.text.bytes.capacity() > text.len() / 2;
        if is_roomy { Bytes::copy_from_slice(&text) } else { text }
    }
}

impl Text {
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

/// It never fails.
impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.append(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Text {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(texts: &mut Texts, bytes: usize) -> Bytes {
        texts.begin().append(&vec![b'x'; bytes]);
        texts.keep()
    }

    #[test]
    fn texts_stand_side_by_side_and_take_little_more_than_they_need() {
        let mut texts = Texts::new(4);
        keep(&mut texts, 2000);
        let kept: Vec<_> = [2000, 2020, 1980].map(|bytes| keep(&mut texts, bytes)).into();
        assert!(kept.windows(2).all(|pair| pair[0].as_ptr_range().end == pair[1].as_ptr()));
        assert!(texts.text.bytes.capacity() <= 6000 / SLACK, "{}", texts.text.bytes.capacity());
        assert_eq!(keep(&mut texts, 5).len(), 5, "one more than expected");
    }

    #[test]
    fn a_piece_is_no_larger_than_its_bound_or_its_only_text() {
        let mut texts = Texts::new(1000);
        keep(&mut texts, 2000);
        keep(&mut texts, 2000);
        assert!(texts.text.bytes.capacity() <= PIECE_BYTES - 2000 + 2000 / SLACK);
        let large = keep(&mut texts, 3 * PIECE_BYTES);
        assert_eq!(large.len(), 3 * PIECE_BYTES);
        keep(&mut texts, 5);
        assert!(texts.text.bytes.capacity() <= PIECE_BYTES + PIECE_BYTES / SLACK);
        assert_eq!(keep(&mut Texts::default(), 0).len(), 0);
    }

    #[test]
    fn a_text_that_is_alone_takes_what_it_needs() {
        let mut texts = Texts::new(1);
        let text = texts.begin();
        (0..FIRST_BYTES + 1).for_each(|_| text.append(b"x"));
        let kept = BytesMut::from(texts.keep());
        assert_eq!((kept.len(), kept.capacity()), (FIRST_BYTES + 1, FIRST_BYTES + 1));
    }

    #[test]
    fn a_text_that_outgrows_its_piece_is_whole() {
        let mut texts = Texts::new(2);
        keep(&mut texts, 10);
        let text = texts.begin();
        (0..100u8).for_each(|byte| text.append(&[byte; 20]));
        assert_eq!(texts.keep(), (0..100u8).flat_map(|byte| [byte; 20]).collect::<Vec<_>>());
    }
}
