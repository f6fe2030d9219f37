//! Sends dead letters to a running server, one after the other, as if their senders had sent them now.
//! They go through every check again; what is refused again is told, and leaves another letter. What Kafka had refused goes
//! to Kafka.

use super::again::Again;
use super::letter::Letter;
use super::refused_by_kafka::Kafka;
use super::{Wanted, each};
use crate::commands::CommandError;
use crate::settings::Settings;
use axum::body::Bytes;
use axum::http::Uri;
use footfall_event_model::{Answer, Refusal};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::net::TcpStream;

/// How often one letter is tried where the server asks for time, and how long it is given at most.
const ATTEMPTS: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// An answer is not read beyond this.
const ANSWER_BYTES: usize = 1 << 20;
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends the letters that are wanted to the server at `to`.
///
/// # Errors
/// [`CommandError::Replay`] where the server cannot be reached or refused one.
pub(super) fn replay(settings: &Settings, wanted: &Wanted, to: &str) -> Result<(), CommandError> {
    let authority = authority(to).map_err(CommandError::Replay)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CommandError::System { doing: "cannot start", source })?;
    let (mut server, mut kafka) = (Server { authority, connection: None }, Kafka::default());
    let (mut accepted, mut duplicate, mut refused) = (0, 0, 0);
    each(settings, wanted, |letter| {
        let id = letter.id().unwrap_or("?").to_owned();
        let sent = match letter.is_record() {
            true => kafka.send(settings, &letter).map(|sent| sent.map(|()| true)),
            false => runtime.block_on(server.send(settings, &letter)),
        };
        match sent.map_err(CommandError::Replay)? {
            Ok(true) => accepted += 1,
            Ok(false) => duplicate += 1,
            Err(reason) => {
                refused += 1;
                eprintln!("footfall: {id} was not taken: {reason}");
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let told = format!("{accepted} accepted, {duplicate} stored before, {refused} not taken\n");
    let written = std::io::stdout().lock().write_all(told.as_bytes());
    written.map_err(|source| CommandError::System { doing: "cannot print", source })?;
    if refused == 0 { Ok(()) } else { Err(CommandError::Replay(format!("{refused} were not taken"))) }
}

fn authority(to: &str) -> Result<String, String> {
    let right = "it must be a server's address over plain HTTP, such as http://127.0.0.1:8080";
    let uri: Uri = to.parse().map_err(|_| format!("--to is {to:?}; {right}"))?;
    match (uri.scheme_str(), uri.host(), uri.path()) {
        (Some("http"), Some(host), "/") => Ok(format!("{host}:{}", uri.port_u16().unwrap_or(80))),
        _ => Err(format!("--to is {to:?}; {right}")),
    }
}

struct Server {
    authority: String,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Server {
    /// Whether the letter's event was accepted (else it was stored before), or why it was not taken.
    async fn send(&mut self, settings: &Settings, letter: &Letter) -> Result<Result<bool, String>, String> {
        let write_key = letter.write_key().unwrap_or_default();
        let signer = settings.checks.get(write_key).and_then(|site| site.signer.as_ref());
        let Again { path, body } = match Again::of(letter, signer) {
            Ok(again) => again,
            Err(reason) => return Ok(Err(reason.to_owned())),
        };
        let (target, body) = (format!("{path}?key={write_key}"), Bytes::from(body));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (status, text) = self.post(&target, letter, body.clone()).await?;
            // Segment's paths answer 400 and 503 where all was refused and with the same counts, and 202 is at-most-once's.
            if let Ok(answer) = serde_json::from_slice::<Answer>(&text) {
                match (answer.accepted, answer.duplicate, answer.retry_after_ms) {
                    (1, ..) => return Ok(Ok(true)),
                    (_, 1, _) => return Ok(Ok(false)),
                    (_, _, Some(wait)) if attempt < ATTEMPTS => pause(wait).await,
                    _ => {
                        let told = answer.events.into_iter().next().and_then(|event| event.reason);
                        return Ok(Err(told.unwrap_or_else(|| "the server did not say why".to_owned())));
                    }
                }
                continue;
            }
            if status.is_success() {
                return Err(format!(
                    "{} answers {status} with something that is none of ours",
                    self.authority
                ));
            }
            let refusal: Refusal = serde_json::from_slice(&text).unwrap_or_default();
            match refusal.retry_after_ms {
                Some(wait) if attempt < ATTEMPTS => pause(wait).await,
                _ => return Ok(Err(format!("{status} {}: {}", refusal.code, refusal.reason))),
            }
        }
    }

    async fn post(
        &mut self,
        target: &str,
        letter: &Letter,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), String> {
        let failed = |error: String| format!("cannot send to {}: {error}", self.authority);
        let mut connection = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => {
                let stream =
                    TcpStream::connect(&self.authority).await.map_err(|error| failed(error.to_string()))?;
                let (sender, connection) =
                    handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.to_string()))?;
                tokio::spawn(connection);
                sender
            }
        };
        let mut request = Request::post(target)
            .header("host", &self.authority)
            .header("content-type", "application/json")
            .header("user-agent", letter.text("user_agent").unwrap_or("footfall-dead-letters"));
        if letter.text("private").is_some() {
            request = request.header("sec-gpc", "1");
        }
        let request = request.body(Full::new(body)).map_err(|error| failed(error.to_string()))?;
        let answer = async {
            connection.ready().await.map_err(|error| error.to_string())?;
            let response = connection.send_request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
            Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        let answer: Result<_, String> = tokio::time::timeout(ANSWER_TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {ANSWER_TIMEOUT:?}")));
        let answer = answer.map_err(failed)?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

async fn pause(retry_after_ms: u64) {
    tokio::time::sleep(Duration::from_millis(retry_after_ms).min(LONGEST_WAIT)).await;
}
