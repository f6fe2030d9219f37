//! The two kinds of listeners and of sockets behind one face, with what was read ahead, plain or under TLS.
//! What passes through is told to the connection's pulse.

use super::pulse::Pulse;
use super::unix::UnixSocket;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// Where connections come in.
#[derive(Debug)]
pub enum Listener {
    /// An address.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixSocket),
}

impl Listener {
    /// The next connection; a Unix socket's other end has no address.
    pub(super) async fn accept(&self) -> io::Result<(Raw, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and wait for nothing: Nagle's algorithm would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps Nagle's algorithm");
                }
                Ok((Raw::Tcp(stream), Some(peer)))
            }
            Self::Unix(socket) => Ok((Raw::Unix(socket.listener.accept().await?.0), None)),
        }
    }
}

/// A socket as the system gives it.
#[derive(Debug)]
pub(super) enum Raw {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Raw {
    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.readable().await,
            Self::Unix(unix) => unix.readable().await,
        }
    }
}

/// A socket with what was read ahead of its reader.
#[derive(Debug)]
pub(super) struct Socket {
    raw: Raw,
    ahead: Vec<u8>,
    pulse: Arc<Pulse>,
}

impl Socket {
    pub(super) fn new(raw: Raw, pulse: Arc<Pulse>) -> Self {
        Self { raw, ahead: Vec::new(), pulse }
    }

    /// Reads some more ahead and says how much; nothing says that the other end has closed.
    ///
    /// The memory is taken when there is something to read: a silent connection has none.
    pub(super) async fn read_ahead(&mut self) -> io::Result<usize> {
        self.raw.readable().await?;
        match &mut self.raw {
            Raw::Tcp(tcp) => tcp.read_buf(&mut self.ahead).await,
            Raw::Unix(unix) => unix.read_buf(&mut self.ahead).await,
        }
    }

    /// Puts back what whoever had the socket before has read of a head.
    pub(super) fn put_back(&mut self, head: &[u8]) {
        if !head.is_empty() {
            self.ahead.splice(..0, head.iter().copied());
            self.pulse.read();
        }
    }

    /// Waits until there is something to read, the end included, without any memory to read it into.
    pub(super) async fn readable(&self) -> io::Result<()> {
        if !self.ahead.is_empty() {
            return Ok(());
        }
        self.raw.readable().await
    }

    /// Forgets the first bytes of what was read ahead.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.ahead.drain(..bytes.min(self.ahead.len()));
    }

    fn poll_raw(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(match &mut self.raw {
            Raw::Tcp(tcp) => Pin::new(tcp).poll_read(context, into),
            Raw::Unix(unix) => Pin::new(unix).poll_read(context, into),
        })?;
        if into.filled().len() > before {
            self.pulse.read();
        }
        Poll::Ready(Ok(()))
    }

    /// The pulse of its connection.
    pub(super) fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// What was read ahead.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.ahead
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ahead.is_empty() {
            return this.poll_raw(context, into);
        }
        let count = this.ahead.len().min(into.remaining());
        into.put_slice(&this.ahead[..count]);
        this.forget(count);
        if this.ahead.is_empty() {
            this.ahead = Vec::new();
            // What else has come is read in one go: in two, hyper would double its buffer for as long as the
            // connection lives. An error comes again with the next read.
            let _ = this.poll_raw(context, into);
        }
        Poll::Ready(Ok(()))
    }
}

/// Tells the pulse whether the system took what was to be written.
fn told<T>(pulse: &Pulse, written: Poll<T>) -> Poll<T> {
    if written.is_ready() {
        pulse.wrote()
    } else {
        pulse.blocked()
    }
    written
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.raw {
            Raw::Tcp(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Raw::Unix(unix) => Pin::new(unix).poll_write(context, bytes),
        };
        told(&this.pulse, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.raw {
            Raw::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(context, pieces),
            Raw::Unix(unix) => Pin::new(unix).poll_write_vectored(context, pieces),
        };
        told(&this.pulse, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The system's sockets have nothing of their own to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().raw {
            Raw::Tcp(tcp) => Pin::new(tcp).poll_shutdown(context),
            Raw::Unix(unix) => Pin::new(unix).poll_shutdown(context),
        }
    }
}

/// What HTTP is spoken over.
pub(super) enum Stream {
    Plain(Socket),
    /// Boxed: its state is twenty times a socket's.
    Tls(Box<TlsStream<Socket>>),
}

/// Hands a call on to what is inside.
macro_rules! inside {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Plain($inner) => $call,
            Stream::Tls($inner) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        inside!(self, inner => Pin::new(inner).poll_read(context, into))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inside!(self, inner => Pin::new(inner).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        inside!(self, inner => Pin::new(inner).poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(self, inner => Pin::new(inner).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        inside!(self, inner => Pin::new(inner).poll_shutdown(context))
    }
}
