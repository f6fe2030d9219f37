//! Reads a tracking plan from its TOML text and tells every mistake with its line.
//! Where the file is, and which sites it is for, is a matter of the settings.

mod fields;

use super::expected::{Expected, Field, Fields, MOST_FIELDS};
use super::mistake::{Mistake, Noted, Successor};
use super::{Declared, Plan};
use fields::Values;
use footfall_event_model::limits::PROPERTY_DEPTH;
use footfall_event_model::{Event, check};
use std::borrow::Cow;
use std::collections::HashSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const TYPES: &str = "string, number, integer, boolean, array, object, enum or any";

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// Every [`Mistake`] in it, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let mut plan = Self::default();
        let Noted { mut mistakes, successors } = read(text, &mut plan);
        if plan.events.is_empty() && mistakes.is_empty() {
            mistakes.push(Mistake::at(text, 0, "event", NO_EVENT));
        }
        mistakes.extend(successors.into_iter().filter_map(|successor| successor.judge(&plan)));
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        if mistakes.is_empty() { Ok(plan) } else { Err(mistakes) }
    }
}

/// What is told of a plan without an event.
pub(super) const NO_EVENT: &str = "declares no event: begin with a table such as [event.purchase]";

/// Adds to a plan what the text declares.
pub(super) fn read(text: &str, plan: &mut Plan) -> Noted {
    let mut reader = Reader { text, noted: Noted::default() };
    match DeTable::parse(text) {
        Ok(table) => reader.plan(table.get_ref(), plan),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reader.wrong(at, "", format!("is not TOML: {}", error.message()));
        }
    }
    reader.noted
}

type Name<'a, 'i> = (&'a Spanned<toml::de::DeString<'i>>, &'a Spanned<DeValue<'i>>);

struct Reader<'t> {
    text: &'t str,
    noted: Noted,
}

