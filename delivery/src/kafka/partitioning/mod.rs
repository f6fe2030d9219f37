//! Which partition a record goes to: by its key as Kafka's own clients do, or in one of the ways that ignore it.
//! `hash` and `random` are librdkafka's; the others, and keys that are spread, are decided here.

mod hot_keys;
mod murmur2;

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::producer::Partitioner as KafkaPartitioner;

use super::settings::KafkaSettings;
use hot_keys::Table;
use murmur2::{positive, seeded};

/// How the partition of a record is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partitioner {
    /// murmur2 of the key, as Kafka's Java client has it, so that all producers agree; keyless records stick to one
    /// partition for a moment. The only one that keeps the events of a key in order.
    #[default]
    Hash,
    /// One partition after the other.
    RoundRobin,
    /// Any.
    Random,
    /// One partition for as long as a batch fills, then the next: the largest batches.
    Sticky,
}

impl Partitioner {
    const ALL: [Self; 4] = [Self::Hash, Self::RoundRobin, Self::Random, Self::Sticky];

    /// Its name in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::RoundRobin => "round-robin",
            Self::Random => "random",
            Self::Sticky => "sticky",
        }
    }
}

impl fmt::Display for Partitioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Partitioner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|partitioner| partitioner.as_str() == text);
        found
            .ok_or_else(|| format!("`{text}` is no partitioner; one of hash, round-robin, random, sticky is"))
    }
}

/// From which rate on a key is spread over more than one partition, and over how many at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotKeys {
    /// Records of one key in a second that still go to one partition.
    pub rate: NonZeroU32,
    /// Into how many buckets a key above that is split; each is hashed to a partition.
    pub buckets: NonZeroU8,
}

/// The most buckets of a key.
pub(super) const MAX_BUCKETS: u8 = 64;

/// Sets what librdkafka decides by itself.
pub(super) fn set_partitioner(config: &mut ClientConfig, settings: &KafkaSettings) {
    let name = if settings.partitioner == Partitioner::Random { "random" } else { "murmur2_random" };
    config.set("partitioner", name);
    if settings.partitioner != Partitioner::Hash || settings.hot_keys.is_some() {
        // Else it chooses for keyless records whatever the partitioner would say.
        config.set("sticky.partitioning.linger.ms", "0");
    }
}

/// What is decided here, record by record.
pub(super) struct Partitioning {
    way: Way,
    /// Where keyless records, or all, go now, by topic.
    places: Mutex<BTreeMap<String, Place>>,
    /// How long one partition is stuck to.
    stay: Duration,
    started: Instant,
}

enum Way {
    RoundRobin,
    Sticky,
    HotKeys(Mutex<Table>),
}

#[derive(Clone, Copy)]
struct Place {
    partition: i32,
    since: Instant,
}

impl Partitioning {
    /// `None` where librdkafka decides.
    pub(super) fn of(settings: &KafkaSettings) -> Option<Self> {
        let way = match (settings.partitioner, settings.hot_keys) {
            (Partitioner::RoundRobin, _) => Way::RoundRobin,
            (Partitioner::Sticky, _) => Way::Sticky,
            (Partitioner::Hash, Some(hot)) => Way::HotKeys(Mutex::new(Table::new(hot))),
            (Partitioner::Hash, None) | (Partitioner::Random, _) => return None,
        };
        // As long as librdkafka's own stickiness: twice the time in which a batch fills.
        let stay = (2 * settings.linger).max(Duration::from_millis(1));
        Some(Self { way, places: Mutex::default(), stay, started: Instant::now() })
    }

    /// The partition that is in turn, after the one before has had its time.
    fn turn(&self, topic: &str, count: i32, stay: Duration, is_available: impl Fn(i32) -> bool) -> i32 {
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(topic) {
            let lasts = now.duration_since(place.since) < stay && place.partition < count;
            if !lasts || !is_available(place.partition) {
                // One without a leader is passed over, as long as there is another one.
                let next = (1..=count).map(|step| (place.partition + step) % count);
                let after = (place.partition + 1) % count;
                let partition = next.into_iter().find(|next| is_available(*next)).unwrap_or(after);
                *place = Place { partition, since: now };
            }
            return place.partition;
        }
        // Several servers do not begin at the same one.
        let partition = first(std::process::id(), topic, count);
        places.insert(topic.to_owned(), Place { partition, since: now });
        partition
    }
}

