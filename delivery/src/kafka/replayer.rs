//! Sends records that are stored already to the topic of events, page by page, each answered before the next begins.
//! It needs no journal of its own: what was not sent stands where it came from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::context::{Report, Reports};
use super::failure::Refused;
use super::guarantee::Guarantee;
use super::producer::Producer;
use super::settings::KafkaSettings;
use crate::error::{DeliveryError, OpenError};
use crate::receipt::{Position, RecordOutcome};
use crate::record::{Batch, Record};

/// What the producer may hold: one page, which is far less.
const MEMORY_BYTES: usize = 64 << 20;

/// Small batches, so that a record that is too large for the topic takes few others with it.
const BATCH_BYTES: usize = 64 << 10;

const TICK: Duration = Duration::from_millis(50);

/// A producer for what is sent again, with the settings, keys and guarantees of the server's own.
pub struct Replayer {
    producer: Producer,
    fates: Arc<Fates>,
}

/// What became of the page that is under way.
#[derive(Default)]
struct Fates {
    of: Mutex<Vec<Option<Result<Position, Refused>>>>,
    cause: Mutex<String>,
}

impl Fates {
    fn lock(&self) -> MutexGuard<'_, Vec<Option<Result<Position, Refused>>>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, reason: &str) {
        reason.clone_into(&mut self.cause.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Reports for Fates {
    fn settled(&self, told: &mut dyn Iterator<Item = Report>) {
        for Report { opaque, fate } in told {
            if let Some(place) = self.lock().get_mut(opaque) {
                *place = Some(fate);
            }
        }
    }

    fn connection_failed(&self, reason: &str) {
        self.say(reason);
    }

    fn all_brokers_down(&self) {
        self.say("no broker can be reached");
    }
}

impl Replayer {
    /// Makes the producer. Brokers that are away are no error here.
    ///
    /// # Errors
    ///
    /// A setting that is wrong, or what librdkafka says of them together.
    pub fn open(settings: &KafkaSettings) -> Result<Self, OpenError> {
        let mut wrong = Vec::new();
        settings.check(MEMORY_BYTES, &mut wrong);
        if let Some(wrong) = wrong.into_iter().next() {
            return Err(wrong.into());
        }
        let fates = Arc::new(Fates::default());
        // By transactions it would fence the server whose settings these are; and each record's fate is told here.
        let settings = &KafkaSettings { guarantee: Guarantee::AtLeastOnce, ..settings.clone() };
        let producer = Producer::open(
            settings,
            MEMORY_BYTES,
            Some(BATCH_BYTES),
            Arc::clone(&fates) as Arc<dyn Reports>,
        )?;
        Ok(Self { producer, fates })
    }

    /// Sends these records in order, under their own keys and headers, and waits until Kafka has settled each: what
    /// became of them, in their order. Those that were refused together with one that is too large are sent again one
    /// by one, behind the others of this page.
    ///
    /// # Errors
    ///
    /// [`DeliveryError::TimedOut`] if that takes longer than `deadline`; some may be stored all the same.
    pub fn send(&self, records: &[Record], deadline: Duration) -> Result<Vec<RecordOutcome>, DeliveryError> {
        let until = Instant::now() + deadline;
        let late = || DeliveryError::TimedOut {
            after: deadline,
            reason: match self.fates.cause.lock().unwrap_or_else(PoisonError::into_inner).as_str() {
                "" => "the brokers said nothing".to_owned(),
                cause => cause.to_owned(),
            },
        };
        let mut fates = self.settle(records.to_vec(), until).ok_or_else(late)?;
        if records.len() > 1 {
            for (fate, record) in fates.iter_mut().zip(records) {
                if matches!(fate, Err(Refused::TooLarge(_))) {
                    let alone = self.settle(vec![record.clone()], until).ok_or_else(late)?;
                    if let Some(alone) = alone.into_iter().next() {
                        *fate = alone;
                    }
                }
            }
        }
        Ok(fates.into_iter().map(outcome).collect())
    }

    /// `None` where something was left at the end of the time; it is taken back.
    fn settle(&self, records: Vec<Record>, until: Instant) -> Option<Vec<Result<Position, Refused>>> {
        *self.fates.lock() = vec![None; records.len()];
        self.producer.send(&Arc::new(Batch::new(records)), 0, |number, refused| {
            self.fates.lock()[number] = Some(Err(refused));
        });
        while self.fates.lock().iter().any(Option::is_none) {
            if Instant::now() >= until {
                self.producer.take_back();
                return None;
            }
            self.producer.poll(TICK);
        }
        Some(self.fates.lock().drain(..).flatten().collect())
    }
}

fn outcome(fate: Result<Position, Refused>) -> RecordOutcome {
    match fate {
        Ok(position) => RecordOutcome::Stored(position),
        Err(Refused::Record(failure) | Refused::TooLarge(failure) | Refused::GivenUp { failure, .. }) => {
            RecordOutcome::Failed(failure)
        }
    }
}
