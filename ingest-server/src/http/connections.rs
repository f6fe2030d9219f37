//! Accepts connections within bounds and lets them finish when the server stops.
//! `axum::serve` has no bound on connections and no time for a request's head, so hyper is driven here.

use crate::settings::HttpSettings;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower_service::Service;

/// Requests open at once on one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 100;
/// Bytes of a request's head at most.
const HEAD_BYTES: usize = 32 * 1024;
/// How long to wait before looking again: when the system has no socket for a connection, or one says too little.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves `routes` on `listener` until it is time to stop, then lets open requests finish; the caller sets the deadline.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    bounds: HttpSettings,
    mut stopping: watch::Receiver<bool>,
) {
    let open = Arc::new(Semaphore::new(bounds.max_connections.min(Semaphore::MAX_PERMITS)));
    let finishing = GracefulShutdown::new();
    let mut http = Builder::new(TokioExecutor::new());
    // A sender that closes its half right after the body still gets its answer (RFC 9112, section 9.6).
    http.http1()
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_timeout)
        .max_buf_size(HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(bounds.head_timeout);
    let http = Arc::new(http);
    loop {
        // A place is had before a connection is taken: the rest waits in the system's backlog.
        let accepted = tokio::select! {
            accepted = accept(&listener, &open) => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let routes = routes.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            routes.clone().call(request)
        });
        let (http, watcher, mut stopping) = (Arc::clone(&http), finishing.watcher(), stopping.clone());
        tokio::spawn(async move {
            let speaks = tokio::select! {
                speaks = timeout(bounds.head_timeout, first_words(&stream)) => matches!(speaks, Ok(Ok(()))),
                _ = stopping.wait_for(|stop| *stop) => false,
            };
            if speaks {
                let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
                if let Err(error) = watcher.watch(connection).await {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            drop(place);
        });
    }
    drop(listener);
    finishing.shutdown().await;
}

/// Waits until the other end has said enough to tell HTTP/1 from HTTP/2, which hyper waits for without a limit.
async fn first_words(stream: &TcpStream) -> std::io::Result<()> {
    const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut words = [0; HTTP2_PREFACE.len()];
    loop {
        let read = stream.peek(&mut words).await?;
        let undecided = HTTP2_PREFACE.starts_with(&words[..read]) && read < HTTP2_PREFACE.len();
        if read == 0 || !undecided {
            return Ok(());
        }
        // A peek returns at once while there is anything to read; whoever dribbles the preface is looked at now and then.
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(open).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and wait for nothing: Nagle's algorithm would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps Nagle's algorithm");
            }
            Some((stream, peer, place))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection now");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
