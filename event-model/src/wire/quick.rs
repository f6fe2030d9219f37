//! The quick reading of a batch and of its events: one look at each byte, and nothing built that is not kept.
//! It takes a text only where `serde` reads the same from it and `check` finds nothing, and leaves all else to these two.

mod raw;
mod reader;

use crate::check::check_beside_bags;
use crate::limits::{BATCH_EVENTS, EVENT_BYTES, PROPERTY_DEPTH, PROPERTY_KEYS, UNCONFIRMED_IDS};
use crate::object::Object;
use crate::{Batch, Context, Event, EventType, Json};
use raw::raw;
use reader::Reader;
use serde_json::value::RawValue;

/// Bytes of an event as sites send them: where a batch's are shorter, its list grows as it is read.
const USUAL_EVENT_BYTES: usize = 256;

/// Reads a batch and its events as the SDK writes them: no field that the wire form does not know, none twice, no `null`,
/// no escapes outside of `properties`, `traits` and `context`, and nothing that a check would find. An object that is no such
/// event is left as text.
pub(super) fn batch(text: &str) -> Option<(Batch<'_>, Vec<Option<Event>>)> {
    let mut reader = Reader::new(text);
    let (mut batch, mut unconfirmed, mut events) = (Batch::default(), None, None);
    reader.expect(b'{')?;
    loop {
        let name = reader.string()?;
        reader.expect(b':')?;
        match name {
            "write_key" => set(&mut batch.write_key, reader.string()?.to_owned()),
            "sent_at" => set(&mut batch.sent_at, time(&mut reader)?),
            "batch_id" => set(&mut batch.batch_id, reader.string()?.to_owned()),
            "unconfirmed" => set(&mut unconfirmed, list(&mut reader, UNCONFIRMED_IDS, id)?),
            "dropped" => set(&mut batch.dropped, u32::try_from(reader.number()?).ok()?),
            "context" => set(&mut batch.context, context(reader.object()?.0)?),
            "events" => set(&mut events, texts_and_events(&mut reader)?),
            _ => None,
        }?;
        if !reader.goes_on()? {
            break;
        }
    }
    reader.end()?;
    let (texts, events) = events?;
    Some((Batch { unconfirmed: unconfirmed.unwrap_or_default(), events: texts, ..batch }, events))
}

fn id(reader: &mut Reader<'_>) -> Option<String> {
    reader.string().map(str::to_owned)
}

/// The texts of a batch's events, and what was read of them. Each event is read where it stays.
fn texts_and_events<'a>(reader: &mut Reader<'a>) -> Option<(Vec<&'a RawValue>, Vec<Option<Event>>)> {
    let room = (reader.rest().len() / USUAL_EVENT_BYTES + 1).min(BATCH_EVENTS);
    let (mut texts, mut events) = (Vec::with_capacity(room), Vec::with_capacity(room));
    each(reader, BATCH_EVENTS, |reader| {
        let start = reader.ahead()?;
        events.push(Some(Event::default()));
        let place = events.last_mut()?;
        if read_event(reader, place.as_mut()?).is_none() {
            *place = None;
            reader.back_to(start);
            reader.object()?;
        }
        let text = reader.since(start);
        if text.len() > EVENT_BYTES {
            *place = None;
        }
        texts.push(raw(text)?);
        Some(())
    })?;
    Some((texts, events))
}

/// The items of an array, at most so many.
fn list<'a, T>(
    reader: &mut Reader<'a>,
    most: usize,
    item: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items = Vec::new();
    each(reader, most, |reader| {
        items.push(item(reader)?);
        Some(())
    })?;
    Some(items)
}

/// Goes through the items of an array, at most so many.
fn each<'a>(
    reader: &mut Reader<'a>,
    most: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Option<()>,
) -> Option<()> {
    reader.expect(b'[')?;
    if reader.next_is(b']') {
        return Some(());
    }
    for _ in 0..most {
        item(reader)?;
        match reader.next()? {
            b',' => {}
            b']' => return Some(()),
            _ => return None,
        }
    }
    None
}

