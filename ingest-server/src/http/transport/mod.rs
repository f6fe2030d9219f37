//! Takes connections within bounds, from the listener to the first byte of HTTP, and lets them finish at a stop.
//! `axum::serve` has no bound on connections and no time for anything, so hyper is driven here.

mod bounds;
mod connection;
mod places;
pub(crate) mod proxy_header;
mod pulse;
mod socket;
mod tls;
mod unix;

pub use bounds::Reason;
pub use socket::Listener;
pub use tls::{Tls, TlsError};
pub use unix::{UnixError, UnixSocket, listen as listen_unix};

use crate::metrics::Metrics;
use crate::settings::HttpSettings;
use axum::BoxError;
use axum::body::Bytes;
use axum::http::{Request, Response};
use connection::Http;
use hyper::body::{Body, Incoming};
use places::Places;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower::Service;

/// How long to wait when the system has no socket for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The other end of the connection: the client itself, or the last proxy before the server. A connection that came
/// through a Unix socket has none, unless the proxy's PROXY header names it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Whether the other end of a connection is a proxy whose word is taken; `None` is a Unix socket.
pub type Trusted = Arc<dyn Fn(Option<IpAddr>) -> bool + Send + Sync>;

/// What answers each request, always ready for the next one.
pub trait Routes: Clone + Send + Sync + 'static {
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    /// Answers one request.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Infallible>> + Send + use<Self> + 'static;
}

impl<S, B> Routes for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send + 'static>,
    S: Clone + Send + Sync + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Body = B;

    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<B>, Infallible>> + Send + use<S, B> + 'static {
        self.clone().call(request)
    }
}

/// What all listeners that serve the same routes have in common.
pub struct Front<R> {
    routes: R,
    bounds: HttpSettings,
    http: Http,
    open: Arc<Semaphore>,
    /// The connections of each address; the operator's own are not counted.
    places: Option<Arc<Places>>,
    /// Who is a proxy.
    trusted: Trusted,
    /// Whether proxies begin a connection with a PROXY header.
    proxy_header: bool,
    metrics: Arc<Metrics>,
    /// How long connections may finish what they have begun, at a stop.
    finish_within: Duration,
}

/// How far the end of the server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    Finishing,
    Cutting,
}

impl<R: Routes> Front<R> {
    /// The front of the public routes.
    pub fn public(
        routes: R,
        bounds: HttpSettings,
        trusted: Trusted,
        proxy_header: bool,
        finish_within: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        let open = Arc::new(Semaphore::new(bounds.max_connections.min(Semaphore::MAX_PERMITS)));
        let places = Some(Arc::new(Places::new(bounds.max_connections_per_address)));
        let http = Http::new();
        Self { routes, bounds, http, open, places, trusted, proxy_header, metrics, finish_within }
    }

    /// The front of the operator's routes: no bound for each address, and its streams may last. Nobody waits at the end
    /// for an operator's browser that does not read.
    pub fn admin(routes: R, bounds: HttpSettings, metrics: Arc<Metrics>) -> Self {
        let trusted: Trusted = Arc::new(|_| false);
        let public = Self::public(routes, bounds, trusted, false, Duration::ZERO, metrics);
        Self { places: None, ..public }
    }
}

/// Serves a front on a listener until it is time to stop, then lets open requests finish, and cuts what does not.
pub async fn serve<R: Routes>(
    listener: Listener,
    tls: Option<Tls>,
    front: Arc<Front<R>>,
    mut stopping: watch::Receiver<bool>,
) {
    let (phase, phases) = watch::channel(Phase::Serving);
    let connections = TaskTracker::new();
    loop {
        // A place is had before a connection is taken: the rest waits in the system's backlog.
        let accepted = tokio::select! {
            accepted = accept(&listener, &front.open) => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let Some((raw, peer, place)) = accepted else { continue };
        let (front, tls, phases) = (Arc::clone(&front), tls.clone(), phases.clone());
        connections.spawn(async move {
            let ending = connection::run(raw, peer, tls.as_ref(), &front, phases).await;
            if let Err(reason) = ending {
                front.metrics.transport.count_end(reason);
                tracing::debug!(reason = reason.label(), "ended a connection");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    phase.send_replace(Phase::Finishing);
    if timeout(front.finish_within, connections.wait()).await.is_err() {
        phase.send_replace(Phase::Cutting);
        connections.wait().await;
    }
}

async fn accept(
    listener: &Listener,
    open: &Arc<Semaphore>,
) -> Option<(socket::Raw, Option<SocketAddr>, OwnedSemaphorePermit)> {
    let place = Arc::clone(open).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((raw, peer)) => Some((raw, peer.map(plain), place)),
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection now");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// An IPv4 address is one, also where it came through an IPv6 socket (RFC 4291, section 2.5.5.2).
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
