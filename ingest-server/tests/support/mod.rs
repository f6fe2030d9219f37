//! A server on ports of its own in a folder of its own, and a client that speaks plain HTTP to it.
//! What is promised is asserted in the tests beside this folder.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

pub mod batches;
pub mod kafka;
pub mod letters;
pub mod live;
#[path = "../../../delivery/tests/support/ports.rs"]
pub mod ports;
pub mod program;
pub mod redis;
pub mod reverse_proxy;
pub mod secured_kafka;
pub mod tls;

use axum::body::Bytes;
use footfall_delivery::journal::JournalReader;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use ingest_server::server::{Listeners, RunError, run};
use ingest_server::settings::{Settings, Sources};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;

/// Between two looks of a test that waits: each may be a connection of its own, and other tests run beside it.
const LOOKS: Duration = Duration::from_millis(20);

/// Looks until it is so, for at most 20 seconds.
pub async fn until(is_so: impl AsyncFnMut() -> bool) {
    until_within(Duration::from_secs(20), is_so).await.unwrap();
}

/// The same within a time of one's own.
pub async fn until_within(patience: Duration, mut is_so: impl AsyncFnMut() -> bool) -> Result<(), Elapsed> {
    let so = async {
        while !is_so().await {
            tokio::time::sleep(LOOKS).await;
        }
    };
    tokio::time::timeout(patience, so).await
}

/// A running server.
pub struct Server {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub tls: Option<SocketAddr>,
    pub data_dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), RunError>>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl Server {
    /// Starts a server with the key `pk_demo` and these settings on top.
    pub async fn start(more: &[(&'static str, &str)]) -> Self {
        let more: Vec<_> = more.iter().map(|(key, value)| (*key, std::slice::from_ref(value))).collect();
        Self::start_with(&more).await
    }

    /// The same for settings that are lists.
    pub async fn start_with(more: &[(&'static str, &[&str])]) -> Self {
        Self::start_from(more, None).await
    }

    /// The same where nothing durable can be had.
    pub async fn start_unready(more: &[(&'static str, &str)]) -> Self {
        let more: Vec<_> = more.iter().map(|(key, value)| (*key, std::slice::from_ref(value))).collect();
        Self::run(&more, None).await
    }

    /// The same with a settings file.
    pub async fn start_from(more: &[(&'static str, &[&str])], file: Option<&str>) -> Self {
        let server = Self::run(more, file).await;
        server.until_ready().await;
        server
    }

    async fn run(more: &[(&'static str, &[&str])], file: Option<&str>) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let path = data_dir.path().join("footfall.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let mut flags: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        flags.insert("listen", vec!["127.0.0.1:0".to_owned()]);
        flags.insert("admin_listen", vec!["127.0.0.1:0".to_owned()]);
        flags.insert("data_dir", vec![data_dir.path().display().to_string()]);
        flags.insert("write_key", vec!["pk_demo".to_owned()]);
        for (key, values) in more {
            flags.insert(key, values.iter().map(|value| (*value).to_owned()).collect());
        }
        let mut problems = Vec::new();
        let sources = Sources::gather(flags, std::iter::empty(), file.map(|_| path.as_path()), &mut problems);
        let settings = Settings::resolve(&sources, &mut problems).ok_or(problems).unwrap();
        let listeners = Listeners::bind(&settings).await.unwrap();
        let (public, admin) = (listeners.public.local_addr().unwrap(), listeners.admin.local_addr().unwrap());
        let tls = listeners.tls.as_ref().map(|listener| listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(run(listeners, settings, async {
            let _ = stopped.await;
        }));
        Self { public, admin, tls, data_dir, stop: Some(stop), running }
    }

    async fn until_ready(&self) {
        until(async || self.get("/readyz").await.status == StatusCode::OK).await;
    }

    /// Stops the server and tells how it ended.
    pub async fn stop(mut self) -> (Result<(), RunError>, TempDir) {
        let _ = self.stop.take().unwrap().send(());
        (self.running.await.unwrap(), self.data_dir)
    }

    /// Posts a batch of `pk_demo` as a beacon would.
    pub async fn post(&self, body: impl Into<Bytes>) -> Reply {
        self.post_with("/v1/events?key=pk_demo", &[("content-type", "text/plain;charset=UTF-8")], body).await
    }

    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        send(self.public, "POST", path, headers, body).await
    }

    /// The metrics as text.
    pub async fn metrics(&self) -> String {
        String::from_utf8(self.get("/metrics").await.body.to_vec()).unwrap()
    }

    /// Waits until the metrics have that line.
    pub async fn until_metric(&self, line: &str) {
        let is_there = async || self.metrics().await.lines().any(|each| each == line);
        if until_within(Duration::from_secs(20), is_there).await.is_err() {
            panic!("no {line} in {}", self.metrics().await);
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.admin, "GET", path, &[], "").await
    }
}

/// A database of places that `scripts/setup.sh geo geo-test` has fetched.
pub fn geo_file(name: &str) -> String {
    let from = |name: &str, under: &str| Some(PathBuf::from(std::env::var_os(name)?).join(under));
    let cache = from("BUILD_CACHE", "")
        .or_else(|| from("XDG_CACHE_HOME", "footfall"))
        .or_else(|| from("HOME", ".cache/footfall"))
        .unwrap();
    let found =
        ["geo", "geo-test"].map(|part| cache.join(part).join(name)).into_iter().find(|path| path.exists());
    found
        .unwrap_or_else(|| panic!("{name} is missing: run scripts/setup.sh geo geo-test"))
        .display()
        .to_string()
}

/// The records in the journal of a server that was stopped.
pub fn stored(data_dir: &Path) -> Vec<Value> {
    let rows = JournalReader::open(data_dir).unwrap().read_after(0, 1000).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

/// Sends one request on a connection of its own.
pub async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Reply {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply { status: head.status, headers: head.headers, body }
}
