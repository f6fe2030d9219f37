//! No secret is printed: the real program is given one wherever it takes one, is made to fail in every way, and
//! everything that comes out of it, at the most detailed log there is, is searched for each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod support;

use ingest_server::check::UserSigner;
use serde_json::json;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};
use support::kafka::Kafka;
use support::live::ask;
use support::program::footfall;
use support::{send, tls};
use tempfile::TempDir;

const USER: &str = "u53r-5ecret-in-a-file";
const USER_IN_VARIABLE: &str = "u53r-5ecret-in-a-variable";
const TOKEN: &str = "t0ken-that-opens-the-live-view";
const OTHER_TOKEN: &str = "t0ken-of-somebody-elses-server";
const PASSWORD: &str = "p4ssword-of-the-brokers";
const WRONG_PASSWORD: &str = "p4ssword-of-last-year";
const PASSPHRASE: &str = "p4ssphrase-of-a-key";

/// What was seen of a program, and where.
struct Seen(Vec<(String, String)>);

impl Seen {
    fn note(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    fn output(&mut self, place: &str, Output { stdout, stderr, .. }: Output) -> String {
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        self.note(place, text.clone());
        text
    }

    /// Fails where any secret, or a signature made with one, was seen.
    fn search(&self, folder: &Folder) {
        let signatures =
            [USER, USER_IN_VARIABLE].map(|secret| UserSigner::new(secret.as_bytes()).unwrap().sign("ada"));
        let secrets =
            [USER, USER_IN_VARIABLE, TOKEN, OTHER_TOKEN, PASSWORD, WRONG_PASSWORD, PASSPHRASE, &folder.key];
        for secret in secrets.into_iter().chain(signatures.iter().map(String::as_str)) {
            for (place, text) in &self.0 {
                if let Some((before, _)) = text.split_once(secret) {
                    panic!("{secret} is in {place}, after {:?}", before.lines().last().unwrap_or_default());
                }
            }
        }
    }

    fn all(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// The settings and the files that they name.
struct Folder {
    dir: TempDir,
    key: String,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pair = tls::pair(dir.path());
        let key = std::fs::read_to_string(&pair.key).unwrap().lines().nth(1).unwrap().to_owned();
        for (name, secret) in [("user", USER), ("password", PASSWORD), ("wrong", WRONG_PASSWORD)] {
            std::fs::write(dir.path().join(format!("{name}.secret")), format!("{secret}\n")).unwrap();
        }
        Self { dir, key }
    }

    fn settings(&self, brokers: &str, password_file: &str, request_timeout: &str) -> PathBuf {
        let [path, data, certificate, key] =
            ["footfall.toml", "data", "certificate.pem", "key.pem"].map(|name| self.dir.path().join(name));
        let text = format!(
            "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata_dir = {data:?}\nwrite_key = ['pk_demo', 'pk_other']\n\
             [tls]\nlisten = '127.0.0.1:0'\ncertificate = {certificate:?}\nkey = {key:?}\n\
             [kafka]\nbrokers = '{brokers}'\nrequest_timeout = '{request_timeout}'\n\
             [kafka.properties]\nsecurity.protocol = 'SASL_PLAINTEXT'\nsasl.mechanisms = 'PLAIN'\nsasl.username = 'ann'\n\
             sasl.password_file = '{password_file}'\ndebug = 'all'\n\
             [site.pk_demo]\nuser_secret_file = 'user.secret'\nuser_signatures = 'require'\n\
             [site.pk_other]\nuser_secret_env = 'OTHER_SECRET'\nuser_signatures = 'require'\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = footfall(arguments);
        command.env("FOOTFALL_LOG", "trace").env("RUST_LOG", "trace");
        command.env("FOOTFALL_ADMIN_TOKEN", TOKEN).env("OTHER_SECRET", USER_IN_VARIABLE);
        command
    }
}

/// The program with its output in files, so that no pipe fills.
struct Running {
    child: Child,
    log: PathBuf,
    out: PathBuf,
}

impl Running {
    fn start(folder: &Folder, settings: &Path) -> Self {
        let (log, out) = (folder.dir.path().join("stderr"), folder.dir.path().join("stdout"));
        let mut command = folder.command(&["serve", "--config", settings.to_str().unwrap()]);
        let (stderr, stdout) = (File::create(&log).unwrap(), File::create(&out).unwrap());
        Self { child: command.stderr(stderr).stdout(stdout).spawn().unwrap(), log, out }
    }

    /// Waits until a line of the log has these words, and gives what stands between them.
    fn between(&mut self, before: &str, after: &str) -> String {
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

    fn address(&mut self, scheme: &str, what: &str) -> SocketAddr {
        self.between(&format!("listening on {scheme}://"), &format!(" ({what})")).parse().unwrap()
    }

    fn end(mut self, name: &str, seen: &mut Seen) -> String {
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

/// Requests of all kinds, right and wrong, with secrets in them; what comes back is noted.
async fn use_it(running: &mut Running, folder: &Folder, name: &str, seen: &mut Seen) {
    let (public, admin) = (running.address("http", "events"), running.address("http", "admin"));
    let encrypted = running.address("https", "events");
    let signature = UserSigner::new(USER.as_bytes()).unwrap().sign("ada");
    let batch = |signature: &str| {
        let context = json!({ "user_id": "ada", "user_signature": signature });
        json!({ "context": context, "events": [{ "event": "a" }, { "event": "B", "context": context }] })
            .to_string()
    };
    let bearer = |token: &str| format!("Bearer {token}");
    for (path, body) in [
        ("/v1/events?key=pk_demo", batch(&signature)),
        ("/v1/events?key=pk_other", batch(&signature)),
        ("/v1/events?key=pk_demo", batch("0")),
        ("/v1/events?key=pk_demo", format!("{{\"broken\": \"{TOKEN}")),
        ("/v1/events?key=pk_none", batch(&signature)),
    ] {
        // A client that takes the public address for the private one.
        let headers = [("authorization", &*bearer(TOKEN)), ("content-type", "text/plain")];
        let reply = send(public, "POST", path, &headers, body).await;
        seen.note(format!("{name}: {path}"), format!("{reply:?}"));
    }
    let stream = tls::connect(encrypted, &certificate(folder), &["h2"]).await.unwrap();
    let mut client = tls::http2(stream).await;
    let mut request = tls::batch();
    request.headers_mut().insert("authorization", bearer(TOKEN).parse().unwrap());
    let reply = tls::read(client.send_request(request).await.unwrap()).await;
    seen.note(format!("{name}: by HTTP/2"), format!("{reply:?}"));
    assert!(tls::connect(public, &certificate(folder), &["h2"]).await.is_err(), "TLS where there is none");

    for (query, authorization, fine) in [
        ("", Some(bearer(OTHER_TOKEN)), false),
        ("?token=t0ken-that-opens-the-live-view", None, false),
        ("?write_key=pk_none", Some(bearer(TOKEN)), false),
        ("?replay=100", Some(bearer(TOKEN)), true),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        match ask(admin, query, &headers).await {
            Ok(mut watcher) => {
                assert!(fine);
                let shown =
                    watcher.until_shown(|shown| shown.iter().any(|shown| shown.kind != "accepted")).await;
                seen.note(format!("{name}: the live view"), format!("{shown:?}"));
            }
            Err(reply) => {
                assert!(!fine, "{reply:?}");
                seen.note(format!("{name}: the live view refuses"), format!("{reply:?}"));
            }
        }
    }
    for path in ["/metrics", "/readyz", "/healthz", "/nothing"] {
        let reply = send(admin, "GET", path, &[("authorization", &*bearer(TOKEN))], "").await;
        seen.note(format!("{name}: {path}"), format!("{reply:?}"));
    }
}

fn certificate(folder: &Folder) -> rustls::pki_types::CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject;
    PemObject::from_pem_file(folder.dir.path().join("certificate.pem")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_the_program_says() {
    let kafka = Kafka::start("ann", PASSWORD);
    let (folder, mut seen) = (Folder::new(), Seen(Vec::new()));

    // The right password, from its file: the brokers take the events.
    let settings = folder.settings(&kafka.brokers, "password.secret", "10s");
    let mut running = Running::start(&folder, &settings);
    let (public, admin) = (running.address("http", "events"), running.address("http", "admin"));
    let mut said = String::new();
    let ready = async {
        while said != "ready\n" {
            said = String::from_utf8(send(admin, "GET", "/readyz", &[], "").await.body.to_vec()).unwrap();
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), ready).await.is_err() {
        panic!("{said} {}", kafka.log());
    }
    let body = json!({ "events": [{ "event": "a" }] }).to_string();
    assert_eq!(send(public, "POST", "/v1/events?key=pk_demo", &[], body).await.status, 200);
    use_it(&mut running, &folder, "the right password", &mut seen).await;
    let log = running.end("the right password", &mut seen);
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is detailed");
    assert!(
        log.contains("Sending SASL PLAIN") || log.contains("SASL"),
        "librdkafka tells what it does: {log}"
    );

    // Another one: the brokers refuse it, and say so.
    let settings = folder.settings(&kafka.brokers, "wrong.secret", "1s");
    let mut running = Running::start(&folder, &settings);
    running.between("Authentication failed", "");
    use_it(&mut running, &folder, "a wrong password", &mut seen).await;
    running.end("a wrong password", &mut seen);

    // Nobody there.
    let settings = folder.settings("127.0.0.1:1", "password.secret", "1s");
    let mut running = Running::start(&folder, &settings);
    use_it(&mut running, &folder, "no broker", &mut seen).await;
    running.end("no broker", &mut seen);

    let config = settings.to_str().unwrap();
    let said =
        seen.output("check-config", folder.command(&["check-config", "--config", config]).output().unwrap());
    assert!(said.contains("admin.token = (not shown)  # FOOTFALL_ADMIN_TOKEN"), "{said}");
    assert!(said.contains("sasl.password_file") && said.contains("The settings are right."), "{said}");
    let list = folder.command(&["dead-letters", "list", "--config", config]).output().unwrap();
    seen.output("dead-letters list", list);

    seen.search(&folder);
    // A search that would find nothing in anything proves nothing.
    for said in ["ann", "pk_demo", "bad_signature", "wrong_token", "token_in_address", "footfall_ready"] {
        assert!(seen.all().contains(said), "{said} is nowhere");
    }
}

#[test]
fn no_secret_is_in_what_is_said_of_wrong_settings() {
    let (folder, mut seen) = (Folder::new(), Seen(Vec::new()));
    let path = folder.dir.path().join("wrong.toml");
    let path = path.to_str().unwrap();
    for (file, flags, right) in [
        (format!("admin.token = '{TOKEN}'"), vec![], "does not belong into this file"),
        (format!("admin.token = {TOKEN}"), vec![], "is not TOML"),
        (format!("admin_token = '{TOKEN}'"), vec![], "unknown key"),
        ("admin.token_file = 'user.secret'".to_owned(), vec![], "leave one of the two out"),
        (format!("kafka.properties = '{PASSWORD}'"), vec![], "must be NAME=VALUE"),
        (
            format!("kafka.brokers = 'k:1'\nkafka.properties.'security.protocol' = '{PASSWORD}'"),
            vec![],
            "security.protocol",
        ),
        (
            format!("kafka.brokers = 'k:1'\nkafka.properties.'sasl.pasword' = '{PASSWORD}'"),
            vec![],
            "sasl.pasword",
        ),
        (format!("[kafka.properties]\nsasl.password = {PASSWORD}"), vec![], "is not TOML"),
        (format!("[site.pk]\nuser_secret = '{USER}'"), vec![], "unknown key"),
        (format!("[site.pk]\nuser_secret_env = '{USER}'"), vec![], "it is not set"),
        (format!("[site.pk]\nuser_secret_file = '{USER}'"), vec![], "No such file"),
        (String::new(), vec!["--admin-token", TOKEN], "unexpected argument"),
        (
            String::new(),
            vec!["--kafka-propertie", "sasl.password=p4ssword-of-the-brokers"],
            "unexpected argument",
        ),
    ] {
        std::fs::write(path, format!("{file}\n")).unwrap();
        let named = format!("{file} {flags:?}");
        let arguments = [&["check-config", "--write-key", "pk", "--config", path][..], &flags].concat();
        let output = folder.command(&arguments).output().unwrap();
        assert!(!output.status.success(), "{named}");
        let said = seen.output(&named, output);
        assert!(said.contains(right), "{right} is not in {said}");
    }
    // What a variable that is no text says.
    use std::os::unix::ffi::OsStringExt;
    let mut command = folder.command(&["check-config", "--write-key", "pk"]);
    let not_text = std::ffi::OsString::from_vec([TOKEN.as_bytes(), b"\xff"].concat());
    let said = seen.output("no text", command.env("FOOTFALL_ADMIN_TOKEN", not_text).output().unwrap());
    assert!(said.contains("FOOTFALL_ADMIN_TOKEN: is not UTF-8"), "{said}");
    seen.search(&folder);
}
