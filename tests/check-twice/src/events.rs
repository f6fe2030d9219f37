//! Events of every kind that a sender may think of, each a line of JSON text; the same ones at each run.
//! Most fields are as they should be, so that a verdict says more than that everything is wrong.

use fastrand::Rng;

/// What the run starts from.
const SEED: u64 = 2026;

/// The first `count` of the events.
pub fn lines(count: usize) -> impl Iterator<Item = String> {
    let mut rng = Rng::with_seed(SEED);
    (0..count).map(move |_| event(&mut rng))
}

const TEXTS: [&str; 14] = [
    "\"post_view\"",
    "\"a.b:c_9\"",
    "\"Post View\"",
    "\"\"",
    "\"ä😀\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"a\\nb\"",
    "\"\\u007f\"",
    "\"\\u0000\"",
    "\"9\"",
    "\"019ab2f0-0000-7000-8000-000000000001\"",
    "\"a\\\"b\\\\c\"",
    "\"track\"",
];
const OTHERS: [&str; 16] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.5",
    "1e400",
    "-1e-400",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "4294967296",
    "[]",
    "{}",
    "[[[[[[[[[1]]]]]]]]]",
    "{\"a\":{\"b\":[{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{}}}}}}]}}",
];
const NUMBERS: [&str; 8] =
    ["1795458876500", "0", "-1", "9223372036854775807", "9223372036854775808", "1.0", "1e3", "17"];
const RATES: [&str; 8] = ["1", "0.25", "0", "1.0", "1.01", "1e-2", "-0.5", "0.0000000000000000000000001"];
const TYPES: [&str; 8] = [
    "\"track\"",
    "\"page\"",
    "\"screen\"",
    "\"identify\"",
    "\"group\"",
    "\"alias\"",
    "\"Track\"",
    "\"tra\\u0063k\"",
];

fn event(rng: &mut Rng) -> String {
    match rng.usize(0..60) {
        0 => return any(rng),
        1 => return format!("{{\"event\":\"a\",\"pad\":\"{}\"}}", "x".repeat(rng.usize(32_700..32_800))),
        2 => return "{\"event\":\"a\",\"event\":\"b\"}".to_owned(),
        _ => {}
    }
    let mut fields = Vec::new();
    if rng.u8(0..20) > 0 {
        fields.push(format!("\"event\":{}", mostly(rng, "\"post_view\"", &TEXTS)));
    }
    for name in ["event_id", "user_id", "group_id", "previous_id"] {
        sometimes(rng, &mut fields, name, id);
    }
    sometimes(rng, &mut fields, "type", |rng| mostly(rng, "\"track\"", &TYPES));
    for name in ["timestamp", "seq"] {
        sometimes(rng, &mut fields, name, |rng| mostly(rng, "1795458876500", &NUMBERS));
    }
    for name in ["properties", "traits"] {
        sometimes(rng, &mut fields, name, bag);
    }
    for name in ["key_event", "possible_duplicate", "unknown"] {
        sometimes(rng, &mut fields, name, |rng| mostly(rng, "true", &OTHERS));
    }
    sometimes(rng, &mut fields, "context", context);
    rng.shuffle(&mut fields);
    format!("{{{}}}", fields.join([",", " , ", ",\t"][rng.usize(0..3)]))
}

fn sometimes(rng: &mut Rng, fields: &mut Vec<String>, name: &str, value: impl Fn(&mut Rng) -> String) {
    if rng.u8(0..3) == 0 {
        let value = if rng.u8(0..30) == 0 { any(rng) } else { value(rng) };
        fields.push(format!("\"{name}\":{value}"));
    }
}

fn mostly(rng: &mut Rng, usual: &str, others: &[&str]) -> String {
    if rng.u8(0..4) > 0 { usual } else { others[rng.usize(0..others.len())] }.to_owned()
}

fn any(rng: &mut Rng) -> String {
    let all = [&TEXTS[..], &OTHERS[..]].concat();
    all[rng.usize(0..all.len())].to_owned()
}

fn id(rng: &mut Rng) -> String {
    match rng.u8(0..12) {
        0 => format!("\"{}\"", "i".repeat(rng.usize(254..259))),
        1 => mostly(rng, "\"\"", &TEXTS),
        _ => format!("\"user-{}\"", rng.u16(..)),
    }
}

fn bag(rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => any(rng),
        1 => {
            let keys: Vec<_> = (0..rng.usize(254..259)).map(|key| format!("\"k{key}\":1")).collect();
            format!("{{{}}}", keys.join(","))
        }
        2 => {
            let levels = rng.usize(6..11);
            format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
        }
        _ => format!("{{\"a\":{},\"b\":[{},{}]}}", any(rng), any(rng), any(rng)),
    }
}

fn context(rng: &mut Rng) -> String {
    let mut fields = Vec::new();
    for name in ["anonymous_id", "session_id", "user_id", "user_signature", "page_view_id"] {
        sometimes(rng, &mut fields, name, id);
    }
    for name in ["screen", "consent"] {
        sometimes(rng, &mut fields, name, bag);
    }
    sometimes(rng, &mut fields, "sample_rate", |rng| mostly(rng, "0.25", &RATES));
    sometimes(rng, &mut fields, "locale", |rng| mostly(rng, "\"de\"", &TEXTS));
    sometimes(rng, &mut fields, "page", |rng| {
        format!("{{\"url\":{},\"title\":\"{}\"}}", any(rng), "\\u0001".repeat(rng.usize(0..1500)))
    });
    format!("{{{}}}", fields.join(","))
}
