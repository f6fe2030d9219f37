//! The quick reading of an event: one look at each byte, and nothing built that is not kept.
//! It takes an event only where `serde` reads the same from it and `check` finds nothing, and leaves all else to these two.

use crate::check::check_beside_bags;
use crate::json::Shape;
use crate::limits::{PROPERTY_DEPTH, PROPERTY_KEYS};
use crate::object::Object;
use crate::{Context, Event, EventType, Json};

/// Digits of a number that fits both a signed and an unsigned one of 64 bits.
const DIGITS: usize = 18;

/// Reads an event from a JSON text without white space around it, as the SDK writes it: no field that the wire form does not
/// know, none twice, no `null`, and no escapes outside of `properties`, `traits` and `context`.
pub(super) fn event(text: &str) -> Option<Event> {
    let mut reader = Reader { text, at: 0 };
    let (mut event, mut kind) = (Event::default(), None);
    reader.expect(b'{')?;
    loop {
        let name = reader.string()?;
        reader.expect(b':')?;
        match name {
            "event_id" => set(&mut event.event_id, reader.string()?.to_owned()),
            "type" => set(&mut kind, reader.kind()?),
            "event" => set(&mut event.name, reader.string()?.to_owned()),
            "timestamp" => set(&mut event.timestamp, i64::try_from(reader.number()?).ok()?),
            "seq" => set(&mut event.seq, reader.number()?),
            "user_id" => set(&mut event.user_id, reader.string()?.to_owned()),
            "group_id" => set(&mut event.group_id, reader.string()?.to_owned()),
            "previous_id" => set(&mut event.previous_id, reader.string()?.to_owned()),
            "properties" => set(&mut event.properties, reader.bag()?),
            "traits" => set(&mut event.traits, reader.bag()?),
            "context" => set(&mut event.context, Box::new(context(reader.object()?.0)?)),
            "key_event" => set(&mut event.key_event, reader.flag()?),
            "possible_duplicate" => set(&mut event.possible_duplicate, reader.flag()?),
            _ => None,
        }?;
        match reader.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    event.kind = kind.unwrap_or_default();
    (reader.at == text.len() && check_beside_bags(&event).is_ok()).then_some(event)
}

/// Sets a field that was not there yet.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.is_none().then(|| *field = Some(value))
}

/// A context of known fields alone: few events have one, and it is long.
fn context(text: &str) -> Option<Context> {
    let mut is_known = true;
    let mut json = serde_json::Deserializer::from_str(text);
    let context: Object<_> = serde_ignored::deserialize(&mut json, |_| is_known = false).ok()?;
    is_known.then_some(context.0)
}

/// Goes through a text that is JSON; on one that is not it gives something or nothing, and harms nothing.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space (RFC 8259, section 2).
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = start + quote_or_escape(self.text.as_bytes().get(start..)?)?;
        self.at = end + 1;
        (self.text.as_bytes()[end] == b'"').then(|| &self.text[start..end])
    }

    fn kind(&mut self) -> Option<EventType> {
        let name = self.string()?;
        EventType::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// A whole number from 0, short enough to fit.
    fn number(&mut self) -> Option<u64> {
        let mut value = u64::from(digit(self.next()?)?);
        for _ in 1..DIGITS {
            match self.text.as_bytes().get(self.at)? {
                b',' | b'}' | b' ' => return Some(value),
                byte => value = value * 10 + u64::from(digit(*byte)?),
            }
            self.at += 1;
        }
        None
    }

    fn flag(&mut self) -> Option<bool> {
        let (word, flag) = match self.next()? {
            b't' => ("rue", true),
            b'f' => ("alse", false),
            _ => return None,
        };
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes()).then_some(flag)
    }

    /// An object of the sender's own keys, within its limits.
    fn bag(&mut self) -> Option<Json> {
        let (text, shape) = self.object()?;
        (shape.depth <= PROPERTY_DEPTH && shape.keys <= PROPERTY_KEYS).then(|| Json::known(text))
    }

    /// Any object, measured on the way to its end.
    fn object(&mut self) -> Option<(&'a str, Shape)> {
        self.expect(b'{')?;
        let start = self.at - 1;
        let bytes = self.text.as_bytes();
        let (mut shape, mut open) = (Shape { depth: 1, keys: 0 }, 1usize);
        while open > 0 {
            let byte = *bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    open += 1;
                    shape.depth = shape.depth.max(open);
                }
                b'}' | b']' => open -= 1,
                b':' => shape.keys += 1,
                _ => {}
            }
        }
        Some((&self.text[start..self.at], shape))
    }

    /// Goes behind the quote that ends a string.
    fn skip_string(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        loop {
            self.at += quote_or_escape(bytes.get(self.at..)?)? + 1;
            if bytes[self.at - 1] == b'"' {
                return Some(());
            }
            // What is escaped is no quote that ends the string.
            self.at += 1;
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

/// Where the first `"` or `\` stands, eight bytes looked at in one step.
fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    // The high bit of each byte that is zero, and perhaps of bytes behind the first such one.
    let zeroes = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeroes(word ^ (ONES * u64::from(b'"'))) | zeroes(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(place * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(words.len() * 8 + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DecodedEvent, decode_any_event};
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
