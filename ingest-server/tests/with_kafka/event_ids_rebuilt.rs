//! Event ids after a kill: what was acknowledged is known again, from a real Kafka's topics and from the journal.

use crate::support::kafka::Kafka;
use crate::support::program::Program;
use footfall_delivery::journal::JournalReader;
use footfall_delivery::{KafkaSettings, TopicReader};
use std::collections::BTreeMap;
use std::path::Path;

const EVENTS: u32 = 300;

/// The same events under any batch id.
fn batch(batch_id: u8) -> String {
    let name = |n: u32| if n.is_multiple_of(3) { "purchase" } else { "post_view" };
    let event =
        |n: u32| format!(r#"{{"event":"{}","event_id":"event-{n}","user_id":"u{}"}}"#, name(n), n % 7);
    let events: Vec<String> = (0..EVENTS).map(event).collect();
    format!(
        r#"{{"batch_id":"0190a6f0-0000-7000-8000-0000000000{batch_id:02}","events":[{}]}}"#,
        events.join(",")
    )
}

async fn post(program: &Program, batch_id: u8) -> (u64, u64) {
    let reply = program.post(batch(batch_id)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = reply.json();
    (answer["accepted"].as_u64().unwrap(), answer["duplicate"].as_u64().unwrap())
}

fn file(dir: &Path, text: &str) -> String {
    let path = dir.join("footfall.toml");
    std::fs::write(&path, format!("write_key = 'pk_demo'\n{text}")).unwrap();
    path.display().to_string()
}

/// How often each event stands in the topics.
fn stored(brokers: &str, topics: [&str; 2]) -> BTreeMap<String, u32> {
    let mut ids = BTreeMap::new();
    for topic in topics {
        let mut reader = TopicReader::open(&KafkaSettings::new([brokers]), topic).unwrap();
        while let Some(record) = reader.next_record().unwrap() {
            let id = record.headers.iter().find(|header| header.name == "ce_id").unwrap();
            *ids.entry(String::from_utf8(id.value.to_vec()).unwrap()).or_default() += 1;
        }
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_acknowledged_before_a_kill_is_a_duplicate_after_it_in_every_topic() {
    let kafka = Kafka::plain();
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[kafka]\nbrokers = '{}'\ncreate_topics = 'on'\ntopics.partitions = 3\n[[kafka.route]]\nevent = 'purchase'\n\
         topic = 'bought'\n",
        kafka.brokers
    );
    let settings = file(dir.path(), &text);
    let mut program = Program::start_with(dir.path(), &["--config", &settings]);
    program.until_logged("events go to it");
    assert_eq!(post(&program, 1).await, (EVENTS.into(), 0));
    let asked = "/v1/events?key=pk_demo&receipt=offsets";
    let one =
        r#"{"events":[{"event":"purchase","event_id":"last-0"},{"event":"post_view","event_id":"last-1"}]}"#;
    let answer = crate::support::send(program.public, "POST", asked, &[], one).await.json();
    assert_eq!(answer["stored"], "kafka");
    assert_eq!(answer["events"][0]["topic"], "bought", "{answer}");
    assert!(answer["events"][1]["topic"].is_null() && answer["events"][1]["offset"].is_u64(), "{answer}");
    program.kill();

    let program = Program::start_with(dir.path(), &["--config", &settings]);
    assert!(program.start.contains("event ids of the last 10m were read"), "{}", program.start);
    assert_eq!(post(&program, 2).await, (0, EVENTS.into()));
    program.kill();
    let ids = stored(&kafka.brokers, ["footfall.events", "bought"]);
    assert_eq!(ids.len(), EVENTS as usize + 2);
    assert!(ids.values().all(|count| *count == 1), "{ids:?}");

    // With the switch off they are taken again: it is the reading that told them.
    let program = Program::start_with(dir.path(), &["--config", &settings, "--event-ids-rebuild", "off"]);
    assert_eq!(post(&program, 3).await, (EVENTS.into(), 0));
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_wait_for_kafka_are_known_after_a_kill_and_brokers_that_are_away_hold_up_no_start() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let settings = file(dir.path(), "[kafka]\nbrokers = '127.0.0.1:1'\n");
    let program = Program::start_with(dir.path(), &["--config", &settings]);
    assert_eq!(post(&program, 1).await, (EVENTS.into(), 0));
    program.kill();
    let begun = std::time::Instant::now();
    let program = Program::start_with(dir.path(), &["--config", &settings]);
    assert!(begun.elapsed().as_secs() < 4, "{:?}", begun.elapsed());
    assert!(
        program.start.contains("but not all") && program.start.contains("the ends of the topics"),
        "{}",
        program.start
    );
    assert_eq!(post(&program, 2).await, (0, EVENTS.into()));
    program.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_journal_is_the_store_its_end_is_read_and_the_newest_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    assert_eq!(post(&program, 1).await, (EVENTS.into(), 0));
    let last = r#"{"events":[{"event":"post_view","event_id":"last"}]}"#;
    assert_eq!(program.post(last).await.status, 200);
    program.kill();
    let program = Program::start(dir.path());
    assert!(program.start.contains("event ids of the last 10m were read"), "{}", program.start);
    assert_eq!(post(&program, 2).await, (0, EVENTS.into()));
    program.kill();
    assert_eq!(
        JournalReader::open(dir.path()).unwrap().read_after(0, 1_000).unwrap().len(),
        EVENTS as usize + 1
    );

    // Room for a hundred ids: the newest are known, and the log says so.
    let program = Program::start_with(dir.path(), &["--event-ids-max-bytes", "2200"]);
    assert!(
        program.start.contains("100 records were read") || program.start.contains("ids=100"),
        "{}",
        program.start
    );
    assert_eq!(program.post(last).await.json()["duplicate"], 1);
    let (accepted, duplicate) = post(&program, 3).await;
    assert!(
        accepted > 0 && duplicate > 0 && accepted + duplicate == u64::from(EVENTS),
        "{accepted} {duplicate}"
    );
    program.kill();
}
