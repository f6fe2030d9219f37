//! One connection's pulse: what it is doing now and since when, and so the moment at which it has done so too long.
//! Sockets and answers write it down as they go, at the cost of a few stores; `connection` reads it.

use super::bounds::{Due, Reason, Times};
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    /// Requests that were read and whose answers are not written.
    open: AtomicU32,
    /// Answers of which the client has to read something before more can be written.
    held: AtomicU32,
    /// Since when there is no request.
    quiet: Mark,
    /// Since when a request's head is on its way.
    head: Mark,
    /// Since when the system takes nothing more to write.
    blocked: Mark,
    /// When an answer moved last.
    moved: Mark,
}

/// A moment, in milliseconds since the connection began; none at 0.
#[derive(Debug, Default)]
struct Mark(AtomicU64);

impl Mark {
    fn set(&self, at: u64) {
        self.0.store(at, Relaxed);
    }

    fn set_once(&self, at: u64) {
        let _ = self.0.compare_exchange(0, at, Relaxed, Relaxed);
    }

    fn clear(&self) {
        // Most often there is nothing to clear, and reading is cheaper than writing.
        if self.0.load(Relaxed) != 0 {
            self.0.store(0, Relaxed);
        }
    }

    fn get(&self) -> Option<Duration> {
        Some(self.0.load(Relaxed)).filter(|&at| at != 0).map(Duration::from_millis)
    }
}

impl Pulse {
    /// The pulse of a connection that begins now, with a request's head that is due.
    pub(super) fn new() -> Self {
        let pulse = Self {
            began: Instant::now(),
            open: AtomicU32::new(0),
            held: AtomicU32::new(0),
            quiet: Mark::default(),
            head: Mark::default(),
            blocked: Mark::default(),
            moved: Mark::default(),
        };
        pulse.expect_head();
        pulse
    }

    /// The next bytes belong to a request's head, which has its time from now on.
    pub(super) fn expect_head(&self) {
        let now = self.now();
        self.quiet.set(now);
        self.head.set(now);
    }

    fn now(&self) -> u64 {
        // Never 0, which says "none".
        self.began.elapsed().as_millis() as u64 + 1
    }

    /// How long the connection has lived.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Bytes came in.
    pub(super) fn read(&self) {
        if self.open.load(Relaxed) == 0 {
            self.head.set_once(self.now());
        }
    }

    /// The system took bytes to write, or had none to take.
    pub(super) fn wrote(&self) {
        self.blocked.clear();
    }

    /// The system takes nothing more to write.
    pub(super) fn blocked(&self) {
        self.blocked.set_once(self.now());
    }

    /// A request's head was read; it is under way until the result, or the answer made of it, is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Relaxed);
        self.head.clear();
        Open(Arc::clone(self))
    }

    /// When the connection is to be looked at, and why.
    pub(super) fn due(&self, times: &Times) -> (Instant, Due) {
        let oldest = times.age.unwrap_or(FAR);
        let mut due = (oldest, Due::End(Reason::Age));
        let mut sooner = |at: Option<Duration>, wait: Duration, what| {
            if let Some(at) = at.map(|at| at + wait)
                && at < due.0
            {
                due = (at, what);
            }
        };
        let (blocked, held) = (self.blocked.get(), self.held.load(Relaxed) > 0);
        sooner(blocked, times.answer, Due::End(Reason::Stalled));
        if held {
            sooner(self.moved.get(), times.answer, Due::End(Reason::Stalled));
        }
        if self.open.load(Relaxed) == 0 {
            sooner(self.quiet.get(), times.idle, Due::End(Reason::Idle));
            // HTTP/2's frames between requests are no heads; who dribbles one there is idle.
            let head = self.head.get().filter(|_| !times.http2);
            sooner(head, times.head, Due::End(Reason::Head));
            if let (Some(rest), None, None, false) = (times.rest, blocked, head, held) {
                sooner(self.quiet.get(), rest, Due::Rest);
            }
        }
        (self.began + due.0, due.1)
    }
}

