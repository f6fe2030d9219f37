//! What one connection sends: batches written as they are due, or packed before the clock starts.
//! A browser packs on its own machine; here it would take the server's processors and caches while they are measured.

use super::Plan;
use super::batch::{Batch, Writer};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Events that are packed ahead for each second of the load; what goes beyond them is packed as it is due.
const AHEAD_PER_SECOND: u64 = 120_000;

/// The batches of one connection.
pub(super) struct Bodies {
    writer: Writer,
    batch_events: usize,
    is_packed: bool,
    ahead: std::vec::IntoIter<Batch>,
}

impl Bodies {
    /// What each connection of `plan` sends.
    pub(super) fn of(plan: &Plan) -> Self {
        let (batch_events, is_packed) = (plan.batch_events, plan.is_packed);
        let mut bodies =
            Self { writer: Writer::new(), batch_events, is_packed, ahead: Vec::new().into_iter() };
        if is_packed {
            let all = (AHEAD_PER_SECOND * plan.duration.as_secs()).min(plan.max_events);
            let batches = all / (batch_events as u64 * plan.connections as u64) + 1;
            bodies.ahead = (0..batches).map(|_| bodies.write()).collect::<Vec<_>>().into_iter();
        }
        bodies
    }

    pub(super) fn next(&mut self) -> Batch {
        self.ahead.next().unwrap_or_else(|| self.write())
    }

    fn write(&mut self) -> Batch {
        let batch = self.writer.next(self.batch_events);
        if self.is_packed { Batch { body: packed(&batch.body), ..batch } } else { batch }
    }
}

/// A body as a browser's `CompressionStream` packs it.
fn packed(body: &[u8]) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail, and an empty body would be refused.
    let _ = packer.write_all(body);
    packer.finish().map(Bytes::from).unwrap_or_default()
}
