//! The `footfall-forum` program as an operator meets it: its start, its stop, and its words when something is wrong.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
};

fn forum(dir: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_footfall-forum"));
    command
        .env_clear()
        .arg("--data-dir")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

#[test]
fn it_says_where_it_listens_and_stops_in_order_when_told() {
    for signal in ["TERM", "INT"] {
        let dir = tempfile::tempdir().unwrap();
        let mut program = forum(dir.path()).args(["--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
        let address = lines.find(|line| line.as_ref().unwrap().contains("listening on http://127.0.0.1:"));
        assert!(address.is_some(), "it says where it listens");
        let told = Command::new("kill").args(["-s", signal, &program.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(program.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_taken_port_is_said_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = forum(dir.path()).args(["--listen", &address]).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words.contains(&address) && words.contains("another program uses this port"), "{words}");
}

#[test]
fn a_wrong_setting_is_named_with_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    for (flag, value, words) in [
        ("--listen", "3000", "invalid socket address"),
        ("--ingest-url", "127.0.0.1:8080", "http://HOST:PORT"),
        ("--admin-url", "https://127.0.0.1:8081", "without TLS"),
        ("--write-key", "a b", "letters, digits"),
    ] {
        let by_flag = forum(dir.path()).args([flag, value]).output().unwrap();
        let variable = format!("FORUM_{}", flag.trim_start_matches("--").replace('-', "_").to_uppercase());
        let by_variable = forum(dir.path()).env(variable, value).output().unwrap();
        for output in [by_flag, by_variable] {
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(flag) && said.contains(words), "{said}");
        }
    }
}
