//! The ends of the topics of events from a moment on, read in steps from the newest back, so that a limit costs the oldest.
//! Only headers are shown; nothing is committed, and no group is joined.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::config::client_config;
use super::context::AskContext;
use super::ends::{first_and_end, until_known};
use super::settings::KafkaSettings;
use crate::recent::Reading;

/// How long a question waits before it is looked whether brokers are there at all.
const PATIENCE: Duration = Duration::from_millis(250);

/// Records of the first step, of all partitions together; each further one is twice as long.
const FIRST_STEP: i64 = 16_000;

/// What of a partition is to be read: from `begin` up to `end`, which is not read any more.
struct Span {
    topic: String,
    partition: i32,
    begin: i64,
    end: i64,
}

pub(crate) struct RecentTopics {
    consumer: BaseConsumer<AskContext>,
    spans: Vec<Span>,
    until: Instant,
}

impl RecentTopics {
    /// Finds what stands in the topics of events since that moment, in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// What was not answered until then, in words. Brokers of which none can be reached are not waited for.
    pub(crate) fn open(settings: &KafkaSettings, since_ms: i64, until: Instant) -> Result<Self, String> {
        let failed = |error: &KafkaError| format!("the ends of the topics: {error}");
        let mut config = client_config(settings);
        config
            .set("allow.auto.create.topics", "false")
            .set("group.id", "footfall-recent")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<AskContext> =
            config.create_with_context(AskContext).map_err(|error| failed(&error))?;
        let mut opened = Self { consumer, spans: Vec::new(), until };
        for topic in settings.event_topics() {
            opened.find(topic, since_ms).map_err(|error| failed(&error))?;
        }
        Ok(opened)
    }

    fn find(&mut self, topic: &str, since_ms: i64) -> Result<(), KafkaError> {
        let metadata = loop {
            match self.consumer.fetch_metadata(Some(topic), PATIENCE.min(self.left())) {
                Ok(metadata) => break metadata,
                Err(error) => {
                    // What librdkafka says of its connections comes only where it is polled.
                    match self.consumer.poll(Duration::ZERO) {
                        Some(Err(away))
                            if away.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) =>
                        {
                            return Err(away);
                        }
                        _ if self.left().is_zero() => return Err(error),
                        _ => {}
                    }
                }
            }
        };
        // A topic that is not there yet holds nothing.
        let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        let partitions = found.map(|found| found.partitions()).unwrap_or_default();
        if partitions.is_empty() {
            return Ok(());
        }
        let mut moments = TopicPartitionList::new();
        for partition in partitions {
            moments.add_partition_offset(topic, partition.id(), Offset::Offset(since_ms))?;
        }
        let begins = until_known(self.left().max(PATIENCE), |left| {
            let begins = self.consumer.offsets_for_times(moments.clone(), left)?;
            begins.elements().iter().try_for_each(|place| place.error())?;
            Ok(begins)
        })?;
        for place in begins.elements() {
            // Without an offset nothing is as young as that.
            let Offset::Offset(begin) = place.offset() else { continue };
            let partition = place.partition();
            let patience = self.left().max(PATIENCE);
            let (_, end) = first_and_end(self.consumer.client(), topic, partition, patience)?;
            if begin < end {
                self.spans.push(Span { topic: topic.to_owned(), partition, begin, end });
            }
        }
        Ok(())
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Shows these headers of each record, with its time.
    pub(crate) fn read<const N: usize>(
        mut self,
        names: [&str; N],
        reading: &mut Reading,
        visit: &mut impl FnMut([Option<&[u8]>; N], i64),
    ) {
        let mut step = FIRST_STEP;
        while !self.spans.is_empty() {
            let limit = match reading.limit() {
                Some(limit) => Some(limit),
                None => self.step(step, names, reading, visit).err(),
            };
            if let Some(limit) = limit {
                let records: i64 = self.spans.iter().map(|span| span.end - span.begin).sum();
                return reading.left_out(format!("at most {records} older records of the topics: {limit}"));
            }
            self.spans.retain(|span| span.begin < span.end);
            step *= 2;
        }
    }

    /// Reads the last part of each span, and cuts it off.
    fn step<const N: usize>(
        &mut self,
        records: i64,
        names: [&str; N],
        reading: &mut Reading,
        visit: &mut impl FnMut([Option<&[u8]>; N], i64),
    ) -> Result<(), String> {
        let failed = |error: KafkaError| error.to_string();
        let each = (records / self.spans.len() as i64).max(1);
        let mut places = TopicPartitionList::new();
        let mut open: Vec<usize> = (0..self.spans.len()).collect();
        for Span { topic, partition, begin, end } in &self.spans {
            let from = (end - each).max(*begin);
            places.add_partition_offset(topic, *partition, Offset::Offset(from)).map_err(failed)?;
        }
        self.consumer.assign(&places).map_err(failed)?;
        while !open.is_empty() {
            match self.consumer.poll(Duration::from_millis(20)) {
                Some(Ok(message)) => {
                    let (topic, partition) = (message.topic(), message.partition());
                    let place = open.iter().position(|span| {
                        self.spans[*span].partition == partition && self.spans[*span].topic == topic
                    });
                    let Some(place) = place else { continue };
                    let end = self.spans[open[place]].end;
                    if message.offset() < end {
                        reading.count();
                        let found = |name: &str| {
                            let headers = message.headers()?;
                            headers.iter().find(|header| header.key == name)?.value
                        };
                        visit(names.map(found), message.timestamp().to_millis().unwrap_or_default());
                    }
                    if message.offset() + 1 >= end {
                        open.swap_remove(place);
                    }
                }
                Some(Err(error)) => return Err(error.to_string()),
                // What has no record (markers of transactions, records that were compacted) is passed over in silence.
                None => {
                    let positions = self.consumer.position().map_err(failed)?;
                    open.retain(|span| {
                        let Span { topic, partition, end, .. } = &self.spans[*span];
                        let place = positions.find_partition(topic, *partition).map(|place| place.offset());
                        !matches!(place, Some(Offset::Offset(offset)) if offset >= *end)
                    });
                }
            }
            if let Some(limit) = reading.limit() {
                return Err(limit);
            }
        }
        for span in &mut self.spans {
            span.end = (span.end - each).max(span.begin);
        }
        Ok(())
    }
}
