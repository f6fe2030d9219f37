//! The program with a secret wherever it takes one, and all that was seen of it.

#![allow(unreachable_pub, reason = "the module is of this test alone")]

use crate::support::program::footfall;
use crate::support::tls;
use ingest_server::check::UserSigner;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const USER: &str = "u53r-5ecret-in-a-file";
pub const USER_IN_VARIABLE: &str = "u53r-5ecret-in-a-variable";
pub const TOKEN: &str = "t0ken-that-opens-the-live-view";
pub const OTHER_TOKEN: &str = "t0ken-of-somebody-elses-server";
pub const PASSWORD: &str = "p4ssword-of-the-brokers";
pub const WRONG_PASSWORD: &str = "p4ssword-of-last-year";
pub const REDIS: &str = "p4ssword-of-the-shared-memory";
pub const PASSPHRASE: &str = "p4ssphrase-of-a-key";

/// What was seen of a program, and where.
pub struct Seen(pub Vec<(String, String)>);

impl Seen {
    pub fn note(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    pub fn output(&mut self, place: &str, Output { stdout, stderr, .. }: Output) -> String {
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        self.note(place, text.clone());
        text
    }

    /// Fails where any secret, or a signature made with one, was seen.
    pub fn search(&self, folder: &Folder) {
        let signatures =
            [USER, USER_IN_VARIABLE].map(|secret| UserSigner::new(secret.as_bytes()).unwrap().sign("ada"));
        let passwords = [PASSWORD, WRONG_PASSWORD, REDIS, PASSPHRASE];
        let secrets = [USER, USER_IN_VARIABLE, TOKEN, OTHER_TOKEN, &folder.key].into_iter().chain(passwords);
        for secret in secrets.chain(signatures.iter().map(String::as_str)) {
            for (place, text) in &self.0 {
                if let Some((before, _)) = text.split_once(secret) {
                    panic!("{secret} is in {place}, after {:?}", before.lines().last().unwrap_or_default());
                }
            }
        }
    }

    pub fn all(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// The settings and the files that they name.
pub struct Folder {
    pub dir: TempDir,
    key: String,
}

impl Folder {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pair = tls::pair(dir.path());
        let key = std::fs::read_to_string(&pair.key).unwrap().lines().nth(1).unwrap().to_owned();
        for (name, secret) in [("user", USER), ("password", PASSWORD), ("wrong", WRONG_PASSWORD)] {
            std::fs::write(dir.path().join(format!("{name}.secret")), format!("{secret}\n")).unwrap();
        }
        Self { dir, key }
    }

    /// The file of the URL of a Redis that takes such a password.
    pub fn redis(&self, port: u16, password: &str) {
        let url = format!("redis://:{password}@127.0.0.1:{port}\n");
        std::fs::write(self.dir.path().join("redis.secret"), url).unwrap();
    }

    pub fn settings(&self, brokers: &str, password_file: &str, request_timeout: &str) -> PathBuf {
        let [path, data, certificate, key] =
            ["footfall.toml", "data", "certificate.pem", "key.pem"].map(|name| self.dir.path().join(name));
        let text = format!(
            "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata_dir = {data:?}\nwrite_key = ['pk_demo', 'pk_other']\n\
             [tls]\nlisten = '127.0.0.1:0'\ncertificate = {certificate:?}\nkey = {key:?}\n\
             [redis]\nurl_file = 'redis.secret'\n\
             [kafka]\nbrokers = '{brokers}'\nrequest_timeout = '{request_timeout}'\n\
             [kafka.properties]\nsecurity.protocol = 'SASL_PLAINTEXT'\nsasl.mechanisms = 'PLAIN'\nsasl.username = 'ann'\n\
             sasl.password_file = '{password_file}'\ndebug = 'all'\n\
             [site.pk_demo]\nuser_secret_file = 'user.secret'\nuser_signatures = 'require'\n\
             [site.pk_other]\nuser_secret_env = 'OTHER_SECRET'\nuser_signatures = 'require'\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = footfall(arguments);
        command.env("FOOTFALL_LOG", "trace").env("RUST_LOG", "trace");
        command.env("FOOTFALL_ADMIN_TOKEN", TOKEN).env("OTHER_SECRET", USER_IN_VARIABLE);
        command
    }
}

/// The program with its output in files, so that no pipe fills.
pub struct Running {
    child: Child,
    log: PathBuf,
    out: PathBuf,
}

impl Running {
    pub fn start(folder: &Folder, settings: &Path) -> Self {
        let (log, out) = (folder.dir.path().join("stderr"), folder.dir.path().join("stdout"));
        let mut command = folder.command(&["serve", "--config", settings.to_str().unwrap()]);
        let (stderr, stdout) = (File::create(&log).unwrap(), File::create(&out).unwrap());
        Self { child: command.stderr(stderr).stdout(stdout).spawn().unwrap(), log, out }
    }

    /// Waits until a line of the log has these words, and gives what stands between them.
    pub fn between(&mut self, before: &str, after: &str) -> String {
        let begun = Instant::now();
        loop {
            let log = std::fs::read_to_string(&self.log).unwrap();
            let found = log
                .split(before)
                .skip(1)
                .find_map(|rest| Some(rest.split_once('\n')?.0.split_once(after)?.0));
            if let Some(found) = found {
                return found.to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < Duration::from_secs(60), "{before} is not in {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn address(&mut self, scheme: &str, what: &str) -> SocketAddr {
        self.between(&format!("listening on {scheme}://"), &format!(" ({what})")).parse().unwrap()
    }

    pub fn end(mut self, name: &str, seen: &mut Seen) -> String {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap();
        let log = std::fs::read_to_string(&self.log).unwrap();
        seen.note(format!("{name}: its log"), log.clone());
        seen.note(format!("{name}: its output"), std::fs::read_to_string(&self.out).unwrap());
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
