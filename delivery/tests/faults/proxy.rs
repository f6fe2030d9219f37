//! A TCP proxy before a broker, which drops answers to Produce requests, or cuts every connection.
//! It reads just enough of Kafka's protocol (size, then correlation id) to know which answer belongs to which request.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// The key of Produce requests in Kafka's protocol.
const PRODUCE: i16 = 0;

pub(crate) struct Proxy {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    drop_percent: AtomicU32,
    dropped: AtomicU64,
    cut: AtomicU64,
    random: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
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

    pub(crate) fn heal(&self) {
        self.drop_produce_answers(0);
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

    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn cut_so_far(&self) -> u64 {
        self.shared.cut.load(Ordering::Relaxed)
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
        pass(from_client, to_broker, |message| {
            let key = i16::from_be_bytes([message[4], message[5]]);
            if key == PRODUCE {
                asked.lock().unwrap().insert(correlation_id(&message[8..]));
            }
            true
        });
    });
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        pass(broker, client, |message| {
            let is_produce = produces.lock().unwrap().remove(&correlation_id(&message[4..]));
            let keep = !is_produce || !shared.is_drawn();
            shared.dropped.fetch_add(u64::from(!keep), Ordering::Relaxed);
            keep
        });
    });
}

impl Shared {
    /// One in so many, by a generator whose runs are alike.
    fn is_drawn(&self) -> bool {
        let drawn = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (drawn ^ (drawn >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33;
        mixed % 100 < u64::from(self.drop_percent.load(Ordering::Relaxed))
    }
}

fn correlation_id(bytes: &[u8]) -> i32 {
    i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Passes messages on until one side ends; `wanted` sees each with its size before it.
fn pass(mut from: TcpStream, mut to: TcpStream, mut wanted: impl FnMut(&[u8]) -> bool) {
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
        if wanted(&message) && to.write_all(&message).is_err() {
            break;
        }
    }
    // The other direction may have ended first.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
