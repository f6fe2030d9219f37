//! The rules by which events go to other topics than the rest, `[[kafka.route]]`: the first that fits counts.
//! They stand in the file only, like everything that is a list of tables.

use super::source::{Origin, scalar, unknown};
use super::{Problem, Reader};
use std::fmt;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// One rule: what it says of an event must fit all together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaRoute {
    /// The event's name; where it has none, its type (`page`, `identify`).
    pub event: Option<String>,
    /// Whether it is a key event.
    pub key_event: Option<bool>,
    /// The write key of its site.
    pub site: Option<String>,
    /// Where it goes.
    pub topic: Arc<str>,
}

impl fmt::Display for KafkaRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
        let parts = [
            of("event", self.event.clone()),
            of("key_event", self.key_event.map(|wanted| wanted.to_string())),
            of("site", self.site.clone()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        write!(f, "{} to {}", parts.join(", "), self.topic)
    }
}

/// The most rules: each event is held against one after the other.
const MAX_ROUTES: usize = 256;

const KEYS: [&str; 4] = ["event", "key_event", "site", "topic"];

/// Reads the list of rules.
pub(super) fn routes(
    value: &DeValue<'_>,
    start: usize,
    place: &dyn Fn(usize, &str) -> Origin,
    problems: &mut Vec<Problem>,
) -> Vec<(Origin, KafkaRoute)> {
    let mut told = |start: usize, key: &str, message: String| {
        problems.push(Problem::new(place(start, key), message));
    };
    let DeValue::Array(all) = value else {
        told(start, "kafka.route", "must be a list of tables: [[kafka.route]]".to_owned());
        return Vec::new();
    };
    if all.len() > MAX_ROUTES {
        told(start, "kafka.route", format!("has {} rules; at most {MAX_ROUTES} are possible", all.len()));
    }
    let mut routes = Vec::new();
    for each in all.iter().take(MAX_ROUTES) {
        let start = each.span().start;
        let DeValue::Table(table) = each.get_ref() else {
            told(start, "kafka.route", "must be a table: [[kafka.route]]".to_owned());
            continue;
        };
        match route(table, &mut told) {
            Ok(route) => routes.push((place(start, "kafka.route"), route)),
            Err(message) => told(start, "kafka.route", message),
        }
    }
    routes
}

fn route(table: &DeTable<'_>, told: &mut dyn FnMut(usize, &str, String)) -> Result<KafkaRoute, String> {
    let (mut event, mut key_event, mut site, mut topic) = (None, None, None, None);
    for (name, value) in table {
        let start = name.span().start;
        let key = format!("kafka.route.{}", name.get_ref());
        let text = scalar(value.get_ref()).filter(|text| !text.trim().is_empty());
        match (&**name.get_ref(), value.get_ref(), text) {
            ("key_event", DeValue::Boolean(flag), _) => key_event = Some(*flag),
            ("key_event", _, _) => told(start, &key, "must be true or false".to_owned()),
            ("event", DeValue::String(_), Some(text)) => event = Some(text),
            ("site", DeValue::String(_), Some(text)) => site = Some(text),
            ("topic", DeValue::String(_), Some(text)) => topic = Some(text),
            ("event" | "site" | "topic", _, _) => told(start, &key, "must be a text".to_owned()),
            (other, _, _) => {
                let problem = unknown("", "key", other, KEYS.into_iter());
                told(start, &key, problem.message);
            }
        }
    }
    let topic = topic.ok_or("has no topic; give one, such as topic = \"footfall.purchases\"")?;
    if event.is_none() && key_event.is_none() && site.is_none() {
        return Err("fits every event; give event, key_event or site, or set kafka.topic instead".to_owned());
    }
    Ok(KafkaRoute { event, key_event, site, topic: topic.into() })
}

impl Reader<'_> {
    /// The rules, each of a site that there is.
    pub(super) fn kafka_routes(&mut self, is_site: impl Fn(&str) -> bool) -> Vec<KafkaRoute> {
        let mut routes = Vec::new();
        for (origin, route) in self.sources.kafka_routes() {
            if let Some(site) = route.site.as_ref().filter(|site| !is_site(site)) {
                let message = format!("site is {site:?}, which write_key does not name");
                self.problems.push(Problem::new(origin, message));
            }
            routes.push(route.clone());
        }
        routes
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resolve;
    use super::*;

    #[test]
    fn rules_are_read_in_their_order_and_their_topics_are_known_to_delivery() {
        let file = "write_key = 'pk'\n[kafka]\nbrokers = 'k:1'\n[[kafka.route]]\nevent = 'purchase'\nsite = 'pk'\n\
                    topic = 'purchases'\n[[kafka.route]]\nkey_event = true\ntopic = 'keys'\n";
        let settings = resolve(&[], &[], Some(file)).unwrap();
        let route = |event: Option<&str>, key_event, site: Option<&str>, topic: &str| KafkaRoute {
            event: event.map(str::to_owned),
            key_event,
            site: site.map(str::to_owned),
            topic: topic.into(),
        };
        let expected =
            [route(Some("purchase"), None, Some("pk"), "purchases"), route(None, Some(true), None, "keys")];
        assert_eq!(settings.kafka_routes, expected);
        let kafka = settings.delivery.kafka.unwrap();
        assert_eq!(kafka.event_topics(), ["footfall.events", "keys", "purchases"]);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let file = "write_key = 'pk'\nkafka.brokers = 'k:1'\n[[kafka.route]]\ntopic = 'all'\n[[kafka.route]]\nevent = 'a'\n\
                    [[kafka.route]]\nevnt = 'a'\nkey_event = 'yes'\nsite = 'pk_other'\ntopic = 'a b'\n";
        let told = resolve(&[], &[], Some(file)).unwrap_err();
        for expected in [
            "footfall.toml:3:1 kafka.route: fits every event; give event, key_event or site",
            "footfall.toml:5:1 kafka.route: has no topic; give one",
            "footfall.toml:8:1 kafka.route.evnt: unknown key; did you mean event?",
            "footfall.toml:9:1 kafka.route.key_event: must be true or false",
            "footfall.toml:7:1 kafka.route: site is \"pk_other\", which write_key does not name",
            "kafka.route: `a b` is no topic name",
        ] {
            assert!(
                told.iter().any(|problem| problem.starts_with(expected)),
                "{expected} is not in {told:#?}"
            );
        }
        let told = resolve(&[], &[], Some("write_key = 'pk'\nkafka.route = 7\n")).unwrap_err();
        assert_eq!(told, ["footfall.toml:2:7 kafka.route: must be a list of tables: [[kafka.route]]"]);
        let file = "write_key = 'pk'\n[[kafka.route]]\nevent = 'a'\ntopic = 'a'\n";
        let told = resolve(&[], &[], Some(file)).unwrap_err();
        assert_eq!(
            told,
            [
                "footfall.toml:2:1 kafka.route: is set, but kafka.brokers is not: name the brokers, or leave this out"
            ]
        );
    }
}
