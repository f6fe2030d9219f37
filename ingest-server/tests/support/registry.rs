//! A real schema registry (Apicurio, by Confluent's API), and a front before it that can ask for a login, speak TLS, and go.
//! `scripts/schema-registry.sh` knows how to get and start it.

use crate::support::ports::free_ports;
use crate::support::{Reply, send};
use axum::body::Bytes;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A first start may have to fetch it.
const START_DEADLINE: Duration = Duration::from_secs(300);
/// Where Confluent's API begins there.
pub const API: &str = "/apis/ccompat/v7";

pub struct Registry {
    pub address: SocketAddr,
    directory: TempDir,
    process: Child,
    /// Stops it where this process ends without doing so: the pipe to its `cat` closes then.
    watchdog: Child,
}

impl Registry {
    pub async fn start() -> Self {
        let [port] = free_ports();
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/schema-registry.sh");
        let process = Command::new("bash")
            .arg(script)
            .arg(port.to_string())
            .arg(directory.path().join("log"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let watchdog = Command::new("sh")
            .args(["-c", "trap '' INT; cat; kill -9 \"$1\"; rm -rf \"$2\"", "sh", &process.id().to_string()])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut registry = Self { address: ([127, 0, 0, 1], port).into(), directory, process, watchdog };
        let begun = Instant::now();
        while TcpStream::connect(registry.address).await.is_err()
            || registry.get("/subjects").await.status != 200
        {
            let log = std::fs::read_to_string(registry.directory.path().join("log")).unwrap_or_default();
            let ended = registry.process.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < START_DEADLINE, "{ended:?} {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        registry
    }

    pub fn url(&self) -> String {
        format!("http://{}{API}", self.address)
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.address, "GET", &format!("{API}{path}"), &[], "").await
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        send(self.address, method, &format!("{API}{path}"), &headers, Bytes::from(body.to_string())).await
    }

    /// The schema of an id, as any reader asks for it.
    pub async fn schema(&self, id: u32) -> String {
        let reply = self.get(&format!("/schemas/ids/{id}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["schema"].as_str().unwrap().to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // The watchdog first: the id is free for others once it has been waited for.
        for child in [&mut self.watchdog, &mut self.process] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Passes connections on to a registry; nobody listens any more once it is dropped.
pub struct Front {
    pub address: SocketAddr,
    /// How many requests had another login than the one that is wanted.
    pub refused: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Front {
    /// One that lets through what has this value of `Authorization`, if one is wanted.
    pub async fn start(registry: &Registry, wanted: Option<&'static str>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, to) = (listener.local_addr().unwrap(), registry.address);
        let tls = tls.map(Arc::new);
        let refused = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&refused);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, refused) = (tls.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    match tls {
                        None => pass(stream, to, wanted, &refused).await,
                        // Whoever does not trust the certificate ends the handshake.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => pass(stream, to, wanted, &refused).await,
                            Err(_) => Ok(()),
                        },
                    }
                });
            }
        });
        Self { address, refused, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}{API}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Each connection carries one request, whose head comes first.
async fn pass(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    to: SocketAddr,
    wanted: Option<&str>,
    refused: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let said = String::from_utf8_lossy(&head).to_lowercase();
    if wanted.is_some_and(|wanted| !said.contains(&format!("authorization: {wanted}").to_lowercase())) {
        refused.fetch_add(1, Ordering::Relaxed);
        let body = r#"{"error_code":401,"message":"Unauthorized"}"#;
        let answer = format!(
            "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        return stream.write_all(answer.as_bytes()).await;
    }
    let mut registry = TcpStream::connect(to).await?;
    registry.write_all(&head).await?;
    copy_bidirectional(&mut stream, &mut registry).await.map(|_| ())
}
