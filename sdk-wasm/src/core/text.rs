//! JSON texts as the wire has them, written without a serialiser: it would be a third of the module's weight.
//! That they are what `footfall-event-model` reads is shown by the tests, which decode every one of them.

use footfall_event_model::{Context, Event, EventType, Page};

/// A JSON object that is being written.
#[derive(Debug)]
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    /// A member with a JSON text as its value.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
    }

    /// A text, where there is one.
    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.raw(name, "");
            quote(&mut self.0, value);
        }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Appends a JSON string.
fn quote(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => {
                out.push('\\');
                out.push(char);
            }
            '\0'..='\x1f' => {
                out.push_str("\\u00");
                out.push(HEX[char as usize >> 4]);
                out.push(HEX[char as usize & 15]);
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

/// An event, without its context.
pub(super) fn of_event(event: &Event) -> String {
    let mut object = Object::new();
    object.text("event_id", event.event_id.as_deref());
    if event.kind != EventType::Track {
        object.text("type", Some(event.kind.as_str()));
    }
    object.text("event", event.name.as_deref());
    object.raw("timestamp", &event.timestamp.unwrap_or_default().to_string());
    object.raw("seq", &event.seq.unwrap_or_default().to_string());
    object.text("user_id", event.user_id.as_deref());
    for (name, json) in [("properties", &event.properties), ("traits", &event.traits)] {
        if let Some(json) = json {
            object.raw(name, json.text());
        }
    }
    if event.key_event == Some(true) {
        object.raw("key_event", "true");
    }
    object.end()
}

/// What the SDK knows of a context.
pub(super) fn of_context(context: &Context) -> String {
    let mut object = Object::new();
    for (name, text) in [
        ("anonymous_id", &context.anonymous_id),
        ("session_id", &context.session_id),
        ("user_id", &context.user_id),
        ("page_view_id", &context.page_view_id),
        ("locale", &context.locale),
        ("timezone", &context.timezone),
    ] {
        object.text(name, text.as_deref());
    }
    if let Some(page) = &context.page {
        object.raw("page", &of_page(page));
    }
    if let Some(screen) = &context.screen {
        object.raw("screen", screen.text());
    }
    if let Some(sdk) = &context.sdk {
        let mut inner = Object::new();
        inner.text("name", sdk.name.as_deref());
        inner.text("version", sdk.version.as_deref());
        object.raw("sdk", &inner.end());
    }
    object.end()
}

fn of_page(page: &Page) -> String {
    let mut object = Object::new();
    for (name, text) in
        [("url", &page.url), ("path", &page.path), ("title", &page.title), ("referrer", &page.referrer)]
    {
        object.text(name, text.as_deref());
    }
    object.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_event_model::{Json, Sdk};
    use proptest::prelude::*;

    fn any_text() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof![".{0,12}", "[\\x00-\\x7f]{0,12}"])
    }

    proptest! {
        #[test]
        fn the_servers_decoder_reads_back_every_event(
            texts in prop::array::uniform4(any_text()), kind in 0usize..6, timestamp: i64, seq: u64, key: bool,
        ) {
            let [event_id, name, user_id, value] = texts;
            let json = Json::parse(serde_json::json!({ "v": value }).to_string()).unwrap();
            let event = Event {
                event_id,
                kind: EventType::ALL[kind],
                name,
                timestamp: Some(timestamp),
                seq: Some(seq),
                user_id,
                properties: value.is_some().then(|| json.clone()),
                traits: value.is_none().then_some(json),
                key_event: key.then_some(true),
                ..Event::default()
            };
            prop_assert_eq!(serde_json::from_str::<Event>(&of_event(&event)).unwrap(), event);
        }

        #[test]
        fn the_servers_decoder_reads_back_every_context(
            ids in prop::array::uniform6(any_text()), page in prop::array::uniform4(any_text()), has_page: bool,
        ) {
            let [anonymous_id, session_id, user_id, page_view_id, locale, timezone] = ids;
            let [url, path, title, referrer] = page;
            let sdk = Some(Sdk { name: url.clone(), version: path.clone() });
            let page = has_page.then_some(Page { url, path, title, referrer });
            let screen = has_page.then(|| Json::parse("{\"width\":1}".into()).unwrap());
            let context = Context {
                anonymous_id, session_id, user_id, page_view_id, locale, timezone, page, screen, sdk,
                ..Context::default()
            };
            prop_assert_eq!(serde_json::from_str::<Context>(&of_context(&context)).unwrap(), context);
        }
    }
}
