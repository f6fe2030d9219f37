//! The topics that a producer sends to, each made known to librdkafka once, when the first record goes there.
//! Which of them a record goes to is said by its stream and by itself.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::client::Client;
use rdkafka::error::KafkaError;

use super::context::ReportContext;
use super::failure::{Refused, refused};
use super::hand_over::Handle;
use super::lent::Lent;
use super::settings::KafkaSettings;
use crate::receipt::RecordFailure;
use crate::record::{Record, Stream};

/// All of them. They must end before the client does.
pub(super) struct Outlets {
    events: Outlet,
    dead_letters: Outlet,
    /// Those that rules lead to, by name.
    routed: BTreeMap<String, Outlet>,
}

struct Outlet {
    name: String,
    handle: OnceLock<Handle>,
    /// Whether it takes no record without a key.
    compacted: AtomicBool,
}

impl Outlets {
    pub(super) fn of(settings: &KafkaSettings) -> Self {
        let routed = settings.routed_topics.iter();
        Self {
            events: Outlet::new(&settings.topic),
            dead_letters: Outlet::new(&settings.dead_letter_topic()),
            routed: routed.map(|name| (name.clone(), Outlet::new(name))).collect(),
        }
    }

    /// Which of them are compacted.
    pub(super) fn note_compacted(&self, names: &[&str]) {
        for outlet in [&self.events, &self.dead_letters].into_iter().chain(self.routed.values()) {
            outlet.compacted.store(names.contains(&outlet.name.as_str()), Ordering::Relaxed);
        }
    }

    /// Hands a record over to where it goes.
    pub(super) fn hand_over(
        &self,
        client: &Client<ReportContext>,
        stream: Stream,
        record: &Record,
        handed_at: i64,
        lent: Lent,
    ) -> Result<(), Refused> {
        match self.find(stream, record.topic.as_deref()) {
            Ok(outlet) => outlet.hand_over(client, record, handed_at, lent),
            // It waited in the journal or as a dead letter, and no rule leads there any more.
            Err(topic) => Outlet::new(topic).hand_over(client, record, handed_at, lent),
        }
    }

    /// Where such a record goes; the topic that it names where that is none of these.
    fn find<'a>(&self, stream: Stream, topic: Option<&'a str>) -> Result<&Outlet, &'a str> {
        match (stream, topic) {
            (Stream::DeadLetters, _) => Ok(&self.dead_letters),
            (Stream::Events, None) => Ok(&self.events),
            (Stream::Events, Some(topic)) if topic == self.events.name => Ok(&self.events),
            (Stream::Events, Some(topic)) => self.routed.get(topic).ok_or(topic),
        }
    }
}

impl Outlet {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), handle: OnceLock::new(), compacted: AtomicBool::new(false) }
    }

    fn hand_over(
        &self,
        client: &Client<ReportContext>,
        record: &Record,
        handed_at: i64,
        lent: Lent,
    ) -> Result<(), Refused> {
        if record.key.is_none() && self.compacted.load(Ordering::Relaxed) {
            let reason = format!(
                "the topic `{}` is compacted: it takes no event without a user or a visitor",
                self.name
            );
            return Err(Refused::Record(RecordFailure { code: "record_refused", reason, retry: false }));
        }
        let handed = self.handle(client).and_then(|handle| handle.hand_over(client, record, handed_at, lent));
        handed.map_err(|error| refused(&error))
    }

    fn handle(&self, client: &Client<ReportContext>) -> Result<&Handle, KafkaError> {
        match self.handle.get() {
            Some(handle) => Ok(handle),
            None => {
                let made = Handle::new(client, &self.name)?;
                // Where two threads were first, it is the same topic twice.
                Ok(self.handle.get_or_init(|| made))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_is_named_is_the_same_as_one_that_is_not() {
        let settings = KafkaSettings {
            topic: "events".to_owned(),
            routed_topics: ["sales".to_owned()].into(),
            ..KafkaSettings::new(["kafka:9092"])
        };
        let outlets = Outlets::of(&settings);
        outlets.note_compacted(&["events"]);
        for (stream, topic, found, compacted) in [
            (Stream::Events, None, Ok("events"), true),
            // A rule once led to what is the topic of all events now.
            (Stream::Events, Some("events"), Ok("events"), true),
            (Stream::Events, Some("sales"), Ok("sales"), false),
            (Stream::Events, Some("gone"), Err("gone"), false),
            (Stream::DeadLetters, Some("sales"), Ok(settings.dead_letter_topic().as_str()), false),
        ] {
            let outlet = outlets.find(stream, topic);
            assert_eq!(outlet.map(|outlet| outlet.name.as_str()), found);
            let is_compacted = outlet.is_ok_and(|outlet| outlet.compacted.load(Ordering::Relaxed));
            assert_eq!(is_compacted, compacted, "{topic:?}");
        }
    }
}
