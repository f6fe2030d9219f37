//! The settings of Kafka, in its own terms: brokers, TLS, SASL, topics and the producer.
//! What they come to in librdkafka, and which of them fit each other, is known to delivery.

use super::checks::beside;
use super::table::SETTINGS;
use super::value::{duration, non_empty, rate, size, switch};
use super::{Origin, Problem, Reader};
use footfall_delivery::{
    Compression, HotKeys, KafkaSasl, KafkaSecret, KafkaSettings, KafkaTls, Login, Partitioner, TopicSettings,
};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

impl Reader<'_> {
    /// The Kafka settings, where brokers are named; a Kafka setting without brokers is a contradiction.
    pub(super) fn kafka(&mut self) -> Option<KafkaSettings> {
        let topic = self.one("kafka.topic", non_empty);
        let dead_letter_topic = self.one("kafka.dead_letter_topic", non_empty);
        let guarantee = self.guarantee();
        let compression = self.one("kafka.compression", |text| {
            Compression::from_str(text).map_err(|_| "it must be none, gzip, snappy, lz4 or zstd".to_owned())
        });
        let linger = self.one("kafka.linger", duration);
        let batch_bytes = self.one("kafka.batch_size", size);
        let request_timeout = self.one("kafka.request_timeout", duration);
        let slow_after = self.one("kafka.slow_after", duration);
        let drain_max_rate = self.one("kafka.drain_max_rate", rate);
        let partitioner = self.one("kafka.partitioner", |text| {
            Partitioner::from_str(text)
                .map_err(|_| "it must be hash, round-robin, random or sticky".to_owned())
        });
        let hot_keys = self.hot_keys();
        let topics = self.kafka_topics();
        let routes = self.sources.kafka_routes();
        let routed_topics = routes.iter().map(|(_, route)| route.topic.to_string()).collect();
        let (properties, property_files) = self.properties();
        let Some(said) = self.sources.get("kafka.brokers") else {
            let kafkas = SETTINGS.iter().filter(|setting| setting.key.starts_with("kafka."));
            let said = kafkas.filter_map(|setting| self.sources.get(setting.key));
            for said in said.filter(|said| !matches!(said.origin, Origin::Default(_))) {
                let message = "is set, but kafka.brokers is not: name the brokers, or leave this out";
                self.problems.push(Problem::new(said.origin, message));
            }
            if let Some((origin, _)) = routes.first() {
                let message = "is set, but kafka.brokers is not: name the brokers, or leave this out";
                self.problems.push(Problem::new(origin, message));
            }
            return None;
        };
        let brokers = said.values.iter().flat_map(|text| text.split(','));
        let brokers = brokers.map(|broker| broker.trim().to_owned()).collect::<Vec<_>>();
        let (tls, sasl) = (self.kafka_tls(), self.kafka_sasl());
        Some(KafkaSettings {
            topic: topic?,
            dead_letter_topic,
            guarantee: guarantee?,
            compression: compression?,
            linger: linger?,
            batch_bytes: batch_bytes?,
            request_timeout: request_timeout?,
            slow_after: slow_after?,
            drain_max_rate: drain_max_rate?,
            partitioner: partitioner?,
            hot_keys: hot_keys?,
            routed_topics,
            topics: topics?,
            tls,
            sasl,
            properties,
            property_files,
            ..KafkaSettings::new(brokers)
        })
    }

    fn hot_keys(&mut self) -> Option<Option<HotKeys>> {
        let rate = self.one("kafka.hot_key_rate", rate);
        let buckets = self.one("kafka.hot_key_buckets", |text| {
            text.parse().map_err(|_| "it must be a whole number from 2 to 64".to_owned())
        });
        let (rate, buckets) = (rate?, buckets?);
        Some(rate.map(|rate| HotKeys { rate, buckets }))
    }

    /// How topics are made; what is said of that counts only where they are.
    fn kafka_topics(&mut self) -> Option<TopicSettings> {
        let create = self.one("kafka.create_topics", switch);
        let topics = TopicSettings {
            create: create?,
            partitions: self.one("kafka.topics.partitions", some_of),
            replication_factor: self.one("kafka.topics.replication_factor", some_of),
            min_insync_replicas: self.one("kafka.topics.min_insync_replicas", some_of),
            retention: self.one("kafka.topics.retention", retention),
            compression: self.one("kafka.topics.compression", |text| text.parse()),
        };
        if !topics.create && topics != TopicSettings::default() {
            let message =
                "is off, but kafka.topics says how topics are made: set it to on, or leave that out";
            self.problems.push(Problem::new("kafka.create_topics", message));
        }
        Some(topics)
    }

    /// TLS is spoken where a file of it is named, or where it is switched on.
    fn kafka_tls(&mut self) -> Option<KafkaTls> {
        let enabled = self.one("kafka.tls.enabled", switch);
        let tls = KafkaTls {
            ca_file: self.file("kafka.tls.ca_file"),
            certificate_file: self.file("kafka.tls.certificate_file"),
            key_file: self.file("kafka.tls.key_file"),
            key_password: self.kafka_secret("kafka.tls.key_password", "kafka.tls.key_password_file"),
        };
        match enabled {
            Some(true) => Some(tls),
            _ if tls == KafkaTls::default() => None,
            None => Some(tls),
            Some(false) => {
                let said = self.sources.get("kafka.tls.enabled")?;
                let message = "is off, but a file or a password of kafka.tls is set; leave one of them out";
                self.problems.push(Problem::new(said.origin, message));
                None
            }
        }
    }

    fn kafka_sasl(&mut self) -> Option<KafkaSasl> {
        let username = self.one("kafka.sasl.username", non_empty);
        let password = self.kafka_secret("kafka.sasl.password", "kafka.sasl.password_file");
        let token_endpoint = self.one("kafka.sasl.token_endpoint", non_empty);
        let client_id = self.one("kafka.sasl.client_id", non_empty);
        let client_secret = self.kafka_secret("kafka.sasl.client_secret", "kafka.sasl.client_secret_file");
        let scope = self.one("kafka.sasl.scope", non_empty);
        let unsecured = self.one("kafka.sasl.unsecured_token", switch).unwrap_or_default();
        let Some(said) = self.sources.get("kafka.sasl.mechanism") else {
            if username.is_some() || password.is_some() || client_id.is_some() || client_secret.is_some() {
                let message =
                    "is not set, but a login is; name PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
                self.problems.push(Problem::new("kafka.sasl.mechanism", message));
            }
            return None;
        };
        let mechanism = self.one("kafka.sasl.mechanism", mechanism)?;
        let oauth = [
            ("kafka.sasl.token_endpoint", token_endpoint.is_some()),
            ("kafka.sasl.client_id", client_id.is_some()),
            ("kafka.sasl.client_secret_file", client_secret.is_some()),
        ];
        let login =
            [("kafka.sasl.username", username.is_some()), ("kafka.sasl.password_file", password.is_some())];
        let (needed, idle): (&[_], &[_]) = match mechanism {
            Mechanism::OAuthBearer if unsecured => (&login[..1], &oauth),
            Mechanism::OAuthBearer => (&oauth, &login),
            _ => (&login, &oauth),
        };
        let mut say = |message| self.problems.push(Problem::new(&said.origin, message));
        let named = said.values.concat();
        for (key, _) in needed.iter().filter(|(_, is_set)| !is_set) {
            say(format!("is {named}, which needs {key} too"));
        }
        for (key, _) in idle.iter().filter(|(_, is_set)| *is_set) {
            say(format!("is {named}, which has no use for {key}: leave it out"));
        }
        let login = |(username, password)| Login { username, password };
        let login = || username.clone().zip(password.clone()).map(login);
        match mechanism {
            Mechanism::Plain => login().map(KafkaSasl::Plain),
            Mechanism::ScramSha256 => login().map(KafkaSasl::ScramSha256),
            Mechanism::ScramSha512 => login().map(KafkaSasl::ScramSha512),
            Mechanism::OAuthBearer if unsecured => {
                Some(KafkaSasl::UnsecuredToken { principal: username.clone()? })
            }
            Mechanism::OAuthBearer => Some(KafkaSasl::Oidc {
                token_endpoint: token_endpoint?,
                client_id: client_id?,
                client_secret: client_secret?,
                scope,
            }),
        }
    }

    /// A file, looked for beside the settings that name it.
    pub(super) fn file(&mut self, key: &'static str) -> Option<PathBuf> {
        let said = self.sources.get(key)?;
        Some(beside(&said.origin, &said.values.concat()))
    }

    /// A secret that is read again when its file changes.
    fn kafka_secret(&mut self, key: &'static str, file_key: &'static str) -> Option<KafkaSecret> {
        let secret = self.secret(key, file_key)?;
        Some(match self.file(file_key) {
            Some(file) => KafkaSecret::from_file(secret.expose(), file),
            None => KafkaSecret::new(secret.expose()),
        })
    }
}

