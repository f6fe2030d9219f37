//! Asks a schema registry, a connection a question: three paths of Confluent's API, and what their answers mean.
//! Whether and how long to ask again is decided beside this.

use super::RegistryError;
use crate::settings::{RegistrySettings, RegistryUrl};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use footfall_event_model::BinaryFormat;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// An answer that is longer is none of a registry's: the longest has our schema in it.
const ANSWER_BYTES: usize = 1 << 20;
/// Of what a registry says, so much is repeated.
const REASON_BYTES: usize = 500;
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Percent-encoded in a path beside what RFC 3986 leaves as it is.
const IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a question has no answer.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It may have one later.
    Away(String),
    /// Not with this login; with what the password's file holds later it may.
    Login(String),
    /// It will not: what was said, as words that follow the registry's name.
    Refused(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away(reason) => write!(f, "is away ({reason})"),
            Self::Login(words) | Self::Refused(words) => f.write_str(words),
        }
    }
}

/// What a registry knows of our schema under a subject.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is there, under this id.
    Id(u32),
    /// It is not, and it fits what is there, if anything.
    Missing,
    /// It is not, and it does not fit what is there.
    Unfit,
}

/// One registry.
pub(super) struct Client<'a> {
    registry: &'a RegistrySettings,
    tls: Option<TlsConnector>,
}

impl<'a> Client<'a> {
    pub(super) fn new(registry: &'a RegistrySettings) -> Result<Self, RegistryError> {
        let tls = registry.url.tls.then(|| connector(registry)).transpose().map_err(RegistryError::Ca)?;
        Ok(Self { registry, tls })
    }

    /// The id of our schema: registers it where that is allowed, which gives the same one each time, else looks it up.
    pub(super) async fn id(
        &self,
        subject: &str,
        format: BinaryFormat,
        within: Duration,
    ) -> Result<u32, Failure> {
        if !self.registry.auto_register {
            return self.look_up(subject, format, within).await?.ok_or_else(|| {
                Failure::Refused(format!(
                    "does not have our schema under the subject `{subject}`: register it there ({}), or set \
                     kafka.schema_registry.auto_register to on",
                    file_of(format)
                ))
            });
        }
        let path = format!("/subjects/{}/versions", encoded(subject));
        let (status, answer) = self.post(&path, &schema(format), within).await?;
        match status {
            StatusCode::OK | StatusCode::CREATED => id_in(&answer),
            StatusCode::CONFLICT => Err(Failure::Refused(unfit(subject, &answer))),
            _ => Err(self.refused(status, &answer)),
        }
    }

    /// What it knows of our schema; nothing is registered by asking.
    pub(super) async fn knows(
        &self,
        subject: &str,
        format: BinaryFormat,
        within: Duration,
    ) -> Result<Known, Failure> {
        if let Some(id) = self.look_up(subject, format, within).await? {
            return Ok(Known::Id(id));
        }
        let path = format!("/compatibility/subjects/{}/versions/latest", encoded(subject));
        match self.post(&path, &schema(format), within).await? {
            (StatusCode::OK, answer) if answer["is_compatible"] == false => Ok(Known::Unfit),
            (StatusCode::OK | StatusCode::NOT_FOUND, _) => Ok(Known::Missing),
            (status, answer) => Err(self.refused(status, &answer)),
        }
    }

    async fn look_up(
        &self,
        subject: &str,
        format: BinaryFormat,
        within: Duration,
    ) -> Result<Option<u32>, Failure> {
        let path = format!("/subjects/{}", encoded(subject));
        match self.post(&path, &schema(format), within).await? {
            (StatusCode::OK, answer) => id_in(&answer).map(Some),
            // The subject is not there, or our schema is not among its versions.
            (StatusCode::NOT_FOUND, answer)
                if matches!(answer["error_code"].as_u64(), Some(40401..=40403)) =>
            {
                Ok(None)
            }
            (status, answer) => Err(self.refused(status, &answer)),
        }
    }

