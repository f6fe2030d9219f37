//! What is promised of an event that was answered, by the names that the field has for it, and what of the producer follows.
//! Properties that would break the promise are told here by name; how the promise is kept stands in `fallback` and `at_most_once`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long a transaction may take before the brokers abort it: Kafka's own default.
pub(super) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// What is promised of a record once it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    /// It is answered as soon as the producer holds it, sent once and acknowledged by the partition's leader alone; there is
    /// no journal, and what is lost is counted.
    AtMostOnce,
    /// It is answered once all in-sync replicas have it, or the journal; a crash at a bad moment may store it twice.
    #[default]
    AtLeastOnce,
    /// It is answered once its transaction is committed, or the journal has it; whoever reads with `read_committed` sees it
    /// once.
    ExactlyOnce {
        /// Kafka's `transactional.id`: the same after each restart of this server, and that of no other one, since a second
        /// producer with the same id ends the first one (it is *fenced*).
        transactional_id: String,
    },
}

/// A guarantee by its name alone, as settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuaranteeName {
    /// [`Guarantee::AtMostOnce`]
    AtMostOnce,
    /// [`Guarantee::AtLeastOnce`]
    AtLeastOnce,
    /// [`Guarantee::ExactlyOnce`]
    ExactlyOnce,
}

impl GuaranteeName {
    const ALL: [Self; 3] = [Self::AtMostOnce, Self::AtLeastOnce, Self::ExactlyOnce];

    /// As it is said.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnce => "exactly-once",
        }
    }
}

impl FromStr for GuaranteeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [most, least, exactly] = Self::ALL.map(Self::as_str);
        let named = Self::ALL.into_iter().find(|name| name.as_str() == text);
        named.ok_or_else(|| format!("it must be {most}, {least} or {exactly}"))
    }
}

impl Guarantee {
    /// Which one it is.
    pub fn name(&self) -> GuaranteeName {
        match self {
            Self::AtMostOnce => GuaranteeName::AtMostOnce,
            Self::AtLeastOnce => GuaranteeName::AtLeastOnce,
            Self::ExactlyOnce { .. } => GuaranteeName::ExactlyOnce,
        }
    }

    /// Its name in settings.
    pub fn as_str(&self) -> &'static str {
        self.name().as_str()
    }

    /// The producer's properties, by librdkafka's names.
    pub(super) fn properties(
        &self,
        linger: Duration,
        request_timeout: Duration,
    ) -> Vec<(&'static str, String)> {
        let said = |name, value: &str| (name, value.to_owned());
        let linger_ms = format!("{}", linger.as_secs_f64() * 1000.0);
        match self {
            Self::AtMostOnce => vec![
                said("enable.idempotence", "false"),
                said("acks", "1"),
                said("message.send.max.retries", "0"),
                ("linger.ms", linger_ms),
                // A batch that a broker refuses because it leads no longer is sent again all the same, since it stands
                // nowhere: another one under way would have overtaken it.
                said("max.in.flight.requests.per.connection", "1"),
                ("message.timeout.ms", request_timeout.as_millis().to_string()),
            ],
            Self::AtLeastOnce => vec![
                said("enable.idempotence", "true"),
                said("acks", "all"),
                ("linger.ms", linger_ms),
                // A partition has one request under way at most, and while its next one is due librdkafka asks for the
                // answer without a pause, unless another request waits for its turn. A broker answers the requests of
                // a connection one by one in any case.
                said("max.in.flight.requests.per.connection", "1"),
                // Without a limit: what is given up in flight may be stored all the same, and would then be stored twice.
                said("message.timeout.ms", "0"),
            ],
            Self::ExactlyOnce { transactional_id } => {
                let timeout_ms = TRANSACTION_TIMEOUT.as_millis().to_string();
                vec![
                    said("transactional.id", transactional_id),
                    said("enable.idempotence", "true"),
                    said("acks", "all"),
                    // A transaction has waited for company already.
                    said("linger.ms", "0"),
                    ("transaction.timeout.ms", timeout_ms.clone()),
                    ("message.timeout.ms", timeout_ms),
                ]
            }
        }
    }

    /// Why a property cannot be passed through beside this guarantee, and what would be right. Its value is not told.
    pub(super) fn clash(&self, property: &str, value: &str) -> Option<String> {
        let name = self.as_str();
        let is_exact = matches!(self, Self::ExactlyOnce { .. });
        let number = value.trim().parse::<i64>().ok();
        Some(match (property, self) {
            ("acks" | "request.required.acks" | "enable.idempotence", Self::AtMostOnce) => format!(
                "it follows kafka.guarantee, which is {name}: acks=1 without idempotence; choose at-least-once for more"
            ),
            ("acks" | "request.required.acks" | "enable.idempotence", _) => format!(
                "it follows kafka.guarantee, which is {name}: an event is acknowledged only when every in-sync replica \
                 has it, once"
            ),
            ("transactional.id", Self::ExactlyOnce { .. }) => "set kafka.transactional_id instead".to_owned(),
            ("transactional.id", _) => format!(
                "kafka.guarantee is {name}, which has no transactions: set it to exactly-once, and kafka.transactional_id"
            ),
            ("transaction.timeout.ms", _) => format!("it is fixed at {TRANSACTION_TIMEOUT:?}"),
            ("retries" | "message.send.max.retries", Self::AtMostOnce) => {
                format!(
                    "kafka.guarantee is {name}: an event is sent once; leave it out, or choose at-least-once"
                )
            }
            ("retries" | "message.send.max.retries", _) if number == Some(0) => {
                format!(
                    "kafka.guarantee is {name}, and without retries the first error would break that; leave it out"
                )
            }
            (
                "max.in.flight" | "max.in.flight.requests.per.connection",
                Self::AtLeastOnce | Self::ExactlyOnce { .. },
            ) if number.is_some_and(|number| number > 5) => {
                format!(
                    "kafka.guarantee is {name}, and brokers tell copies among at most 5 requests in flight"
                )
            }
            ("isolation.level", _) if is_exact && value != "read_committed" => format!(
                "kafka.guarantee is {name}, and what was aborted would be taken for stored: leave it out"
            ),
            _ => return None,
        })
    }

    /// Whether a transactional id can be one.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self::ExactlyOnce { transactional_id } = self else { return Ok(()) };
        let fits =
            (1..=249).contains(&transactional_id.len()) && !transactional_id.contains(char::is_control);
        if fits { Ok(()) } else { Err("it must have 1 to 249 bytes and no control characters".to_owned()) }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
