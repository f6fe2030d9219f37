//! Topics that refuse a record, take less than before, are missing, or go away.

use std::time::{Duration, Instant};

use footfall_delivery::{Batch, DeliveryError, KafkaState, Receipt, Record, RecordOutcome, Stored};

use super::block_on;
use super::lent::Broker;
use super::load::{Load, record};
use super::row::{is_exactly_once, judge, open_with, pass, topic, under_load, wait_for_more};
use super::support::{ToKafka, wait_for, wait_for_state, wait_until_healthy};
use super::verdict::{Verdict, read_topic};

/// Five records, of which the third is too large for the topic.
fn with_culprit(number: u64) -> Vec<Record> {
    // Random bytes, for what counts is the size after compression.
    let mut state = number as u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(20_000)
    .collect();
    let mut records: Vec<Record> = (0..5).map(|i| record("b", number * 5 + i + 1)).collect();
    records[2].payload = noise.into();
    records
}

/// What a topic takes for which those are too large.
pub(crate) const SMALL: (&str, &str) = ("max.message.bytes", "10000");

/// Appends five batches with a culprit each amid other events; gives what was said of them.
pub(crate) async fn append_culprits(opened: &ToKafka, load: &Load) -> Vec<Result<Receipt, DeliveryError>> {
    let mut answers = Vec::new();
    for number in 0..5 {
        answers.push(opened.append(Batch::new(with_culprit(number))).await);
        wait_for_more(load, 500).await;
    }
    answers
}

pub(crate) fn oversized(name: &'static str) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        let (opened, seen, (answers, unchanged)) =
            under_load(&mut kafka, &[SMALL], async |_, opened, load| {
                let changes = || opened.stats().kafka.unwrap().changes;
                let before = changes();
                (append_culprits(opened, load).await, changes() == before)
            })
            .await;
        let mut wrong = Vec::new();
        for answer in answers {
            match answer {
                Err(DeliveryError::Partial { outcomes }) => {
                    for (place, outcome) in outcomes.iter().enumerate() {
                        let failed = matches!(outcome, RecordOutcome::Failed(f) if f.code == "record_too_large" && !f.retry);
                        if failed != (place == 2) {
                            wrong.push(format!("{outcomes:?}"));
                        }
                    }
                }
                // The one before it has led events to the journal, from where the culprit becomes a dead letter.
                Ok(receipt) if is_exactly_once() && receipt.stored == Stored::Journal => {}
                other => wrong.push(format!("{other:?}")),
            }
        }
        let letters = format!("{}.dead-letter", topic());
        wait_for("dead letters", || (opened.stats().kafka?.waiting_rows == 0).then_some(())).await;
        let brokers = kafka.brokers();
        let mut verdict = judge(name, &kafka, opened, seen).await;
        let letters = read_topic(&brokers, &letters);
        verdict.expect(wrong.is_empty(), &format!("not only the culprit was refused: {wrong:?}"));
        verdict.expect(letters.len() == 5, &format!("{} dead letters instead of 5", letters.len()));
        // Its transaction is aborted, and the others' events of that take the way through the journal.
        verdict.expect(unchanged || is_exactly_once(), "the others were held up by it");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}

pub(crate) fn limit_lowered(name: &'static str) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        // No compression, and company for each record: batches larger than the limit to come.
        let opened = open_with(&kafka.brokers(), |settings| {
            let kafka = settings.kafka.as_mut().unwrap();
            kafka.linger = Duration::from_millis(300);
            kafka.compression = "none".parse().unwrap();
        });
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 500).await;
        kafka.alter_topic(&topic(), "max.message.bytes", "1500").await;
        wait_for("the refusal", || (opened.stats().kafka?.changes > 2).then_some(())).await;
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 500).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        // What stood in the same partition behind the refused batch may have overtaken it.
        let disorder = verdict.out_of_order;
        verdict.problems.retain(|problem| !problem.contains("out of order"));
        verdict.expect(disorder < 100, "much is out of order");
        verdict.expect(verdict.stats.kafka.unwrap().set_aside_records == 0, "good records were set aside");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}

pub(crate) fn missing_at_boot(name: &'static str) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        let opened = open_with(&kafka.brokers(), |settings| {
            let properties = &mut settings.kafka.as_mut().unwrap().properties;
            properties.insert("allow.auto.create.topics".into(), "false".into());
        });
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        let away = opened.stats().kafka.unwrap().state == KafkaState::Away;
        kafka.create_topic(&topic(), &[]).await;
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 1_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(away, "it took a missing topic for usable");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn deleted(name: &'static str, absence: Duration) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open_with(&kafka.brokers(), |settings| {
            let properties = &mut settings.kafka.as_mut().unwrap().properties;
            properties.insert("allow.auto.create.topics".into(), "false".into());
        });
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        kafka.delete_topic(&topic()).await;
        let gone = Instant::now();
        wait_for_state(&opened, KafkaState::Away).await;
        wait_for_more(&load, 2_000).await;
        pass(absence).await;
        kafka.create_topic(&topic(), &[]).await;
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let mut seen = load.stop().await;
        // What Kafka had acknowledged before went with the topic; its callers may be told when the rest of their batch
        // was copied, which takes kafka.slow_after.
        let slow_after = Duration::from_millis(2_500);
        seen.acknowledged.retain(|_, told| *told > gone + slow_after);
        judge(name, &kafka, opened, seen).await
    })
}
