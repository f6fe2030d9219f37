//! The dead letters and the events of a journal, and the program that looks into them.

use super::program::footfall;
use footfall_delivery::journal::{JournalReader, JournalRow};
use serde_json::Value;
use std::path::Path;

/// The dead letters of a journal.
pub fn letters(dir: &Path) -> Vec<JournalRow> {
    JournalReader::open(dir).unwrap().read_dead_letters_after(0, 100).unwrap()
}

/// Its events.
pub fn events(dir: &Path) -> Vec<Value> {
    let rows = JournalReader::open(dir).unwrap().read_after(0, 100).unwrap();
    rows.iter().map(|row| serde_json::from_slice(&row.payload).unwrap()).collect()
}

/// A letter's header.
pub fn header<'a>(row: &'a JournalRow, name: &str) -> Option<&'a str> {
    let header = row.headers.iter().find(|header| header.name == name)?;
    str::from_utf8(&header.value).ok()
}

/// The binary's answer; it runs beside the servers of this process.
pub async fn run(arguments: &[&str]) -> (bool, String) {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let output = tokio::task::spawn_blocking(move || {
        footfall(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap()
    });
    let output = output.await.unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}
