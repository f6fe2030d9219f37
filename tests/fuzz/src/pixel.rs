//! `GET /v1/pixel.gif`: a query becomes the text of one event, of bounded size, that says what the query said.
//! The first byte chooses the site; the rest is the query.

use crate::sites::site;
use crate::verdicts;
use axum::http::{HeaderMap, Uri};
use footfall_event_model::limits::PROPERTY_KEYS;
use ingest_server::admit::admit;
use ingest_server::decode::{Encoding, Shape};
use serde_json::{Map, Value};

/// Bytes of a query at most.
const QUERY_BYTES: usize = 8 * 1024;

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, query)) = bytes.split_first() else { return };
    let Ok(query) = std::str::from_utf8(query) else { return };
    let Ok(uri) = format!("/v1/pixel.gif?{query}").parse::<Uri>() else { return };
    let query = uri.query().unwrap_or_default();
    if let Err(refused) = admit(Shape::Pixel, &uri, &HeaderMap::new()) {
        verdicts::refusal(&refused);
    }
    let mut text = match Shape::Pixel.text(&uri, Encoding::Identity, Vec::new()) {
        Ok(text) => text,
        Err(refused) => return verdicts::refusal(&refused),
    };
    assert!(query.len() <= QUERY_BYTES, "{} bytes of a query are taken", query.len());
    // The widest that a byte becomes: one that is no UTF-8 three bytes, a control character six for its three.
    assert!(text.len() <= 3 * query.len() + 128, "{} bytes became {}", query.len(), text.len());
    says_the_same(query, &text);
    verdicts::batch(Shape::Pixel, &mut text, site(choice));
}

/// Each value of the query stands in the text, once, and nothing else does.
fn says_the_same(query: &str, text: &[u8]) {
    let events: Vec<Map<String, Value>> =
        serde_json::from_slice(text).expect("the text is an array of objects");
    let [event] = &events[..] else { panic!("{} events of one query", events.len()) };
    let mut found = Vec::new();
    for (name, value) in event {
        match (name.as_str(), value) {
            ("properties" | "context", Value::Object(members)) => {
                for (name, value) in members {
                    match value {
                        Value::Object(page) => found.extend(page.iter()),
                        value => found.push((name, value)),
                    }
                }
            }
            _ => found.push((name, value)),
        }
    }
    let mut stands: Vec<_> = found.into_iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    let of_the_request = ["key", "priority", "encoding", "receipt"];
    let mut said: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !of_the_request.contains(&&**name))
        .map(|(name, value)| {
            let bare = name.strip_prefix("p.").or(name.strip_prefix("t.")).unwrap_or(&name);
            (bare.to_owned(), value.into_owned())
        })
        .collect();
    stands.sort();
    said.sort();
    if event.get("properties").and_then(Value::as_object).is_none_or(|all| all.len() <= PROPERTY_KEYS) {
        assert_eq!(stands, said);
    }
}

/// A value as it stood in the query.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
