//! What a sender may get wrong, and the status, the code and the sentence that it gets for it: the rows of
//! `bad_input.toml`, each over a real socket, and the server takes what is right after each of them.

use crate::support::{Reply, Server, send};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The kinds of rows; what their fields mean stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    event: Vec<EventRow>,
    batch: Vec<Row>,
    request: Vec<Row>,
    raw: Vec<RawRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventRow {
    name: String,
    json: String,
    code: String,
    path: String,
    says: String,
    #[serde(default)]
    more: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    json: Option<String>,
    hex: Option<String>,
    method: Option<String>,
    /// In `request` rows where it goes, in `batch` rows what the answer points at.
    path: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    pack: Option<String>,
    /// So many bytes are cut off the end of the packed body.
    #[serde(default)]
    cut: usize,
    /// The byte so far before the end is turned around.
    flip: Option<usize>,
    status: u16,
    code: String,
    says: String,
    #[serde(default)]
    more: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    name: String,
    bytes: Option<String>,
    hex: Option<String>,
    #[serde(default)]
    half_closed: bool,
    status: u16,
}

const EVENTS: &str = "/v1/events?key=pk_demo";
const GOOD: &str = r#"{"events":[{"event":"good"}]}"#;

fn table() -> Table {
    toml::from_str(include_str!("bad_input.toml")).unwrap()
}

/// Writes out the repetitions, `{{x*300}}`.
fn expand(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, (what, count, after))) =
        rest.split_once("{{").and_then(|(before, marked)| Some((before, repetition(marked)?)))
    {
        whole += before;
        whole += &what.repeat(count);
        rest = after;
    }
    whole + rest
}

