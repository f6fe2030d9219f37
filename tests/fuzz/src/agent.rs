//! `User-Agent` and the Client Hints: whatever they say, what a record tells of a browser is small and in its own words.
//! The first byte chooses what is told; each line after it is one header, in the order of the list.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ingest_server::fuzzing::user_agent;
use serde_json::{Map, Value};

const HEADERS: [HeaderName; 7] = [
    HeaderName::from_static("user-agent"),
    HeaderName::from_static("sec-ch-ua"),
    HeaderName::from_static("sec-ch-ua-full-version-list"),
    HeaderName::from_static("sec-ch-ua-mobile"),
    HeaderName::from_static("sec-ch-ua-platform"),
    HeaderName::from_static("sec-ch-ua-platform-version"),
    HeaderName::from_static("sec-ch-ua-model"),
];
/// Bytes of a `User-Agent` that are kept.
const USER_AGENT_BYTES: usize = 512;
/// Bytes of one thing that is told: the header's own, and the words that a rule puts around them.
const WORD_BYTES: usize = USER_AGENT_BYTES + 64;
const CLASSES: [&str; 9] =
    ["desktop", "phone", "tablet", "tv", "console", "headset", "watch", "bot", "other"];

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, lines)) = bytes.split_first() else { return };
    let (original, tag) = (choice & 1 == 1, choice & 2 == 2);
    let mut headers = HeaderMap::new();
    for (name, line) in HEADERS.into_iter().zip(lines.split(|&byte| byte == b'\n')) {
        match HeaderValue::from_bytes(line) {
            Ok(value) => headers.insert(name, value),
            Err(_) => return,
        };
    }
    let agent = user_agent(&headers, original, tag).expect("there is a User-Agent");
    let told: Map<String, Value> = serde_json::from_str(agent.text.get()).expect("an object");
    for (name, value) in &told {
        match (name.as_str(), value) {
            ("bot", Value::Bool(bot)) => assert!(tag && *bot == agent.bot),
            ("device", Value::String(class)) => assert!(CLASSES.contains(&class.as_str()), "{class}"),
            ("original", Value::String(text)) => {
                let sent = headers.get("user-agent").map(|value| String::from_utf8_lossy(value.as_bytes()));
                assert!(
                    original
                        && text.len() <= USER_AGENT_BYTES
                        && sent.is_some_and(|sent| sent.starts_with(text))
                );
            }
            (
                "browser" | "browser_version" | "os" | "os_version" | "brand" | "model",
                Value::String(word),
            ) => {
                assert!(!word.is_empty(), "{name} is empty in {told:?}");
                assert!(word.len() <= WORD_BYTES, "{name} has {} bytes", word.len());
            }
            other => panic!("{other:?} in a user agent"),
        }
    }
    assert!(
        told.contains_key("device")
            && told.contains_key("bot") == tag
            && told.contains_key("original") == original
    );
    assert!(tag || told["device"] != "bot");

    // Headers that are longer by what is not read say the same.
    if let Some(agent_header) =
        headers.get("user-agent").filter(|value| value.len() >= USER_AGENT_BYTES && value.to_str().is_ok())
    {
        let longer = [agent_header.as_bytes(), b" Googlebot/2.1"].concat();
        headers.insert("user-agent", HeaderValue::from_bytes(&longer).expect("a header's value"));
        let longer = user_agent(&headers, original, tag).expect("there is a User-Agent");
        assert_eq!((longer.text.get(), longer.bot), (agent.text.get(), agent.bot));
    }
}
