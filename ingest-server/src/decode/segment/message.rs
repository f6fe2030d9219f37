//! One call of a Segment client, made into an event (segment.com/docs/connections/spec).
//! What the event may be is judged by the same rules as our own; here types and names are translated.

use super::super::{Beside, Read};
use super::context;
use super::fields::{Fields, Raw};
use super::name::mapped;
use super::refused::renamed;
use footfall_event_model::limits::{EVENT_BYTES, ID_BYTES};
use footfall_event_model::text::{cut, joined};
use footfall_event_model::wire::{EventRefused, too_large};
use footfall_event_model::{Event, EventType, Json, Rule, Violation, check};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    message_id: Raw<'a>,
    event: Raw<'a>,
    user_id: Raw<'a>,
    anonymous_id: Raw<'a>,
    group_id: Raw<'a>,
    previous_id: Raw<'a>,
    original_timestamp: Raw<'a>,
    timestamp: Raw<'a>,
    name: Raw<'a>,
    category: Raw<'a>,
    properties: Raw<'a>,
    traits: Raw<'a>,
    context: Raw<'a>,
}

/// Reads and checks one call; `kind` is what the path says it is, in a batch each says it itself.
///
/// # Errors
/// [`EventRefused`] with every violation, in Segment's names.
pub(in super::super) fn event(kind: Option<EventType>, raw: &RawValue) -> Result<Read, EventRefused> {
    let refused = |event_id, violations: Vec<Violation>| EventRefused {
        event_id,
        violations: violations.into_iter().map(renamed).collect(),
    };
    let size = raw.get().len();
    if size > EVENT_BYTES {
        return Err(refused(None, vec![too_large(size)]));
    }
    let mut fields = Fields::default();
    let Some(message) = fields.object::<Message<'_>>("", Some(raw)) else {
        return Err(refused(None, fields.found));
    };
    let read = translated(&mut fields, kind, &message);
    let mut found = fields.found;
    if let Err(more) = check(&read.event) {
        // What was left out for its type is not missing.
        let told = |violation: &Violation| found.iter().any(|earlier| earlier.path == violation.path);
        let more: Vec<_> = more.into_iter().map(renamed).filter(|violation| !told(violation)).collect();
        found.extend(more);
    }
    if found.is_empty() { Ok(read) } else { Err(refused(read.event.event_id, found)) }
}

fn translated(fields: &mut Fields, kind: Option<EventType>, message: &Message<'_>) -> Read {
    let kind = kind.unwrap_or_else(|| event_type(fields, message.kind));
    let shared = context::read(fields, message.context);
    let mut context = shared.context;
    context.anonymous_id = fields.id("anonymousId", message.anonymous_id);
    let (name, original_name) = match kind {
        EventType::Track => names(fields, message.event),
        _ => (None, None),
    };
    let mut properties = fields.bag("properties", message.properties);
    if matches!(kind, EventType::Page | EventType::Screen) {
        if context.page.is_none() && properties.is_some() && kind == EventType::Page {
            // These are the sender's own values, whatever their types.
            context.page = context::page(&mut Fields::default(), "", message.properties);
        }
        properties = named(fields, properties, message);
    }
    let sent = fields.time("originalTimestamp", message.original_timestamp);
    let timestamp = fields.time("timestamp", message.timestamp);
    let event = Event {
        event_id: fields.id("messageId", message.message_id),
        kind,
        name,
        timestamp: sent.or(timestamp),
        user_id: fields.id("userId", message.user_id),
        group_id: fields.id("groupId", message.group_id),
        previous_id: fields.id("previousId", message.previous_id),
        properties,
        traits: fields.bag("traits", message.traits).or(shared.traits),
        context: Some(Box::new(context)),
        ..Event::default()
    };
    let beside = Beside { original_name, user_agent: shared.user_agent, address: shared.ip };
    Read { event, unknown_fields: 0, beside }
}

fn event_type(fields: &mut Fields, raw: Raw<'_>) -> EventType {
    let names = || EventType::ALL.map(EventType::as_str).join(", ");
    let before = fields.found.len();
    let said = fields.text("type", raw);
    if fields.found.len() > before {
        return EventType::Page;
    }
    let known = EventType::ALL.into_iter().find(|kind| Some(kind.as_str()) == said.as_deref());
    known.unwrap_or_else(|| {
        let (rule, is) = match &said {
            Some(said) => (Rule::UnknownValue, format!("{:?}", cut(said, 32))),
            None => (Rule::Required, "missing".to_owned()),
        };
        let message = format!("type is {is}; it must be one of {}", names());
        fields.found.push(Violation::new("type", rule, message));
        // One that asks for nothing, so that nothing else is found missing.
        EventType::Page
    })
}

/// Our form of a `track` call's name, and the name as it came where that is another one.
fn names(fields: &mut Fields, raw: Raw<'_>) -> (Option<String>, Option<String>) {
    let Some(original) = fields.text("event", raw) else { return (None, None) };
    match mapped(&original) {
        Ok(ours) if ours == original => (Some(ours), None),
        Ok(ours) => (Some(ours), Some(cut(&original, ID_BYTES).to_owned())),
        Err(violation) => {
            fields.found.push(violation);
            (None, None)
        }
    }
}

/// Whether a field is there, whatever it is.
#[derive(Default)]
struct There(bool);

impl<'de> Deserialize<'de> for There {
    fn deserialize<D: serde::Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(field).map(|_| Self(true))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Known {
    name: There,
    category: There,
}

/// The properties of a page or a screen with its name and category, which the browser's client writes there itself.
fn named(fields: &mut Fields, properties: Option<Json>, message: &Message<'_>) -> Option<Json> {
    let text = properties.as_ref().map_or("{}", Json::text);
    // Properties that name something twice are not looked into.
    let Ok(known) = serde_json::from_str::<Known>(text) else { return properties };
    let mut more = String::new();
    for (field, raw, known) in
        [("name", message.name, known.name.0), ("category", message.category, known.category.0)]
    {
        // Told where it is no text; written as it came.
        let said = fields.text(field, raw).and(raw);
        if let (Some(raw), false) = (said, known) {
            more.push_str(&joined(&["\"", field, "\":", raw.get(), ","]));
        }
    }
    if more.is_empty() {
        return properties;
    }
    let rest = text.strip_prefix('{').unwrap_or("}").trim_start();
    if rest == "}" {
        more.pop();
    }
    Json::parse(joined(&["{", &more, rest])).ok().or(properties)
}
