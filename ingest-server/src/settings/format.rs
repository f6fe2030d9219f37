//! In which form a record stands in Kafka: its format, how it is a CloudEvent, and the registry of its schema.
//! What they come to in bytes is known to `format`.

use super::table::SETTINGS;
use super::value::{switch, wait};
use super::{Origin, Problem, Reader, RenewableSecret};
use axum::http::Uri;
use footfall_event_model::BinaryFormat;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The form of a record in Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatSettings {
    /// JSON, with the CloudEvents attributes in the headers (binary mode). The default.
    Json,
    /// JSON as a part of a CloudEvent in JSON (structured mode).
    StructuredJson,
    /// Avro or Protobuf, under a schema of a registry where one is named.
    Binary(BinaryFormat, Option<RegistrySettings>),
}

/// A schema registry that speaks Confluent's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Where its API begins.
    pub url: RegistryUrl,
    /// Who may have signed its certificate, in PEM; else whom this machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Who asks there, and the password, which is read again for each question.
    pub login: Option<(String, RenewableSecret)>,
    /// How a subject is named.
    pub subject_names: SubjectNames,
    /// Whether a schema that is not there is registered.
    pub auto_register: bool,
    /// How long the registry may take at the start.
    pub timeout: Duration,
}

/// How the subject of a topic's records is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectNames {
    /// `footfall.events-value` (Confluent's `TopicNameStrategy`). The default.
    TopicName,
    /// `footfall.Record` (`RecordNameStrategy`).
    RecordName,
    /// `footfall.events-footfall.Record` (`TopicRecordNameStrategy`).
    TopicRecordName,
}

impl SubjectNames {
    /// The subject of a topic's values.
    pub fn of(self, topic: &str) -> String {
        let record = BinaryFormat::RECORD_NAME;
        match self {
            Self::TopicName => format!("{topic}-value"),
            Self::RecordName => record.to_owned(),
            Self::TopicRecordName => format!("{topic}-{record}"),
        }
    }
}

/// The URL of a registry: no login, no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryUrl {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The host, an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What stands in front of each path, without a slash at its end.
    pub path: String,
}

impl RegistryUrl {
    /// What `Host` says of it.
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.tls { "https" } else { "http" }, self.authority(), self.path)
    }
}

impl Reader<'_> {
    /// The form of records; what would contradict itself in it is told.
    pub(super) fn format(&mut self) -> Option<FormatSettings> {
        let format = self.one("kafka.format", format);
        let structured = self.one("kafka.cloud_events", cloud_events);
        let registry = self.registry();
        let (format, structured) = (format?, structured?);
        let origin = |reader: &Self, key| reader.sources.get(key).map(|said| said.origin);
        match (format, structured, registry?) {
            (None, _, Some(_)) => {
                let message = "is set, but kafka.format is json, which has no schema in a registry: set that to avro or \
                               protobuf, or leave this out";
                let place = origin(self, "kafka.schema_registry.url")?;
                self.problems.push(Problem::new(place, message));
                None
            }
            (Some(_), true, _) => {
                let message = "is structured, which is for kafka.format json: Avro and Protobuf records have the CloudEvents \
                               attributes in their headers; set it to binary";
                let place = origin(self, "kafka.cloud_events")?;
                self.problems.push(Problem::new(place, message));
                None
            }
            (None, false, None) => Some(FormatSettings::Json),
            (None, true, None) => Some(FormatSettings::StructuredJson),
            (Some(format), false, registry) => Some(FormatSettings::Binary(format, registry)),
        }
    }

    /// The registry, where one is named; a setting of it without its URL is a contradiction.
    #[expect(clippy::option_option, reason = "wrong, not there, there: as elsewhere in the settings")]
    fn registry(&mut self) -> Option<Option<RegistrySettings>> {
        let ca_file = self.file("kafka.schema_registry.ca_file");
        let username = self.one("kafka.schema_registry.username", super::value::non_empty);
        let password =
            self.renewable_secret("kafka.schema_registry.password", "kafka.schema_registry.password_file");
        let subject_names = self.one("kafka.schema_registry.subject_name_strategy", subject_names);
        let auto_register = self.one("kafka.schema_registry.auto_register", switch);
        let timeout = self.one("kafka.schema_registry.timeout", wait);
        let Some(said) = self.sources.get("kafka.schema_registry.url") else {
            let of_it = SETTINGS.iter().filter(|setting| setting.key.starts_with("kafka.schema_registry."));
            let said = of_it.filter_map(|setting| self.sources.get(setting.key));
            for said in said.filter(|said| !matches!(said.origin, Origin::Default(_))) {
                let message =
                    "is set, but kafka.schema_registry.url is not: name the registry, or leave this out";
                self.problems.push(Problem::new(said.origin, message));
            }
            return Some(None);
        };
        if username.is_some() != password.is_some() {
            let message = "needs kafka.schema_registry.username and kafka.schema_registry.password_file, or neither of them";
            self.problems.push(Problem::new(&said.origin, message));
        }
        // Without the text itself, in which somebody may have written a password.
        let url = url(&said.values.concat())
            .map_err(|message| self.problems.push(Problem::new(&said.origin, message)))
            .ok()?;
        if ca_file.is_some() && !url.tls {
            let message =
                "is no https:// URL, so that kafka.schema_registry.ca_file has no use: leave one of them out";
            self.problems.push(Problem::new(&said.origin, message));
        }
        Some(Some(RegistrySettings {
            url,
            ca_file,
            login: username.zip(password),
            subject_names: subject_names?,
            auto_register: auto_register?,
            timeout: timeout?,
        }))
    }
}

