//! What a schema says that one value must be, in the words of a plan: `null` is a missing value there.
//! Depth and number are bounded as in a plan's TOML, since events have the same bounds.

use super::Reader;
use super::keyword::home;
use super::object::{Object, names};
use crate::check::plan::expected::{Expected, Field, Fields, MOST_FIELDS};
use footfall_event_model::limits::{EVENT_BYTES, PROPERTY_DEPTH};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

const SCHEMA: &str = "a schema, such as {\"type\": \"string\"}";
const KINDS: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];
const TYPES: &str =
    "string, number, integer, boolean, array or object, or a list of one of them and \"null\"";

/// The types that are named.
pub(super) struct Kinds {
    pub(super) names: Vec<String>,
    /// Whether `null` is one of them.
    pub(super) null: bool,
}

/// What a value must be, and whether the schema says of `null` that it may be that too.
struct Said(Expected, bool);

impl<'t> Reader<'t> {
    /// The types that a schema names; `None` where it names none, or where that is a mistake that was told.
    pub(super) fn kinds(&mut self, schema: &Object<'t>) -> Option<Kinds> {
        let value = schema.get("type")?;
        let named = serde_json::from_str::<String>(value.get()).map(|name| vec![name]);
        let Ok(mut names) = named.or_else(|_| serde_json::from_str::<Vec<String>>(value.get())) else {
            self.wrong(value, &schema.key("type"), format!("must be {TYPES}"));
            return None;
        };
        let null = names.iter().any(|name| name == "null");
        names.retain(|name| name != "null");
        Some(Kinds { names, null })
    }

