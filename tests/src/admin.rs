//! Asks a server's admin address how it is (`GET /status`), as `footfall status` does.

use crate::Error;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const ANSWER_BYTES: usize = 1 << 20;
const ANSWER_WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// What these tools look at.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// Kafka, where it is set.
    pub kafka: Option<Kafka>,
}

/// Kafka as the server sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Kafka {
    /// `healthy`, `away` or `recovering`.
    pub state: String,
    /// Rows of the journal that wait for it.
    pub waiting_rows: u64,
    /// Records that may stand in it twice.
    pub possible_duplicates: u64,
}

/// Asks once.
///
/// # Errors
/// [`Error::Http`] where nothing answers within 5 s, or something else does.
pub async fn status(address: &str) -> Result<Status, Error> {
    let failed = |reason: String| Error::Http { url: format!("http://{address}/status"), reason };
    let asked = async {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // An error of the connection comes out of the request that meets it.
        tokio::spawn(connection);
        let request = Request::get("/status").header("host", address).body(Empty::<Bytes>::new());
        let request = request.map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    };
    timeout(ANSWER_WAIT, asked).await.unwrap_or_else(|_| Err("no answer".to_owned())).map_err(failed)
}

/// Waits until Kafka has everything, and tells how the server is then.
///
/// # Errors
/// [`Error::Promise`] once the time is over.
pub async fn until_drained(address: &str, at_most: Duration) -> Result<Kafka, Error> {
    let begun = Instant::now();
    loop {
        let told = status(address).await?.kafka;
        match told {
            Some(kafka) if kafka.state == "healthy" && kafka.waiting_rows == 0 => return Ok(kafka),
            told if begun.elapsed() > at_most => {
                return Err(Error::Promise(format!(
                    "Kafka does not have everything after {at_most:?}: {told:?}"
                )));
            }
            _ => sleep(PAUSE).await,
        }
    }
}
