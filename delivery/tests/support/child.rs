//! A test of this binary run as a process of its own, so that it can be killed or confined.
//! It tells the test that started it what happened, a line at a time.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Names the data directory to a child; a test that is meant to be a child does nothing without it.
const DIRECTORY: &str = "FOOTFALL_TEST_DATA_DIR";

/// What a line for the parent begins with: the test harness writes lines of its own.
const MARK: &str = "child: ";

pub(crate) struct ChildTest {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl ChildTest {
    /// Runs the ignored test `name`, its module named with it, under `confine`: a command that takes another as its last arguments.
    pub(crate) fn start(confine: &[&str], name: &str, directory: &OsStr) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = Command::new(confine.first().map_or(this.as_os_str(), OsStr::new));
        if let [_, arguments @ ..] = confine {
            command.args(arguments).arg(&this);
        }
        command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
        let mut process = command
            .env(DIRECTORY, directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The next line that the child told, or `None` when it has ended.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let mut told = self.lines.by_ref().map_while(Result::ok);
        told.find_map(|line| line.strip_prefix(MARK).map(str::to_owned))
    }

    pub(crate) fn expect_line(&mut self, start: &str) -> String {
        let line = self.next_line().unwrap_or_else(|| panic!("the child ended before it told `{start}`"));
        assert!(line.starts_with(start), "`{line}` instead of `{start}`");
        line
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn expect_success(mut self) {
        while self.next_line().is_some() {}
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for ChildTest {
    fn drop(&mut self) {
        // It may have ended by itself, which is no error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The data directory, in a child.
pub(crate) fn directory_of_child() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// Tells the parent; begins on a line of its own, for the harness does not end its own.
pub(crate) fn tell(line: &str) {
    println!("\n{MARK}{line}");
}
