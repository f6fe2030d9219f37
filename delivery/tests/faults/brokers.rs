//! Brokers that die, fall silent, or are not there yet.

use std::time::Duration;

use footfall_delivery::{KafkaState, Readiness};

use super::block_on;
use super::lent::{Broker, Lent, Three};
use super::load::Load;
use super::row::{is_exactly_once, judge, open, open_at, pass, topic, under_load, wait_for_more};
use super::support::{wait_for, wait_until_healthy};
use super::verdict::Verdict;

pub(crate) fn killed(name: &'static str, absence: Duration) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        let (opened, seen, ()) = under_load(&mut kafka, &[], async |kafka, _, _| {
            kafka.kill();
            pass(absence).await;
            kafka.start_again();
        })
        .await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.in_journal > 1_000, "the journal did not take over");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn paused(name: &'static str, silence: Duration) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        let (opened, seen, ()) = under_load(&mut kafka, &[], async |kafka, _, _| {
            kafka.pause();
            pass(silence).await;
            kafka.resume();
        })
        .await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(verdict.in_journal > 1_000, "the journal did not take over");
        let late = verdict.stats.kafka.unwrap().late_acknowledgements;
        verdict.expect(late > 0 || is_exactly_once(), "no late acknowledgement");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn down_at_boot(name: &'static str) -> Verdict {
    block_on(async {
        let mut kafka = Broker::start();
        kafka.create_topic(&topic(), &[]).await;
        kafka.kill();
        let opened = open(&kafka);
        let ready = opened.readiness() == Readiness::Ready;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        kafka.start_again();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(ready, "it was not ready at once");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

/// One broker of three dies, so that leaders move; then a second one, which is one too many for min.insync.replicas=2.
pub(crate) fn three(name: &'static str, absence: Duration) -> Verdict {
    block_on(async {
        let mut nodes = Lent::<Three>::start();
        nodes.0[0].create_topic(&topic(), &[("min.insync.replicas", "2")]).await;
        let opened = open_at(&nodes.brokers());
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        nodes.0[2].kill();
        pass(absence).await;
        wait_until_healthy(&opened).await;
        let with_two = opened.stats().kafka.unwrap();
        nodes.0[1].kill();
        // With one broker of three it is not healthy; a busy machine may take a while to find that out.
        wait_for("a state that is not healthy", || {
            (opened.stats().kafka?.state != KafkaState::Healthy).then_some(())
        })
        .await;
        pass(absence).await;
        std::thread::scope(|scope| {
            nodes.0[1..].iter_mut().for_each(|node| drop(scope.spawn(|| node.start_again())));
        });
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;
        let seen = load.stop().await;
        println!("    with two brokers {with_two:?}");
        let mut verdict = judge(name, &nodes.0[0], opened, seen).await;
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}
