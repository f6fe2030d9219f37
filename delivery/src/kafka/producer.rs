//! The producer: one call a batch, which never blocks; its reports are passed on where somebody takes them.
//! It gives no record up by itself for want of time: a record that is given up in flight may be stored all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::client::Client;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer as _, PurgeConfig};

use super::config::{config_error, producer_config};
use super::context::{ReportContext, Reports};
use super::events::Events;
use super::failure::Refused;
use super::guarantee::Guarantee;
use super::lent::Lending;
use super::outlets::Outlets;
use super::partitioning::Partitioning;
use super::security::files_now;
use super::settings::KafkaSettings;
use super::transactions::{Held, Transactions};
use crate::clock::now_ms;
use crate::error::OpenError;
use crate::record::Batch;

pub(crate) struct Producer {
    sender: Arc<Sender>,
    /// Where records go by them.
    transactions: Option<Transactions>,
    /// The most bytes of one produce batch.
    batch_max_bytes: usize,
    /// What the files held that it was made with, as `files_now` tells it.
    files: u64,
}

/// librdkafka's producer, its topics, and what it tells.
pub(super) struct Sender {
    /// Given back before the producer that fills it.
    events: Events,
    /// Given back before the producer that they are of.
    outlets: Outlets,
    pub(super) inner: BaseProducer<ReportContext, Partitioning>,
}

impl Producer {
    /// Makes the producer; brokers that are away are no error here.
    pub(crate) fn open(
        settings: &KafkaSettings,
        memory_max_bytes: usize,
        batch_max_bytes: Option<usize>,
        reports: Arc<dyn Reports>,
    ) -> Result<Self, OpenError> {
        // First, so that a change in between is seen as one.
        let files = files_now(settings);
        let config = producer_config(settings, memory_max_bytes, batch_max_bytes);
        let batch_max_bytes = batch_max_bytes.unwrap_or(usize::MAX).min(settings.batch_bytes);
        let held = matches!(settings.guarantee, Guarantee::ExactlyOnce { .. })
            .then(|| Arc::new(Held::new(Arc::clone(&reports))));
        let told = held.clone().map_or_else(|| Arc::clone(&reports), |held| held as _);
        let inner = BaseProducer::from_config_and_context(
            &config,
            ReportContext { reports: told, partitioning: Partitioning::of(settings) },
        );
        let inner = inner.map_err(|error| match error {
            KafkaError::ClientConfig(..) => config_error(&error).into(),
            other => OpenError::Kafka { reason: other.to_string() },
        })?;
        let sender =
            Arc::new(Sender { events: Events::of(inner.client()), outlets: Outlets::of(settings), inner });
        let start = |held| Transactions::start(Arc::clone(&sender), held, reports, settings.linger);
        let transactions = held.map(start).transpose()?;
        Ok(Self { sender, transactions, batch_max_bytes, files })
    }

    /// What records go by where they go in transactions.
    pub(crate) fn transactions(&self) -> Option<&Transactions> {
        self.transactions.as_ref()
    }

    /// librdkafka's client, to ask something.
    pub(super) fn client(&self) -> &Client<ReportContext> {
        self.sender.inner.client()
    }

    pub(crate) fn batch_max_bytes(&self) -> usize {
        self.batch_max_bytes
    }

    /// From now on a record without a key that goes to one of these topics is refused here: of a batch with one such record
    /// librdkafka says that each was at fault.
    pub(crate) fn note_compacted(&self, topics: &[&str]) {
        self.sender.outlets.note_compacted(topics);
    }

    /// Whether a secret or a certificate that it was made with has changed.
    pub(crate) fn is_outdated(&self, settings: &KafkaSettings) -> bool {
        self.files != files_now(settings)
    }

    /// Hands a batch's records to librdkafka, which reads their values where they stand. The fate of the first is reported
    /// under `first`, those of the others under the numbers behind it; what is refused at once is told `refused` with its
    /// number, and is not reported. Where there are transactions, they send.
    pub(crate) fn send(&self, batch: &Arc<Batch>, first: usize, refused: impl FnMut(usize, Refused)) {
        self.sender.send(batch, first, refused);
    }