/// `None` is JSON.
fn format(text: &str) -> Result<Option<BinaryFormat>, String> {
    match text {
        "json" => Ok(None),
        "avro" => Ok(Some(BinaryFormat::Avro)),
        "protobuf" => Ok(Some(BinaryFormat::Protobuf)),
        _ => Err("it must be json, avro or protobuf".to_owned()),
    }
}

/// Whether the mode is the structured one.
fn cloud_events(text: &str) -> Result<bool, String> {
    match text {
        "binary" => Ok(false),
        "structured" => Ok(true),
        _ => Err("it must be binary or structured".to_owned()),
    }
}

fn subject_names(text: &str) -> Result<SubjectNames, String> {
    match text {
        "topic-name" => Ok(SubjectNames::TopicName),
        "record-name" => Ok(SubjectNames::RecordName),
        "topic-record-name" => Ok(SubjectNames::TopicRecordName),
        _ => Err("it must be topic-name, record-name or topic-record-name".to_owned()),
    }
}

fn url(text: &str) -> Result<RegistryUrl, String> {
    let right = || {
        "it must be an http:// or https:// URL without a query, such as https://registry:8081; a login goes into \
         kafka.schema_registry.username and kafka.schema_registry.password_file"
            .to_owned()
    };
    let parsed: Uri = text.parse().map_err(|_| right())?;
    let tls = match parsed.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(right()),
    };
    let authority = parsed.authority().ok_or_else(right)?;
    if authority.as_str().contains('@') || parsed.query().is_some() || authority.host().is_empty() {
        return Err(right());
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok(RegistryUrl { tls, host, port, path: parsed.path().trim_end_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    fn read(table: &str) -> Result<FormatSettings, Vec<String>> {
        let file = format!("write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\n{table}\n");
        resolve(&[], &[], Some(&file)).map(|settings| settings.format)
    }

    #[test]
    fn a_form_and_its_registry_are_read() {
        assert_eq!(read(""), Ok(FormatSettings::Json));
        assert_eq!(read("cloud_events = 'structured'"), Ok(FormatSettings::StructuredJson));
        assert_eq!(read("format = 'protobuf'"), Ok(FormatSettings::Binary(BinaryFormat::Protobuf, None)));
        let password = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(password.path(), "hunter2\n").unwrap();
        let table = format!(
            "format = 'avro'\n[kafka.schema_registry]\nurl = 'https://[::1]:9/apis/ccompat/v7/'\nusername = 'ann'\n\
             password_file = {:?}\nauto_register = 'off'\nsubject_name_strategy = 'topic-record-name'\n",
            password.path()
        );
        let Ok(FormatSettings::Binary(BinaryFormat::Avro, Some(registry))) = read(&table) else {
            panic!("{table}")
        };
        assert_eq!(registry.url.to_string(), "https://[::1]:9/apis/ccompat/v7");
        let (username, password) = registry.login.clone().unwrap();
        assert_eq!((username.as_str(), password.now().expose()), ("ann", "hunter2"));
        assert_eq!((registry.auto_register, registry.timeout), (false, Duration::from_secs(10)));
        assert_eq!(registry.subject_names.of("t"), "t-footfall.Record");
        assert!(!format!("{registry:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_wrong_or_contradicts_itself_is_told() {
        for (table, right) in [
            ("format = 'xml'", "it must be json, avro or protobuf"),
            ("cloud_events = 'none'", "it must be binary or structured"),
            ("format = 'avro'\ncloud_events = 'structured'", "is structured, which is for kafka.format json"),
            ("schema_registry.url = 'http://r'", "is set, but kafka.format is json"),
            ("format = 'avro'\nschema_registry.auto_register = 'off'", "schema_registry.url is not"),
            ("format = 'avro'\nschema_registry.url = 'r:8081'", "it must be an http:// or https:// URL"),
            ("format = 'avro'\nschema_registry.url = 'http://r?x=1'", "without a query"),
            (
                "format = 'avro'\nschema_registry.url = 'http://r'\nschema_registry.username = 'a'",
                "or neither",
            ),
            ("format = 'avro'\nschema_registry.password = 'hunter2'", "is a secret"),
        ] {
            let told = read(table).unwrap_err();
            assert!(told.iter().any(|told| told.contains(right)), "{table}: {told:?}");
            assert!(!told.concat().contains("hunter2"), "{told:?}");
        }
        // A login in the URL is not repeated.
        let told = read("format = 'avro'\nschema_registry.url = 'http://ann:hunter2@r'").unwrap_err();
        assert!(told[0].contains("a login goes into") && !told[0].contains("hunter2"), "{told:?}");
    }
}