/// Reads an event from a text without white space around it; what it takes is what [`batch`] takes.
pub(super) fn event(text: &str) -> Option<Event> {
    let (mut reader, mut event) = (Reader::new(text), Event::default());
    read_event(&mut reader, &mut event)?;
    (reader.since(0).len() == text.len()).then_some(event)
}

/// Reads an event into one that says nothing yet.
fn read_event(reader: &mut Reader<'_>, event: &mut Event) -> Option<()> {
    let mut kind = None;
    reader.expect(b'{')?;
    loop {
        let name = reader.string()?;
        reader.expect(b':')?;
        match name {
            "event_id" => set(&mut event.event_id, reader.string()?.to_owned()),
            "type" => set(&mut kind, of_name(reader.string()?)?),
            "event" => set(&mut event.name, reader.string()?.to_owned()),
            "timestamp" => set(&mut event.timestamp, time(reader)?),
            "seq" => set(&mut event.seq, reader.number()?),
            "user_id" => set(&mut event.user_id, reader.string()?.to_owned()),
            "group_id" => set(&mut event.group_id, reader.string()?.to_owned()),
            "previous_id" => set(&mut event.previous_id, reader.string()?.to_owned()),
            "properties" => set(&mut event.properties, bag(reader)?),
            "traits" => set(&mut event.traits, bag(reader)?),
            "context" => set(&mut event.context, Box::new(context(reader.object()?.0)?)),
            "key_event" => set(&mut event.key_event, reader.flag()?),
            "possible_duplicate" => set(&mut event.possible_duplicate, reader.flag()?),
            _ => None,
        }?;
        if !reader.goes_on()? {
            break;
        }
    }
    event.kind = kind.unwrap_or_default();
    check_beside_bags(event).is_ok().then_some(())
}

/// Sets a field that was not there yet.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.is_none().then(|| *field = Some(value))
}

fn of_name(name: &str) -> Option<EventType> {
    EventType::ALL.into_iter().find(|kind| kind.as_str() == name)
}

fn time(reader: &mut Reader<'_>) -> Option<i64> {
    i64::try_from(reader.number()?).ok()
}

/// An object of the sender's own keys, within its limits.
fn bag(reader: &mut Reader<'_>) -> Option<Json> {
    let (text, shape) = reader.object()?;
    (shape.depth <= PROPERTY_DEPTH && shape.keys <= PROPERTY_KEYS).then(|| Json::known(text))
}

