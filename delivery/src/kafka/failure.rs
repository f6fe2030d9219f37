//! librdkafka's error codes as what can be acted on: a name, words, and whose fault it is.
//! What is done with a failure is decided elsewhere.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::error::DeliveryError;
use crate::receipt::{RecordFailure, RecordOutcome};

/// Why the producer no longer holds a record that Kafka has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The record itself will never be taken: it is set aside, and no other is affected.
    Record(RecordFailure),
    /// The produce batch was larger than the topic takes: the record's fault if it was alone in it.
    TooLarge(RecordFailure),
    /// The record is good and Kafka is not: it waits in the journal for better times.
    GivenUp {
        failure: RecordFailure,
        /// It was on its way, so that a second sending may store it twice.
        possibly_stored: bool,
    },
}

/// Kafka's codes say whose fault it is: of a record, of a topic or its rights (an outage), of a moment.
pub(super) fn refused(error: &KafkaError) -> Refused {
    let Some(code) = error.rdkafka_error_code() else {
        // Not sent: a topic's name that librdkafka cannot take, such as one with a NUL in it.
        return Refused::Record(RecordFailure {
            code: "record_refused",
            reason: error.to_string(),
            retry: false,
        });
    };
    let failure = |code_name, retry| RecordFailure { code: code_name, reason: code.to_string(), retry };
    match code {
        Code::MessageSizeTooLarge => Refused::TooLarge(failure("record_too_large", false)),
        // Where one record of a batch is at fault, librdkafka (2.12) says so of all (`rd_kafka_dr_msgq0` overwrites what it said of
        // the others): what is known to be refused is not handed to it.
        Code::InvalidMessage | Code::InvalidRecord => Refused::Record(failure("record_refused", false)),
        // A record's time is this machine's when it is handed to the producer, and another one when it is sent again. Of
        // several in one batch librdkafka (2.12) says no more than `InvalidRecord`.
        Code::InvalidTimestamp => not_stored(RecordFailure {
            reason: format!("{code}; is the clock of this machine, or of the brokers, wrong?"),
            ..failure("invalid_timestamp", true)
        }),
        Code::PolicyViolation => Refused::Record(failure("policy_violation", false)),
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => not_stored(failure("not_authorised", true)),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition | Code::InvalidTopic => {
            not_stored(failure("unknown_topic", true))
        }
        // It was beside one that was refused.
        Code::InvalidDifferentRecord => not_stored(failure("kafka", true)),
        Code::QueueFull => not_stored(failure("memory_full", true)),
        Code::PurgeQueue => not_stored(failure("closed", true)),
        // The producer ended before this record was handed over.
        Code::Fatal => not_stored(failure("kafka", true)),
        Code::PurgeInflight => possibly_stored(failure("closed", true)),
        Code::MessageTimedOut => possibly_stored(failure("timed_out", true)),
        _ => possibly_stored(failure("kafka", true)),
    }
}

fn not_stored(failure: RecordFailure) -> Refused {
    Refused::GivenUp { failure, possibly_stored: false }
}

fn possibly_stored(failure: RecordFailure) -> Refused {
    Refused::GivenUp { failure, possibly_stored: true }
}

/// One error for a batch of which not every record was stored.
pub(crate) fn batch_error(outcomes: Vec<RecordOutcome>) -> DeliveryError {
    let same = |first: &RecordFailure| {
        outcomes.iter().all(|o| matches!(o, RecordOutcome::Failed(f) if f.code == first.code))
    };
    match outcomes.first() {
        Some(RecordOutcome::Failed(first)) if same(first) => DeliveryError::Kafka(first.clone()),
        _ => DeliveryError::Partial { outcomes },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::Position;

    fn of(code: Code) -> Refused {
        refused(&KafkaError::MessageProduction(code))
    }

    #[test]
    fn each_code_says_whose_fault_it_is() {
        let records = [
            (Code::InvalidMessage, "record_refused"),
            (Code::InvalidRecord, "record_refused"),
            (Code::PolicyViolation, "policy_violation"),
        ];
        for (code, name) in records {
            let Refused::Record(failure) = of(code) else { panic!("{code:?} is a record's fault") };
            assert_eq!((failure.code, failure.retry), (name, false));
        }
        assert!(
            matches!(of(Code::MessageSizeTooLarge), Refused::TooLarge(f) if f.code == "record_too_large")
        );
        let outages = [
            (Code::UnknownTopicOrPartition, "unknown_topic", false),
            (Code::UnknownTopic, "unknown_topic", false),
            (Code::UnknownPartition, "unknown_topic", false),
            (Code::InvalidTopic, "unknown_topic", false),
            (Code::TopicAuthorizationFailed, "not_authorised", false),
            (Code::ClusterAuthorizationFailed, "not_authorised", false),
            (Code::InvalidTimestamp, "invalid_timestamp", false),
            (Code::InvalidDifferentRecord, "kafka", false),
            (Code::QueueFull, "memory_full", false),
            (Code::PurgeQueue, "closed", false),
            (Code::Fatal, "kafka", false),
            (Code::PurgeInflight, "closed", true),
            (Code::MessageTimedOut, "timed_out", true),
            (Code::NotEnoughReplicas, "kafka", true),
            (Code::NotEnoughReplicasAfterAppend, "kafka", true),
            (Code::BrokerTransportFailure, "kafka", true),
            (Code::OutOfOrderSequenceNumber, "kafka", true),
        ];
        for (code, name, stored) in outages {
            let Refused::GivenUp { failure, possibly_stored } = of(code) else {
                panic!("{code:?} is no record's fault")
            };
            assert_eq!((failure.code, failure.retry, possibly_stored), (name, true, stored), "{code:?}");
        }
    }

    #[test]
    fn a_common_cause_is_the_batchs_own_and_a_mixture_is_told_record_by_record() {
        let failed = |code, retry| {
            RecordOutcome::Failed(RecordFailure { code, reason: "as the broker said".to_owned(), retry })
        };
        let too_large = failed("record_too_large", false);
        let stored = RecordOutcome::Stored(Position::default());
        let common = batch_error(vec![too_large.clone(), too_large.clone()]);
        assert_eq!((common.code(), common.retry_after()), ("record_too_large", None));
        for mixed in [
            vec![too_large.clone(), failed("policy_violation", false)],
            vec![stored, too_large.clone()],
            vec![too_large, RecordOutcome::Journaled],
        ] {
            assert_eq!(batch_error(mixed).code(), "partial");
        }
    }
}
