//! One connection from its first byte to its last: who it is, TLS, which HTTP, and the moment at which it is ended.
//! How long each part may take stands in `bounds`, what a request is answered in the routes.

use super::bounds::{Due, Reason, Times};
use super::places::Place;
use super::pulse::{Answering, Pulse};
use super::socket::{Raw, Socket, Stream};
use super::{Front, Peer, Phase, Routes, Tls, proxy_header};
use axum::http::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use std::convert::Infallible;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// What an HTTP/2 client says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Requests open at once on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// Streams that a client has reset and that were not looked at yet; beyond it the connection ends (CVE-2023-44487).
const RESETS: usize = 20;
/// Bytes of a request's head at most.
const HEAD_BYTES: usize = 32 * 1024;
/// Bytes of one HTTP/2 answer that wait for the client.
const UNSENT_BYTES: usize = 64 * 1024;
/// Bytes of a body that an HTTP/2 client may send before they are read, on one stream and on all together.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How long a connection that has been told to end may take for it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The two versions of HTTP with their bounds.
pub(super) struct Http {
    one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
}

impl Http {
    pub(super) fn new() -> Self {
        let mut one = http1::Builder::new();
        // A sender that closes its half right after the body still gets its answer (RFC 9112, section 9.6). How long a
        // head may take is told by the pulse, which tells it apart from the quiet between two requests.
        one.half_close(true).header_read_timeout(None).max_buf_size(HEAD_BYTES);
        // Most answers are small: side by side in one buffer they leave with less work for the system.
        one.writev(false);
        let mut two = http2::Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_pending_accept_reset_streams(RESETS)
            .max_header_list_size(HEAD_BYTES as u32)
            .max_send_buf_size(UNSENT_BYTES)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        Self { one, two }
    }
}

/// Serves one connection to its end.
///
/// # Errors
/// Why the server ended it; a client that ends it, or breaks HTTP, is no error.
pub(super) async fn run<R: Routes>(
    raw: Raw,
    peer: Option<SocketAddr>,
    tls: Option<&Tls>,
    front: &Front<R>,
    mut phases: watch::Receiver<Phase>,
) -> Result<(), Reason> {
    let pulse = Arc::new(Pulse::new());
    let opened = {
        let opening = open(Socket::new(raw, Arc::clone(&pulse)), peer, tls, front);
        tokio::select! {
            opened = opening => opened?,
            // Who has not asked for anything yet loses nothing.
            _ = phases.wait_for(|phase| *phase != Phase::Serving) => return Ok(()),
        }
    };
    let Some(Opened { stream, peer, http2, _place }) = opened else { return Ok(()) };
    // Under TLS the session's own state outweighs what could be given back.
    let rests = !http2 && matches!(stream, Stream::Plain(_));
    let times = Times::new(&front.bounds, front.places.is_some(), http2, rests);
    let service = service_fn({
        let (routes, pulse) = (front.routes.clone(), Arc::clone(&pulse));
        move |request| answer(&routes, &pulse, peer, request)
    });
    let mut io = TokioIo::new(stream);
    if http2 {
        return live(Box::pin(front.http.two.serve_connection(io, service)), &pulse, &times, &mut phases)
            .await
            .map(drop);
    }
    let mut service = service;
    loop {
        let connection = Box::pin(front.http.one.serve_connection(io, service));
        let Some(resting) = live(connection, &pulse, &times, &mut phases).await? else { return Ok(()) };
        let parts = Pin::into_inner(resting).into_parts();
        (io, service) = (parts.io, parts.service);
        if let Stream::Plain(socket) = io.inner_mut() {
            socket.put_back(&parts.read_buf);
            // Empty as it may be, it holds the memory that was read into.
            drop(parts.read_buf);
            if !rest(socket, &pulse, &times, &mut phases).await? {
                return Ok(());
            }
        }
    }
}

/// Holds a connection without HTTP's buffers until it has something to say (`true`) or the server stops.
///
/// # Errors
/// Why the server ended it.
async fn rest(
    socket: &Socket,
    pulse: &Pulse,
    times: &Times,
    phases: &mut watch::Receiver<Phase>,
) -> Result<bool, Reason> {
    let (end, due) = pulse.due(&Times { rest: None, ..*times });
    tokio::select! {
        // What is wrong with the socket is told to whoever reads from it.
        _ = socket.readable() => Ok(true),
        () = sleep_until(end) => match due {
            Due::End(reason) => Err(reason),
            Due::Rest => Ok(true),
        },
        _ = phases.wait_for(|phase| *phase != Phase::Serving) => Ok(false),
    }
}

