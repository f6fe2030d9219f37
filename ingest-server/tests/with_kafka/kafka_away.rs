//! What a sender and an operator see while Kafka is away: events are taken, and go to the journal.

use crate::support::kafka::Kafka;
use crate::support::program::Program;
use crate::support::{Server, send, until, until_within};
use hyper::StatusCode;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nobody listens there.
const NO_BROKER: (&str, &str) = ("kafka.brokers", "127.0.0.1:1");

#[tokio::test]
async fn events_are_durable_and_the_server_is_ready_while_no_broker_answers() {
    let server = Server::start(&[NO_BROKER]).await;
    let body = r#"{"events":[{"event":"post_view"},{"event":"post_view"}]}"#;
    let reply = server.post_with("/v1/events?key=pk_demo&receipt=offsets", &[], body).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!((&reply.json()["accepted"], &reply.json()["stored"]), (&2.into(), &"journal".into()));
    let metrics = server.metrics().await;
    for line in [
        r#"footfall_kafka_state{state="away"} 1"#,
        r#"footfall_kafka_state{state="healthy"} 0"#,
        "footfall_journal_waiting_rows 2",
        "footfall_ready 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
    let (stopped, data_dir) = server.stop().await;
    stopped.unwrap();
    let journal = rusqlite::Connection::open(data_dir.path().join("journal.sqlite")).unwrap();
    let waiting: i64 =
        journal.query_row("SELECT count(*) FROM readable_outbox", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 2);
}

/// In a process of its own, whose first refusal is told the wait itself; later ones are spread beyond it.
#[tokio::test]
async fn a_full_journal_is_told_while_key_events_still_pass() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = ["--kafka-brokers", NO_BROKER.1, "--journal-max-bytes", "1MiB", "--journal-reserve", "40%"];
    let mut program = Program::start_with(dir.path(), &bounds);
    let admin: SocketAddr = program.admin().parse().unwrap();
    until(async || send(admin, "GET", "/readyz", &[], "").await.status == StatusCode::OK).await;
    let event = format!(r#"{{"event":"post_view","properties":{{"text":"{}"}}}}"#, "x".repeat(20_000));
    let body = format!(r#"{{"events":[{event},{event},{event}]}}"#);
    let mut replies = 0;
    let refused = loop {
        let reply = program.post(body.clone()).await;
        if reply.status != StatusCode::OK {
            break reply;
        }
        replies += 1;
        assert!(replies < 50, "3 MB fit into 1 MiB");
    };
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "journal_full".to_owned())
    );
    assert_eq!(refused.header("retry-after"), Some("8"));
    let ready = send(admin, "GET", "/readyz", &[], "").await;
    let words = String::from_utf8_lossy(&ready.body).into_owned();
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(words.contains("Kafka is not used now") && words.contains("the journal is full"), "{words}");
    let key_event = r#"{"events":[{"event":"sign_up","key_event":true}]}"#;
    let reply = send(program.public, "POST", "/v1/events?key=pk_demo&priority=key", &[], key_event).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_while_a_broker_is_silent_ends_well_and_answers_what_was_on_its_way_from_the_journal() {
    let kafka = tokio::task::spawn_blocking(Kafka::plain).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    // Nothing but the stop gives Kafka up: to see that no broker answers takes 2 to 4 seconds.
    let patience = ["--kafka-slow-after", "60s", "--stop-timeout", "2s"];
    let arguments = [&["--kafka-brokers", &kafka.brokers][..], &patience].concat();
    let mut program = Program::start_with(dir.path(), &arguments);
    let admin: SocketAddr = program.admin().parse().unwrap();
    let stored_in = async |event: &str| {
        let body = format!(r#"{{"event":"{event}"}}"#);
        let path = "/v1/events?key=pk_demo&receipt=offsets";
        send(program.public, "POST", path, &[], body).await.json()["stored"].clone()
    };
    until(async || stored_in("before").await == "kafka").await;
    kafka.signal("-STOP");
    let body = r#"{"event":"on_its_way"}"#;
    let head = "POST /v1/events?key=pk_demo&receipt=offsets HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let mut on_its_way = TcpStream::connect(program.public).await.unwrap();
    on_its_way.write_all(request.as_bytes()).await.unwrap();
    until(async || {
        let metrics = send(admin, "GET", "/metrics", &[], "").await.body;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        let waits = metrics
            .lines()
            .find_map(|line| line.strip_prefix("footfall_kafka_oldest_unacknowledged_seconds "));
        waits.unwrap().parse::<f64>().unwrap() > 0.0
    })
    .await;
    program.signal("-TERM");
    // The operator is answered until everything is where it can be.
    until(async || TcpStream::connect(admin).await.is_err()).await;
    let journal = rusqlite::Connection::open(dir.path().join("journal.sqlite")).unwrap();
    let left = "SELECT payload ->> 'event' FROM readable_outbox ORDER BY seq DESC LIMIT 1";
    let left: String = journal.query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, "on_its_way");
    let mut reply = Vec::new();
    on_its_way.read_to_end(&mut reply).await.unwrap();
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains(r#""stored":"journal""#), "{reply}");
    let (code, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped: everything acknowledged is durable"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_has_one_line_for_each_change_of_state_and_none_in_between() {
    let kafka = tokio::task::spawn_blocking(Kafka::plain).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start_with(dir.path(), &["--kafka-brokers", &kafka.brokers]);
    let admin: SocketAddr = program.admin().parse().unwrap();
    let seen = async || send(admin, "GET", "/status", &[], "").await.json()["kafka"].clone();
    let changes = async || {
        let metrics = String::from_utf8(send(admin, "GET", "/metrics", &[], "").await.body.to_vec()).unwrap();
        let count = metrics.lines().find_map(|line| line.strip_prefix("footfall_kafka_state_changes_total "));
        count.unwrap().parse::<usize>().unwrap()
    };
    let is_healthy = async || seen().await["state"] == "healthy";
    until(is_healthy).await;
    let before = changes().await;
    kafka.signal("-STOP");
    let patience = Duration::from_secs(60);
    // Long enough for several probes that nobody answers, and for librdkafka to say more than once what it misses.
    let is_long_away = async || {
        program.post(r#"{"event":"post_view"}"#).await;
        let now = seen().await;
        now["state"] == "away" && now["lasted_ms"].as_u64().unwrap() > 10_000
    };
    until_within(patience, is_long_away).await.unwrap();
    kafka.signal("-CONT");
    until_within(patience, is_healthy).await.unwrap();
    let changes = changes().await - before;
    program.signal("-TERM");
    let (code, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    let said: Vec<&str> = log
        .lines()
        .skip_while(|line| !line.contains("Kafka is given up for now"))
        .take_while(|line| !line.contains("stopping: "))
        .collect();
    for words in
        ["as healthy: no acknowledgement", "rows of the journal go to it", "Kafka has everything that waited"]
    {
        assert!(said.iter().any(|line| line.contains(words)), "{words} is not in {said:#?}");
    }
    let is_change = |line: &&str| {
        ["Kafka is given up for now", "Kafka answers after", "Kafka has everything that waited"]
            .iter()
            .any(|words| line.contains(words))
    };
    assert!(said.iter().all(is_change), "{said:#?}");
    assert_eq!((said.len(), changes >= 3), (changes, true), "{said:#?}");
}