    /// Passes on what was reported by now; `true` where more may wait.
    pub(crate) fn pass_on(&self) -> bool {
        self.sender.events.pass_on(self.client().context())
    }

    /// Passes on what is reported within this time.
    pub(crate) fn poll(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut left = time;
        while self.sender.events.pass_on_one(left, self.client().context()) && !left.is_zero() {
            left = until.saturating_duration_since(Instant::now());
        }
    }

    /// Takes back what was not sent yet; each record is reported as given up.
    pub(crate) fn take_back(&self) {
        match &self.transactions {
            Some(transactions) => transactions.halt(),
            None => self.sender.inner.purge(PurgeConfig::default().queue()),
        }
    }

    /// Why this producer can send nothing any more, in librdkafka's words.
    pub(crate) fn fatal_error(&self) -> Option<String> {
        let Some((code, words)) = self.client().fatal_error() else {
            let broken = self.transactions.as_ref().is_some_and(Transactions::is_broken);
            return broken.then(|| "a transaction could be neither committed nor aborted".to_owned());
        };
        Some(match code {
            RDKafkaErrorCode::Fenced => format!(
                "{code}: {words}; another server has the same kafka.transactional_id, or a transaction took too long: \
                 each server needs an id of its own"
            ),
            _ => format!("{code}: {words}"),
        })
    }
}

impl Sender {
    /// As the producer says of it.
    pub(super) fn send(&self, batch: &Arc<Batch>, first: usize, mut refused: impl FnMut(usize, Refused)) {
        // Kafka keeps no nearer time than that, and 0 would have librdkafka look at the clock for each record.
        let handed_at = now_ms().max(1);
        for (record, lent) in batch.records().iter().zip(Lending::of(batch, first)) {
            let number = lent.number();
            let handed = self.outlets.hand_over(self.inner.client(), batch.stream(), record, handed_at, lent);
            if let Err(told) = handed {
                refused(number, told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::super::config::DEFAULT_BATCH_BYTES;
    use super::super::context::Report;
    use super::*;
    use crate::record::Record;

    /// Notes the numbers of the records that it is told of.
    #[derive(Default)]
    struct Noted(Mutex<Vec<usize>>);

    impl Reports for Noted {
        fn settled(&self, told: &mut dyn Iterator<Item = Report>) {
            let given_up = told.map(|told| {
                assert!(matches!(told.fate, Err(Refused::GivenUp { .. })), "{told:?}");
                told.opaque
            });
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(given_up);
        }
        fn connection_failed(&self, _: &str) {}
        fn all_brokers_down(&self) {}
    }

    #[test]
    fn what_is_refused_at_once_and_what_is_taken_back_is_told_once_and_the_batch_given_back() {
        let noted = Arc::new(Noted::default());
        // Nobody listens there.
        let settings = KafkaSettings::new(["127.0.0.1:1"]);
        let producer = Producer::open(&settings, 64 << 20, None, Arc::clone(&noted) as _).unwrap();
        producer.note_compacted(&[&settings.topic]);
        let record = |bytes, key: Option<&'static [u8]>| Record {
            key: key.map(Into::into),
            payload: vec![0; bytes].into(),
            ..Record::default()
        };
        let key = Some(&b"key"[..]);
        let records = [record(1, key), record(DEFAULT_BATCH_BYTES + 1, key), record(1, None), record(1, key)];
        let batch = Arc::new(Batch::new(records.into()));
        let mut refused = Vec::new();
        producer
            .send(&batch, 10, |number, told| refused.push((number, matches!(told, Refused::TooLarge(_)))));
        assert_eq!(refused, [(11, true), (12, false)]);
        assert!(Arc::strong_count(&batch) > 1, "librdkafka reads the values where they stand");
        producer.take_back();
        drop(producer);
        assert_eq!(*noted.0.lock().unwrap(), [10, 13]);
        assert_eq!(Arc::strong_count(&batch), 1);
    }
}
