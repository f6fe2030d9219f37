//! The brokers of three partitions: what they append, acknowledge, refuse and give up.

use crate::fallback::core::Settled;
use crate::fallback::ticket::Ticket;
use crate::kafka::Refused;
use crate::receipt::{Position, RecordFailure};
use crate::record::{Batch, Stream};

use super::caller::{Id, end};
use super::journal::Job;
use super::{PARTITIONS, World, id_of};

/// A record that the producer holds.
pub(super) struct Sent {
    pub(super) ticket: Ticket,
    pub(super) id: Id,
}

impl World {
    pub(super) fn produce(&mut self, slot: usize, batch: &Batch) {
        for (index, record) in batch.records().iter().enumerate() {
            let id = id_of(record);
            let sent = Sent { ticket: Ticket { slot, index }, id };
            if batch.stream() == Stream::DeadLetters {
                // Its own topic, which takes everything at once.
                self.letters.insert(id);
                self.settle(sent.ticket, Ok(Position { partition: 0, offset: self.letters.len() as i64 }));
            } else {
                self.sent[id.0 as usize % PARTITIONS].push_back(sent);
            }
        }
    }

    pub(super) fn broker_works(&mut self) {
        let partition = self.below(PARTITIONS as u64) as usize;
        for _ in 0..self.below(12) {
            if !self.broker_up {
                return;
            }
            let Some(sent) = self.sent[partition].pop_front() else { return };
            if self.faults.refusals && sent.id.1 % 53 == 0 {
                let failure =
                    RecordFailure { code: "record_too_large", reason: "as told".into(), retry: false };
                self.settle(sent.ticket, Err(Refused::Record(failure)));
                continue;
            }
            let offset = self.log[partition].len() as i64;
            self.log[partition].push(sent.id);
            self.appended[partition].push_back((sent, offset));
        }
    }

    pub(super) fn acknowledge(&mut self) {
        let partition = self.below(PARTITIONS as u64) as usize;
        for _ in 0..self.below(15) {
            if !self.broker_up {
                return;
            }
            let Some((sent, offset)) = self.appended[partition].pop_front() else { return };
            self.settle(sent.ticket, Ok(Position { partition: partition as i32, offset }));
        }
    }

    /// A whole partition is given up, as for an unknown topic.
    pub(super) fn give_up(&mut self) {
        let partition = self.below(PARTITIONS as u64) as usize;
        let failure = || RecordFailure { code: "unknown_topic", reason: "gone".into(), retry: true };
        let appended: Vec<_> = self.appended[partition].drain(..).map(|(sent, _)| (sent, true)).collect();
        let sent: Vec<_> = self.sent[partition].drain(..).map(|sent| (sent, false)).collect();
        for (sent, possibly_stored) in appended.into_iter().chain(sent) {
            self.settle(sent.ticket, Err(Refused::GivenUp { failure: failure(), possibly_stored }));
        }
    }

    /// The producer ends: what it holds is given up, and what stands in the topic is looked for again.
    pub(super) fn fatal(&mut self) {
        let failure = || RecordFailure { code: "kafka", reason: "fatal".into(), retry: true };
        for partition in 0..PARTITIONS {
            let appended: Vec<_> = self.appended[partition].drain(..).map(|(sent, _)| (sent, true)).collect();
            let sent: Vec<_> = self.sent[partition].drain(..).map(|sent| (sent, false)).collect();
            for (sent, possibly_stored) in appended.into_iter().chain(sent) {
                self.settle(sent.ticket, Err(Refused::GivenUp { failure: failure(), possibly_stored }));
            }
        }
        self.core.must_open_for("the producer has ended");
        self.connected = false;
    }

    pub(super) fn settle(&mut self, ticket: Ticket, fate: Result<Position, Refused>) {
        let Settled { ended, set_aside, .. } = self.core.settle(self.now, ticket, fate);
        end(ended);
        self.queue.extend(set_aside.map(|set_aside| Job::SetAside(*set_aside)));
    }
}