fn some_of(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| "it must be a whole number from 1 to 65535".to_owned())
}

/// Longer than any wait of the server's: weeks are usual.
fn retention(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text).ok();
    let fits = |retention: &Duration| (1..=i64::MAX as u128).contains(&retention.as_millis());
    parsed.filter(fits).ok_or_else(|| "it must be a duration with its unit, such as 7days or 48h".to_owned())
}

#[derive(Clone, Copy)]
enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
    OAuthBearer,
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    match text {
        "PLAIN" => Ok(Mechanism::Plain),
        "SCRAM-SHA-256" => Ok(Mechanism::ScramSha256),
        "SCRAM-SHA-512" => Ok(Mechanism::ScramSha512),
        "OAUTHBEARER" => Ok(Mechanism::OAuthBearer),
        _ => Err("it must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn kafka(table: &str) -> Result<KafkaSettings, Vec<String>> {
        let file = format!("write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\n{table}\n");
        resolve(&[], &[], Some(&file)).map(|settings| settings.delivery.kafka.unwrap())
    }

    #[test]
    fn a_login_and_tls_are_read_in_kafkas_terms() {
        let (password, ca) =
            (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(password.path(), "hunter2\n").unwrap();
        std::fs::write(ca.path(), "-----BEGIN CERTIFICATE-----\n").unwrap();
        let table = format!(
            "acks = 'all'\nbatch_size = '512KiB'\n[kafka.tls]\nca_file = {:?}\n[kafka.sasl]\n\
             mechanism = 'SCRAM-SHA-512'\nusername = 'ann'\npassword_file = {:?}\n",
            ca.path(),
            password.path()
        );
        let read = kafka(&table).unwrap();
        let login = Login {
            username: "ann".to_owned(),
            password: KafkaSecret::from_file("hunter2", password.path()),
        };
        assert_eq!(read.sasl, Some(KafkaSasl::ScramSha512(login)));
        assert_eq!(read.tls, Some(KafkaTls { ca_file: Some(ca.path().to_owned()), ..KafkaTls::default() }));
        assert_eq!(read.batch_bytes, 512 << 10);
        assert!(!format!("{read:?}").contains("hunter2"));
        assert_eq!(kafka("tls.enabled = 'on'").unwrap().tls, Some(KafkaTls::default()));
        assert_eq!(kafka("").unwrap().tls, None);
    }

    #[test]
    fn what_is_missing_and_what_contradicts_is_told_by_its_setting() {
        for (table, right) in [
            ("acks = 1", "kafka.acks: is \"1\"; it must be all"),
            ("sasl.mechanism = 'GSSAPI'", "it must be PLAIN, SCRAM-SHA-256"),
            (
                "sasl.mechanism = 'PLAIN'\nsasl.username = 'a'",
                "is PLAIN, which needs kafka.sasl.password_file too",
            ),
            (
                "sasl.mechanism = 'OAUTHBEARER'\nsasl.client_id = 'a'",
                "which needs kafka.sasl.token_endpoint too",
            ),
            (
                "sasl.mechanism = 'OAUTHBEARER'\nsasl.unsecured_token = 'on'\nsasl.username = 'a'\nsasl.client_id = 'b'",
                "has no use for kafka.sasl.client_id",
            ),
            ("sasl.username = 'ann'", "kafka.sasl.mechanism: is not set, but a login is"),
            ("sasl.password = 'hunter2'", "is a secret and does not belong into this file"),
            ("tls.enabled = 'off'\ntls.ca_file = 'ca.pem'", "is off, but a file"),
            ("tls.ca_file = 'none.pem'", "`none.pem` cannot be read"),
            ("batch_size = '1KiB'", "is not between 16384"),
        ] {
            let told = kafka(table).unwrap_err();
            assert!(told.iter().any(|told| told.contains(right)), "{table}: {told:?}");
            assert!(!told.concat().contains("hunter2"), "{told:?}");
        }
        let told = resolve(&[("write_key", "pk"), ("kafka.tls.enabled", "on")], &[], None).unwrap_err();
        assert_eq!(
            told,
            ["--kafka-tls-enabled: is set, but kafka.brokers is not: name the brokers, or leave this out"]
        );
    }
}
