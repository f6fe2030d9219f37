//! A tracking plan in a folder, a JSON Schema for each event: what it does to what is sent, when a change of it is taken
//! up, and what an operator is told of a folder that is no plan.

use crate::support::program::footfall;
use crate::support::{Server, stored};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const PURCHASE: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Somebody paid",
  "type": "object",
  "properties": { "total": { "type": "number", "minimum": 0 }, "method": { "enum": ["card", "invoice"] } },
  "required": ["total"],
  "additionalProperties": false,
  "x-key-event": true
}"#;

/// A folder `plan` beside the settings that name it.
struct Beside {
    dir: tempfile::TempDir,
}

impl Beside {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("plan")).unwrap();
        fs::write(dir.path().join("footfall.toml"), "write_key = ['pk_a', 'pk_b']\nplan = 'plan'\n").unwrap();
        let beside = Self { dir };
        for (name, text) in files {
            beside.write(name, text);
        }
        beside
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("plan")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).unwrap();
    }

    /// Whether `check-config` finds all right, and what it says.
    fn check(&self) -> (bool, String) {
        let settings = self.dir.path().join("footfall.toml");
        let output = footfall(&["check-config", "--config", settings.to_str().unwrap()]).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// A server that is held to the folder.
    async fn server(&self) -> Server {
        let folder = self.folder();
        Server::start_with(&[("plan", &[folder.to_str().unwrap()])]).await
    }
}

