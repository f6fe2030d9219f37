//! Prints events and what the native check says of each: two lines of JSON for one event.
//! `compare.mjs` asks the wasm module the same.

use footfall_check_twice::{events, verdict};
use std::io::{BufWriter, Write};

/// How many events are compared.
const EVENTS: usize = 10_000;

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for text in events::lines(EVENTS) {
        writeln!(out, "{}", serde_json::Value::from(verdict(&text)))?;
        writeln!(out, "{}", serde_json::Value::from(text))?;
    }
    out.flush()
}
