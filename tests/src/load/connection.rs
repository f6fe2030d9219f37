//! One kept-alive HTTP/1.1 connection to the server's events address.
//! It sends a body and reads the answer; what to send and what to count is left to `load`.

use crate::Error;
use bytes::Bytes;
use footfall_event_model::{Answer, EventStatus, Refusal};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpStream;

/// An answer has an entry for each refused event of at most 500; anything larger is no answer.
const ANSWER_BYTES: usize = 1 << 20;
/// The server gives Kafka 10 s for a batch; a batch without an answer after three times that is lost.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// The browsers of its visitors: what is read of each is cached, as it is where thousands visit.
const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
];

/// One connection of a proxy in front of many visitors.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: String,
    path: String,
    random: fastrand::Rng,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) struct BatchOutcome {
    whole_refused: bool,
    refused: HashSet<usize>,
    pub(super) retry_after: Option<Duration>,
}

impl BatchOutcome {
    /// The places in a batch of `events` that were not acknowledged.
    pub(super) fn refused_places(&self, events: usize) -> HashSet<usize> {
        if self.whole_refused { (0..events).collect() } else { self.refused.clone() }
    }
}

impl Connection {
    pub(super) async fn open(address: &str, write_key: &str, is_packed: bool) -> Result<Self, Error> {
        let sender = connect(address).await?;
        let encoding = if is_packed { "&encoding=gzip" } else { "" };
        let path = format!("/v1/events?key={write_key}&priority=normal{encoding}");
        Ok(Self { sender, address: address.to_owned(), path, random: fastrand::Rng::new() })
    }

    pub(super) async fn send(&mut self, body: Bytes) -> Result<BatchOutcome, Error> {
        let url = format!("http://{}{}", self.address, self.path);
        let failed = |reason: String| Error::Http { url: url.clone(), reason };
        // Of networks that belong to somebody, so that each has a country.
        let visitor = Ipv4Addr::new(self.random.u8(60..96), self.random.u8(..), self.random.u8(..), 1);
        let request = Request::post(self.path.as_str())
            .header(header::HOST, self.address.as_str())
            .header(header::CONTENT_TYPE, "text/plain;charset=UTF-8")
            .header(header::USER_AGENT, BROWSERS[self.random.usize(0..BROWSERS.len())])
            .header(header::ORIGIN, "https://forum.example")
            .header("x-forwarded-for", visitor.to_string())
            .body(Full::new(body))
            .map_err(|error| failed(error.to_string()))?;
        // A server that refuses a body unread closes the connection behind its answer.
        if self.sender.ready().await.is_err() {
            self.sender = connect(&self.address).await?;
        }
        let exchange = async {
            let response =
                self.sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
            Ok((status, body.map_err(|error| failed(error.to_string()))?.to_bytes()))
        };
        let (status, body) = tokio::time::timeout(ANSWER_WAIT, exchange)
            .await
            .map_err(|_| failed(format!("no answer within {} s", ANSWER_WAIT.as_secs())))??;
        read_answer(status, &body).map_err(failed)
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>, Error> {
    let failed = |reason: String| Error::Http { url: address.to_owned(), reason };
    let stream = TcpStream::connect(address).await.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let (sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.to_string()))?;
    // An error of the connection comes out of the request that meets it.
    tokio::spawn(connection);
    Ok(sender)
}

fn read_answer(status: StatusCode, body: &[u8]) -> Result<BatchOutcome, String> {
    let no_answer = |error: serde_json::Error| format!("{status} with a body that is no answer: {error}");
    // 202: the server's guarantee is at-most-once.
    if status == StatusCode::OK || status == StatusCode::ACCEPTED {
        let answer: Answer = serde_json::from_slice(body).map_err(no_answer)?;
        let refused = answer
            .events
            .iter()
            .filter(|event| event.status != EventStatus::Accepted)
            .map(|event| event.index as usize)
            .collect();
        let retry_after = answer.retry_after_ms.map(Duration::from_millis);
        return Ok(BatchOutcome { whole_refused: false, refused, retry_after });
    }
    let refusal: Refusal = serde_json::from_slice(body).map_err(no_answer)?;
    match (status, refusal.retry_after_ms) {
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => Ok(BatchOutcome {
            whole_refused: true,
            refused: HashSet::new(),
            retry_after: Some(Duration::from_millis(wait)),
        }),
        _ => Err(format!("{status} ({}): {}", refusal.code, refusal.reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_answer_does_not_name_counts_as_acknowledged() {
        let body = br#"{"code":"partial","accepted":2,"duplicate":0,"invalid":1,"dropped":0,"retry":0,"unknown_fields":0,
            "events":[{"index":1,"status":"invalid","code":"name"}]}"#;
        let outcome = read_answer(StatusCode::OK, body).expect("an answer");
        assert_eq!(outcome.refused_places(3), HashSet::from([1]));
    }

    #[test]
    fn a_batch_put_off_is_refused_as_a_whole_and_waited_for() {
        let body = br#"{"code":"memory_full","reason":"later","retry_after_ms":250}"#;
        let outcome = read_answer(StatusCode::SERVICE_UNAVAILABLE, body).expect("a refusal");
        assert_eq!(outcome.refused_places(2).len(), 2);
        assert_eq!(outcome.retry_after, Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_wrong_key_ends_the_load_in_the_servers_words() {
        let body = br#"{"code":"unknown_key","reason":"the write key pk_x is not known"}"#;
        let error = read_answer(StatusCode::UNAUTHORIZED, body).expect_err("no load without a key");
        assert!(error.contains("the write key pk_x is not known"), "{error}");
    }
}