fn repetition(marked: &str) -> Option<(&str, usize, &str)> {
    marked.match_indices("}}").find_map(|(end, _)| {
        let (what, count) = marked[..end].rsplit_once('*')?;
        Some((what, count.parse().ok()?, &marked[end + 2..]))
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn body_of(row: &Row) -> Vec<u8> {
    let plain = match (&row.hex, &row.json) {
        (Some(hex), _) => from_hex(hex),
        (None, json) => expand(json.as_deref().unwrap_or(GOOD)).into_bytes(),
    };
    let mut body = match row.pack.as_deref() {
        None => plain,
        Some("gzip") => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packer.write_all(&plain).unwrap();
            packer.finish().unwrap()
        }
        Some("zstd") => zstd::encode_all(&plain[..], 3).unwrap(),
        Some(other) => panic!("{}: no such packer: {other}", row.name),
    };
    body.truncate(body.len() - row.cut);
    if let Some(flip) = row.flip {
        let at = body.len() - flip;
        body[at] ^= 0xff;
    }
    body
}

/// What is wrong with the answer to a row; nothing where it is as it must be.
fn misfit(row: &Row, reply: &Reply, pointed: Option<&str>) -> Option<String> {
    let told: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    let reason = told["reason"].as_str().unwrap_or_default();
    let paths: Vec<_> = told["violations"].as_array().into_iter().flatten().map(|one| &one["path"]).collect();
    let is_right = reply.status == row.status
        && told["code"] == row.code
        && reason.starts_with(&expand(&row.says))
        && reply.header("content-type") == Some("application/json")
        && pointed.is_none_or(|path| told["path"] == path)
        && row.more.iter().all(|path| paths.contains(&&json!(path)));
    (!is_right).then(|| format!("{}: {} {told}", row.name, reply.status))
}

/// Fails with everything that is wrong, since a table is mended at once.
fn assert_none(misfits: &[String]) {
    let mut all = String::new();
    for misfit in misfits {
        writeln!(all, "- {}", misfit.chars().take(600).collect::<String>()).unwrap();
    }
    assert!(misfits.is_empty(), "{} rows are answered otherwise:\n{all}", misfits.len());
}

async fn takes_what_is_right(server: &Server) -> bool {
    server.post(GOOD).await.json()["accepted"] == 1
}

#[tokio::test]
async fn the_table_has_all_that_there_is() {
    let Table { event, batch, request, raw } = table();
    let count = event.len() + batch.len() + request.len() + raw.len();
    assert!(count >= 150, "{count} rows");
}

#[tokio::test]
async fn a_wrong_event_is_refused_alone_and_in_words() {
    let server = Server::start(&[]).await;
    let mut misfits = Vec::new();
    for row in table().event {
        let body = format!(r#"{{"events":[{{"event":"first"}},{},{{"event":"last"}}]}}"#, expand(&row.json));
        let reply = server.post(body).await;
        let told: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        let entry = &told["events"][0];
        let paths: Vec<_> =
            entry["violations"].as_array().into_iter().flatten().map(|one| &one["path"]).collect();
        let is_right = reply.status == 200
            && (&told["code"], &told["accepted"], &told["invalid"])
                == (&json!("partial"), &json!(2), &json!(1))
            && (&entry["index"], &entry["status"]) == (&json!(1), &json!("invalid"))
            && (&entry["code"], &entry["path"]) == (&json!(row.code), &json!(row.path))
            && entry["reason"].as_str().is_some_and(|reason| reason.starts_with(&expand(&row.says)))
            && row.more.iter().all(|path| paths.contains(&&json!(path)));
        if !is_right {
            misfits.push(format!("{}: {} {told}", row.name, reply.status));
        }
    }
    assert_none(&misfits);
}

#[tokio::test]
async fn a_wrong_batch_is_refused_as_a_whole() {
    let server = Server::start(&[]).await;
    let mut misfits = Vec::new();
    for row in table().batch {
        let reply = server.post(body_of(&row)).await;
        misfits.extend(misfit(&row, &reply, row.path.as_deref()));
        assert!(takes_what_is_right(&server).await, "after {}", row.name);
    }
    assert_none(&misfits);
}

#[tokio::test]
async fn what_a_request_says_of_itself_is_judged_before_its_body() {
    let server = Server::start(&[]).await;
    let mut misfits = Vec::new();
    for row in table().request {
        let (method, path) = (row.method.as_deref().unwrap_or("POST"), row.path.as_deref().unwrap_or(EVENTS));
        let mut headers: Vec<_> = row.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        if !row.headers.contains_key("content-type") {
            headers.push(("content-type", "text/plain"));
        }
        let reply = send(server.public, method, path, &headers, body_of(&row)).await;
        misfits.extend(misfit(&row, &reply, None));
        assert!(takes_what_is_right(&server).await, "after {}", row.name);
    }
    assert_none(&misfits);
}

#[tokio::test]
async fn what_is_hardly_http_is_refused_and_hurts_nobody() {
    let server = Server::start(&[("http.head_timeout", "2s"), ("http.body_timeout", "2s")]).await;
    let mut misfits = Vec::new();
    for row in table().raw {
        let bytes = match (&row.hex, &row.bytes) {
            (Some(hex), _) => from_hex(hex),
            (None, bytes) => expand(bytes.as_deref().unwrap()).into_bytes(),
        };
        let mut stream = TcpStream::connect(server.public).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(&bytes).await;
        if row.half_closed {
            stream.shutdown().await.unwrap();
        }
        let mut first = [0; 12];
        let mut read = 0;
        while read < first.len() {
            match stream.read(&mut first[read..]).await {
                Ok(0) | Err(_) => break,
                Ok(more) => read += more,
            }
        }
        let line = String::from_utf8_lossy(&first[..read]).into_owned();
        let status = line.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or(0);
        if status != row.status {
            misfits.push(format!("{}: {status}, {line:?}", row.name));
        }
        assert!(takes_what_is_right(&server).await, "after {}", row.name);
    }
    assert_none(&misfits);
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_counted() {
    let server = Server::start(&[]).await;
    let told =
        server.post(r#"{"mood":1,"events":[{"event":"a","colour":2,"context":{"shoe":3}}]}"#).await.json();
    assert_eq!((&told["accepted"], &told["unknown_fields"]), (&json!(1), &json!(3)));
}
