//! What at-most-once promises while brokers die, fall silent or refuse a record: each event is answered at once and sent
//! once, what is lost is counted, and whoever asks for readiness is told that events are lost now.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use footfall_delivery::Stored;

use super::block_on;
use super::lent::Broker;
use super::readiness::Outage;
use super::row::{judge, pass, topic, under_load};
use super::support::wait_for;
use super::topics::{SMALL, append_culprits};
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
        let (opened, mut seen, (gone, mends)) = under_load(&mut kafka, &[], async |kafka, _, _| {
            let gone = Instant::now();
            (gone, hurt(kafka).await)
        })
        .await;
        seen.outages.push(Outage { fails: gone..=gone, mends: Some(mends), reason: "without a journal" });
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
            .expect(verdict.refusals.keys().all(|code| *code == "memory_full"), "refused for other causes");
        verdict
    })
}

pub(crate) fn oversized(name: &'static str) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        let (opened, seen, answers) =
            under_load(&mut kafka, &[SMALL], async |_, opened, load| append_culprits(opened, load).await)
                .await;
        let brokers = kafka.brokers();
        let mut verdict = judge(name, &kafka, opened, seen).await;
        let taken = answers.iter().flatten().filter(|receipt| receipt.stored == Stored::Memory).count();
        verdict.expect(taken == answers.len(), &format!("not all were answered at once: {answers:?}"));
        let kept = read_topic(&brokers, &topic());
        let culprits = kept.iter().filter(|(key, number)| key == "b" && number % 5 == 3).count();
        verdict.expect(culprits == 0, "the topic took what is too large for it");
        verdict.expect(verdict.stats.kafka.unwrap().lost_records >= 5, "what was refused is not counted");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}
