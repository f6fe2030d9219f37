//! Which topic an event goes to: the first of the settings' rules that fits it, else the topic of all.
//! That the topics are there is delivery's part.

use crate::settings::KafkaRoute;
use footfall_event_model::Event;
use std::sync::Arc;

/// The topic of this event of a site; `None` is that of all.
pub(super) fn topic(routes: &[KafkaRoute], site: &str, event: &Event) -> Option<Arc<str>> {
    let name = event.name.as_deref().unwrap_or(event.kind.as_str());
    let is_key = event.key_event == Some(true);
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
        }
        assert_eq!(topic(&[], "pk", &event(r#"{"event":"a"}"#)), None);
    }
}