/// A context of known fields alone: few events have one, and it is long.
fn context(text: &str) -> Option<Context> {
    let mut is_known = true;
    let mut json = serde_json::Deserializer::from_str(text);
    let context: Object<_> = serde_ignored::deserialize(&mut json, |_| is_known = false).ok()?;
    is_known.then_some(context.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DecodedEvent, decode_any_event, read};
    use proptest::prelude::*;

    /// What may stand in an event, and what may not.
    const FIELDS: [&str; 40] = [
        r#""event":"post_view""#,
        r#""event":"Post""#,
        r#""event":"a\u0062""#,
        r#""event" : "a" "#,
        r#""event":null"#,
        r#""event_id":"e0""#,
        r#""event_id":"""#,
        r#""type":"page""#,
        r#""type":"group""#,
        r#""type":"trak""#,
        r#""type":null"#,
        r#""timestamp":1795458876500"#,
        r#""timestamp":-5"#,
        r#""timestamp":1.0"#,
        r#""timestamp":1e3"#,
        r#""seq":0"#,
        r#""seq":18446744073709551615"#,
        r#""seq":99999999999999999"#,
        r#""seq":"7""#,
        "\"user_id\":\"u\u{7f}\"",
        r#""user_id":"müller""#,
        r#""group_id":"g""#,
        r#""previous_id":"before""#,
        r#""properties":{}"#,
        r#""properties":{"a":[{"b":"}\"{"},1.5e9,true],"c\\":null}"#,
        "\"properties\":{\"a\":\n1,\"a\": 2}",
        r#""properties":[1]"#,
        r#""properties":null"#,
        r#""properties":{"a":[[[[[[[1]]]]]]]}"#,
        r#""properties":{"a":[[[[[[[[1]]]]]]]]}"#,
        r#""traits":{"name":"\"\\"}"#,
        r#""context":{"user_id":"u","page":{"url":"https://a/"}}"#,
        r#""context":{"write_key":"k"}"#,
        r#""context":{"user_id":"a","user_id":"b"}"#,
        r#""context":{"user_id":""}"#,
        r#""context":["a"]"#,
        r#""key_event":true"#,
        r#""possible_duplicate":false"#,
        r#""key_event":"yes""#,
        r#""unknown":1"#,
    ];

    fn agrees(text: &str) -> bool {
        let told = |event| Ok(DecodedEvent { event, unknown_fields: 0 });
        event(text).is_none_or(|event| decode_any_event(text) == told(event))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn what_it_takes_the_slow_way_takes_too(
            places in prop::collection::vec(0..FIELDS.len(), 0..7), blank in "[ \n]?", comma in ", ?",
        ) {
            let fields: Vec<_> = places.iter().map(|place| FIELDS[*place]).collect();
            let text = format!("{blank}{{{}}}", fields.join(&comma));
            prop_assert!(agrees(&text), "{}", text);
        }

        #[test]
        fn a_text_that_is_no_json_harms_nothing(
            text in r#"\{("[a-z_\\]{0,9}"|[:,{}\[\]0-9tf "\\ü]|"type":|"properties":\{){0,12}"#,
        ) {
            let _ = event(&text);
        }
    }

    /// What may stand in a batch's head, and what may not.
    const HEAD: [&str; 22] = [
        r#""write_key":"pk""#,
        r#""write_key":null"#,
        r#""write_key":"p\u006b""#,
        r#""sent_at":1795458876500"#,
        r#""sent_at":-1"#,
        r#""sent_at":01"#,
        r#""batch_id":"b""#,
        r#""unconfirmed":[]"#,
        r#""unconfirmed":["a" , "b"]"#,
        r#""unconfirmed":["a",]"#,
        r#""unconfirmed":[1]"#,
        r#""dropped":3"#,
        r#""dropped":4294967296"#,
        r#""context":{"anonymous_id":"a","page":{"path":"/"},"screen":{"w":[1,2]}}"#,
        r#""context":{"user_id":"u","new":1}"#,
        r#""context":null"#,
        r#""context":{"user_id":"u","screen":{"a":01}}"#,
        r#""other":{"events":[]}"#,
        r#""events":[{"event":"a"}]"#,
        r#""events":null"#,
        r#""events":{}"#,
        "\"context\":{}",
    ];

    /// The slow way says the same of a batch that the quick one takes, and of its events that are read.
    fn batch_agrees(text: &str) -> bool {
        let Some((batch, events)) = batch(text) else { return true };
        let Ok((slow, 0)) = read::<Batch<'_>>(text) else { return false };
        let texts =
            |batch: &Batch<'_>| batch.events.iter().map(|raw| raw.get().to_owned()).collect::<Vec<_>>();
        let same = |(raw, event): (&&RawValue, &Option<Event>)| {
            let told = |event: &Event| Ok(DecodedEvent { event: event.clone(), unknown_fields: 0 });
            event.as_ref().is_none_or(|event| decode_any_event(raw.get()) == told(event))
        };
        let same_events = slow.events.len() == events.len() && slow.events.iter().zip(&events).all(same);
        let head = |batch: Batch<'_>| serde_json::to_string(&Batch { events: Vec::new(), ..batch }).unwrap();
        same_events && texts(&batch) == texts(&slow) && head(batch) == head(slow)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn a_batch_that_it_takes_reads_the_same_the_slow_way(
            head in prop::collection::vec(0..HEAD.len(), 0..5), at in 0usize..5,
            events in prop::collection::vec(prop::collection::vec(0..FIELDS.len(), 0..4), 0..4),
            blank in "[ \n]{0,2}", comma in "[ ]?,[ \t]?", end in "[ \r\n]?[}]?",
        ) {
            let event = |places: &Vec<usize>| {
                let fields: Vec<_> = places.iter().map(|place| FIELDS[*place]).collect();
                format!(r#"{{"event":"post_view"{}{}}}"#, if fields.is_empty() { "" } else { &comma }, fields.join(&comma))
            };
            let events: Vec<_> = events.iter().map(event).collect();
            let events = format!("{blank}\"events\":{blank}[{blank}{}{blank}]", events.join(&comma));
            let mut fields: Vec<_> = head.iter().map(|place| HEAD[*place]).collect();
            fields.insert(at.min(fields.len()), &events);
            let text = format!("{blank}{{{}{blank}}}{end}", fields.join(&comma));
            prop_assert!(batch_agrees(&text), "{}", text);
        }

        /// One byte of a good batch is another one, or is gone, or the text ends before it.
        #[test]
        fn a_batch_with_a_fault_reads_the_same_the_slow_way(at in any::<prop::sample::Index>(), byte in 0u8..128, how in 0..3) {
            let mut text = GOOD.to_owned().into_bytes();
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => _ = text.remove(at),
                _ => text.truncate(at),
            }
            if let Ok(text) = std::str::from_utf8(&text) {
                prop_assert!(batch_agrees(text), "{}", text);
            }
        }
    }

    const GOOD: &str = r#"{"write_key":"pk","sent_at":1795458876500,"batch_id":"b","unconfirmed":["a"],"context":{"locale":"de"},
        "events":[{"event":"a","seq":0,"properties":{"a":[-1.5e+3,0.1,{"b":[]}],"c\u00e9\"":"ü\\","d":true,"e":null,"f":10}},
        {"event":"b","timestamp":10,"key_event":false,"traits":{"x":{"y":"z"},"w":"\n"}}]}"#;

    #[test]
    fn a_good_batch_is_read_quickly() {
        let (batch, events) = batch(GOOD).unwrap();
        assert_eq!((batch.events.len(), events.len(), batch.unconfirmed.len()), (2, 2, 1));
        assert!(batch_agrees(GOOD));
        assert!(events.iter().all(Option::is_some));
        let odd = GOOD.replace("\"event\":\"a\"", "\"event\":\"A\"").replace("\"seq\":0", "\"seq\": \n0");
        let (_, events) = super::batch(&odd).unwrap();
        assert!(events[0].is_none() && events[1].is_some() && batch_agrees(&odd));
        let too_many = format!("{{\"events\":[{}]}}", vec![r#"{"event":"a"}"#; BATCH_EVENTS + 1].join(","));
        assert!(super::batch(&too_many).is_none());
        let deep = format!(
            r#"{{"events":[{{"event":"a","properties":{{"a":{}{}}}}}]}}"#,
            "[".repeat(99),
            "]".repeat(99)
        );
        assert!(super::batch(&deep).is_none());
    }

    #[test]
    fn what_the_sdk_writes_is_read_quickly() {
        for field in FIELDS.iter().filter(|field| !field.starts_with("\"event\"")) {
            let text = format!(r#"{{"event":"post_view",{field}}}"#);
            let is_plain = decode_any_event(&text).is_ok_and(|decoded| decoded.unknown_fields == 0);
            let is_left_out = ["null", "-5", "615"].iter().any(|odd| field.ends_with(odd));
            assert_eq!(event(&text).is_some(), is_plain && !is_left_out, "{text}");
        }
    }

    #[test]
    fn a_bag_may_have_256_keys_and_a_string_may_end_anywhere_in_a_word() {
        let of = |keys: usize| {
            let keys: Vec<_> = (0..keys).map(|key| format!("\"{}\":0", "k".repeat(key % 20))).collect();
            format!(r#"{{"event":"a","properties":{{{}}}}}"#, keys.join(","))
        };
        assert!(event(&of(PROPERTY_KEYS)).is_some() && agrees(&of(PROPERTY_KEYS)));
        assert!(event(&of(PROPERTY_KEYS + 1)).is_none());
    }
}
