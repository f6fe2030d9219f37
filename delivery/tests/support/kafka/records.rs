//! The records of a topic, as a consumer of another make would see them.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, Timestamp, TopicPartitionList};

use footfall_delivery::Position;

use super::Kafka;

/// A record as a consumer sees it.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) payload: Vec<u8>,
}

impl Kafka {
    /// Reads the record at each of these places.
    pub(crate) fn read(&self, topic: &str, positions: &[Position]) -> Vec<Seen> {
        let consumer = self.consumer();
        positions.iter().map(|position| owned(&read_one(&consumer, topic, *position))).collect()
    }

    /// When the record at this place was made, in Unix milliseconds, as its producer said.
    pub(crate) fn created_at(&self, topic: &str, position: Position) -> i64 {
        match read_one(&self.consumer(), topic, position).timestamp() {
            Timestamp::CreateTime(at) => at,
            other => panic!("the topic keeps another time than the producer's: {other:?}"),
        }
    }

    fn consumer(&self) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", self.brokers())
            .set("group.id", "footfall-delivery-tests")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap()
    }

    /// Every record of the topic, partition by partition.
    pub(crate) fn all(&self, topic: &str) -> Vec<(Position, Seen)> {
        let consumer = self.consumer();
        let (mut places, mut left) = (TopicPartitionList::new(), 0);
        for end in self.ends(topic) {
            places.add_partition_offset(topic, end.partition, Offset::Offset(0)).unwrap();
            left += end.offset;
        }
        consumer.assign(&places).unwrap();
        let next = |_| {
            let message = consumer.poll(Duration::from_secs(30)).expect("a record within 30 s").unwrap();
            (Position { partition: message.partition(), offset: message.offset() }, owned(&message))
        };
        let mut all: Vec<_> = (0..left).map(next).collect();
        all.sort_by_key(|(position, _)| (position.partition, position.offset));
        all
    }
}

fn read_one<'c>(consumer: &'c BaseConsumer, topic: &str, position: Position) -> BorrowedMessage<'c> {
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(topic, position.partition, Offset::Offset(position.offset)).unwrap();
    consumer.assign(&place).unwrap();
    let message = consumer.poll(Duration::from_secs(30)).expect("a record within 30 s").unwrap();
    assert_eq!((message.partition(), message.offset()), (position.partition, position.offset));
    message
}

fn owned(message: &impl Message) -> Seen {
    let headers = message.headers().map(|all| {
        let owned = |h: rdkafka::message::Header<'_, &[u8]>| (h.key.to_owned(), h.value.unwrap().to_vec());
        all.iter().map(owned).collect()
    });
    Seen {
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        payload: message.payload().unwrap().to_vec(),
    }
}