fn answer<R: Routes>(
    routes: &R,
    pulse: &Arc<Pulse>,
    peer: Option<SocketAddr>,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Answering<R::Body>>, Infallible>> + Send + use<R> {
    let open = pulse.request();
    if let Some(peer) = peer {
        request.extensions_mut().insert(Peer(peer));
    }
    let answering = routes.answer(request);
    async move { answering.await.map(|response| response.map(|body| open.answer(body))) }
}

/// A connection that is ready for HTTP.
struct Opened {
    stream: Stream,
    peer: Option<SocketAddr>,
    http2: bool,
    _place: Option<Place>,
}

/// Everything before HTTP; `None` where the other end has gone.
async fn open<R>(
    mut socket: Socket,
    mut peer: Option<SocketAddr>,
    tls: Option<&Tls>,
    front: &Front<R>,
) -> Result<Option<Opened>, Reason> {
    let patience = front.bounds.handshake_timeout;
    let is_proxy = (front.trusted)(peer.map(|peer| peer.ip()));
    let mut is_counted = !is_proxy;
    if front.proxy_header && is_proxy {
        let named = timeout(patience, proxy_header::read(&mut socket)).await;
        let named = named.unwrap_or(Err(proxy_header::Wrong)).map_err(|_| Reason::ProxyHeader)?;
        if let Some(client) = named {
            (peer, is_counted) = (Some(super::plain(client)), true);
        }
    }
    let mut place = None;
    if let (true, Some(places), Some(peer)) = (is_counted, &front.places, peer) {
        place = Some(places.take(peer.ip()).ok_or(Reason::Address)?);
    }
    let (stream, http2) = match tls {
        Some(tls) => {
            let pulse = Arc::clone(socket.pulse());
            let stream = timeout(patience, tls.accept(socket)).await;
            let stream = stream.ok().and_then(Result::ok).ok_or(Reason::Handshake)?;
            pulse.expect_head();
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            (Stream::Tls(Box::new(stream)), http2)
        }
        None => {
            let http2 = timeout(front.bounds.head_timeout, speaks_http2(&mut socket)).await;
            let Some(http2) = http2.map_err(|_| Reason::Head)? else { return Ok(None) };
            if front.proxy_header && !is_proxy && proxy_header::begins(socket.ahead()) {
                return Err(Reason::ProxyHeader);
            }
            (Stream::Plain(socket), http2)
        }
    };
    Ok(Some(Opened { stream, peer, http2, _place: place }))
}

/// Waits until the other end has said enough to tell HTTP/1 from HTTP/2 (prior knowledge); `None` where it has gone.
async fn speaks_http2(socket: &mut Socket) -> Option<bool> {
    while socket.ahead().len() < PREFACE.len() && PREFACE.starts_with(socket.ahead()) {
        if socket.read_ahead().await.ok()? == 0 {
            return None;
        }
    }
    Some(socket.ahead().starts_with(PREFACE))
}

/// Drives a connection until it ends, or is ended: at once where the client holds it up, else after what it has begun.
/// Gives it back where it rests.
///
/// Boxed, the connection is held once and in its own size: within this future it would be twice, in each version's.
///
/// # Errors
/// Why the server ended it.
async fn live<C>(
    mut connection: Pin<Box<C>>,
    pulse: &Pulse,
    times: &Times,
    phases: &mut watch::Receiver<Phase>,
) -> Result<Option<Pin<Box<C>>>, Reason>
where
    C: GracefulConnection,
    C::Error: Display,
{
    let mut alarm = pin!(sleep_until(pulse.due(times).0));
    let due = tokio::select! {
        biased;
        due = until_due(connection.as_mut(), alarm.as_mut(), pulse, times) => match due {
            None => return Ok(None),
            Some(Due::Rest) => return Ok(Some(connection)),
            Some(Due::End(reason)) if !reason.is_graceful() => return Err(reason),
            Some(Due::End(reason)) => Some(reason),
        },
        _ = phases.wait_for(|phase| *phase != Phase::Serving) => None,
    };
    let last_words = if due == Some(Reason::Idle) { LAST_WORDS } else { times.answer + LAST_WORDS };
    connection.as_mut().graceful_shutdown();
    let times = times.ending(pulse.age() + last_words);
    tokio::select! {
        biased;
        cut = until_due(connection.as_mut(), alarm.as_mut(), pulse, &times) => match (due, cut) {
            (Some(reason), _) | (None, Some(Due::End(reason))) => Err(reason),
            (None, None | Some(Due::Rest)) => Ok(None),
        },
        _ = phases.wait_for(|phase| *phase == Phase::Cutting) => Err(Reason::Stop),
    }
}

/// Drives a connection until it ends by itself (`None`), rests, or something has taken too long.
async fn until_due<C>(
    mut connection: Pin<&mut C>,
    mut alarm: Pin<&mut Sleep>,
    pulse: &Pulse,
    times: &Times,
) -> Option<Due>
where
    C: GracefulConnection,
    C::Error: Display,
{
    poll_fn(|context| {
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            return Poll::Ready(None);
        }
        loop {
            // The alarm is only ever set earlier here: one that rings too early costs less than one for each request.
            let (at, _) = pulse.due(times);
            if at < alarm.deadline() {
                alarm.as_mut().reset(at);
            }
            ready!(alarm.as_mut().poll(context));
            let ((at, due), now) = (pulse.due(times), Instant::now());
            if at <= now {
                return Poll::Ready(Some(due));
            }
            alarm.as_mut().reset(at.min(now + times.tick()));
        }
    })
    .await
}
