//! Kafka with TLS, logins and rights: what `check-config --connect` says of it, and what a server does when a login is
//! wrong and mended.

use crate::support::program::{Program, footfall};
use crate::support::secured_kafka::{PASSWORD, SecuredKafka};
use crate::support::send;
use footfall_delivery::{KafkaSettings, TopicReader};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

static KAFKA: LazyLock<SecuredKafka> = LazyLock::new(SecuredKafka::start);

/// A settings file, and the password beside it.
struct Folder(TempDir);

impl Folder {
    fn new(kafka: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("footfall.toml"), format!("write_key = ['pk_demo']\n{kafka}"))
            .unwrap();
        let folder = Self(dir);
        folder.password(PASSWORD);
        folder
    }

    fn password(&self, password: &str) {
        std::fs::write(self.0.path().join("password"), format!("{password}\n")).unwrap();
    }

    fn settings(&self) -> String {
        self.0.path().join("footfall.toml").display().to_string()
    }

    /// Whether Kafka is as it must be, and what was said; never the password.
    fn check(&self) -> (bool, String) {
        let output = footfall(&["check-config", "--connect", "--config", &self.settings()]).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains(PASSWORD), "{said}");
        assert!(said.contains("The settings are right."), "{said}");
        (output.status.success(), said)
    }
}

fn ca() -> String {
    format!("[kafka.tls]\nca_file = {:?}\n", KAFKA.pair.certificate)
}

fn login(mechanism: &str, user: &str) -> String {
    format!("[kafka.sasl]\nmechanism = '{mechanism}'\nusername = '{user}'\npassword_file = 'password'\n")
}

