//! A process that is killed with SIGKILL again and again, and one that is stopped during an outage.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use footfall_delivery::{CloseOutcome, Delivery, DeliverySettings};

use super::block_on;
use super::lent::Broker;
use super::load::{Id, Load, Seen};
use super::readiness::{Outage, Sighting};
use super::row::{begin_row, judge, judge_topics, open, pass, row, settings, topic, wait_for_more};
use super::support::{ToKafka, wait_until_healthy};
use super::verdict::{Verdict, wait_until_drained};

/// Where a third of what a child sends is routed to.
fn routed(topic: &str) -> String {
    format!("{topic}-routed")
}

/// The settings of a child.
fn child_settings(directory: &Path, brokers: &str) -> DeliverySettings {
    let mut settings = settings(directory, brokers);
    settings.kafka.as_mut().unwrap().routed_topics.insert(routed(&topic()));
    settings
}

/// What the child runs: it tells each acknowledged record, and what makes it not ready, until it is killed.
pub(crate) fn child(arguments: &[String]) {
    let [directory, brokers, row, name, life] = arguments else { panic!("{arguments:?}") };
    begin_row(row.parse().unwrap(), name);
    block_on(async {
        let delivery = Delivery::open(child_settings(Path::new(directory), brokers)).unwrap();
        let load = Load::start_telling(&delivery, life, Some(&routed(&topic())), |ids| {
            let told: Vec<String> = ids.iter().map(|(key, number)| format!("{key}/{number}")).collect();
            println!("{ACKNOWLEDGED}{}", told.join(" "));
        });
        load.forever(|reason| println!("{NOT_READY}{reason}")).await;
    });
}

/// What the child's lines begin with.
const ACKNOWLEDGED: &str = "acknowledged ";
const NOT_READY: &str = "not ready ";

/// Runs the child so long, then kills it; notes what it told, what it told while it was dying included.
fn life(
    name: &'static str,
    directory: &Path,
    brokers: &str,
    number: u32,
    lasts: Duration,
    seen: &Arc<Mutex<Seen>>,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--child")
        .arg(directory)
        .args([brokers, &row().to_string(), name, &format!("life{number}")])
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen = Arc::clone(seen);
    let reading = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let now = Instant::now();
            if let Some(reason) = line.strip_prefix(NOT_READY) {
                let not_ready = Some(reason.to_owned());
                seen.lock().unwrap().readiness.push(Sighting { first: now, last: now, not_ready });
            }
            let Some(ids) = line.strip_prefix(ACKNOWLEDGED) else { continue };
            let ids = ids.split(' ').filter_map(|id| {
                let (key, number) = id.rsplit_once('/')?;
                Some((key.to_owned(), number.parse().ok()?))
            });
            let ids: Vec<Id> = ids.collect();
            seen.lock().unwrap().acknowledged.extend(ids.into_iter().map(|id| (id, now)));
        }
    });
    std::thread::sleep(lasts);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
}

pub(crate) fn killed(name: &'static str, lasts: Duration, broker_stops: bool) -> Verdict {
    let kafka = Broker::start();
    let directory = tempfile::tempdir().unwrap();
    let topics = [topic(), routed(&topic())];
    for topic in &topics {
        block_on(kafka.create_topic(topic, &[]));
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let begun = Instant::now();
    let mut lives = 0;
    while begun.elapsed() < lasts {
        // The broker is silent for two lives of three, so that lives end in every state.
        match lives % 3 {
            1 if broker_stops => kafka.pause(),
            0 if broker_stops => kafka.resume(),
            _ => {}
        }
        life(name, directory.path(), &kafka.brokers(), lives, Duration::from_secs(3), &seen);
        lives += 1;
    }
    kafka.resume();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    block_on(async {
        let delivery = Delivery::open(child_settings(directory.path(), &kafka.brokers())).unwrap();
        wait_until_healthy(&delivery).await;
        let opened = ToKafka { delivery, directory };
        let mut verdict = judge_topics(name, &kafka, opened, seen, &topics).await;
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}

pub(crate) fn stopped_in_an_outage(name: &'static str) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open(&kafka);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "before");
        wait_for_more(&load, 2_000).await;
        // The stop comes while what is in flight still waits for the broker.
        kafka.pause();
        pass(Duration::from_secs(1)).await;
        let begun = Instant::now();
        let closing = opened.delivery.clone();
        let closed =
            tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
        let took = begun.elapsed();
        let mut seen = load.stop().await;
        let fails = begun..=begun;
        seen.outages.push(Outage { fails, mends: None, reason: "the delivery is closed" });
        kafka.resume();
        let ToKafka { delivery, directory } = opened;
        drop(delivery);
        let delivery = Delivery::open(settings(directory.path(), &kafka.brokers())).unwrap();
        wait_until_healthy(&delivery).await;
        let mut verdict = judge(name, &kafka, ToKafka { delivery, directory }, seen).await;
        println!("    the stop took {took:?}");
        verdict.expect(closed == CloseOutcome::Drained, "the stop left something unanswered");
        verdict.expect(took < Duration::from_secs(10), "the stop took its whole deadline");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}

/// A second server takes the first one's transactional id: whatever both acknowledge is in the topic, once.
pub(crate) fn fenced(name: &'static str) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let first = open(&kafka);
        wait_until_healthy(&first).await;
        let load = Load::start(&first, "first");
        wait_for_more(&load, 2_000).await;
        let second = open(&kafka);
        wait_until_healthy(&second).await;
        let other = Load::start(&second, "second");
        wait_for_more(&load, 2_000).await;
        wait_for_more(&other, 2_000).await;
        let seen = load.stop().await;
        let fenced = first.stats().kafka.unwrap();
        let closing = first.delivery.clone();
        let closed =
            tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
        wait_until_healthy(&second).await;
        wait_for_more(&other, 1_000).await;
        let others = other.stop().await;
        let closing = second.delivery.clone();
        let drained = wait_until_drained(&second).await;
        let also = tokio::task::spawn_blocking(move || closing.close(Duration::from_secs(10))).await.unwrap();
        // What the first one has left in its journal goes on when it is alone.
        let ToKafka { delivery, directory } = first;
        drop(delivery);
        let first = Delivery::open(settings(directory.path(), &kafka.brokers())).unwrap();
        wait_until_healthy(&first).await;
        let opened = ToKafka { delivery: first, directory };
        let mut verdict = judge(name, &kafka, opened, seen.and(others)).await;
        verdict.expect(fenced.changes > 2, "the first one was not fenced");
        verdict.expect(drained, "the second one has not drained its journal");
        verdict.expect(
            closed == CloseOutcome::Drained && also == CloseOutcome::Drained,
            "a stop left something",
        );
        verdict
    })
}
