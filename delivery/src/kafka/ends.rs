//! Where a partition begins and ends, as its leader says.
//! One that has just come to lead cannot say it yet, and is asked again.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Between two questions.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What brokers answer while the leader changes, until all know of it.
const NOT_YET: [RDKafkaErrorCode; 5] = [
    RDKafkaErrorCode::LeaderNotAvailable,
    RDKafkaErrorCode::NotLeaderForPartition,
    RDKafkaErrorCode::FencedLeaderEpoch,
    RDKafkaErrorCode::UnknownLeaderEpoch,
    RDKafkaErrorCode::OffsetNotAvailable,
];

/// The offset of a partition's first record, and the one behind its last.
///
/// # Errors
///
/// [`KafkaError`] if the brokers say no, or still nothing of use after `timeout`.
pub(super) fn first_and_end<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> Result<(i64, i64), KafkaError> {
    until_known(timeout, |left| client.fetch_watermarks(topic, partition, left))
}

/// The answer to what is asked of leaders, within the time that `ask` is given.
///
/// # Errors
///
/// As [`first_and_end`].
pub(super) fn until_known<T>(
    timeout: Duration,
    mut ask: impl FnMut(Duration) -> Result<T, KafkaError>,
) -> Result<T, KafkaError> {
    let begun = Instant::now();
    loop {
        let left = timeout.saturating_sub(begun.elapsed());
        match ask(left.max(AGAIN_AFTER)) {
            Err(error) if is_not_yet(&error) && left > AGAIN_AFTER => thread::sleep(AGAIN_AFTER),
            answer => return answer,
        }
    }
}

fn is_not_yet(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(|code| NOT_YET.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::config::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    /// What a real broker says for some milliseconds after it has come to lead, as a mock that says it as often as it is told to.
    fn ask(errors: &[RDKafkaRespErr], timeout: Duration) -> Result<(i64, i64), KafkaError> {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("t", 1, 1).unwrap();
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", brokers.bootstrap_servers()).create().unwrap();
        consumer.fetch_metadata(Some("t"), Duration::from_secs(30)).unwrap();
        brokers.request_errors(RDKafkaApiKey::ListOffsets, errors);
        first_and_end(consumer.client(), "t", 0, timeout)
    }

    #[test]
    fn a_leader_that_does_not_know_it_yet_is_asked_again() {
        let not_yet = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE; 4];
        assert_eq!(ask(&not_yet, Duration::from_secs(30)), Ok((0, 0)));
    }

    #[test]
    fn a_no_is_told_at_once_and_one_that_never_knows_when_the_time_is_over() {
        let no = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 40];
        let told = ask(&no, Duration::from_secs(30)).unwrap_err();
        assert_eq!(told.rdkafka_error_code(), Some(RDKafkaErrorCode::TopicAuthorizationFailed));
        let never = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE; 4000];
        let told = ask(&never, Duration::from_millis(500)).unwrap_err();
        assert_eq!(told.rdkafka_error_code(), Some(RDKafkaErrorCode::OffsetNotAvailable));
    }
}