/// Where a topic's turns begin: a partition of it, whatever the hash.
fn first(server: u32, topic: &str, count: i32) -> i32 {
    (seeded(server, topic.as_bytes()) % count.unsigned_abs()) as i32
}

impl KafkaPartitioner for Partitioning {
    fn partition(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        count: i32,
        is_available: impl Fn(i32) -> bool,
    ) -> i32 {
        if count < 1 {
            return rdkafka::producer::PARTITION_UA;
        }
        match (&self.way, key) {
            (Way::RoundRobin, _) => self.turn(topic, count, Duration::ZERO, is_available),
            (Way::Sticky, _) | (Way::HotKeys(_), None) => self.turn(topic, count, self.stay, is_available),
            (Way::HotKeys(table), Some(key)) => {
                let second = self.started.elapsed().as_secs();
                let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
                let bucket = table.bucket(key, second);
                drop(table);
                (positive(key, bucket) % count.unsigned_abs()) as i32
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitioning(change: impl FnOnce(&mut KafkaSettings)) -> Partitioning {
        let mut settings = KafkaSettings::new(["k:1"]);
        change(&mut settings);
        Partitioning::of(&settings).unwrap()
    }

    #[test]
    fn round_robin_gives_each_partition_of_each_topic_its_turn() {
        let each = partitioning(|s| s.partitioner = Partitioner::RoundRobin);
        let mut counts = [[0; 3]; 2];
        for turn in 0..60 {
            let topic = turn % 2;
            let partition = each.partition(["a", "b"][topic], Some(b"key"), 3, |_| true);
            counts[topic][partition as usize] += 1;
        }
        assert_eq!(counts, [[10; 3]; 2]);
        // A partition without a leader is passed over, and without any other it is taken all the same.
        let without = |lost: i32| (0..9).map(move |_| each.partition("a", None, 3, |p| p != lost));
        assert!(without(1).all(|partition| partition != 1));
        let none = partitioning(|s| s.partitioner = Partitioner::RoundRobin);
        assert!((0..9).all(|_| (0..3).contains(&none.partition("a", None, 3, |_| false))));
    }

    #[test]
    fn turns_begin_at_a_partition_that_there_is() {
        let begun: std::collections::BTreeSet<i32> = (0..1_000).map(|server| first(server, "a", 3)).collect();
        assert_eq!(begun, [0, 1, 2].into());
    }

    #[test]
    fn sticky_stays_for_a_batch_and_then_goes_on() {
        let sticky = partitioning(|s| {
            (s.partitioner, s.linger) = (Partitioner::Sticky, Duration::from_secs(60));
        });
        let first = sticky.partition("a", Some(b"1"), 3, |_| true);
        assert!((0..99u8).all(|n| sticky.partition("a", Some(&[n]), 3, |_| true) == first));
        sticky.places.lock().unwrap().get_mut("a").unwrap().since -= Duration::from_secs(121);
        assert_eq!(sticky.partition("a", Some(b"1"), 3, |_| true), (first + 1) % 3);
        // The topic was made anew with fewer.
        assert_eq!(sticky.partition("a", None, 1, |_| true), 0);
    }

    #[test]
    fn a_key_above_the_rate_is_spread_and_no_other() {
        let rate = NonZeroU32::new(100).unwrap();
        let hot = HotKeys { rate, buckets: NonZeroU8::new(8).unwrap() };
        let spread = partitioning(|s| s.hot_keys = Some(hot));
        let home = |key: &[u8]| (positive(key, 0) % 12) as i32;
        let taken: std::collections::BTreeSet<i32> = (0..500)
            .map(|n| {
                let key = format!("user-{}", n % 250);
                assert_eq!(spread.partition("a", Some(key.as_bytes()), 12, |_| true), home(key.as_bytes()));
                spread.partition("a", Some(b"hot"), 12, |_| true)
            })
            .collect();
        assert!(taken.contains(&home(b"hot")) && (4..=8).contains(&taken.len()), "{taken:?}");
    }
}
