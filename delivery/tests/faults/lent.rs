//! Brokers that the next row takes over, since starting them takes longer than most rows.
//! A row finds all of them running, with topics of the rows before.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use super::proxy::Proxy;
use super::support::kafka::Kafka;

pub(crate) trait Lend: Sized + 'static {
    fn start() -> Self;

    /// Where it waits for the next row.
    fn shelf() -> &'static Mutex<Option<Self>>;

    /// Ends what a row did to it; whether another row can use it.
    fn mend(&mut self) -> bool;
}

/// One broker.
pub(crate) type Broker = Lent<Kafka>;

pub(crate) struct Lent<T: Lend>(Option<T>);

impl<T: Lend> Lent<T> {
    pub(crate) fn start() -> Self {
        let waiting = T::shelf().lock().unwrap().take();
        Self(Some(waiting.unwrap_or_else(T::start)))
    }
}

impl<T: Lend> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().unwrap()
    }
}

impl<T: Lend> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().unwrap()
    }
}

impl<T: Lend> Drop for Lent<T> {
    fn drop(&mut self) {
        if let Some(mut lent) = self.0.take()
            && lent.mend()
        {
            *T::shelf().lock().unwrap() = Some(lent);
        }
    }
}

impl Lend for Kafka {
    fn start() -> Self {
        Self::start()
    }

    fn shelf() -> &'static Mutex<Option<Self>> {
        static SHELF: Mutex<Option<Kafka>> = Mutex::new(None);
        &SHELF
    }

    fn mend(&mut self) -> bool {
        if self.is_running() {
            self.resume();
        }
        self.is_running()
    }
}

/// Three brokers that replicate each other.
pub(crate) struct Three(pub(crate) [Kafka; 3]);

impl Three {
    /// Their node ids.
    pub(crate) const NODES: [i32; 3] = [1, 2, 3];

    pub(crate) fn brokers(&self) -> String {
        self.0.each_ref().map(Kafka::brokers).join(",")
    }

    pub(crate) fn all_run(&self) -> bool {
        self.0.iter().all(Kafka::is_running)
    }
}

impl Lend for Three {
    fn start() -> Self {
        Self(Kafka::start_three())
    }

    fn shelf() -> &'static Mutex<Option<Self>> {
        static SHELF: Mutex<Option<Three>> = Mutex::new(None);
        &SHELF
    }

    fn mend(&mut self) -> bool {
        self.all_run()
    }
}

/// A broker that clients reach by a proxy alone.
pub(crate) struct BehindProxy {
    pub(crate) proxy: Proxy,
    pub(crate) kafka: Kafka,
}

impl Lend for BehindProxy {
    fn start() -> Self {
        let proxy = Proxy::bind();
        let kafka = Kafka::start_behind(proxy.port());
        proxy.forward_to(kafka.port());
        Self { proxy, kafka }
    }

    fn shelf() -> &'static Mutex<Option<Self>> {
        static SHELF: Mutex<Option<BehindProxy>> = Mutex::new(None);
        &SHELF
    }

    fn mend(&mut self) -> bool {
        self.proxy.heal();
        self.proxy.forget_counts();
        self.kafka.is_running()
    }
}
