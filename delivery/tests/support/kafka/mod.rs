//! A real Apache Kafka on free ports of this machine, stopped by its process id.
//! `scripts/kafka.sh` knows how to get and start it.

mod leaders;
pub(crate) mod login;
pub(crate) mod records;
mod topics;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::ports::free_ports;

/// A first start may have to fetch Kafka.
const START_DEADLINE: Duration = Duration::from_secs(300);

pub(crate) struct Kafka {
    directory: tempfile::TempDir,
    port: u16,
    controller_port: u16,
    /// Further arguments of the script.
    arguments: Vec<String>,
    broker: Option<Child>,
    watchdog: Option<Child>,
}

impl Kafka {
    pub(crate) fn start() -> Self {
        let mut kafka = Self::prepare();
        kafka.start_again();
        kafka
    }

    fn prepare() -> Self {
        let [port, controller_port] = free_ports();
        let directory = tempfile::tempdir().unwrap();
        Self { directory, port, controller_port, arguments: Vec::new(), broker: None, watchdog: None }
    }

    /// One that tells its clients another port: that of a proxy.
    pub(crate) fn start_behind(advertised: u16) -> Self {
        let mut kafka = Self::prepare();
        kafka.arguments = vec!["--advertised".to_owned(), advertised.to_string()];
        kafka.start_again();
        kafka
    }

    /// Three that replicate each other.
    pub(crate) fn start_three() -> [Self; 3] {
        let mut nodes = [Self::prepare(), Self::prepare(), Self::prepare()];
        let voters: Vec<String> =
            (1..).zip(&nodes).map(|(id, node)| format!("{id}@127.0.0.1:{}", node.controller_port)).collect();
        for (id, node) in (1..).zip(&mut nodes) {
            let of = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
            node.arguments = [
                of("--node", &id.to_string()),
                of("--voters", &voters.join(",")),
                of("--cluster-id", "Zm9vdGZhbGwtZmF1bHRzMQ"),
            ]
            .concat();
        }
        // Each waits for a quorum, so they start together.
        std::thread::scope(|scope| {
            nodes.iter_mut().for_each(|node| drop(scope.spawn(|| node.start_again())))
        });
        nodes
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// One for all tests that do not hurt it; it is stopped with the test process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Kafka> = LazyLock::new(Kafka::start);
        &SHARED
    }

    /// Starts the stopped broker with its data and ports.
    pub(crate) fn start_again(&mut self) {
        assert!(self.broker.is_none(), "the broker runs");
        let mut broker = script()
            .args(["run", "--short-lived", "--dir"])
            .arg(self.directory.path())
            .args(["--port", &self.port.to_string()])
            .args(["--controller-port", &self.controller_port.to_string()])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let log = BufReader::new(broker.stdout.take().unwrap());
        self.watchdog = Some(watch(broker.id(), self.directory.path()));
        self.broker = Some(broker);
        wait_until_started(log);
    }

    pub(crate) fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.broker.is_some()
    }

    /// SIGKILL, as a crash would be.
    pub(crate) fn kill(&mut self) {
        // First, for the process id is free for others once the broker has been waited for.
        if let Some(mut watchdog) = self.watchdog.take() {
            watchdog.kill().unwrap();
            watchdog.wait().unwrap();
        }
        if let Some(mut broker) = self.broker.take() {
            broker.kill().unwrap();
            broker.wait().unwrap();
        }
    }

    /// SIGSTOP: connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.broker.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kafka's own commands, and the broker.
fn script() -> Command {
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/kafka.sh"));
    command
}

/// Stops the broker when this process ends without doing so, however it ends: then the pipe to `cat` closes.
fn watch(broker: u32, directory: &Path) -> Child {
    Command::new("sh")
        .args(["-c", "trap '' INT; cat; kill -9 \"$1\"; rm -rf \"$2\"", "sh", &broker.to_string()])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads the broker's log to its end on a thread, so that the pipe never fills; returns once it has started.
fn wait_until_started(log: impl BufRead + Send + 'static) {
    let (started, is_started) = channel();
    let last_lines = Arc::new(Mutex::new(VecDeque::new()));
    let seen = Arc::clone(&last_lines);
    thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if line.contains("Kafka Server started") {
                // The other side stops listening after the first of these.
                let _ = started.send(());
            }
            let mut last = seen.lock().unwrap();
            last.push_back(line);
            if last.len() > 40 {
                last.pop_front();
            }
        }
    });
    let begun = Instant::now();
    match is_started.recv_timeout(START_DEADLINE) {
        Ok(()) => println!("Kafka is up after {:?}", begun.elapsed()),
        Err(why) => {
            let what = match why {
                RecvTimeoutError::Timeout => "did not start in time",
                RecvTimeoutError::Disconnected => "ended while starting",
            };
            panic!("Kafka {what}; its last lines: {:#?}", last_lines.lock().unwrap());
        }
    }
}
