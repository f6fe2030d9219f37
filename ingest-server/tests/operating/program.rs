//! The binary as an operator meets it: its words, its exit codes, its stop, and what a SIGKILL leaves.

use crate::support::program::{Program, footfall};
use crate::support::send;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;

fn output(arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = footfall(arguments).output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

async fn post(to: SocketAddr, event: &str) {
    let body = format!(r#"{{"events":[{{"event":"{event}"}}]}}"#);
    let reply = send(to, "POST", "/v1/events?key=pk_demo", &[], body).await;
    assert_eq!(reply.status, 200);
}

fn names(data_dir: &Path) -> Vec<String> {
    let (fine, lines) =
        output(&["tail", "--data-dir", data_dir.to_str().unwrap(), "--from-start", "--no-follow"]);
    assert!(fine, "{lines}");
    let name = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["event"].as_str().unwrap().to_owned()
    };
    lines.lines().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_sigkill_and_tail_prints_them_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for event in ["first", "second"] {
        let program = Program::start(dir.path());
        post(program.public, event).await;
        program.signal("-KILL");
        program.end();
    }
    assert_eq!(names(dir.path()), ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_cleanly_even_with_an_idle_connection() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path());
    post(program.public, "first").await;
    let idle = std::net::TcpStream::connect(program.public).unwrap();
    program.signal("-TERM");
    let (code, log) = program.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped: everything acknowledged is durable"), "{log}");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_by_as_many_threads_as_are_said() {
    // Beside those, tokio has some for what blocks, as long as they are of use.
    for (said, expected) in [("1", 1..8), ("8", 8..16)] {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::start_with(dir.path(), &["--worker-threads", said]);
        post(program.public, "first").await;
        let threads = program.tokio_threads();
        assert!(expected.contains(&threads), "{threads} where {said} were said");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_allocator_is_set_as_it_was_measured_best() {
    let told = footfall(&["--version"]).env("MALLOC_CONF", "stats_print:true").output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("opt.tcache_nslots_small_max: 32\n"), "{told}");
}

#[test]
fn a_taken_port_and_a_data_directory_in_use_are_told_in_words() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let (fine, said) = output(&["serve", "--listen", &address, "--data-dir", path, "--write-key", "pk"]);
    assert!(!fine);
    assert!(
        said.contains(&format!("footfall: cannot listen on {address} (listen): Address already in use")),
        "{said}"
    );

    let program = Program::start(dir.path());
    let free = "127.0.0.1:0";
    let second = ["serve", "--listen", free, "--admin-listen", free, "--data-dir", path, "--write-key", "pk"];
    let (fine, said) = output(&second);
    assert!(!fine);
    assert!(said.contains("is in use by another process: stop that one, or give this one"), "{said}");
    program.signal("-TERM");
    program.end();
}

#[test]
fn check_config_says_what_holds_and_where_it_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("footfall.toml");
    std::fs::write(
        &file,
        "write_key = 'pk_a'\n[kafka]\nbrokers = 'k:9092'\nproperties = {'sasl.password' = 'x9x'}\n\
         [site.pk_a]\norigins = ['https://a.example']\nsample_rate = 0.5\n",
    )
    .unwrap();
    let path = file.to_str().unwrap();
    let (fine, said) = output(&["check-config", "--config", path, "--listen", "127.0.0.1:9"]);
    assert!(fine, "{said}");
    for line in [
        "listen = 127.0.0.1:9  # --listen".to_owned(),
        format!("kafka.brokers = k:9092  # {path}:3:1 kafka.brokers"),
        "kafka.topic = footfall.events  # kafka.topic (default)".to_owned(),
        "kafka.properties = sasl.password (values not shown)".to_owned(),
        "site.pk_a: origins https://a.example; Origin: null accepted; gpc anonymous, dnt anonymous; bots tag; 0 routes of its own; pages are told {\"sample_rate\":0.5}"
            .to_owned(),
        "The settings are right.".to_owned(),
    ] {
        assert!(said.contains(&line), "{line} is not in\n{said}");
    }
    assert!(!said.contains("x9x"), "a password was printed");

    std::fs::write(&file, "write_keys = 'pk_a'\n[kafka]\nbrokers = 'k'\nlinger = '1m'\n").unwrap();
    let (fine, said) = output(&["check-config", "--config", path]);
    assert!(!fine);
    for problem in [
        "footfall.toml:1:1 write_keys: unknown key; did you mean write_key?",
        "footfall.toml:3:1 kafka.brokers",
    ] {
        assert!(said.contains(problem), "{problem} is not in\n{said}");
    }
}

#[test]
fn tail_says_where_there_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (fine, said) = output(&["tail", "--data-dir", dir.path().to_str().unwrap(), "--no-follow"]);
    assert!(!fine);
    assert!(said.starts_with("footfall: there is no journal in "), "{said}");
    let (fine, said) = output(&["tail", "--config", "/no/such/file.toml"]);
    assert!(!fine && said.contains("/no/such/file.toml: cannot be read: "), "{said}");
}

#[test]
fn the_log_is_as_detailed_as_the_first_variable_that_is_set_says() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let log = |variables: &[(&str, &str)]| {
        let mut command = footfall(&["tail", "--data-dir", dir, "--no-follow"]);
        command.env_remove("RUST_LOG").envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(log(&[("RUST_LOG", "=wrong=")]).contains("RUST_LOG cannot be read"));
    assert!(
        log(&[("FOOTFALL_LOG", "=wrong="), ("RUST_LOG", "info")]).contains("FOOTFALL_LOG cannot be read")
    );
    assert!(!log(&[("FOOTFALL_LOG", "info"), ("RUST_LOG", "=wrong=")]).contains("cannot be read ("));
}
