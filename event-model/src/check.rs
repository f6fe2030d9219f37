//! The checks of an event: every violation at once, each with its path, its rule and a sentence.
//! They judge what was said, never when: whether a time is plausible is judged where it is stamped.

use crate::json::Shape;
use crate::limits::{CONTEXT_BYTES, ID_BYTES, NAME_BYTES, PROPERTY_DEPTH, PROPERTY_KEYS};
use crate::text::{joined, push_number};
use crate::{Context, Event, EventType, Json, JsonKind, Rule, Violation};

/// Checks one event.
///
/// # Errors
/// Every [`Violation`] there is, in the order of the fields.
pub fn check(event: &Event) -> Result<(), Vec<Violation>> {
    let mut found = Own::of(event).check();
    // The SDK always has these.
    match event.kind {
        EventType::Group => required(&mut found, "group", "group_id", event.group_id.as_ref()),
        EventType::Alias => required(&mut found, "alias", "previous_id", event.previous_id.as_ref()),
        _ => {}
    }
    if let Some(context) = &event.context {
        check_context_into(&mut found, context);
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// What an event says outside of its context, borrowed from wherever it is.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the fields are those of `Event`; the last two are JSON texts")]
pub struct Own<'a> {
    pub kind: EventType,
    pub event_id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub group_id: Option<&'a str>,
    pub previous_id: Option<&'a str>,
    pub properties: Option<&'a str>,
    pub traits: Option<&'a str>,
}

impl<'a> Own<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            kind: event.kind,
            event_id: event.event_id.as_deref(),
            name: event.name.as_deref(),
            user_id: event.user_id.as_deref(),
            group_id: event.group_id.as_deref(),
            previous_id: event.previous_id.as_deref(),
            properties: event.properties.as_ref().map(Json::text),
            traits: event.traits.as_ref().map(Json::text),
        }
    }

    /// Checks it as [`check`] does, for a sender whose events have no context of their own: neither the rules of a
    /// context nor the type that owns an event need then be brought into each visitor's browser. Gives every
    /// [`Violation`] there is, in the order of the fields.
    #[must_use]
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        id(&mut found, "", "event_id", self.event_id);
        name(&mut found, self);
        id(&mut found, "", "user_id", self.user_id);
        id(&mut found, "", "group_id", self.group_id);
        id(&mut found, "", "previous_id", self.previous_id);
        bag(&mut found, "properties", self.properties);
        bag(&mut found, "traits", self.traits);
        found
    }
}

/// Checks the context that a batch says for all its events.
///
/// # Errors
/// Every [`Violation`] there is, in the order of the fields.
pub fn check_context(context: &Context) -> Result<(), Vec<Violation>> {
    let mut found = Vec::new();
    check_context_into(&mut found, context);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn check_context_into(found: &mut Vec<Violation>, context: &Context) {
    for (field, value) in [
        ("anonymous_id", &context.anonymous_id),
        ("session_id", &context.session_id),
        ("user_id", &context.user_id),
        ("user_signature", &context.user_signature),
        ("group_id", &context.group_id),
        ("page_view_id", &context.page_view_id),
        ("traceparent", &context.traceparent),
    ] {
        id(found, "context.", field, value.as_deref());
    }
    bag(found, "context.campaign", context.campaign.as_ref().map(Json::text));
    bag(found, "context.screen", context.screen.as_ref().map(Json::text));
    bag(found, "context.consent", context.consent.as_ref().map(Json::text));
    if let Some(rate) = &context.sample_rate
        && !is_share(rate.text())
    {
        let told = crate::text::cut(rate.text(), NAME_BYTES);
        let message =
            ["context.sample_rate is ", told, "; it must be a decimal above 0 and at most 1, such as 0.25"];
        found.push(Violation::new("context.sample_rate", Rule::OutOfRange, joined(&message)));
    }
    let size = text_bytes(context);
    if size > CONTEXT_BYTES {
        found.push(above(
            &["context has "],
            "context",
            Rule::TooLarge,
            size,
            " bytes of text",
            CONTEXT_BYTES,
        ));
    }
}

/// Whether a JSON number is a decimal above 0 and at most 1, written without an exponent.
fn is_share(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let only = |allowed: &[u8]| fraction.bytes().all(|digit| allowed.contains(&digit));
    match whole {
        "1" => only(b"0"),
        "0" => only(b"0123456789") && !only(b"0"),
        _ => false,
    }
}

/// Bytes of all texts in a context as they will be written in each record; ids, which have a limit of their own,
/// included. A control character takes six bytes there, so one byte of text must not count as one.
fn text_bytes(context: &Context) -> usize {
    let mut bytes = 0;
    let written = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    let mut add = |texts: &[&Option<String>]| {
        for text in texts.iter().copied().flatten() {
            bytes += text.bytes().map(written).sum::<usize>();
        }
    };
    add(&[&context.anonymous_id, &context.session_id, &context.user_id, &context.user_signature]);
    add(&[
        &context.group_id,
        &context.page_view_id,
        &context.locale,
        &context.timezone,
        &context.traceparent,
    ]);
    if let Some(page) = &context.page {
        add(&[&page.url, &page.path, &page.title, &page.referrer]);
    }
    if let Some(sdk) = &context.sdk {
        add(&[&sdk.name, &sdk.version]);
    }
    let bags = [&context.campaign, &context.screen, &context.consent];
    bytes + bags.into_iter().flatten().map(|bag| bag.text().len()).sum::<usize>()
}

fn name(found: &mut Vec<Violation>, event: &Own<'_>) {
    match event.name {
        Some(name) if is_name(name) => {}
        Some(name) => {
            // Cut so that the message stays a sentence.
            let short = crate::text::cut(name, NAME_BYTES);
            let mut message = joined(&[
                "event name \"",
                short,
                if short.len() < name.len() { "\"…" } else { "\"" },
                " is not allowed: use a lower-case letter first, then lower-case letters, digits, '_', '.' or ':', \
                 at most ",
            ]);
            push_number(&mut message, NAME_BYTES as u64);
            message.push_str(" in all, such as \"post_view\"");
            tell(found, "event", Rule::BadName, message);
        }
        None if event.kind == EventType::Track => {
            let message = joined(&["event is missing: a track event needs a name, such as \"post_view\""]);
            tell(found, "event", Rule::Required, message);
        }
        None => {}
    }
}

/// Whether a name has the form `^[a-z][a-z0-9_.:]{0,63}$`.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b':');
    name.len() <= NAME_BYTES
        && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name.bytes().all(allowed)
}

