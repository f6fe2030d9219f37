//! The one error of these tools, in words that name what was being done.
//! Which exit status it gives is left to `run`.

use rdkafka::error::KafkaError;
use std::path::PathBuf;

/// Why a tool could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka refused or could not be reached.
    #[error("Kafka, {doing}: {source}")]
    Kafka {
        /// What was asked of it.
        doing: String,
        /// librdkafka's own words.
        source: KafkaError,
    },
    /// The journal could not be read.
    #[error("{0}")]
    Journal(String),
    /// The topic is not there.
    #[error("the topic {topic} does not exist on {brokers}")]
    NoSuchTopic {
        /// The topic asked for.
        topic: String,
        /// The brokers asked.
        brokers: String,
    },
    /// The time was up before all was seen.
    #[error("only {found} of {expected} records had come when the deadline of {seconds} s was over")]
    Deadline {
        /// Records seen.
        found: u64,
        /// Records waited for.
        expected: u64,
        /// The time that was given.
        seconds: u64,
    },
    /// Reading or writing a file or a stream failed.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} is not readable: {source}", path = .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The process to be measured is not there, or its statistics have another form.
    #[error("the processor time of process {pid} cannot be read: {reason}")]
    ProcessTime {
        /// Its id.
        pid: u32,
        /// Why.
        reason: String,
    },
    /// The server could not be reached or broke off.
    #[error("{url}: {reason}")]
    Http {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// A value given by the caller is wrong.
    #[error("{0}")]
    Usage(String),
    /// What was measured breaks a promise.
    #[error("{0}")]
    Promise(String),
}

impl Error {
    /// For `map_err` on librdkafka's calls.
    pub fn kafka(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let doing = doing.into();
        move |source| Self::Kafka { doing, source }
    }

    /// For `map_err` on calls about a file.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