    /// What an answer that is none means.
    fn refused(&self, status: StatusCode, answer: &Value) -> Failure {
        let said = said(answer);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => match self.registry.login {
                None => Failure::Refused(format!(
                    "asks for a login ({status}): set kafka.schema_registry.username and kafka.schema_registry.password_file"
                )),
                Some(_) => Failure::Login(format!("refuses the login, or what it may do ({status}{said})")),
            },
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Failure::Refused(format!(
                "has no schema registry's API under that URL ({status}{said}): name where it begins, such as \
                 https://registry:8081 or, for Apicurio, https://registry:8080/apis/ccompat/v7"
            )),
            StatusCode::TOO_MANY_REQUESTS => Failure::Away(format!("it answers {status}{said}")),
            status if status.is_server_error() => Failure::Away(format!("it answers {status}{said}")),
            status => Failure::Refused(format!("answers {status}{said}")),
        }
    }

    async fn post(&self, path: &str, body: &Value, within: Duration) -> Result<(StatusCode, Value), Failure> {
        let within = within.min(QUESTION);
        let answered = tokio::time::timeout(within, self.exchange(path, body)).await;
        answered.unwrap_or_else(|_| Err(Failure::Away(format!("no answer within {within:?}"))))
    }

    async fn exchange(&self, path: &str, body: &Value) -> Result<(StatusCode, Value), Failure> {
        let url = &self.registry.url;
        let away = |what: &str, error: &dyn std::fmt::Display| Failure::Away(format!("{what}: {error}"));
        let stream = TcpStream::connect((url.host.as_str(), url.port))
            .await
            .map_err(|error| away("it cannot be reached", &error))?;
        match &self.tls {
            None => self.ask(stream, url, path, body).await,
            Some(tls) => {
                let name = ServerName::try_from(url.host.clone()).map_err(|error| {
                    Failure::Refused(format!("has no name that TLS could check: {error}"))
                })?;
                let stream = tls.connect(name, stream).await.map_err(|error| {
                    away("TLS fails (its CA is named by kafka.schema_registry.ca_file)", &error)
                })?;
                self.ask(stream, url, path, body).await
            }
        }
    }

    async fn ask<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &self,
        stream: S,
        url: &RegistryUrl,
        path: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value), Failure> {
        let away = |error: hyper::Error| Failure::Away(format!("the connection failed: {error}"));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(away)?;
        // It ends with the sender.
        let connection = tokio::spawn(connection);
        let mut request = Request::post(format!("{}{path}", url.path))
            .header(header::HOST, url.authority())
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header(header::ACCEPT, format!("{MEDIA_TYPE}, application/json"));
        if let Some((username, password)) = &self.registry.login {
            let login = STANDARD.encode(format!("{username}:{}", password.now().expose()));
            request = request.header(header::AUTHORIZATION, format!("Basic {login}"));
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| Failure::Refused(format!("cannot be asked: {error}")))?;
        let response = sender.send_request(request).await.map_err(away)?;
        let status = response.status();
        let answer = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        connection.abort();
        let answer = answer.map_err(|error| Failure::Away(format!("its answer cannot be read: {error}")))?;
        // What is no JSON is told by its status alone.
        Ok((status, serde_json::from_slice(&answer.to_bytes()).unwrap_or_default()))
    }
}

fn connector(registry: &RegistrySettings) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match &registry.ca_file {
        Some(file) => {
            let told =
                |error: &dyn std::fmt::Display| format!("`{}` cannot be used: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| told(&error))? {
                let certificate = certificate.map_err(|error| told(&error))?;
                roots.add(certificate).map_err(|error| told(&error))?;
            }
            if roots.is_empty() {
                return Err(told(&"there is no certificate in it"));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(
                    "is not set, and this machine trusts no certificate authority: name the registry's"
                        .to_owned(),
                );
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn encoded(subject: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(subject, IN_A_PATH)
}

/// Where our schema is in the source.
fn file_of(format: BinaryFormat) -> &'static str {
    match format {
        BinaryFormat::Avro => "event-model/schemas/record.avsc",
        BinaryFormat::Protobuf => "event-model/schemas/record.proto",
    }
}

/// The schema as the API takes it.
fn schema(format: BinaryFormat) -> Value {
    let kind = match format {
        BinaryFormat::Avro => "AVRO",
        BinaryFormat::Protobuf => "PROTOBUF",
    };
    json!({ "schemaType": kind, "schema": format.schema() })
}

fn id_in(answer: &Value) -> Result<u32, Failure> {
    let id = answer["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    id.ok_or_else(|| Failure::Refused("answers without a schema's id: is it a schema registry?".to_owned()))
}

pub(super) fn unfit(subject: &str, answer: &Value) -> String {
    format!(
        "refuses our schema under the subject `{subject}`: it does not fit the one that is there{}; choose another subject \
         (kafka.topic, kafka.schema_registry.subject_name_strategy), or its compatibility there",
        said(answer)
    )
}

/// A registry's own words, where it has any.
fn said(answer: &Value) -> String {
    match answer["message"].as_str() {
        Some(words) => format!(": {}", footfall_event_model::text::cut(words, REASON_BYTES)),
        None => String::new(),
    }
}