fn kafka(brokers: &str, more: &str) -> String {
    format!("[kafka]\nbrokers = '{brokers}'\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_login_and_certificate_is_taken_when_right_and_told_in_words_when_wrong() {
    KAFKA.create_topic("checked", &[("min.insync.replicas", "1")]).await;
    KAFKA.create_topic("checked.dead-letter", &[]).await;
    let topic = "topic = 'checked'\n";
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let text = kafka(&KAFKA.sasl_tls(), &format!("{topic}{}{}", ca(), login(mechanism, "ann")));
        let (fine, said) = Folder::new(&text).check();
        assert!(fine && said.contains(&format!("1 brokers, TLS, {mechanism}")), "{said}");
        assert!(said.contains("the topic `checked`: 3 partitions, 1 replicas each"), "{said}");
        assert!(said.contains("warning the topic `checked` is on one broker"), "{said}");
    }
    let unsecured = "[kafka.sasl]\nmechanism = 'OAUTHBEARER'\nunsecured_token = 'on'\nusername = 'ann'\n";
    let (fine, said) = Folder::new(&kafka(&KAFKA.sasl(), &format!("{topic}{unsecured}"))).check();
    assert!(fine && said.contains("no TLS, OAUTHBEARER"), "{said}");
    let own = format!(
        "{topic}{}certificate_file = {:?}\nkey_file = {:?}\n",
        ca(),
        KAFKA.pair.certificate,
        KAFKA.pair.key
    );
    let (fine, said) = Folder::new(&kafka(&KAFKA.mutual_tls(), &own)).check();
    assert!(fine && said.contains("1 brokers, TLS, no login"), "{said}");

    let (fine, said) =
        Folder::new(&kafka(&KAFKA.sasl(), &format!("{topic}{}", login("PLAIN", "ann")))).check();
    assert!(fine && said.contains("the password crosses the network as it is"), "{said}");
    for (brokers, more, right) in [
        (KAFKA.sasl_tls(), format!("{}{}", ca(), login("PLAIN", "eve")), "the brokers refuse the login"),
        (
            KAFKA.sasl_tls(),
            format!("{}{}", ca(), login("SCRAM-SHA-512", "eve")),
            "the brokers refuse the login",
        ),
        (
            KAFKA.sasl_tls(),
            format!("tls.enabled = 'on'\n{}", login("PLAIN", "ann")),
            "name their CA by kafka.tls.ca_file",
        ),
        (KAFKA.mutual_tls(), ca(), "kafka.tls.certificate_file"),
        (KAFKA.brokers(), ca(), "kafka.tls"),
        (KAFKA.sasl_tls(), String::new(), "see kafka.tls and kafka.sasl"),
        ("localhost:1".to_owned(), String::new(), "nothing listens there"),
        ("no-such-host.invalid:9092".to_owned(), String::new(), "cannot be resolved"),
    ] {
        let (fine, said) = Folder::new(&kafka(&brokers, &format!("{topic}{more}"))).check();
        assert!(!fine && said.contains(right), "{brokers} {more}: {said}");
        assert!(said.contains("WRONG"), "{said}");
    }
    let folder = Folder::new(&kafka(&KAFKA.sasl_tls(), &format!("{topic}{}{}", ca(), login("PLAIN", "ann"))));
    folder.password("another");
    let (fine, said) = folder.check();
    assert!(!fine && said.contains("the brokers refuse the login"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_checked_for_rights_sizes_and_policies_and_none_comes_to_be() {
    KAFKA.create_topic("small", &[("max.message.bytes", "20000")]).await;
    KAFKA.create_topic("compacted", &[("cleanup.policy", "compact")]).await;
    KAFKA.create_topic("barred", &[]).await;
    let acl = "org.apache.kafka.tools.AclCommand";
    KAFKA.command(
        acl,
        &[
            "--add",
            "--allow-principal",
            "User:bob",
            "--operation",
            "Describe",
            "--operation",
            "DescribeConfigs",
            "--topic",
            "barred",
        ],
    );
    let before = KAFKA.topics();
    let with = |user: &str, topic: &str, more: &str| {
        let text = format!("topic = '{topic}'\n{more}{}{}", ca(), login("PLAIN", user));
        Folder::new(&kafka(&KAFKA.sasl_tls(), &text)).check()
    };
    for (user, topic, more, right) in [
        ("ann", "small", "", "takes batches of at most 20000 bytes"),
        ("ann", "compacted", "", "is compacted"),
        ("ann", "absent", "", "the topic `absent` does not exist: make it, or set kafka.create_topics"),
        (
            "ann",
            "absent",
            "create_topics = 'on'\ntopics.replication_factor = 3\n",
            "kafka.topics.replication_factor is 3, and there are 1 brokers",
        ),
        ("bob", "barred", "", "not authorised to write to the topic `barred`"),
        ("bob", "small", "", "not authorised to see the topic `small`"),
    ] {
        let (fine, said) = with(user, topic, more);
        assert!(!fine && said.contains(right), "{topic}: {said}");
    }
    let (fine, said) = with("ann", "absent", "create_topics = 'on'\n");
    assert!(fine && said.contains("the server makes it when it starts"), "{said}");
    let names = |topics: &[(String, usize)]| topics.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let after = names(&KAFKA.topics());
    assert!(names(&before).iter().all(|name| after.contains(name)));
    assert!(!after.iter().any(|name| name.starts_with("absent")), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_use_a_transactional_id_is_checked_without_using_it() {
    KAFKA.create_topic("exact", &[]).await;
    KAFKA.create_topic("exact.dead-letter", &[]).await;
    let allow = |of: &[&str]| {
        let acl = ["--add", "--allow-principal", "User:bob"];
        KAFKA.command("org.apache.kafka.tools.AclCommand", &[&acl, of].concat());
    };
    let topics = ["exact", "exact.dead-letter"].map(|topic| ["--topic", topic]);
    let operations = ["Write", "Read", "DescribeConfigs"].map(|name| ["--operation", name]);
    allow(&[topics.concat(), operations.concat()].concat());
    let exactly = |user: &str| {
        let guarantee = "topic = 'exact'\nguarantee = 'exactly-once'\ntransactional_id = 'footfall-exact'\n";
        let text = format!("{guarantee}{}{}", ca(), login("PLAIN", user));
        Folder::new(&kafka(&KAFKA.sasl_tls(), &text))
    };
    let refused =
        "not authorised to use the transactional id `footfall-exact`: it needs the rights Describe and Write";
    for operation in [None, Some("Describe")] {
        if let Some(operation) = operation {
            allow(&["--transactional-id", "footfall-exact", "--operation", operation]);
        }
        let (fine, said) = exactly("bob").check();
        assert!(!fine && said.contains(&format!("WRONG   {refused}")), "{operation:?} {said}");
    }
    allow(&["--transactional-id", "footfall-exact", "--operation", "Write"]);

    // A server that runs with it is not disturbed.
    let (folder, data) = (exactly("bob"), tempfile::tempdir().unwrap());
    let program = Program::start_with(data.path(), &["--config", &folder.settings()]);
    let stored = r#""stored":"kafka""#;
    let begun = Instant::now();
    while !String::from_utf8(exact(&program).await).unwrap().contains(stored) {
        assert!(begun.elapsed() < DEADLINE);
    }
    for user in ["bob", "ann"] {
        let (fine, said) = exactly(user).check();
        assert!(fine && said.contains("the transactional id `footfall-exact` may be used"), "{said}");
        let answer = String::from_utf8(exact(&program).await).unwrap();
        assert!(answer.contains(stored), "{answer}");
    }
    program.signal("-TERM");
    let (code, log) = program.end();
    assert!(code == Some(0) && !log.contains("another server has the same"), "{log}");
}

/// Posts an event, and gives the answer, which tells where it is stored.
async fn exact(program: &Program) -> Vec<u8> {
    let body = r#"{"events":[{"event":"a"}]}"#;
    let reply = send(program.public, "POST", "/v1/events?key=pk_demo&receipt=offsets", &[], body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_costs_no_event_and_is_mended_without_a_restart() {
    let text = format!(
        "create_topics = 'on'\ntopic = 'mended'\ntopics.partitions = 5\n{}{}[[kafka.route]]\nevent = 'purchase'\ntopic = 'bought'\n",
        ca(),
        login("SCRAM-SHA-256", "ann")
    );
    let folder = Folder::new(&kafka(&KAFKA.sasl_tls(), &text));
    folder.password("p4ssword-of-last-year");
    let data = tempfile::tempdir().unwrap();
    let mut program = Program::start_with(data.path(), &["--config", &folder.settings()]);
    let body =
        r#"{"events":[{"event":"post_view","event_id":"view-1"},{"event":"purchase","event_id":"buy-1"}]}"#;
    assert_eq!(program.post(body).await.status, 200, "the journal takes them");
    folder.password(PASSWORD);
    let log = program.log_until("Kafka has everything that waited");
    assert!(log.contains("a file of Kafka's secrets or certificates has changed"), "{log}");
    assert!(log.contains("the Kafka topic `mended` was missing and has been made"), "{log}");
    let topics = KAFKA.topics();
    for (topic, partitions) in [("mended", 5), ("bought", 5), ("mended.dead-letter", 5)] {
        assert!(topics.contains(&(topic.to_owned(), partitions)), "{topic} {topics:?}");
    }
    let body =
        r#"{"events":[{"event":"purchase","event_id":"buy-2"},{"event":"post_view","event_id":"view-2"}]}"#;
    assert_eq!(program.post(body).await.status, 200);
    assert_eq!(ids("mended", 2), ["view-1", "view-2"]);
    assert_eq!(ids("bought", 2), ["buy-1", "buy-2"]);
    program.signal("-TERM");
    let (code, rest) = program.end();
    assert_eq!(code, Some(0), "{rest}");
    assert!(!format!("{log}{rest}").contains(PASSWORD));
}

/// The ids of the events in a topic, as soon as there are so many.
fn ids(topic: &str, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let mut reader = TopicReader::open(&KafkaSettings::new([KAFKA.brokers()]), topic).unwrap();
        let mut ids = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let id = record.headers.iter().find(|header| header.name == "ce_id").unwrap();
            ids.push(String::from_utf8(id.value.to_vec()).unwrap());
        }
        if ids.len() >= count {
            ids.sort();
            return ids;
        }
        assert!(begun.elapsed() < DEADLINE, "{topic} has {ids:?}");
    }
}

#[test]
fn where_kafka_is_not_set_nothing_is_asked() {
    let output = footfall(&["check-config", "--connect", "--write-key", "pk"]).output().unwrap();
    assert!(output.status.success());
    assert!(
        String::from_utf8(output.stdout).unwrap().ends_with("Kafka is not set: the journal is the store.\n")
    );
}
