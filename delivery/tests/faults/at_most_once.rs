//! What at-most-once promises while brokers die, fall silent or refuse a record: each event is answered at once and sent
//! once, what is lost is counted, and whoever asks for readiness is told that events are lost now.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use footfall_delivery::{Batch, Stored};

use super::block_on;
use super::lent::Broker;
use super::load::Load;
use super::readiness::Outage;
use super::row::{judge, open, pass, topic, wait_for_more};
use super::support::{wait_for, wait_until_healthy};
use super::topics::{SMALL, with_culprit};
use super::verdict::{Verdict, read_topic};

pub(crate) fn killed(name: &'static str, absence: Duration) -> Verdict {
    without_a_broker(name, async |kafka| {
        kafka.kill();
        pass(absence).await;
        let begun = Instant::now();
        kafka.start_again();
        begun..=Instant::now()
    })
}

pub(crate) fn paused(name: &'static str, silence: Duration) -> Verdict {
    without_a_broker(name, async |kafka| {
        kafka.pause();
        pass(silence).await;
        let begun = Instant::now();
        kafka.resume();
        // It lost its partitions meanwhile, as far as the controller can tell.
        wait_for("leaders", || kafka.leaders(&topic()).iter().all(|leader| *leader >= 0).then_some(())).await;
        begun..=Instant::now()
    })
}

/// `hurt` ends with the moments between which the broker came back.
fn without_a_broker(
    name: &'static str,
    hurt: impl AsyncFnOnce(&mut Broker) -> RangeInclusive<Instant>,
) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        let opened = open(&kafka);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        let gone = Instant::now();
        let mends = Some(hurt(&mut kafka).await);
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let mut seen = load.stop().await;
        seen.outages.push(Outage { fails: gone..=gone, mends, reason: "without a journal" });
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
            .expect(verdict.refusals.keys().all(|code| *code == "memory_full"), "refused for other causes");
        verdict
    })
}

pub(crate) fn oversized(name: &'static str) -> Verdict {
    block_on(async {
        let kafka = Broker::start();
        kafka.create_topic(&topic(), &[SMALL]).await;
        let opened = open(&kafka);
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 1_000).await;
        let mut answers = Vec::new();
        for number in 0..5 {
            answers.push(opened.append(Batch::new(with_culprit(number))).await);
            wait_for_more(&load, 500).await;
        }
        let seen = load.stop().await;
        let brokers = kafka.brokers();
        let mut verdict = judge(name, &kafka, opened, seen).await;
        let taken = answers.iter().flatten().filter(|receipt| receipt.stored == Stored::Memory).count();
        verdict.expect(taken == 5, &format!("not all were answered at once: {answers:?}"));
        let kept = read_topic(&brokers, &topic());
        let culprits = kept.iter().filter(|(key, number)| key == "b" && number % 5 == 3).count();
        verdict.expect(culprits == 0, "the topic took what is too large for it");
        verdict.expect(verdict.stats.kafka.unwrap().lost_records >= 5, "what was refused is not counted");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}
