//! A Kafka that asks clients for a login: a name and a password, which may change, or a token.
//! Beside it stays the listener that asks for nothing, for the tests themselves.

use std::net::TcpListener;
use std::ops::{Deref, DerefMut};

use footfall_delivery::{KafkaSasl, KafkaSecret, Login};

use super::Kafka;

const USER: &str = "ann";

/// Lines of the broker's properties that win over those of the script.
const PROPERTIES: &str = "login.properties";

pub(crate) struct KafkaWithLogin {
    kafka: Kafka,
    port: u16,
}

impl KafkaWithLogin {
    /// One that asks for this password (SASL/PLAIN).
    pub(crate) fn start(password: &str) -> Self {
        let mut kafka = Self::prepare();
        kafka.set_password(password);
        kafka.start_again();
        kafka
    }

    /// One that takes every token that is well-formed and not expired, signed by nobody (SASL/OAUTHBEARER).
    pub(crate) fn start_with_tokens() -> Self {
        let mut kafka = Self::prepare();
        kafka.ask_for(
            "OAUTHBEARER",
            "oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\"",
        );
        kafka.start_again();
        kafka
    }

    fn prepare() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut kafka = Kafka::prepare();
        let properties = kafka.directory.path().join(PROPERTIES);
        kafka.arguments = vec!["--properties".to_owned(), properties.display().to_string()];
        Self { kafka, port }
    }

    /// Counts from the next start on.
    pub(crate) fn set_password(&self, password: &str) {
        self.ask_for("PLAIN", &format!("plain.PlainLoginModule required user_{USER}=\"{password}\""));
    }

    fn ask_for(&self, mechanism: &str, module: &str) {
        let Kafka { port, controller_port, directory, .. } = &self.kafka;
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{}", self.port);
        let of_mechanism = format!("listener.name.sasl_plaintext.{}", mechanism.to_lowercase());
        let lines = [
            format!("listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}"),
            format!("advertised.listeners={listeners}"),
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
                .to_owned(),
            format!("sasl.enabled.mechanisms={mechanism}"),
            format!("{of_mechanism}.sasl.jaas.config=org.apache.kafka.common.security.{module};"),
        ];
        std::fs::write(directory.path().join(PROPERTIES), lines.join("\n")).unwrap();
    }

    /// Where a login is asked for.
    pub(crate) fn brokers_with_login(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Signs in with the password as it is, and with what its file holds later.
    pub(crate) fn login(password: KafkaSecret) -> KafkaSasl {
        KafkaSasl::Plain(Login { username: USER.to_owned(), password })
    }
}

impl Deref for KafkaWithLogin {
    type Target = Kafka;

    fn deref(&self) -> &Kafka {
        &self.kafka
    }
}

impl DerefMut for KafkaWithLogin {
    fn deref_mut(&mut self) -> &mut Kafka {
        &mut self.kafka
    }
}
