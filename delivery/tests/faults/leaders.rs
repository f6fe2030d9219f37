//! Partitions whose leader is moved to another broker, as operators and Kafka's own balancing do, while all brokers live.

use super::block_on;
use super::lent::{Lent, Three};
use super::load::Load;
use super::row::{is_at_most_once, judge, open_at, topic, wait_for_more};
use super::support::{wait_for, wait_until_healthy};
use super::verdict::Verdict;

pub(crate) fn moved(name: &'static str, times: usize) -> Verdict {
    block_on(async {
        let nodes = Lent::<Three>::start();
        let kafka = &nodes.0[0];
        kafka.create_topic(&topic(), &[("min.insync.replicas", "2")]).await;
        let opened = open_at(&nodes.brokers());
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        let mut moved = 0;
        for _ in 0..times {
            let before = kafka.leaders(&topic());
            kafka.move_leaders(&topic(), &Three::NODES);
            wait_for("every partition's new leader", || {
                let now = kafka.leaders(&topic());
                before.iter().zip(&now).all(|(before, now)| before != now && *now >= 0).then_some(())
            })
            .await;
            moved += before.len();
            wait_for_more(&load, 2_000).await;
        }
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 1_000).await;
        let seen = load.stop().await;
        println!("    {moved} times a partition got another leader");
        let mut verdict = judge(name, kafka, opened, seen).await;
        if is_at_most_once() {
            // What the leader before acknowledged alone goes with it, and nobody is told: that is acks=1.
            verdict.problems.retain(|problem| !problem.contains("are lost"));
            let counted = verdict.stats.kafka.map_or(0, |kafka| kafka.lost_records);
            let uncounted = (verdict.lost as u64).saturating_sub(counted);
            let few = uncounted * 100 <= verdict.acknowledged as u64;
            verdict.expect(
                few,
                &format!("{uncounted} are lost that nobody counted, more than one in a hundred"),
            );
        }
        verdict.expect(nodes.all_run(), "a broker was gone");
        verdict.expect(moved == 3 * times, "not every leader was moved");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}
