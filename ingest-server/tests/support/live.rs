//! A watcher of `/debug/events` over a real connection, which reads the stream as an `EventSource` does.

use super::Reply;
use axum::body::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// One thing that was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub id: u64,
    pub kind: String,
    pub data: Value,
}

/// An open live view.
pub struct Watcher {
    body: Incoming,
    rest: String,
    /// Everything that was shown until now.
    pub shown: Vec<Shown>,
}

/// Asks for a live view; an answer that is no stream is given back whole.
pub async fn ask(admin: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Result<Watcher, Reply> {
    let stream = TcpStream::connect(admin).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::get(format!("/debug/events{query}"));
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", admin.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    if head.status == StatusCode::OK {
        assert_eq!(head.headers["content-type"], "text/event-stream");
        return Ok(Watcher { body, rest: String::new(), shown: Vec::new() });
    }
    let body = body.collect().await.unwrap().to_bytes();
    Err(Reply { status: head.status, headers: head.headers, body })
}

/// The same where a stream must come.
pub async fn watch(admin: SocketAddr, query: &str) -> Watcher {
    ask(admin, query, &[]).await.unwrap_or_else(|reply| panic!("{reply:?}"))
}

impl Watcher {
    /// Reads on until as many are shown as that, and gives all of them.
    pub async fn until(&mut self, count: usize) -> &[Shown] {
        self.until_shown(|shown| shown.len() >= count).await
    }

    /// Reads on until what is shown is what a test waits for.
    pub async fn until_shown(&mut self, enough: impl Fn(&[Shown]) -> bool) -> &[Shown] {
        while !enough(&self.shown) {
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no more than {:#?}", self.shown));
            let Some(Ok(frame)) = frame else { panic!("ended after {:#?}", self.shown) };
            self.rest.push_str(str::from_utf8(frame.data_ref().unwrap()).unwrap());
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                self.shown.extend(shown(block));
                self.rest = rest.to_owned();
            }
        }
        &self.shown
    }
}

/// One block of the stream; a comment, which keeps the connection open, shows nothing.
fn shown(block: &str) -> Option<Shown> {
    let field = |name: &str| {
        let mut values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next();
        assert!(values.next().is_none(), "{name} stands twice in {block}");
        value
    };
    Some(Shown {
        id: field("id").map_or(0, |id| id.parse().unwrap()),
        kind: field("event")?.to_owned(),
        data: serde_json::from_str(field("data").unwrap()).unwrap(),
    })
}
