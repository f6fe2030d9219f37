//! A registry that is away, refuses, or has another schema there: told at the start and by `check-config`.

use super::registry::{API, Front};
use super::{registry, run, settings};
use crate::support::program::Program;
use crate::support::tls;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_registry_is_told_at_the_start_and_by_check_config() {
    let registry = registry().await;
    let other = json!({"schema": json!({"type": "record", "name": "Other", "fields": [{"name": "n", "type": "int"}]}).to_string()});
    assert_eq!(registry.send("POST", "/subjects/unfit-value/versions", &other).await.status, 200);
    let backward = json!({"compatibility": "BACKWARD"});
    assert_eq!(registry.send("PUT", "/config/unfit-value", &backward).await.status, 200);
    let login = Front::start(registry, Some("Basic YW5uOmh1bnRlcjI="), None).await;
    let folder = tempfile::tempdir().unwrap();
    let pair = tls::pair(folder.path());
    let secured = Front::start(registry, None, Some(pair.acceptor())).await;
    let secured_url = format!("https://localhost:{}{API}", secured.address.port());
    std::fs::write(folder.path().join("password"), "hunter2").unwrap();
    std::fs::write(folder.path().join("wrong"), "hunter3").unwrap();
    let as_ann =
        |password: &str| format!("username = 'ann'\npassword_file = {:?}\n", folder.path().join(password));
    let ca = format!("ca_file = {:?}\n", pair.certificate);
    let plain = registry.url();
    for (topic, url, more, wrong) in [
        ("fine", "http://127.0.0.1:1", String::new(), Some("did not answer")),
        ("fine", "http://no-such-host.invalid", String::new(), Some("cannot be reached")),
        (
            "fine",
            &format!("http://{}", registry.address),
            String::new(),
            Some("has no schema registry's API under that URL"),
        ),
        ("absent", &plain, "auto_register = 'off'\n".to_owned(), Some("not have our schema")),
        ("unfit", &plain, String::new(), Some("does not fit the one that is there")),
        ("fine", &login.url(), String::new(), Some("asks for a login (401")),
        ("fine", &login.url(), as_ann("wrong"), Some("refuses the login")),
        ("fine", &login.url(), as_ann("password"), None),
        (
            "fine",
            &secured_url,
            String::new(),
            Some("TLS fails (its CA is named by kafka.schema_registry.ca_file)"),
        ),
        ("fine", &secured_url, ca, None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        // What may come to be right is waited for; what answers is not.
        let waits = wrong.is_some_and(|wrong| {
            ["did not", "cannot be", "TLS", "refuses the login"].iter().any(|begin| wrong.starts_with(begin))
        });
        let timeout = if waits { "5s" } else { "60s" };
        let file = settings(
            dir.path(),
            topic,
            &format!("[kafka.schema_registry]\ntimeout = '{timeout}'\nurl = '{url}'\n{more}"),
        );
        let (_, checked) = run(&["check-config", "--connect"], &file);
        let of_registry: Vec<_> =
            checked.lines().filter(|line| line.contains("the schema registry at")).collect();
        assert!(!checked.contains("hunter"), "{checked}");
        let Some(wrong) = wrong else {
            assert!(
                of_registry.iter().all(|line| line.starts_with("ok ")) && !of_registry.is_empty(),
                "{url}: {checked}"
            );
            let program = Program::start_with(&dir.path().join("data"), &["--config", &file]);
            assert!(program.start.contains("has the id"), "{}", program.start);
            assert_eq!(program.post(r#"{"events":[{"event":"a"}]}"#).await.status, 200);
            program.signal("-TERM");
            assert_eq!(program.end().0, Some(0));
            continue;
        };
        assert!(of_registry.iter().any(|line| line.starts_with("WRONG")), "{url}: {checked}");
        let begun = Instant::now();
        let (fine, said) = run(&["serve"], &file);
        assert!(!fine && said.contains("kafka.schema_registry"), "{url}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        assert!(said.contains(wrong) && !said.contains("hunter"), "{url}: {said}");
        if !wrong.contains("did not answer") {
            assert!(checked.contains(wrong), "{url}: {checked}");
        }
    }
    // Asking registers nothing.
    let subjects = registry.get("/subjects").await.json();
    assert!(!subjects.as_array().unwrap().contains(&json!("absent-value")), "{subjects}");
}