/// Further away than any connection lives.
const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A request under way.
#[derive(Debug)]
pub(super) struct Open(Arc<Pulse>);

impl Open {
    /// The answer's body, of which it is known when the client does not read it.
    pub(super) fn answer<B: Body>(self, body: B) -> Answering<B> {
        let held = !body.is_end_stream();
        if held {
            self.0.held.fetch_add(1, Relaxed);
            self.0.moved.set(self.0.now());
        }
        Answering { body, open: self, held }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Relaxed) == 1 {
            self.0.quiet.set(self.0.now());
        }
    }
}

/// A body on its way to the client. HTTP asks for the next piece when there is room for it: between a piece and the
/// next question it is the client that has to read.
#[derive(Debug)]
pub(super) struct Answering<B> {
    body: B,
    open: Open,
    held: bool,
}

impl<B> Answering<B> {
    fn hold(&mut self, held: bool) {
        let pulse = &self.open.0;
        if held {
            pulse.moved.set(pulse.now());
        }
        if held != self.held {
            self.held = held;
            if held {
                pulse.held.fetch_add(1, Relaxed)
            } else {
                pulse.held.fetch_sub(1, Relaxed)
            };
        }
    }
}

impl<B: Body + Unpin> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.hold(false);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.hold(matches!(frame, Some(Ok(_))));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Answering<B> {
    fn drop(&mut self) {
        self.hold(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};

    const TIMES: Times = Times {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        answer: Duration::from_secs(30),
        age: Some(Duration::from_secs(3600)),
        http2: false,
        rest: None,
    };

    fn reason(pulse: &Pulse) -> Reason {
        match pulse.due(&TIMES).1 {
            Due::End(reason) => reason,
            Due::Rest => panic!("it may not rest"),
        }
    }

    #[tokio::test]
    async fn each_state_has_its_own_end() {
        let pulse = Arc::new(Pulse::new());
        assert_eq!(reason(&pulse), Reason::Head, "a new connection owes a head");
        let open = pulse.request();
        assert_eq!(reason(&pulse), Reason::Age, "a request is bounded where it is worked on");
        let mut answer = open.answer(Full::<bytes::Bytes>::from("answer"));
        assert_eq!(reason(&pulse), Reason::Stalled, "nobody has asked for the answer");
        answer.frame().await.unwrap().unwrap();
        assert_eq!(reason(&pulse), Reason::Stalled, "the client has a piece to read");
        assert!(answer.frame().await.is_none());
        assert_eq!(reason(&pulse), Reason::Age);
        drop(answer);
        assert_eq!(reason(&pulse), Reason::Idle);
        pulse.read();
        assert_eq!(reason(&pulse), Reason::Head, "the next head has begun");
        assert_eq!(pulse.due(&Times { http2: true, ..TIMES }).1, Due::End(Reason::Idle));
        pulse.request();
        pulse.blocked();
        assert_eq!(reason(&pulse), Reason::Stalled);
        pulse.wrote();
        assert_eq!(reason(&pulse), Reason::Idle);
    }

    #[tokio::test]
    async fn it_rests_between_two_requests_alone() {
        let times = Times { rest: Some(Duration::from_secs(1)), ..TIMES };
        let rests = |pulse: &Pulse| pulse.due(&times).1 == Due::Rest;
        let pulse = Arc::new(Pulse::new());
        assert!(!rests(&pulse), "it owes a head");
        let open = pulse.request();
        assert!(!rests(&pulse), "a request is open");
        let answer = open.answer(Full::<bytes::Bytes>::from("answer"));
        assert!(!rests(&pulse), "its answer is not read");
        drop(answer);
        assert!(rests(&pulse));
        pulse.blocked();
        assert!(!rests(&pulse), "its last bytes are not written");
        pulse.wrote();
        pulse.read();
        assert!(!rests(&pulse), "the next head has begun");
    }
}
