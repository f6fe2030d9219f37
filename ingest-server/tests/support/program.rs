//! The binary itself in a process of its own, so that it can be killed.

use super::{Reply, send};
use axum::body::Bytes;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The binary with these arguments, and no settings from outside.
pub fn footfall(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall"));
    command.args(arguments).env_remove("FOOTFALL_CONFIG").stdin(Stdio::null());
    command
}

/// A running binary; killed when a test stops early.
pub struct Program {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    pub public: SocketAddr,
    /// What it logged before it listened.
    pub start: String,
}

impl Program {
    pub fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[])
    }

    /// The same with further arguments.
    pub fn start_with(data_dir: &Path, more: &[&str]) -> Self {
        Self::start_in(data_dir, more, &[])
    }

    /// The same with variables of the environment.
    pub fn start_in(data_dir: &Path, more: &[&str], variables: &[(&str, &Path)]) -> Self {
        let dir = data_dir.to_str().unwrap();
        let local = "127.0.0.1:0";
        let arguments = [
            "serve",
            "--listen",
            local,
            "--admin-listen",
            local,
            "--data-dir",
            dir,
            "--write-key",
            "pk_demo",
        ];
        let mut command = footfall(&arguments);
        let started = command.args(more).envs(variables.iter().copied()).stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut start) = (String::new(), String::new());
        let public = loop {
            start.push_str(&line);
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
            if let Some((_, rest)) = line.split_once("listening on http://")
                && let Some((address, _)) = rest.split_once(" (events)")
            {
                break address.parse().unwrap();
            }
        };
        Self { child, log, public, start }
    }

    pub async fn post(&self, body: impl Into<Bytes>) -> Reply {
        send(self.public, "POST", "/v1/events?key=pk_demo", &[], body).await
    }

    /// How many of its threads are tokio's.
    pub fn tokio_threads(&self) -> usize {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let name = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default()
        };
        threads.map(name).filter(|name| name.starts_with("tokio")).count()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads the log up to a line with that in it.
    pub fn log_until(&mut self, what: &str) -> String {
        let mut log = String::new();
        while !log.lines().last().is_some_and(|line| line.contains(what)) {
            assert!(self.log.read_line(&mut log).unwrap() > 0, "no {what} in {log}");
        }
        log
    }

    /// The same for what may have been logged before it listened.
    pub fn until_logged(&mut self, what: &str) {
        if !self.start.contains(what) {
            self.log_until(what);
        }
    }

    /// The private address, which is logged behind the public one.
    pub fn admin(&mut self) -> String {
        let line = self.log_until("(admin)");
        line.split_once("listening on http://").unwrap().1.split_once(" (admin)").unwrap().0.to_owned()
    }

    /// SIGKILL, and nothing is left of it.
    pub fn kill(self) {
        self.signal("-KILL");
        self.end();
    }

    /// Waits for the end: the exit code, and the rest of the log.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already in every test that came to its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
