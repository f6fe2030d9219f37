//! A login at the registry that is refused, then put right in its file: obeyed without a restart.

use super::registry::Front;
use super::{KAFKA, records, registry, settings};
use crate::support::program::Program;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_of_the_registry_counts_without_a_restart_and_stops_no_start_that_needs_no_registry()
 {
    let login = Front::start(registry().await, Some("Basic YW5uOmh1bnRlcjI="), None).await;
    let dir = tempfile::tempdir().unwrap();
    let (data, password) = (dir.path().join("data"), dir.path().join("password"));
    let registry = format!(
        "[kafka.schema_registry]\ntimeout = '60s'\nurl = '{}'\nusername = 'ann'\npassword_file = {password:?}\n",
        login.url()
    );
    let file = settings(dir.path(), "renewed", &registry);
    std::fs::write(&password, "hunter1").unwrap();
    let (right, refused) = (password.clone(), Arc::clone(&login.refused));
    let put_right = tokio::spawn(async move {
        while refused.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::fs::write(right, "hunter2").unwrap();
    });
    let started = data.clone();
    let config = file.clone();
    let start = move || Program::start_with(&started, &["--config", &config]);
    let program = tokio::task::spawn_blocking(start).await.unwrap();
    put_right.await.unwrap();
    assert!(program.start.contains("refuses the login"), "{}", program.start);
    assert!(program.start.contains("has the id") && !program.start.contains("hunter"), "{}", program.start);
    assert_eq!(program.post(r#"{"events":[{"event":"a"}]}"#).await.status, 200);
    program.signal("-TERM");
    program.end();

    // The ids are known by now: a login that the registry refuses again is told, and stops nothing.
    std::fs::write(&password, "hunter3").unwrap();
    let text = std::fs::read_to_string(&file).unwrap().replace("'60s'", "'1s'");
    std::fs::write(&file, text).unwrap();
    let program = Program::start_with(&data, &["--config", &file]);
    assert!(program.start.contains("goes on with the id"), "{}", program.start);
    assert_eq!(program.post(r#"{"events":[{"event":"a"}]}"#).await.status, 200);
    assert_eq!(records(&KAFKA, "renewed", 2).len(), 2);
    program.kill();
}