impl Reader<'_> {
    fn wrong(&mut self, at: usize, key: &str, message: impl Into<String>) {
        self.noted.mistakes.push(Mistake::at(self.text, at, key, message));
    }

    fn plan(&mut self, table: &DeTable<'_>, plan: &mut Plan) {
        for (name, value) in table {
            let at = name.span().start;
            match name.get_ref().as_ref() {
                "other_events" => plan.takes_others = !self.refuses(at, "other_events", value.get_ref()),
                "event" => self.each(at, "event", value, |reader, (name, value), key| {
                    let event = name.get_ref().to_string();
                    if let Err(found) = check(&Event::track(event.as_str())) {
                        let told: Vec<_> = found.into_iter().map(|violation| violation.message).collect();
                        reader.wrong(name.span().start, key, told.join("; "));
                    }
                    let declared = reader.declared(value, key, "properties");
                    plan.events.insert(event, declared);
                }),
                "type" => self.each(at, "type", value, |reader, (name, value), key| {
                    let (kind, bag) = match name.get_ref().as_ref() {
                        "page" => ("page", "properties"),
                        "screen" => ("screen", "properties"),
                        "identify" => ("identify", "traits"),
                        "group" => ("group", "traits"),
                        _ => {
                            let message = "unknown type; known are page, screen, identify and group";
                            return reader.wrong(name.span().start, key, message);
                        }
                    };
                    let declared = reader.declared(value, key, bag);
                    plan.types.insert(kind, declared);
                }),
                other => self.unknown(at, &spelled(other), "event, type and other_events"),
            }
        }
    }

    /// Hands over each entry of a table with its whole key.
    fn each(
        &mut self,
        at: usize,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        mut take: impl FnMut(&mut Self, Name<'_, '_>, &str),
    ) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.wrong(at, key, format!("must be a table: [{key}.…]"));
        };
        for entry in table {
            let key = format!("{key}.{}", spelled(entry.0.get_ref()));
            take(self, entry, &key);
        }
    }

    fn declared(&mut self, value: &Spanned<DeValue<'_>>, key: &str, bag: &str) -> Declared {
        let mut declared = Declared::default();
        self.each(value.span().start, key, value, |reader, (name, value), key| {
            let at = name.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("description", DeValue::String(_)) => {}
                ("description", _) => reader.wrong(at, key, "must be a string"),
                ("key_event", value) => declared.key_event = reader.flag(at, key, value),
                ("deprecated", DeValue::Boolean(flag)) => declared.deprecated = *flag,
                ("deprecated", DeValue::String(successor)) => {
                    declared.deprecated = true;
                    reader.noted.successors.push(Successor::at(reader.text, at, key, successor));
                }
                ("deprecated", _) => {
                    reader.wrong(at, key, "must be true, or the name of the event that is sent instead")
                }
                ("other_properties", value) => declared.fields.closed = reader.refuses(at, key, value),
                (name, _) if name == bag => declared.fields.all = reader.members(at, key, value, 1),
                _ => reader.unknown(
                    at,
                    key,
                    &format!("description, key_event, deprecated, other_properties and {bag}"),
                ),
            }
        });
        declared
    }

    fn members(&mut self, at: usize, key: &str, value: &Spanned<DeValue<'_>>, depth: usize) -> Vec<Field> {
        let mut all = Vec::new();
        if depth > PROPERTY_DEPTH {
            self.wrong(
                at,
                key,
                format!("is deeper than the {PROPERTY_DEPTH} levels that properties may have"),
            );
            return all;
        }
        self.each(at, key, value, |reader, (name, value), key| {
            let (required, value) = reader.value(value, key, depth);
            all.push(Field { name: name.get_ref().as_ref().into(), required, value });
        });
        if all.len() > MOST_FIELDS {
            self.wrong(
                at,
                key,
                format!("declares {} members; at most {MOST_FIELDS} are possible", all.len()),
            );
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Reads `{ type = …, … }`: whether it is required, and what it must be.
    fn value(&mut self, value: &Spanned<DeValue<'_>>, key: &str, depth: usize) -> (bool, Expected) {
        let nothing = (false, Expected::Any);
        let at = value.span().start;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(at, key, "must be a table such as { type = \"string\", required = true }");
            return nothing;
        };
        let kind = table.get("type").and_then(|kind| kind.get_ref().as_str()).unwrap_or_default().to_owned();
        let mut known: HashSet<&str> = HashSet::from(["type", "required", "description"]);
        known.extend::<&[&str]>(match kind.as_str() {
            "string" => &["max_length"],
            "number" | "integer" => &["min", "max"],
            "boolean" | "any" => &[],
            "array" => &["items", "max_items"],
            "object" => &["properties", "other_properties"],
            "enum" => &["values"],
            _ => {
                self.wrong(at, &format!("{key}.type"), format!("must be {TYPES}"));
                return nothing;
            }
        });
        for (name, _) in table.iter().filter(|(name, _)| !known.contains(name.get_ref().as_ref())) {
            let mut known: Vec<_> = known.iter().copied().collect();
            known.sort_unstable();
            let key = format!("{key}.{}", spelled(name.get_ref()));
            self.unknown(name.span().start, &key, &format!("{} in type {kind:?}", known.join(", ")));
        }
        let mut fields = Values { reader: self, table, key, at };
        let required = fields.flag("required");
        let expected = match kind.as_str() {
            "string" => Expected::Text { most_characters: fields.count("max_length") },
            "number" | "integer" => {
                let (least, most) = (fields.number("min"), fields.number("max"));
                let (least, most) = (least.unwrap_or(f64::NEG_INFINITY), most.unwrap_or(f64::INFINITY));
                if least > most {
                    fields.wrong("min", "is above max, so that no number fits");
                }
                Expected::Number { whole: kind == "integer", least, most }
            }
            "boolean" => Expected::Flag,
            "array" => {
                let items = match table.get("items") {
                    Some(_) if depth >= PROPERTY_DEPTH => {
                        fields.wrong("items", "is deeper than properties may be");
                        Expected::Any
                    }
                    Some(value) => self.value(value, &format!("{key}.items"), depth + 1).1,
                    None => Expected::Any,
                };
                let most = Values { reader: self, table, key, at }.count("max_items");
                Expected::List { items: Box::new(items), most }
            }
            "object" => {
                let closed = fields.refuses("other_properties");
                let all = match table.get("properties") {
                    Some(value) => {
                        self.members(value.span().start, &format!("{key}.properties"), value, depth + 1)
                    }
                    None => Vec::new(),
                };
                Expected::Object(Fields { all, closed })
            }
            "enum" => Expected::OneOf(fields.texts("values")),
            _ => Expected::Any,
        };
        (required, expected)
    }

    fn flag(&mut self, at: usize, key: &str, value: &DeValue<'_>) -> bool {
        value.as_bool().unwrap_or_else(|| {
            self.wrong(at, key, "must be true or false");
            false
        })
    }

    fn refuses(&mut self, at: usize, key: &str, value: &DeValue<'_>) -> bool {
        match value.as_str() {
            Some("refuse") => true,
            Some("accept") => false,
            _ => {
                self.wrong(at, key, "must be \"accept\" or \"refuse\"");
                false
            }
        }
    }

    fn unknown(&mut self, at: usize, key: &str, known: &str) {
        self.wrong(at, key, format!("unknown key; known are {known}"));
    }
}

/// A key as TOML has it: in quotes unless it is a bare one, so that none is empty and each dot divides two.
fn spelled(key: &str) -> Cow<'_, str> {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(is_bare) { key.into() } else { format!("{key:?}").into() }
}