/// Notes a violation. The checks copy texts by [`joined`] alone, and put their messages together without `format!`, which
/// would cost each visitor of a page a kilobyte, and whose `{:?}` prints nothing in the browser's module.
fn tell(found: &mut Vec<Violation>, path: &str, rule: Rule, message: String) {
    found.push(Violation { path: joined(&[path]), rule, message });
}

/// The violation of a limit: `properties has 300 keys; at most 256 are allowed`.
pub(crate) fn above(what: &[&str], path: &str, rule: Rule, is: usize, unit: &str, most: usize) -> Violation {
    let mut message = joined(what);
    push_number(&mut message, is as u64);
    message.push_str(unit);
    message.push_str("; at most ");
    push_number(&mut message, most as u64);
    message.push_str(" are allowed");
    Violation { path: joined(&[path]), rule, message }
}

pub(crate) fn id(found: &mut Vec<Violation>, place: &str, field: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    let rule = if value.is_empty() {
        Rule::Empty
    } else if value.len() > ID_BYTES {
        Rule::TooLong
    } else if value.as_bytes().iter().any(|&byte| byte < 0x20 || byte == 0x7f) {
        Rule::BadCharacter
    } else {
        return;
    };
    // Most ids are fine, and a server sees hundreds of thousands in a second.
    let path = joined(&[place, field]);
    match rule {
        Rule::TooLong => {
            found.push(above(&[&path, " has "], &path, rule, value.len(), " bytes", ID_BYTES));
        }
        Rule::Empty => {
            let message = joined(&[&path, " is empty; leave it out or give it a value"]);
            tell(found, &path, rule, message);
        }
        _ => {
            let message = joined(&[&path, " has a control character in it; use printable ones"]);
            tell(found, &path, rule, message);
        }
    }
}

/// Checks that an event of a type has the id without which it says nothing.
fn required(found: &mut Vec<Violation>, kind: &str, field: &str, value: Option<&String>) {
    if value.is_none() {
        let message = joined(&[field, " is missing: an event of type ", kind, " needs it"]);
        found.push(Violation::new(field, Rule::Required, message));
    }
}

