//! A journal with damaged pages, where it is the store: what its operator is told, and what can still be had of it.

use crate::support::program::{Program, footfall};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

const BATCHES: usize = 20;
const EVENTS: usize = BATCHES * 50;

/// Events of a server that was stopped, and one of their pages overwritten.
async fn damaged(data_dir: &Path) {
    let program = Program::start(data_dir);
    let events = vec![r#"{"event":"post_view"}"#; EVENTS / BATCHES].join(",");
    for _ in 0..BATCHES {
        assert_eq!(program.post(format!(r#"{{"events":[{events}]}}"#)).await.status, 200);
    }
    program.signal("-TERM");
    assert_eq!(program.end().0, Some(0));
    let path = data_dir.join("journal.sqlite");
    let journal = rusqlite::Connection::open(&path).unwrap();
    let leaves = "SELECT pageno FROM dbstat WHERE name = 'events' AND pagetype = 'leaf' ORDER BY path";
    let mut select = journal.prepare(leaves).unwrap();
    let pages: Vec<u32> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&[0xa5; 4096], u64::from(pages[pages.len() / 2] - 1) * 4096).unwrap();
}

fn run(command: &str, data_dir: &Path, more: &[&str]) -> (bool, usize, String) {
    let mut command = footfall(&[command, "--data-dir", data_dir.to_str().unwrap()]);
    let Output { status, stdout, stderr } = command.args(more).output().unwrap();
    (status.success(), stdout.split(|byte| *byte == b'\n').count() - 1, String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_is_exported_and_printed_and_the_rest_is_told_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    damaged(dir.path()).await;
    let (fine, exported, said) = run("export", dir.path(), &[]);
    let lost = EVENTS - exported;
    assert!(!fine && (1..100).contains(&lost), "{exported} exported, {said}");
    let left_out = format!("{lost} rows are left out");
    for words in
        ["cannot be read, their pages are damaged", &format!("{exported} events exported"), &left_out]
    {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    let (fine, printed, said) = run("tail", dir.path(), &["--from-start", "--no-follow"]);
    assert!(fine && printed == exported && said.contains("their pages are damaged"), "{printed}, {said}");

    let mut program = Program::start(dir.path());
    let mut log = program.start.clone() + &program.log_until("(admin)");
    if !log.contains("rows of the journal are damaged") {
        log.push_str(&program.log_until("rows of the journal are damaged"));
    }
    assert!(log.contains("cannot be read, their pages are damaged"), "{log}");
    let admin = log.lines().find(|line| line.contains("(admin)")).unwrap();
    let admin = admin.split_once("http://").unwrap().1.split_once(" (admin)").unwrap().0.to_owned();
    assert_eq!(program.post(r#"{"event":"post_view"}"#).await.status, 200);
    let counted = format!("footfall_journal_damaged_rows_total {lost}");
    let mut metrics = String::new();
    let is_counted = async || {
        let reply = crate::support::send(admin.parse().unwrap(), "GET", "/metrics", &[], "").await;
        metrics = String::from_utf8(reply.body.to_vec()).unwrap();
        metrics.lines().any(|line| line == counted)
    };
    let in_time = crate::support::until_within(Duration::from_secs(60), is_counted).await;
    assert!(in_time.is_ok(), "no {counted} in {metrics}");
    assert!(metrics.contains(&format!("footfall_journal_rows {}", EVENTS + 1)), "{metrics}");
    let mut status = footfall(&["status", "--admin-listen", &admin]);
    let said = String::from_utf8(status.output().unwrap().stdout).unwrap();
    for words in [format!("{} events stay in it", EVENTS + 1), format!("{lost} rows are damaged")] {
        assert!(said.contains(&words), "{words} is not in {said}");
    }
    program.kill();
}
