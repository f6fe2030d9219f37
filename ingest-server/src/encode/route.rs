//! Which topic an event goes to: the first of the settings' rules that fits it, else the topic of all.
//! That the topics are there is delivery's part.

use crate::settings::KafkaRoute;
use footfall_event_model::{Event, EventType};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// The topic of this event of a site; `None` is that of all.
pub(super) fn topic(routes: &[KafkaRoute], site: &str, event: &Event) -> Option<Arc<str>> {
    let name = event.name.as_deref().unwrap_or(event.kind.as_str());
    of(routes, site, name, event.key_event == Some(true))
}

/// What of a record tells its topic.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    write_key: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: EventType,
    #[serde(borrow, rename = "event")]
    name: Option<Cow<'a, str>>,
    key_event: Option<bool>,
}

/// The topic of a record that was stored before; `None` is that of all, and that of what is no record of ours.
pub(crate) fn topic_of_record(routes: &[KafkaRoute], payload: &[u8]) -> Option<Arc<str>> {
    if routes.is_empty() {
        return None;
    }
    let told: Told<'_> = serde_json::from_slice(payload).ok()?;
    let name = told.name.as_deref().unwrap_or(told.kind.as_str());
    of(routes, &told.write_key, name, told.key_event == Some(true))
}

fn of(routes: &[KafkaRoute], site: &str, name: &str, is_key: bool) -> Option<Arc<str>> {
    let fits = |route: &&KafkaRoute| {
        route.event.as_deref().is_none_or(|wanted| wanted == name)
            && route.key_event.is_none_or(|wanted| wanted == is_key)
            && route.site.as_deref().is_none_or(|wanted| wanted == site)
    };
    routes.iter().find(fits).map(|route| Arc::clone(&route.topic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(event: Option<&str>, key_event: Option<bool>, site: Option<&str>, topic: &str) -> KafkaRoute {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        KafkaRoute { event: owned(event), key_event, site: owned(site), topic: topic.into() }
    }

    fn event(json: &str) -> Event {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let routes = [
            route(Some("purchase"), None, Some("pk_shop"), "shop"),
            route(None, Some(true), None, "keys"),
            route(Some("page"), Some(false), None, "pages"),
        ];
        for (site, json, expected) in [
            ("pk_shop", r#"{"event":"purchase"}"#, Some("shop")),
            ("pk_blog", r#"{"event":"purchase"}"#, None),
            ("pk_blog", r#"{"event":"purchase","key_event":true}"#, Some("keys")),
            ("pk_shop", r#"{"event":"purchase","key_event":true}"#, Some("shop")),
            ("pk_blog", r#"{"type":"page"}"#, Some("pages")),
            ("pk_blog", r#"{"type":"page","key_event":true}"#, Some("keys")),
            ("pk_blog", r#"{"event":"view"}"#, None),
        ] {
            assert_eq!(topic(&routes, site, &event(json)).as_deref(), expected, "{site} {json}");
            let kind = if json.contains("page") { "" } else { r#""type":"track","# };
            let record = json.replacen('{', &format!(r#"{{"write_key":"{site}",{kind}"#), 1);
            assert_eq!(topic_of_record(&routes, record.as_bytes()).as_deref(), expected, "{record}");
        }
        assert_eq!(topic(&[], "pk", &event(r#"{"event":"a"}"#)), None);
    }
}
