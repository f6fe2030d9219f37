//! Whether we may use the transactional id, without using it: that would fence the server that runs with it.
//! The brokers look at the rights on it before all else, and refuse a timeout that is too long before they change anything.

use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer as _};

use super::Finding;
use super::cluster::Complaints;
use crate::kafka::config::client_config;
use crate::kafka::settings::KafkaSettings;
use crate::kafka::words::advised;

/// How long the brokers may take: the first who asks has them make the topic of transactions.
const ANSWER: Duration = Duration::from_secs(10);

/// Longer than any `transaction.max.timeout.ms` (Kafka's default is 15 minutes), and the most that librdkafka takes.
const TOO_LONG_MS: i32 = i32::MAX;

pub(super) fn look(settings: &KafkaSettings, transactional_id: &str) -> Finding {
    let named = format!("the transactional id `{transactional_id}`");
    match ask(settings, transactional_id).err().map(|error| (error.rdkafka_error_code(), error)) {
        None | Some((Some(RDKafkaErrorCode::InvalidTransactionTimeout), _)) => {
            Finding::right(format!("{named} may be used"))
        }
        Some((Some(RDKafkaErrorCode::TransactionalIdAuthorizationFailed), _)) => Finding::wrong(format!(
            "not authorised to use {named}: it needs the rights Describe and Write on it (resource TransactionalId)"
        )),
        Some((_, error)) => {
            Finding::doubtful(format!("the rights on {named} are not known: {}", advised(&error.to_string())))
        }
    }
}

/// Asks for a producer id as the server's producer would, in a way that gets none.
fn ask(settings: &KafkaSettings, transactional_id: &str) -> Result<(), KafkaError> {
    let mut config = client_config(settings);
    config.set("transactional.id", transactional_id).set("transaction.timeout.ms", TOO_LONG_MS.to_string());
    let producer: BaseProducer<Complaints> =
        BaseProducer::from_config_and_context(&config, Complaints::default())?;
    producer.init_transactions(ANSWER)
}
