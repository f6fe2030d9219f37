//! The event of `GET /v1/pixel.gif`, from the query to the text that a sender with a body would have written.
//! What the fields may be is judged where all events are, so that a refusal says the same for all.

use crate::refusal::Refused;
use footfall_event_model::limits::PROPERTY_KEYS;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use std::borrow::Cow;

/// Bytes of a query at most: what mail programs and proxies pass on is shorter still.
const QUERY_BYTES: usize = 8 * 1024;

/// Fields of the event's context, and of its page.
const CONTEXT: [&str; 6] =
    ["anonymous_id", "session_id", "page_view_id", "user_signature", "locale", "timezone"];
const PAGE: [&str; 4] = ["url", "path", "title", "referrer"];
/// What was read before the event: it is known, but no part of it.
const OF_THE_REQUEST: [&str; 4] = ["key", "priority", "encoding", "receipt"];

/// The text of the event in `query`.
///
/// # Errors
/// [`Refused::BadQuery`] where the query is too long or names something twice, whole and in parts included.
pub(super) fn text(query: &str) -> Result<Vec<u8>, Refused> {
    if query.len() > QUERY_BYTES {
        let value = format!("{} bytes long", query.len());
        return Err(Refused::BadQuery { name: "the query", value, right: "at most 8192 bytes" });
    }
    let (mut event, mut context, mut page, mut properties) = (Map::new(), Map::new(), Map::new(), Map::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let known = |names: &[&str]| names.contains(&name.as_ref());
        let (fields, name, value) = if let Some(name) = name.strip_prefix("p.") {
            (&mut properties, name, guessed(value))
        } else if let Some(name) = name.strip_prefix("t.") {
            (&mut properties, name, Value::from(value))
        } else if known(&OF_THE_REQUEST) {
            continue;
        } else if known(&CONTEXT) {
            (&mut context, name.as_ref(), Value::from(value))
        } else if known(&PAGE) {
            (&mut page, name.as_ref(), Value::from(value))
        } else {
            let is_text = !known(&["timestamp", "seq", "key_event", "possible_duplicate"]);
            (&mut event, name.as_ref(), if is_text { Value::from(value) } else { guessed(value) })
        };
        if fields.insert(name.to_owned(), value).is_some() {
            let value = footfall_event_model::text::cut(name, 80).to_owned();
            return Err(Refused::BadQuery { name: "a name that stands twice", value, right: "there once" });
        }
        // The event is refused for them; a thousand more would say no more.
        if properties.len() > PROPERTY_KEYS {
            break;
        }
    }
    put(&mut context, "page", page)?;
    put(&mut event, "context", context)?;
    put(&mut event, "properties", properties)?;
    Ok(Value::from(vec![Value::from(event)]).to_string().into_bytes())
}

fn put(
    fields: &mut Map<String, Value>,
    name: &'static str,
    inner: Map<String, Value>,
) -> Result<(), Refused> {
    if inner.is_empty() {
        return Ok(());
    }
    match fields.insert(name.to_owned(), Value::from(inner)) {
        None => Ok(()),
        Some(_) => Err(Refused::BadQuery {
            name: "a field that stands whole and in parts",
            value: name.to_owned(),
            right: "there once",
        }),
    }
}

/// A query holds text alone: what reads as a JSON number, `true` or `false` is taken for that, all else for text.
fn guessed(value: Cow<'_, str>) -> Value {
    match serde_json::from_str(&value) {
        Ok(guess @ (Value::Bool(_) | Value::Number(_))) if as_written(&guess, &value) => guess,
        _ => Value::from(value),
    }
}

/// Whether a number is written back as it came: `1e400`, `1.50` and twenty digits stay text.
fn as_written(value: &impl Serialize, text: &str) -> bool {
    serde_json::to_string(value).is_ok_and(|written| written == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn event(query: &str) -> Value {
        serde_json::from_slice::<Vec<Value>>(&text(query).unwrap()).unwrap().remove(0)
    }

    #[test]
    fn a_query_is_an_event() {
        assert_eq!(
            event(
                "key=pk&event=newsletter_opened&user_id=42&p.post_id=42&p.vip=true&p.zip=01234&t.n=7&timestamp=5"
            ),
            json!({"event": "newsletter_opened", "user_id": "42", "timestamp": 5,
                   "properties": {"post_id": 42, "vip": true, "zip": "01234", "n": "7"}})
        );
        assert_eq!(
            event("type=page&url=https%3A%2F%2Fa.example%2F%3Fb%3D1&title=A+b&anonymous_id=x&odd=1"),
            json!({"type": "page", "odd": "1",
                   "context": {"anonymous_id": "x", "page": {"url": "https://a.example/?b=1", "title": "A b"}}})
        );
        assert_eq!(event(""), json!({}));
    }

    #[test]
    fn only_what_is_written_as_json_writes_it_is_a_number() {
        for stays in ["1e400", "1.50", "12345678901234567890123", "+1", " 1", "null", "[1]", "NaN", ""] {
            assert_eq!(guessed(stays.into()), json!(stays));
        }
        assert_eq!(guessed("-1.5".into()), json!(-1.5));
    }

    #[test]
    fn what_is_too_long_or_said_twice_is_refused_in_words() {
        let told = |query: &str| text(query).unwrap_err().to_string();
        assert_eq!(told("event=a&event=b"), "a name that stands twice is \"event\"; it must be there once");
        assert_eq!(told("p.a=1&t.a=1"), "a name that stands twice is \"a\"; it must be there once");
        for (query, field) in [("p.a=1&properties=b", "properties"), ("context=a&title=b", "context")] {
            let expected =
                format!("a field that stands whole and in parts is {field:?}; it must be there once");
            assert_eq!(told(query), expected);
        }
        let long = format!("p.a={}", "x".repeat(QUERY_BYTES));
        assert_eq!(told(&long), "the query is \"8196 bytes long\"; it must be at most 8192 bytes");
        let wide: String = (0..2000).map(|n| format!("p.{n}&")).collect();
        assert_eq!(event(&wide[..QUERY_BYTES])["properties"].as_object().unwrap().len(), PROPERTY_KEYS + 1);
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused_without_a_panic(query in "([a-z.&=%+0-9]|\\PC){0,64}") {
            if let Ok(mut text) = text(&query) {
                footfall_event_model::wire::decode_batch(&mut text).unwrap();
            }
        }
    }
}