async fn refused(server: &Server, events: &str) -> Value {
    let answer = server.post(format!(r#"{{"events":[{events}]}}"#)).await.json();
    let told = answer["events"].as_array().cloned().unwrap_or_default();
    told.iter().map(|one| json!([one["index"], one["code"], one["path"]])).collect()
}

const BATCH: &str = r#"{"event":"purchase","properties":{"total":5,"method":"card"}},
    {"event":"purchase","properties":{"total":-1}}, {"event":"purchase","properties":{"total":5,"method":"cash","tip":1}},
    {"event":"surprise"}, {"event":"click"}, {"type":"identify","traits":{"tier":"gold"}}, {"event":"buy"}"#;

#[tokio::test]
async fn a_folder_of_schemas_judges_events_and_a_changed_file_is_taken_up_by_the_next_start() {
    let beside = Beside::new(&[
        ("purchase.schema.json", PURCHASE),
        ("buy.json", r#"{"deprecated":true,"x-successor":"purchase"}"#),
        ("plan.toml", "[type.identify.traits]\ntier = { type = 'enum', values = ['free', 'paid'] }\n"),
        ("README.md", "# Our plan"),
        (".draft.json", "half of a"),
    ]);
    let server = beside.server().await;
    let told = refused(&server, BATCH).await;
    let expected = json!([
        [1, "out_of_range", "properties.total"],
        [2, "unknown_value", "properties.method"],
        [3, "unknown_event", "event"],
        [5, "unknown_value", "traits.tier"],
    ]);
    assert_eq!(told, expected);
    server.until_metric(r#"footfall_plan_violations_total{event="buy",code="deprecated"} 1"#).await;

    beside.write("surprise.schema.json", "{}");
    beside.write("purchase.schema.json", r#"{"properties":{"total":{"type":"string"}}}"#);
    assert_eq!(refused(&server, BATCH).await, expected, "a running server keeps its plan, as with a file");
    let (ended, data_dir) = server.stop().await;
    ended.unwrap();
    let records = stored(data_dir.path());
    let kept: Vec<_> = records.iter().map(|one| (one["event"].as_str(), &one["key_event"])).collect();
    let once = [(Some("purchase"), &json!(true)), (Some("click"), &Value::Null), (Some("buy"), &Value::Null)];
    assert_eq!(kept, [once, once].concat());

    let server = beside.server().await;
    let wrong = "properties.total";
    assert_eq!(
        refused(&server, BATCH).await,
        json!([
            [0, "wrong_type", wrong],
            [1, "wrong_type", wrong],
            [2, "wrong_type", wrong],
            [5, "unknown_value", "traits.tier"]
        ])
    );
}

#[test]
fn check_config_counts_the_schemas_and_tells_every_mistake_with_file_line_and_pointer() {
    let beside =
        Beside::new(&[("purchase.schema.json", PURCHASE), ("refund.json", r#"{"deprecated":true}"#)]);
    let (fine, said) = beside.check();
    assert!(fine, "{said}");
    assert!(
        said.contains("site.pk_b: tracking plan enforced (2 events, 1 key events, 1 deprecated)"),
        "{said}"
    );

    beside.write(
        "refund.json",
        "{\n  \"properties\": { \"at\": { \"type\": \"string\", \"format\": \"date\" } }\n}",
    );
    beside.write("plan.toml", "[event.purchase]\n");
    let (fine, said) = beside.check();
    let folder = beside.folder();
    for mistake in [
        format!(
            "{}:2:55 #/properties/at/format: is not checked by a plan: take it out",
            folder.join("refund.json").display()
        ),
        format!(
            "{}:1:1 #: declares \"purchase\" a second time",
            folder.join("purchase.schema.json").display()
        ),
    ] {
        assert_eq!(said.matches(&mistake).count(), 1, "once for both sites: {mistake}\n{said}");
    }
    assert!(!fine);
}

#[test]
fn a_folder_that_is_no_plan_is_told_at_the_setting() {
    let told = |beside: &Beside, expected: &str| {
        let (fine, said) = beside.check();
        let place = format!("{}:2:1 plan: names ", beside.dir.path().join("footfall.toml").display());
        assert!(!fine && said.contains(&place) && said.contains(expected), "{expected}\nis not in\n{said}");
    };
    told(
        &Beside::new(&[("README.md", "")]),
        "a folder that has neither a JSON Schema such as purchase.schema.json nor a plan.toml",
    );

    let beside = Beside::new(&[("purchase.json", PURCHASE)]);
    fs::create_dir(beside.folder().join("old.json")).unwrap();
    told(&beside, "plan, which cannot be read: old.json: it is no file");

    let beside = Beside::new(&[]);
    fs::write(beside.folder().join("purchase.json"), b"{\"title\":\"\xff\"}").unwrap();
    told(&beside, "cannot be read: purchase.json: it is not UTF-8");

    let beside = Beside::new(&[("purchase.json", PURCHASE)]);
    let settings = "write_key = 'pk_a'\nplan = 'plan/purchase.json'\n";
    fs::write(beside.dir.path().join("footfall.toml"), settings).unwrap();
    told(
        &beside,
        "purchase.json; a plan of JSON Schemas is a folder with one for each event: name the folder",
    );
}

#[test]
fn a_folder_is_read_up_to_its_bounds() {
    let told = |beside: &Beside, expected: Option<&str>| {
        let (fine, said) = beside.check();
        assert!(fine == expected.is_none() && said.contains(expected.unwrap_or("are right")), "{said}");
    };
    let padded = |folder: &Path, name: &str, bytes: u64| {
        let padding = usize::try_from(bytes).unwrap() - 2;
        fs::write(folder.join(name), format!("{{{}}}", " ".repeat(padding))).unwrap();
    };
    let beside = Beside::new(&[]);
    padded(&beside.folder(), "a.json", 1 << 21);
    padded(&beside.folder(), "b.json", 1 << 21);
    told(&beside, None);
    padded(&beside.folder(), "b.json", (1 << 21) + 1);
    told(&beside, Some("b.json: with it the files have more than 4194304 bytes together"));

    let beside = Beside::new(&[]);
    for index in 0..4096 {
        fs::write(beside.folder().join(format!("event_{index}.json")), "{}").unwrap();
    }
    told(&beside, None);
    File::create(beside.folder().join("one-more")).unwrap();
    told(&beside, Some("which cannot be read: it has more than 4096 files"));
}
