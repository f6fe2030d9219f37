//! The number under which a record's fate is reported: which batch it belongs to, and its place there.
//! From it a batch is found and counted down without a search.

use crate::record::BATCH_MAX_RECORDS;

/// A record's number within its batch takes the low half of the number.
const INDEX_BITS: u32 = usize::BITS / 2;

const _: () = assert!(BATCH_MAX_RECORDS <= 1 << INDEX_BITS, "a record's number must fit its half");

/// The slot of a batch and a record's number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) slot: usize,
    pub(crate) index: usize,
}

impl Ticket {
    pub(crate) fn to_opaque(self) -> usize {
        self.slot << INDEX_BITS | self.index
    }

    pub(crate) fn from_opaque(opaque: usize) -> Self {
        Self { slot: opaque >> INDEX_BITS, index: opaque & ((1 << INDEX_BITS) - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        for ticket in [Ticket { slot: 0, index: 0 }, Ticket { slot: 7, index: BATCH_MAX_RECORDS - 1 }] {
            assert_eq!(Ticket::from_opaque(ticket.to_opaque()), ticket);
        }
    }
}
