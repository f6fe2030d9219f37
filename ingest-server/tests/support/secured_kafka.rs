//! A real Apache Kafka with TLS, logins and rights, beside a listener for the tests themselves.
//! Everybody may do everything there but `bob`, who may do what he is given.

use super::kafka::{Kafka, create_topic};
use super::ports::free_ports;
use super::tls::{self, Pair};
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

pub const PASSWORD: &str = "p4ssword-of-ann";

pub struct SecuredKafka {
    kafka: Kafka,
    /// Where the certificates are.
    pub dir: TempDir,
    /// The brokers' certificate, which signs itself, and its key.
    pub pair: Pair,
    plain: u16,
    sasl_tls: u16,
    mutual_tls: u16,
    sasl: u16,
}

impl SecuredKafka {
    pub fn start() -> Self {
        let [plain, sasl_tls, mutual_tls, sasl, controller] = free_ports();
        let dir = tempfile::tempdir().unwrap();
        let pair = tls::pair(dir.path());
        let [certificate, key] =
            [&pair.certificate, &pair.key].map(|path| std::fs::read_to_string(path).unwrap());
        let store = dir.path().join("store.pem");
        std::fs::write(&store, format!("{key}{certificate}")).unwrap();
        let listeners =
            [("PLAINTEXT", plain), ("SASL_SSL", sasl_tls), ("SSL", mutual_tls), ("SASL_PLAINTEXT", sasl)];
        let all = listeners.map(|(name, port)| format!("{name}://localhost:{port}")).join(",");
        let names =
            ["PLAINTEXT", "SASL_SSL", "SSL", "SASL_PLAINTEXT"].map(|name| format!("{name}:{name}")).join(",");
        let plain_users = format!(
            "org.apache.kafka.common.security.plain.PlainLoginModule required user_ann=\"{PASSWORD}\" user_bob=\"{PASSWORD}\";"
        );
        let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
        let unsecured = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
                         unsecuredLoginStringClaim_sub=\"nobody\";";
        let mut lines = vec![
            format!("listeners={all},CONTROLLER://127.0.0.1:{controller}"),
            format!("advertised.listeners={all}"),
            format!("listener.security.protocol.map={names},CONTROLLER:PLAINTEXT"),
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER".to_owned(),
            "auto.create.topics.enable=false".to_owned(),
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
            "super.users=User:ANONYMOUS;User:ann;User:CN=rcgen self signed cert".to_owned(),
            "listener.name.ssl.ssl.client.auth=required".to_owned(),
        ];
        for name in ["sasl_ssl", "sasl_plaintext"] {
            lines.push(format!("listener.name.{name}.plain.sasl.jaas.config={plain_users}"));
            lines.push(format!("listener.name.{name}.scram-sha-256.sasl.jaas.config={scram}"));
            lines.push(format!("listener.name.{name}.scram-sha-512.sasl.jaas.config={scram}"));
            lines.push(format!("listener.name.{name}.oauthbearer.sasl.jaas.config={unsecured}"));
        }
        for name in ["keystore", "truststore"] {
            let of = if name == "keystore" { &store } else { &pair.certificate };
            lines.push(format!("ssl.{name}.type=PEM"));
            lines.push(format!("ssl.{name}.location={}", of.display()));
        }
        let kafka = Kafka::run(plain, controller, &lines);
        let secured = Self { kafka, dir, pair, plain, sasl_tls, mutual_tls, sasl };
        // Kafka takes one of them at a time.
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let ann = ["--alter", "--entity-type", "users", "--entity-name", "ann", "--add-config"];
            let login = format!("{mechanism}=[password={PASSWORD}]");
            secured.command("kafka.admin.ConfigCommand", &[&ann[..], &[&login]].concat());
        }
        secured
    }

    /// One of Kafka's own commands, over the listener that asks for nothing.
    pub fn command(&self, class: &str, arguments: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka.sh");
        let done = Command::new("bash")
            .arg(script)
            .args(["java", class])
            .args(["--bootstrap-server", &self.brokers()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{class}: {done:?} {}", self.kafka.log());
    }

    /// What the tests themselves use.
    pub fn brokers(&self) -> String {
        format!("localhost:{}", self.plain)
    }

    pub fn sasl_tls(&self) -> String {
        format!("localhost:{}", self.sasl_tls)
    }

    pub fn mutual_tls(&self) -> String {
        format!("localhost:{}", self.mutual_tls)
    }

    pub fn sasl(&self) -> String {
        format!("localhost:{}", self.sasl)
    }

    pub async fn create_topic(&self, topic: &str, configs: &[(&str, &str)]) {
        create_topic(&self.brokers(), topic, configs).await;
    }

    /// The topics that there are, and how many partitions each has.
    pub fn topics(&self) -> Vec<(String, usize)> {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap();
        let metadata = admin.inner().fetch_metadata(None, std::time::Duration::from_secs(30)).unwrap();
        metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect()
    }
}
