//! The tracking plan of a site: which events it declares, with which properties, and which of them count most.
//! Reading it is the part of `file` and `schema`, looking into properties that of `value`; what follows from a verdict is
//! decided above.

mod expected;
mod file;
mod folder;
mod mistake;
mod schema;
mod value;

pub use folder::{PlanFile, TABLES};
pub use mistake::Mistake;

use expected::{Fields, Found};
use footfall_event_model::text::cut;
use footfall_event_model::{Event, EventType, Json, Rule, Violation};
use std::collections::HashMap;
use std::fmt;

/// What the SDK captures by itself (`npm/README.md`, "What is captured"): declared in every plan, so that a plan need
/// not repeat it. One that declares such a name itself wins.
pub const CAPTURED: [&str; 14] = [
    "audio_completion",
    "click",
    "copy",
    "element_view",
    "error",
    "form_abandon",
    "form_submit",
    "media_pause",
    "media_play",
    "media_progress",
    "page_leave",
    "print",
    "video_completion",
    "web_vital",
];

/// A tracking plan, as read from its file.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    events: HashMap<String, Declared>,
    /// What is declared of `page`, `screen`, `identify` and `group`; events of other types have no properties of a
    /// site's own that a plan could mean.
    types: HashMap<&'static str, Declared>,
    /// Whether events pass that are not declared.
    takes_others: bool,
}

/// What a plan says of one event.
#[derive(Debug, Default, PartialEq)]
struct Declared {
    key_event: bool,
    deprecated: bool,
    fields: Fields,
}

/// What a plan says to one event that came.
#[derive(Debug, Default, PartialEq)]
pub struct Verdict {
    /// Every violation, at most 16.
    pub violations: Vec<Violation>,
    /// Whether the site counts on this event.
    pub key_event: bool,
    /// Whether the event has been given up for another one.
    pub deprecated: bool,
}

impl Plan {
    /// Judges an event that the model's own checks have passed.
    pub fn judge(&self, event: &Event) -> Verdict {
        let declared = match (event.kind, event.name.as_deref()) {
            (EventType::Track, Some(name)) => match self.events.get(name) {
                None if self.takes_others || CAPTURED.contains(&name) => None,
                None => return Verdict { violations: vec![unknown(name)], ..Verdict::default() },
                declared => declared,
            },
            (kind, _) => self.types.get(kind.as_str()),
        };
        let Some(declared) = declared else { return Verdict::default() };
        let (place, json) = match event.kind {
            EventType::Identify | EventType::Group => ("traits", event.traits.as_ref()),
            _ => ("properties", event.properties.as_ref()),
        };
        let mut found = Found::default();
        declared.fields.check(json.map(Json::text), place, &mut found);
        Verdict {
            violations: found.into_violations(),
            key_event: declared.key_event,
            deprecated: declared.deprecated,
        }
    }

    /// Whether the plan declares this event.
    pub fn declares(&self, name: &str) -> bool {
        self.events.contains_key(name)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |test: fn(&Declared) -> bool| self.events.values().filter(|one| test(one)).count();
        write!(f, "{} events, {} key events", self.events.len(), count(|one| one.key_event))?;
        write!(f, ", {} deprecated", count(|one| one.deprecated))?;
        f.write_str(if self.takes_others { ", others pass" } else { "" })
    }
}

fn unknown(name: &str) -> Violation {
    let name = cut(name, 64);
    let message = format!(
        "the event \"{name}\" is not in the site's tracking plan: declare it there, or send one that is"
    );
    Violation::new("event", Rule::UnknownEvent, message)
}

#[cfg(test)]
mod tests;
