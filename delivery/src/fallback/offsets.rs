//! The last offset that Kafka acknowledged in each partition: behind it, nothing of ours has to be looked for.
//! They are kept with the rows, so that after a crash the topic is read from there and no further back.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::receipt::Position;
use crate::record::Stream;

/// The offsets, and which of them the journal does not know yet.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    events: Vec<Option<i64>>,
    dead_letters: Vec<Option<i64>>,
    /// Those of events that name their topic.
    routed: BTreeMap<Arc<str>, Vec<Option<i64>>>,
    dirty: bool,
    /// A record may stand in the topic unacknowledged: what is acknowledged behind it counts only once it was looked for.
    held_back: Option<Vec<Known>>,
}

/// An offset as the journal keeps it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) stream: Stream,
    /// The topic, where the records name it themselves.
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) position: Position,
}

impl Offsets {
    fn of(&mut self, stream: Stream, topic: Option<&Arc<str>>) -> &mut Vec<Option<i64>> {
        match (stream, topic) {
            (Stream::Events, Some(topic)) => self.routed.entry(Arc::clone(topic)).or_default(),
            (Stream::Events, None) => &mut self.events,
            (Stream::DeadLetters, _) => &mut self.dead_letters,
        }
    }

    /// Everything of ours in this partition up to here is settled.
    pub(crate) fn note(&mut self, stream: Stream, topic: Option<&Arc<str>>, position: Position) {
        if let Some(later) = &mut self.held_back {
            let same = |of: &Known| {
                (of.stream, of.topic.as_ref(), of.position.partition) == (stream, topic, position.partition)
            };
            match later.iter_mut().find(|of| same(of)) {
                Some(of) => of.position.offset = of.position.offset.max(position.offset),
                None => later.push(Known { stream, topic: topic.cloned(), position }),
            }
            return;
        }
        let Ok(partition) = usize::try_from(position.partition) else { return };
        let known = self.of(stream, topic);
        if known.len() <= partition {
            known.resize(partition + 1, None);
        }
        if known[partition].is_none_or(|offset| offset < position.offset) {
            known[partition] = Some(position.offset);
            self.dirty = true;
        }
    }

    /// From here on, what is acknowledged says nothing about what came before it.
    pub(crate) fn hold_back(&mut self) {
        self.held_back.get_or_insert_default();
    }

    /// What was held back counts.
    pub(crate) fn release(&mut self) {
        for Known { stream, topic, position } in self.held_back.take().unwrap_or_default() {
            self.note(stream, topic.as_ref(), position);
        }
    }

    /// Starts over from what a topic says of itself now.
    pub(crate) fn reset(&mut self, topic: Option<&Arc<str>>, ends: &BTreeMap<i32, i64>) {
        self.held_back = None;
        self.of(Stream::Events, topic).clear();
        for (partition, end) in ends {
            self.note(Stream::Events, topic, Position { partition: *partition, offset: end - 1 });
        }
        self.dirty = true;
    }

    /// What the journal does not know yet, if anything; told once.
    pub(crate) fn take(&mut self) -> Vec<Known> {
        if !std::mem::take(&mut self.dirty) {
            return Vec::new();
        }
        let list = |stream, topic: Option<&Arc<str>>, offsets: &[Option<i64>]| {
            let known = (0..).zip(offsets).filter_map(|(partition, offset)| Some((partition, (*offset)?)));
            let known = known.map(|(partition, offset)| Position { partition, offset });
            known.map(|position| Known { stream, topic: topic.cloned(), position }).collect::<Vec<_>>()
        };
        let mut all = list(Stream::Events, None, &self.events);
        all.extend(list(Stream::DeadLetters, None, &self.dead_letters));
        all.extend(self.routed.iter().flat_map(|(topic, known)| list(Stream::Events, Some(topic), known)));
        all
    }

    /// The journal could not keep what was taken.
    pub(crate) fn not_kept(&mut self) {
        self.dirty = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_only_rise_and_are_told_once() {
        let mut offsets = Offsets::default();
        let at = |partition, offset| Position { partition, offset };
        let known = |stream, topic, position| Known { stream, topic, position };
        let purchases: Arc<str> = "purchases".into();
        offsets.note(Stream::Events, None, at(2, 7));
        offsets.note(Stream::Events, None, at(2, 5));
        offsets.note(Stream::DeadLetters, None, at(0, 1));
        offsets.note(Stream::Events, Some(&purchases), at(2, 9));
        let expected = [
            known(Stream::Events, None, at(2, 7)),
            known(Stream::DeadLetters, None, at(0, 1)),
            known(Stream::Events, Some(purchases), at(2, 9)),
        ];
        assert_eq!(offsets.take(), expected);
        offsets.note(Stream::Events, None, at(2, 7));
        assert_eq!(offsets.take(), []);
        offsets.not_kept();
        assert_eq!(offsets.take().len(), 3);
        offsets.hold_back();
        offsets.note(Stream::Events, None, at(2, 9));
        offsets.note(Stream::Events, None, at(2, 8));
        assert_eq!(offsets.take(), [], "something before it may be unacknowledged");
        offsets.release();
        assert_eq!(offsets.take()[0], known(Stream::Events, None, at(2, 9)));
        // The topic was made anew.
        offsets.reset(None, &[(2, 3)].into());
        assert_eq!(offsets.take()[0], known(Stream::Events, None, at(2, 2)));
    }
}