    /// Reads the members that an object may have.
    pub(super) fn fields(&mut self, schema: &Object<'t>, depth: usize) -> Fields {
        let closed = self.closed(schema);
        let mut required = self.required(schema);
        let mut all = Vec::new();
        let deepest = schema.get("properties").or(schema.get("required")).filter(|_| depth > PROPERTY_DEPTH);
        if let Some(value) = deepest {
            let message = format!("is deeper than the {PROPERTY_DEPTH} levels that properties may have");
            self.wrong(value, &schema.at, message);
            return Fields { all, closed };
        }
        let properties = schema.get("properties").and_then(|value| {
            let right = "an object with a schema for each property: {\"total\": {\"type\": \"number\"}}";
            self.object(value, &schema.key("properties"), right)
        });
        let members =
            properties.iter().flat_map(|object| object.members.iter().map(move |member| (object, member)));
        for (object, (name, &raw)) in members {
            let key = object.key(name);
            let Said(value, null) = self.value(raw, &key, depth);
            let required = required.remove(name);
            if required && null {
                let message = "is required and may be null, but a null counts as missing: take it out of \"required\", \
                               or \"null\" out of its type";
                self.wrong(raw, &key, message);
            }
            all.push(Field { name: name.as_str().into(), required, value });
        }
        if let (true, Some(value), false) = (closed, schema.get("required"), required.is_empty()) {
            let names: Vec<_> = required.iter().map(|name| format!("{name:?}")).collect();
            let message = format!(
                "names {}, which \"additionalProperties\": false refuses: declare it in \"properties\"",
                names.join(", ")
            );
            self.wrong(value, &schema.key("required"), message);
        }
        let any = |name: String| Field { name: name.into(), required: true, value: Expected::Any };
        all.extend(required.into_iter().map(any));
        if all.len() > MOST_FIELDS {
            let message = format!("declares {} members; at most {MOST_FIELDS} are possible", all.len());
            self.wrong(schema.raw, &schema.at, message);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Fields { all, closed }
    }

    fn closed(&mut self, schema: &Object<'t>) -> bool {
        let Some(value) = schema.get("additionalProperties") else { return false };
        serde_json::from_str::<bool>(value.get()).map(|taken| !taken).unwrap_or_else(|_| {
            // `{}` takes any value, as `true` does.
            if names(value).is_none_or(|names| !names.is_empty()) {
                let message = "must be true or false: a plan says nothing of the values of other properties";
                self.wrong(value, &schema.key("additionalProperties"), message);
            }
            false
        })
    }

    fn required(&mut self, schema: &Object<'t>) -> BTreeSet<String> {
        let Some(value) = schema.get("required") else { return BTreeSet::new() };
        serde_json::from_str(value.get()).unwrap_or_else(|_| {
            let message = "must be a list of names beside \"properties\", such as [\"total\"]";
            self.wrong(value, &schema.key("required"), message);
            BTreeSet::new()
        })
    }

    fn value(&mut self, raw: &'t RawValue, at: &str, depth: usize) -> Said {
        let nothing = Said(Expected::Any, false);
        match raw.get() {
            "true" => return nothing,
            "false" => {
                self.wrong(
                    raw,
                    at,
                    "lets no value pass: leave it out and say \"additionalProperties\": false",
                );
                return nothing;
            }
            _ => {}
        }
        let Some(schema) = self.object(raw, at, SCHEMA) else { return nothing };
        let listed = schema.get("enum").or(schema.get("const"));
        let (kind, null) = match self.kinds(&schema) {
            Some(Kinds { mut names, null }) if names.len() == 1 => (names.remove(0), null),
            Some(_) => (String::new(), false),
            None if schema.get("type").is_some() => return nothing,
            None if listed.is_some() => ("string".to_owned(), true),
            None => {
                self.untyped(&schema);
                return nothing;
            }
        };
        let is_enum = listed.is_some() && kind == "string";
        if KINDS.contains(&kind.as_str()) {
            self.only(&schema, if is_enum { "enum" } else { &kind }, &[]);
        }
        let expected = match kind.as_str() {
            "string" if is_enum => {
                let (values, lists_null) = self.listed(&schema);
                return Said(Expected::OneOf(values), null && lists_null);
            }
            "string" => Expected::Text { most_characters: self.count(&schema, "maxLength") },
            "number" | "integer" => self.range(&schema, kind == "integer"),
            "boolean" => Expected::Flag,
            "array" => Expected::List {
                items: Box::new(self.items(&schema, depth)),
                most: self.count(&schema, "maxItems"),
            },
            "object" => Expected::Object(self.fields(&schema, depth + 1)),
            _ => {
                let value = schema.get("type").unwrap_or(raw);
                self.wrong(
                    value,
                    &schema.key("type"),
                    format!("must be {TYPES}; leave it out to take any value"),
                );
                Expected::Any
            }
        };
        Said(expected, null)
    }

    /// A schema without a type takes any value, unless it says what only values of one type are held to.
    fn untyped(&mut self, schema: &Object<'t>) {
        match schema.members.keys().find_map(|name| Some((name, home(name)?))) {
            Some((name, kind)) => {
                let message = format!(
                    "says {name:?} and no type, so that values of all other types pass: say \"type\": {kind:?} too"
                );
                self.wrong(schema.raw, &schema.at, message);
            }
            None => self.only(schema, "any", &[]),
        }
    }

    fn items(&mut self, schema: &Object<'t>, depth: usize) -> Expected {
        let Some(value) = schema.get("items") else { return Expected::Any };
        let key = schema.key("items");
        if depth >= PROPERTY_DEPTH {
            self.wrong(value, &key, "is deeper than properties may be");
            return Expected::Any;
        }
        let Said(expected, null) = self.value(value, &key, depth + 1);
        if null {
            let message =
                "may be null, but a plan takes no null in a list: take \"null\" out, or say {} for any item";
            self.wrong(value, &key, message);
        }
        expected
    }

    fn range(&mut self, schema: &Object<'t>, whole: bool) -> Expected {
        let mut number = |name: &str, otherwise: f64| {
            let Some(value) = schema.get(name) else { return otherwise };
            // No other JSON value reads as a number.
            value.get().parse().ok().filter(|number: &f64| number.is_finite()).unwrap_or_else(|| {
                self.wrong(value, &schema.key(name), "must be a number, such as 0 or 99.5");
                otherwise
            })
        };
        let (least, most) = (number("minimum", f64::NEG_INFINITY), number("maximum", f64::INFINITY));
        if let (true, Some(value)) = (least > most, schema.get("minimum")) {
            self.wrong(value, &schema.key("minimum"), "is above \"maximum\", so that no number fits");
        }
        Expected::Number { whole, least, most }
    }

    /// A bound; without one an event's own bound holds.
    fn count(&mut self, schema: &Object<'t>, name: &str) -> usize {
        let Some(value) = schema.get(name) else { return EVENT_BYTES };
        value.get().parse().ok().filter(|&count| count > 0).unwrap_or_else(|| {
            self.wrong(value, &schema.key(name), "must be a whole number above 0");
            EVENT_BYTES
        })
    }

    /// The values that are listed, and whether `null` is one of them.
    fn listed(&mut self, schema: &Object<'t>) -> (Box<[Box<str>]>, bool) {
        let (name, value) = match (schema.get("enum"), schema.get("const")) {
            (Some(value), None) => ("enum", value),
            (None, Some(value)) => ("const", value),
            (listed, _) => {
                let message = "stands beside \"const\": say one of the two";
                self.wrong(listed.unwrap_or(schema.raw), &schema.key("enum"), message);
                return Default::default();
            }
        };
        let all: Option<Vec<Option<String>>> = match name {
            "const" => serde_json::from_str(value.get()).ok().map(|value| vec![Some(value)]),
            _ => serde_json::from_str(value.get()).ok(),
        };
        let texts = all.iter().flatten().flatten().map(|text| text.as_str().into()).collect::<Box<[_]>>();
        let null = all.is_some_and(|all| all.contains(&None));
        if texts.is_empty() {
            let message = "must be a list of strings with at least one, such as [\"card\", \"invoice\"]";
            let message = if name == "const" { "must be a string, such as \"card\"" } else { message };
            self.wrong(value, &schema.key(name), message);
        }
        (texts, null)
    }
}
