//! A real Apache Kafka that asks for a name and a password (SASL/PLAIN), or for nothing, stopped with the test.
//! `scripts/kafka.sh` knows how to get and start it.

use super::ports::free_ports;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A first start may have to fetch Kafka.
const START_DEADLINE: Duration = Duration::from_secs(300);

pub struct Kafka {
    pub brokers: String,
    directory: TempDir,
    broker: Child,
    /// Stops the broker where this process ends without doing so: the pipe to its `cat` closes then.
    watchdog: Child,
}

impl Kafka {
    /// Starts one that knows this user.
    pub fn start(user: &str, password: &str) -> Self {
        let [port, controller] = free_ports();
        let listener = format!("SASL_PLAINTEXT://127.0.0.1:{port}");
        let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        let users =
            format!("username=\"broker\" password=\"b\" user_broker=\"b\" user_{user}=\"{password}\";");
        let lines = [
            format!("listeners={listener},CONTROLLER://127.0.0.1:{controller}"),
            format!("advertised.listeners={listener}"),
            "inter.broker.listener.name=SASL_PLAINTEXT".to_owned(),
            "listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
            "sasl.enabled.mechanisms=PLAIN".to_owned(),
            "sasl.mechanism.inter.broker.protocol=PLAIN".to_owned(),
            format!("listener.name.sasl_plaintext.plain.sasl.jaas.config={module} {users}"),
        ];
        Self::run(port, controller, &lines)
    }

    /// Starts one that asks for nothing.
    pub fn plain() -> Self {
        let [port, controller] = free_ports();
        Self::run(port, controller, &[])
    }

    /// Starts one whose properties beside these are those of `scripts/kafka.sh`.
    pub fn run(port: u16, controller: u16, lines: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (properties, log) = (directory.path().join("more.properties"), directory.path().join("log"));
        std::fs::write(&properties, lines.join("\n")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka.sh");
        let broker = Command::new("bash")
            .arg(script)
            .args(["run", "--short-lived", "--dir"])
            .arg(directory.path().join("kafka"))
            .args(["--port", &port.to_string(), "--controller-port", &controller.to_string()])
            .arg("--log")
            .arg(&log)
            .arg("--properties")
            .arg(&properties)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let watchdog = Command::new("sh")
            .args(["-c", "trap '' INT; cat; kill -9 \"$1\"; rm -rf \"$2\"", "sh", &broker.id().to_string()])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut kafka = Self { brokers: format!("127.0.0.1:{port}"), directory, broker, watchdog };
        let begun = Instant::now();
        while !kafka.log().contains("Kafka Server started") {
            let ended = kafka.broker.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < START_DEADLINE, "{ended:?} {}", kafka.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        kafka
    }

    /// Sends the broker a signal, such as `-STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.broker.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What the broker has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

/// Makes a topic of three partitions with these settings.
pub async fn create_topic(brokers: &str, topic: &str, configs: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let mut new = NewTopic::new(topic, 3, TopicReplication::Fixed(1));
    for (name, value) in configs {
        new = new.set(name, value);
    }
    for result in admin.create_topics([&new], &AdminOptions::new()).await.unwrap() {
        result.unwrap();
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        // The watchdog first: the broker's id is free for others once it has been waited for.
        for child in [&mut self.watchdog, &mut self.broker] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
