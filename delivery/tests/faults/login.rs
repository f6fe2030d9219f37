//! A password that the brokers refuse, and that is put right in its file while everything goes on.

use std::time::Duration;

use footfall_delivery::{KafkaSecret, KafkaState, Readiness};

use super::block_on;
use super::load::Load;
use super::row::{judge, open_with, pass, topic, wait_for_more};
use super::support::kafka::login::KafkaWithLogin;
use super::support::{wait_for_state, wait_until_healthy};
use super::verdict::Verdict;

/// It is wrong from the start.
pub(crate) fn password_wrong(name: &'static str) -> Verdict {
    password(name, None)
}

/// The same, and later the brokers are given another one, as operators do who change it there first; it is put right so
/// much later.
pub(crate) fn password_changed(name: &'static str, silence: Duration) -> Verdict {
    password(name, Some(silence))
}

fn password(name: &'static str, changed_for: Option<Duration>) -> Verdict {
    block_on(async {
        let mut kafka = KafkaWithLogin::start("of-this-year");
        kafka.create_topic(&topic(), &[]).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |password: &str| std::fs::write(file.path(), format!("{password}\n")).unwrap();
        write("of-last-year");
        let opened = open_with(&kafka.brokers_with_login(), |settings| {
            let kafka = settings.kafka.as_mut().unwrap();
            kafka.sasl = Some(KafkaWithLogin::login(KafkaSecret::from_file("of-last-year", file.path())));
        });
        let ready = opened.readiness() == Readiness::Ready;
        let load = Load::start(&opened, "a");
        wait_for_more(&load, 2_000).await;
        let refused_at_boot = opened.stats().kafka.unwrap().state == KafkaState::Away;
        write("of-this-year");
        wait_until_healthy(&opened).await;
        wait_for_more(&load, 2_000).await;

        let mut refused_later = true;
        if let Some(silence) = changed_for {
            kafka.kill();
            kafka.set_password("of-next-year");
            kafka.start_again();
            wait_for_state(&opened, KafkaState::Away).await;
            // Long enough for brokers that answer to be found by a password that is right.
            pass(silence).await;
            wait_for_more(&load, 2_000).await;
            refused_later = opened.stats().kafka.unwrap().state == KafkaState::Away;
            write("of-next-year");
            wait_until_healthy(&opened).await;
            wait_for_more(&load, 2_000).await;
        }
        let seen = load.stop().await;
        let mut verdict = judge(name, &kafka, opened, seen).await;
        verdict.expect(refused_at_boot && refused_later, "the brokers took a wrong password");
        verdict.expect(ready, "it was not ready at once, though the journal took events");
        verdict.expect(verdict.in_journal > 1_000, "the journal did not take over");
        verdict.expect(verdict.refused == 0, "events were refused");
        verdict.expect(verdict.duplicates == 0, "something was stored twice");
        verdict
    })
}
