//! A network that loses, delays and cuts, by a proxy between delivery and its broker.

use std::time::Duration;

use super::block_on;
use super::load::Load;
use super::proxy::Proxy;
use super::row::{MEMORY, guarantee, judge, pass, topic, wait_for_more};
use super::support::kafka::Kafka;
use super::support::{ToKafka, wait_until_healthy};
use super::verdict::Verdict;

fn behind_a_proxy(name: &'static str, hurt: impl AsyncFnOnce(&Proxy, &Load)) -> Verdict {
    block_on(async {
        let proxy = Proxy::bind();
        let kafka = Kafka::start_behind(proxy.port());
        proxy.forward_to(kafka.port());
        kafka.create_topic(&topic(), &[]).await;
        let opened = ToKafka::open(&format!("127.0.0.1:{}", proxy.port()), &topic(), |settings| {
            settings.memory_max_bytes = MEMORY;
            // A lost answer is noticed by nothing else.
            let kafka = settings.kafka.as_mut().unwrap();
            kafka.request_timeout = Duration::from_secs(3);
            kafka.guarantee = guarantee(&topic());
        });
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 1_000).await;
        hurt(&proxy, &load).await;
        proxy.heal();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 1_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        let hurt = [proxy.dropped(), proxy.stalled(), proxy.cut_so_far()];
        println!("    {} answers dropped, {} stalls, {} connections cut", hurt[0], hurt[1], hurt[2]);
        verdict.expect(hurt.iter().sum::<u64>() > 5, "the proxy did nothing");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn answers_dropped(name: &'static str) -> Verdict {
    behind_a_proxy(name, async |proxy, _| {
        proxy.drop_produce_answers(15);
        pass(Duration::from_secs(40)).await;
    })
}

pub(crate) fn cut_every_second(name: &'static str) -> Verdict {
    behind_a_proxy(name, async |proxy, _| {
        for _ in 0..20 {
            pass(Duration::from_secs(1)).await;
            proxy.cut();
        }
    })
}

pub(crate) fn late(name: &'static str) -> Verdict {
    behind_a_proxy(name, async |proxy, _| {
        proxy.be_late(Duration::from_millis(300), 5);
        pass(Duration::from_secs(60)).await;
    })
}