/// Checks an object of the sender's own keys.
fn bag(found: &mut Vec<Violation>, path: &str, json: Option<&str>) {
    let Some(json) = json else { return };
    let kind = JsonKind::of(json);
    if kind != JsonKind::Object {
        let message = joined(&[path, " is ", kind.with_article(), "; it must be an object"]);
        tell(found, path, Rule::WrongType, message);
        return;
    }
    let shape = Shape::of(json.as_bytes());
    if shape.depth > PROPERTY_DEPTH {
        found.push(above(&[path, " is "], path, Rule::TooDeep, shape.depth, " levels deep", PROPERTY_DEPTH));
    }
    if shape.keys > PROPERTY_KEYS {
        found.push(above(&[path, " has "], path, Rule::TooManyKeys, shape.keys, " keys", PROPERTY_KEYS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.to_owned()).unwrap()
    }

    fn rules(event: &Event) -> Vec<(String, Rule)> {
        check(event).err().unwrap_or_default().into_iter().map(|v| (v.path, v.rule)).collect()
    }

    #[test]
    fn a_long_name_is_told_cut() {
        let message = &check(&Event::track("Ä".repeat(33))).unwrap_err()[0].message;
        assert!(
            message.starts_with(&format!("event name \"{}\"… is not allowed", "Ä".repeat(32))),
            "{message}"
        );
        assert!(message.ends_with("':', at most 64 in all, such as \"post_view\""), "{message}");
    }

    #[test]
    fn a_name_with_a_space_is_refused_in_words() {
        let refused = check(&Event::track("Post View")).unwrap_err();
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0]
                .message
                .starts_with("event name \"Post View\" is not allowed: use a lower-case letter")
        );
    }

    #[test]
    fn names_are_held_to_their_form_and_length() {
        for good in ["a", "post_view", "a1.b:c_d", &"a".repeat(64)] {
            assert!(check(&Event::track(good)).is_ok(), "{good}");
        }
        for bad in ["", "1a", "_a", "A", "a-b", "ä", "a\n", &"a".repeat(65)] {
            assert_eq!(rules(&Event::track(bad)), [("event".to_owned(), Rule::BadName)], "{bad}");
        }
    }

    #[test]
    fn each_type_needs_what_it_is_about() {
        for kind in EventType::ALL {
            let event = Event { kind, ..Event::default() };
            let missing = match kind {
                EventType::Track => Some("event"),
                EventType::Group => Some("group_id"),
                EventType::Alias => Some("previous_id"),
                _ => None,
            };
            let expected: Vec<_> =
                missing.map(|path| (path.to_owned(), Rule::Required)).into_iter().collect();
            assert_eq!(rules(&event), expected, "{kind:?}");
        }
        let told = check(&Event { kind: EventType::Alias, ..Event::default() }).unwrap_err();
        assert_eq!(told[0].message, "previous_id is missing: an event of type alias needs it");
    }

    #[test]
    fn every_violation_is_told_at_once() {
        let event = Event {
            event_id: Some(String::new()),
            user_id: Some("u".repeat(257)),
            properties: Some(json("[1]")),
            traits: Some(json(&format!("{{\"a\":{}{}}}", "[".repeat(9), "]".repeat(9)))),
            context: Some(Box::new(Context { sample_rate: Some(json("1.5")), ..Context::default() })),
            ..Event::default()
        };
        let expected = [
            ("event_id", Rule::Empty),
            ("event", Rule::Required),
            ("user_id", Rule::TooLong),
            ("properties", Rule::WrongType),
            ("traits", Rule::TooDeep),
            ("context.sample_rate", Rule::OutOfRange),
        ];
        assert_eq!(rules(&event), expected.map(|(path, rule)| (path.to_owned(), rule)));
    }

    #[test]
    fn a_sample_rate_is_a_share() {
        for (text, fine) in [
            ("1", true),
            ("1.0", true),
            ("0.25", true),
            ("0.000001", true),
            ("0", false),
            ("0.0", false),
            ("1.01", false),
            ("2", false),
            ("-0.5", false),
            ("1e-2", false),
            ("10", false),
            ("\"0.5\"", false),
        ] {
            let context = Context { sample_rate: Some(json(text)), ..Default::default() };
            assert_eq!(check_context(&context).is_ok(), fine, "{text}");
        }
    }

    #[test]
    fn depth_and_keys_are_allowed_up_to_their_limits() {
        let deep = |levels: usize| json(&format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)));
        let wide = |keys: usize| {
            json(&format!("{{{}}}", (0..keys).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(",")))
        };
        for (properties, fine) in [(deep(8), true), (deep(9), false), (wide(256), true), (wide(257), false)] {
            let event = Event { properties: Some(properties), ..Event::track("a") };
            assert_eq!(check(&event).is_ok(), fine);
        }
    }

    #[test]
    fn an_id_has_no_control_characters() {
        // It becomes `ce_id`, and CloudEvents 1.0 ("Type System") has none in a string.
        for bad in ["a\nb", "a\u{0}", "\u{7f}"] {
            let event = Event { event_id: Some(bad.to_owned()), ..Event::track("a") };
            assert_eq!(rules(&event), [("event_id".to_owned(), Rule::BadCharacter)], "{bad:?}");
        }
    }

    #[test]
    fn what_takes_six_bytes_in_a_record_counts_as_six() {
        let page = crate::Page { title: Some("\u{1}".repeat(CONTEXT_BYTES / 6 + 1)), ..Default::default() };
        let context = Context { page: Some(page), ..Default::default() };
        assert_eq!(check_context(&context).unwrap_err()[0].rule, Rule::TooLarge);
    }

    #[test]
    fn a_context_cannot_make_a_request_grow_without_bound() {
        let page = crate::Page { title: Some("t".repeat(CONTEXT_BYTES + 1)), ..Default::default() };
        let context = Context { page: Some(page), ..Default::default() };
        assert_eq!(check_context(&context).unwrap_err()[0].rule, Rule::TooLarge);
    }
}
