//! The columns of CSV and Parquet, and a record's values in them: the same in each release, new ones only at the end.
//! Their meaning is that of the record's fields (`docs/wire.md`, "The record").

use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a column holds; each may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A moment, in Unix milliseconds.
    Time,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A JSON object, as text.
    Json,
}

/// One column, and where its value stands in a record.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The object in which the field stands, where it is not the record itself.
    within: Option<&'static str>,
    field: &'static str,
}

const fn own(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, within: None, field: name }
}

const fn text(name: &'static str, within: &'static str, field: &'static str) -> Column {
    Column { name, kind: Kind::Text, within: Some(within), field }
}

pub(super) const COLUMNS: [Column; 40] = [
    own("event_id", Kind::Text),
    own("type", Kind::Text),
    own("event", Kind::Text),
    own("timestamp", Kind::Time),
    own("received_at", Kind::Time),
    own("write_key", Kind::Text),
    own("user_id", Kind::Text),
    own("anonymous_id", Kind::Text),
    own("session_id", Kind::Text),
    own("page_view_id", Kind::Text),
    own("group_id", Kind::Text),
    own("previous_id", Kind::Text),
    own("seq", Kind::Integer),
    own("batch_id", Kind::Text),
    own("key_event", Kind::Boolean),
    own("possible_duplicate", Kind::Boolean),
    text("page_host", "page", "host"),
    text("page_path", "page", "path"),
    text("page_title", "page", "title"),
    text("page_route", "page", "route"),
    text("page_name", "page", "name"),
    text("referrer_class", "referrer", "class"),
    text("referrer_name", "referrer", "name"),
    text("referrer_host", "referrer", "host"),
    text("campaign_source", "campaign", "source"),
    text("campaign_medium", "campaign", "medium"),
    text("campaign_name", "campaign", "name"),
    text("client_address", "client", "address"),
    text("client_country", "client", "country"),
    text("client_region", "client", "region"),
    text("client_city", "client", "city"),
    text("browser", "user_agent", "browser"),
    text("browser_version", "user_agent", "browser_version"),
    text("os", "user_agent", "os"),
    text("os_version", "user_agent", "os_version"),
    text("device", "user_agent", "device"),
    Column { name: "bot", kind: Kind::Boolean, within: Some("user_agent"), field: "bot" },
    own("properties", Kind::Json),
    own("traits", Kind::Json),
    own("context", Kind::Json),
];

/// A value in a column of its kind; times are integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'r> {
    Missing,
    Text(Cow<'r, str>),
    Integer(i64),
    Boolean(bool),
}

/// The values of one record, one for each column.
pub(super) type Row<'r> = [Value<'r>; COLUMNS.len()];

type Members<'r> = BTreeMap<Cow<'r, str>, &'r RawValue>;

/// Reads them; the reason where the payload is no record.
pub(super) fn values(payload: &[u8]) -> Result<Row<'_>, String> {
    let record: Members<'_> = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    let mut objects: BTreeMap<&str, Members<'_>> = BTreeMap::new();
    for within in COLUMNS.iter().filter_map(|column| column.within) {
        if let Some(object) = record.get(within).filter(|object| object.get() != "null")
            && !objects.contains_key(within)
        {
            let members = serde_json::from_str(object.get()).map_err(|error| format!("{within}: {error}"))?;
            objects.insert(within, members);
        }
    }
    let mut row = [const { Value::Missing }; COLUMNS.len()];
    for (column, value) in COLUMNS.iter().zip(&mut row) {
        let object = match column.within {
            None => Some(&record),
            Some(within) => objects.get(within),
        };
        if let Some(field) = object.and_then(|object| object.get(column.field)) {
            *value = read(column.kind, field).map_err(|error| format!("{}: {error}", column.name))?;
        }
    }
    Ok(row)
}

fn read(kind: Kind, field: &RawValue) -> Result<Value<'_>, serde_json::Error> {
    let json = field.get();
    if json == "null" {
        return Ok(Value::Missing);
    }
    Ok(match kind {
        Kind::Text => Value::Text(text_of(json)?),
        Kind::Time | Kind::Integer => Value::Integer(serde_json::from_str(json)?),
        Kind::Boolean => Value::Boolean(serde_json::from_str(json)?),
        Kind::Json => Value::Text(Cow::Borrowed(json)),
    })
}

/// Borrowed where it has no escapes.
fn text_of(json: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match serde_json::from_str::<&str>(json) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => serde_json::from_str::<String>(json).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_column_stands_twice_and_each_finds_its_field() {
        let names: BTreeSet<&str> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
        let payload =
            br#"{"event_id":"a\u0041","timestamp":5,"seq":null,"key_event":true,"page":{"path":"/t"},
            "referrer":null,"properties":{"a": 1.50}}"#;
        let row = values(payload).unwrap();
        let of = |name: &str| &row[COLUMNS.iter().position(|column| column.name == name).unwrap()];
        assert_eq!(of("event_id"), &Value::Text("aA".into()));
        assert_eq!((of("timestamp"), of("seq")), (&Value::Integer(5), &Value::Missing));
        assert_eq!((of("key_event"), of("bot")), (&Value::Boolean(true), &Value::Missing));
        assert_eq!(of("page_path"), &Value::Text("/t".into()));
        assert_eq!(of("properties"), &Value::Text(r#"{"a": 1.50}"#.into()));
    }

    #[test]
    fn what_is_no_record_is_told_by_its_column() {
        assert!(values(b"[]").is_err() && values(b"\xff").is_err());
        assert!(values(br#"{"seq":"1"}"#).unwrap_err().starts_with("seq: "));
        assert!(values(br#"{"page":[]}"#).unwrap_err().starts_with("page: "));
    }
}
