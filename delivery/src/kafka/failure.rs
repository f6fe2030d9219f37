//! librdkafka's error codes as what a caller can act on: a name, words, and whether a retry can help.
//! What is done with a failure is decided elsewhere.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::error::DeliveryError;
use crate::receipt::{RecordFailure, RecordOutcome};

/// The name of a failure that only says that time was up.
pub(super) const TIMED_OUT: &str = "timed_out";

pub(super) fn record_failure(error: &KafkaError) -> RecordFailure {
    let Some(code) = error.rdkafka_error_code() else {
        return RecordFailure { code: "kafka", reason: error.to_string(), retry: false };
    };
    let (name, retry) = match code {
        Code::MessageSizeTooLarge => ("record_too_large", false),
        Code::InvalidMessage | Code::InvalidRecord => ("record_refused", false),
        Code::PolicyViolation => ("policy_violation", false),
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => ("not_authorised", true),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            ("unknown_topic", true)
        }
        Code::QueueFull => ("memory_full", true),
        Code::MessageTimedOut => (TIMED_OUT, true),
        Code::PurgeQueue | Code::PurgeInflight => ("closed", true),
        _ => ("kafka", true),
    };
    RecordFailure { code: name, reason: code.to_string(), retry }
}

/// One error for a batch of which no record, or not every record, was stored.
pub(super) fn batch_error(outcomes: Vec<RecordOutcome>, after: Duration) -> DeliveryError {
    let same = |first: &RecordFailure| {
        outcomes.iter().all(|o| matches!(o, RecordOutcome::Failed(f) if f.code == first.code))
    };
    match outcomes.first() {
        Some(RecordOutcome::Failed(first)) if same(first) && first.code == TIMED_OUT => {
            DeliveryError::TimedOut { after, reason: first.reason.clone() }
        }
        Some(RecordOutcome::Failed(first)) if same(first) => DeliveryError::Kafka(first.clone()),
        _ => DeliveryError::Partial { outcomes },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::Position;

    fn failure(code: Code) -> RecordFailure {
        record_failure(&KafkaError::MessageProduction(code))
    }

    #[test]
    fn a_record_that_no_retry_can_save_is_told_apart() {
        for code in [Code::MessageSizeTooLarge, Code::PolicyViolation, Code::InvalidRecord] {
            assert!(!failure(code).retry, "{code:?}");
        }
        for code in [Code::NotEnoughReplicas, Code::BrokerTransportFailure, Code::UnknownTopic] {
            assert!(failure(code).retry, "{code:?}");
        }
    }

    #[test]
    fn a_common_cause_is_the_batchs_own_and_a_mixture_is_told_record_by_record() {
        let too_large = RecordOutcome::Failed(failure(Code::MessageSizeTooLarge));
        let unknown = RecordOutcome::Failed(failure(Code::UnknownTopic));
        let stored = RecordOutcome::Stored(Position::default());
        let common = batch_error(vec![too_large.clone(), too_large.clone()], Duration::ZERO);
        assert_eq!((common.code(), common.retry_after()), ("record_too_large", None));
        for mixed in [vec![too_large.clone(), unknown], vec![stored, too_large]] {
            assert_eq!(batch_error(mixed, Duration::ZERO).code(), "partial");
        }
    }
}
