//! A TCP proxy before a broker, which drops answers to Produce requests, lets all answers be late, or cuts every connection.
//! It reads just enough of Kafka's protocol (size, then correlation id) to know which answer belongs to which request.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The key of Produce requests in Kafka's protocol.
const PRODUCE: i16 = 0;
/// How long a line stalls, longer than `kafka.slow_after`.
const STALL: Duration = Duration::from_secs(3);

pub(crate) struct Proxy {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    drop_percent: AtomicU32,
    stall_percent: AtomicU32,
    late_ms: AtomicU64,
    dropped: AtomicU64,
    late: AtomicU64,
    stalled: AtomicU64,
    cut: AtomicU64,
    random: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

/// What it did so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) dropped: u64,
    pub(crate) late: u64,
    pub(crate) stalled: u64,
    pub(crate) cut: u64,
}

impl Counts {
    pub(crate) fn reach(self, least: Self) -> bool {
        let Self { dropped, late, stalled, cut } = least;
        self.dropped >= dropped && self.late >= late && self.stalled >= stalled && self.cut >= cut
    }
}

impl Proxy {
    pub(crate) fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), shared: Arc::default() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Passes on what comes to this port, until the process ends.
    pub(crate) fn forward_to(&self, port: u16) {
        let (listener, shared) = (self.listener.try_clone().unwrap(), Arc::clone(&self.shared));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                connect(&shared, client, broker);
            }
        });
    }

    pub(crate) fn drop_produce_answers(&self, percent: u32) {
        self.shared.drop_percent.store(percent, Ordering::Relaxed);
    }

    /// Every answer comes later by so much, and before so many of a hundred the connection stands still for 3 s.
    pub(crate) fn be_late(&self, latency: Duration, stall_percent: u32) {
        self.shared.late_ms.store(latency.as_millis() as u64, Ordering::Relaxed);
        self.shared.stall_percent.store(stall_percent, Ordering::Relaxed);
    }

    pub(crate) fn heal(&self) {
        self.drop_produce_answers(0);
        self.be_late(Duration::ZERO, 0);
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        for connection in self.shared.open.lock().unwrap().drain(..) {
            // It may have ended by itself.
            if connection.shutdown(Shutdown::Both).is_ok() {
                self.shared.cut.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let Shared { dropped, late, stalled, cut, .. } = self.shared.as_ref();
        let [dropped, late, stalled, cut] =
            [dropped, late, stalled, cut].map(|count| count.load(Ordering::Relaxed));
        Counts { dropped, late, stalled, cut }
    }

    /// For another row.
    pub(crate) fn forget_counts(&self) {
        let Shared { dropped, late, stalled, cut, .. } = self.shared.as_ref();
        [dropped, late, stalled, cut].iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

fn connect(shared: &Arc<Shared>, client: TcpStream, broker: TcpStream) {
    for stream in [&client, &broker] {
        stream.set_nodelay(true).unwrap();
        shared.open.lock().unwrap().push(stream.try_clone().unwrap());
    }
    let produces = Arc::new(Mutex::new(HashSet::new()));
    let (from_client, to_broker) = (client.try_clone().unwrap(), broker.try_clone().unwrap());
    let asked = Arc::clone(&produces);
    thread::spawn(move || {
        let mut to = to_broker.try_clone().unwrap();
        pass(from_client, &to_broker, |message| {
            let key = i16::from_be_bytes([message[4], message[5]]);
            if key == PRODUCE {
                asked.lock().unwrap().insert(correlation_id(&message[8..]));
            }
            to.write_all(message).is_ok()
        });
    });
    let (answers, under_way) = channel::<(Instant, Vec<u8>)>();
    let mut to = client.try_clone().unwrap();
    thread::spawn(move || {
        for (due, answer) in under_way {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&answer).is_err() {
                break;
            }
        }
    });
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut stands_until = Instant::now();
        pass(broker, &client, |message| {
            let is_produce = produces.lock().unwrap().remove(&correlation_id(&message[4..]));
            if is_produce && shared.is_drawn(&shared.drop_percent) {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            let late_ms = shared.late_ms.load(Ordering::Relaxed);
            shared.late.fetch_add(u64::from(late_ms > 0), Ordering::Relaxed);
            let mut due = Instant::now() + Duration::from_millis(late_ms);
            if is_produce && shared.is_drawn(&shared.stall_percent) {
                shared.stalled.fetch_add(1, Ordering::Relaxed);
                stands_until = due + STALL;
            }
            due = due.max(stands_until);
            answers.send((due, message.to_vec())).is_ok()
        });
    });
}

impl Shared {
    /// So many of a hundred, by a generator whose runs are alike.
    fn is_drawn(&self, percent: &AtomicU32) -> bool {
        let drawn = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (drawn ^ (drawn >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33;
        mixed % 100 < u64::from(percent.load(Ordering::Relaxed))
    }
}

fn correlation_id(bytes: &[u8]) -> i32 {
    i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Reads messages until one side ends; `hand_on` gets each with its size before it, and says whether the other one is there.
fn pass(mut from: TcpStream, to: &TcpStream, mut hand_on: impl FnMut(&[u8]) -> bool) {
    let mut message = vec![0; 4];
    loop {
        message.resize(4, 0);
        if from.read_exact(&mut message).is_err() {
            break;
        }
        let size = u32::from_be_bytes([message[0], message[1], message[2], message[3]]) as usize;
        message.resize(4 + size, 0);
        if from.read_exact(&mut message[4..]).is_err() {
            break;
        }
        if !hand_on(&message) {
            break;
        }
    }
    // The other direction may have ended first.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
