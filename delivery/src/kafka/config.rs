//! The settings as librdkafka's properties.
//! Whether the settings make sense is checked before, in `settings`.

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::partitioning::set_partitioner;
use super::security::{set_property_files, set_security};
use super::settings::KafkaSettings;
use super::statistics::INTERVAL_MS;
use crate::error::WrongSetting;
use crate::record::RECORD_OVERHEAD_BYTES;

/// How the brokers are reached: enough for a client that only asks.
pub(super) fn client_config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    set_client(&mut config, settings);
    config
}

/// Sets that of a config. It cannot be copied from another one, which tells no secrets: `config_map` has a placeholder
/// where a password is.
fn set_client(config: &mut ClientConfig, settings: &KafkaSettings) {
    config
        .set("bootstrap.servers", settings.brokers.join(","))
        .set("client.id", "footfall")
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        // A broker that is back is found within about a second.
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "1000")
        .set_log_level(RDKafkaLogLevel::Info);
    set_security(config, settings);
    for (name, value) in &settings.properties {
        config.set(name, value);
    }
    set_property_files(config, settings);
}

/// The bound of one produce batch where nothing else is set: librdkafka's own.
pub(crate) const DEFAULT_BATCH_BYTES: usize = 1_000_000;

/// A producer whose own bounds lie just above the memory budget, so that the budget is what refuses. Its batches have at
/// most `batch_max_bytes`: Kafka refuses a batch that is too large as a whole, and a record that is larger than the
/// bound is alone in its batch.
pub(super) fn producer_config(
    settings: &KafkaSettings,
    memory_max_bytes: usize,
    batch_max_bytes: Option<usize>,
) -> ClientConfig {
    let messages = memory_max_bytes / RECORD_OVERHEAD_BYTES + 1;
    let kbytes = memory_max_bytes / 1024 + 1;
    let answer_ms = settings.request_timeout.as_millis().to_string();
    let mut config = ClientConfig::new();
    for (name, value) in settings.guarantee.properties(settings.linger, settings.request_timeout) {
        config.set(name, value);
    }
    config
        .set("compression.type", settings.compression.as_str())
        .set("batch.size", settings.batch_bytes.to_string())
        .set("message.max.bytes", settings.batch_bytes.max(DEFAULT_BATCH_BYTES).to_string())
        .set("request.timeout.ms", &answer_ms)
        .set("socket.timeout.ms", &answer_ms)
        .set("statistics.interval.ms", INTERVAL_MS)
        // A topic that nobody makes is told as such.
        .set("topic.metadata.propagation.max.ms", "5000")
        .set("queue.buffering.max.messages", messages.min(i32::MAX as usize).to_string())
        .set("queue.buffering.max.kbytes", kbytes.min(i32::MAX as usize).to_string());
    set_partitioner(&mut config, settings);
    if settings.topics.create {
        // Else the brokers may make a topic by their own defaults first.
        config.set("allow.auto.create.topics", "false");
    }
    // The client's part goes last: a passed-through property wins over a default above.
    set_client(&mut config, settings);
    if let Some(bound) = batch_max_bytes {
        config.set("batch.size", bound.min(settings.batch_bytes).to_string());
    }
    config
}

/// What librdkafka says about a property, without the value, which may be a secret. Its own words about a wrong
/// value hold the value or a part of it, so only the range that it allows is taken from them.
pub(super) fn config_error(error: &KafkaError) -> WrongSetting {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, description, name, _) => {
            WrongSetting::new(format!("kafka.properties.{name}"), description.trim())
        }
        KafkaError::ClientConfig(_, description, name, _) => {
            let right = match description.rsplit_once("outside allowed range ") {
                Some((_, range)) => format!("one in {} is", range.trim()),
                None => "its documentation (librdkafka's CONFIGURATION.md) names those that are".to_owned(),
            };
            let reason = format!("it is not set to a value that librdkafka takes; {right}");
            WrongSetting::new(format!("kafka.properties.{name}"), reason)
        }
        other => WrongSetting::new("kafka", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_reaches_librdkafka_as_it_was_said() {
        let mut settings = KafkaSettings::new(["localhost:9092"]);
        settings.properties.insert("sasl.password".into(), "hunter2".into());
        for config in [client_config(&settings), producer_config(&settings, 64 << 20, None)] {
            let told = config.create_native_config().unwrap().get("sasl.password").unwrap();
            assert_eq!(told, "hunter2");
        }
    }
}
