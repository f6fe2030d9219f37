//! A real redis-server on a port of its own in a folder of its own, which can be killed, paused and started again.
//! `scripts/setup.sh redis` installs it.

use super::ports::free_port;
use ingest_server::metrics::RedisMetrics;
use ingest_server::settings::{Settings, Sources};
use ingest_server::shared::SharedMemory;
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running Redis; it ends with the value.
pub struct Redis {
    child: Child,
    pub port: u16,
    arguments: Vec<String>,
    dir: TempDir,
}

impl Redis {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further arguments, in which `PORT` stands for its port.
    pub fn start_with(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // It cannot be asked which port the system chose, so one is chosen before.
        let port = free_port();
        let arguments: Vec<_> =
            arguments.iter().map(|argument| argument.replace("PORT", &port.to_string())).collect();
        Self { child: spawn(port, dir.path(), &arguments), port, arguments, dir }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// SIGKILL: the connections break, and what was in memory is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.child = spawn(self.port, self.dir.path(), &self.arguments);
    }

    /// SIGSTOP: connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What `redis-cli` says to a command.
    pub fn say(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let said = Command::new("redis-cli").args(["-p", &port]).args(command).output();
        let said = said.unwrap_or_else(|error| panic!("redis-cli: {error}; run scripts/setup.sh redis"));
        let text = String::from_utf8(said.stdout).unwrap();
        assert!(said.status.success(), "{command:?}: {text} {}", String::from_utf8_lossy(&said.stderr));
        text.trim().to_owned()
    }

    /// The names of all keys.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.say(&["keys", "*"]).lines().map(str::to_owned).collect();
        keys.retain(|key| !key.is_empty());
        keys.sort();
        keys
    }

    /// Makes the shared memory of a site that much older than it is.
    pub fn age(&self, write_key: &str, seconds: u64) {
        let earlier = |text: &str| (text.parse::<u64>().unwrap() - seconds * 1000).to_string();
        let epoch = format!("footfall:{{{write_key}}}:epoch");
        self.say(&["set", &epoch, &earlier(&self.say(&["get", &epoch])), "keepttl"]);
        let state = self.say(&["get", "footfall:{all:sites}:state"]);
        let (since, rest) = state.split_once(' ').unwrap();
        let older = format!("{} {rest}", earlier(since));
        self.say(&["set", "footfall:{all:sites}:state", &older, "keepttl"]);
    }
}

fn spawn(port: u16, dir: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(dir);
    // Nothing outlives it, and no other process is started.
    command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]).args(arguments);
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut child =
        started.unwrap_or_else(|error| panic!("redis-server: {error}; run scripts/setup.sh redis"));
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "redis-server ended");
        assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The settings of a server that shares through Redis, with these on top. It waits longer than others, since a test's
/// machine may be busy.
pub fn settings(url: &str, more: &[(&'static str, &str)]) -> Settings {
    let all = [("write_key", "pk_demo"), ("redis.url", url), ("redis.timeout", "1s")];
    let mut flags: BTreeMap<_, _> = all.map(|(key, value)| (key, vec![value.to_owned()])).into();
    flags.extend(more.iter().map(|(key, value)| (*key, vec![(*value).to_owned()])));
    let mut problems = Vec::new();
    let sources = Sources::gather(flags, std::iter::empty(), None, &mut problems);
    Settings::resolve(&sources, &mut problems).ok_or(problems).unwrap()
}

/// What another server would have of the shared memory, and its metrics.
pub async fn memory(url: &str, more: &[(&'static str, &str)]) -> (Arc<SharedMemory>, RedisMetrics) {
    let (settings, metrics) = (settings(url, more), RedisMetrics::default());
    let memory = SharedMemory::open(&settings.redis.unwrap(), Duration::ZERO, metrics.clone()).await;
    (memory, metrics)
}
