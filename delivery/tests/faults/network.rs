//! A network that loses, delays and cuts, by a proxy between delivery and its broker.

use std::time::Duration;

use super::block_on;
use super::lent::{BehindProxy, Lent};
use super::load::Load;
use super::proxy::{Counts, Proxy};
use super::row::{judge, open_with, pass, topic, wait_for_more};
use super::support::{wait_for, wait_until_healthy};
use super::verdict::Verdict;

/// `hurt` ends with what the proxy must have done at least.
fn behind_a_proxy(name: &'static str, hurt: impl AsyncFnOnce(&Proxy) -> Counts) -> Verdict {
    block_on(async {
        let behind = Lent::<BehindProxy>::start();
        let BehindProxy { proxy, kafka } = &*behind;
        kafka.create_topic(&topic(), &[]).await;
        let opened = open_with(&format!("127.0.0.1:{}", proxy.port()), |settings| {
            // A lost answer is noticed by nothing else.
            settings.kafka.as_mut().unwrap().request_timeout = Duration::from_secs(3);
        });
        wait_until_healthy(&opened).await;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 1_000).await;
        let at_least = hurt(proxy).await;
        wait_for("enough of it", || proxy.counts().reach(at_least).then_some(())).await;
        proxy.heal();
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 1_000).await;
        let seen = load.stop().await;
        let mut verdict = judge(name, kafka, opened, seen).await;
        println!("    {:?}", proxy.counts());
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict
    })
}

pub(crate) fn answers_dropped(name: &'static str, lasts: Duration) -> Verdict {
    behind_a_proxy(name, async |proxy| {
        proxy.drop_produce_answers(15);
        pass(lasts).await;
        Counts { dropped: 1, ..Counts::default() }
    })
}

pub(crate) fn cut_every_second(name: &'static str, times: u64) -> Verdict {
    behind_a_proxy(name, async |proxy| {
        for _ in 0..times {
            pass(Duration::from_secs(1)).await;
            proxy.cut();
        }
        Counts { cut: times, ..Counts::default() }
    })
}

pub(crate) fn late(name: &'static str, lasts: Duration, stall_percent: u32) -> Verdict {
    behind_a_proxy(name, async |proxy| {
        proxy.be_late(Duration::from_millis(300), stall_percent);
        pass(lasts).await;
        Counts { late: 5, stalled: 1, ..Counts::default() }
    })
}
