//! Batches as the browser SDK sends them: one browser's context, then events of about 300 bytes.
//! Written straight into the body, so that the load takes little of the processors that it shares with the server.

use crate::ids::{EventId, new_id};
use bytes::Bytes;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

const BOARDS: [&str; 4] = ["gardening", "cycling", "cooking", "home-computing"];
const NAMES: [&str; 4] = ["click", "post_card", "post_view", "like"];
const TEXTS: [&str; 4] = [
    "Tomatoes in a north-facing yard",
    "A quiet chain for wet roads",
    "Bread without kneading",
    "A small server in the cupboard",
];

/// A batch ready to be sent, and the ids in it in order.
pub(super) struct Batch {
    pub(super) body: Bytes,
    pub(super) ids: Vec<EventId>,
}

/// Writes one batch after the other, each of another browser of a few thousand.
pub(super) struct Writer {
    random: fastrand::Rng,
    seq: u64,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { random: fastrand::Rng::new(), seq: 0 }
    }

    pub(super) fn next(&mut self, events: usize) -> Batch {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let mut body = String::with_capacity(800 + events * 320);
        let mut ids = Vec::with_capacity(events);
        self.write_head(&mut body, now);
        for place in 0..events {
            if place > 0 {
                body.push(',');
            }
            ids.push(self.write_event(&mut body, now));
        }
        body.push_str("]}");
        Batch { body: Bytes::from(body), ids }
    }

    fn write_head(&mut self, body: &mut String, now: u64) {
        let browser = self.random.u32(0..4096);
        let post = self.random.u32(1..2000);
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            concat!(
                r#"{{"sent_at":{now},"batch_id":"{batch}","context":{{"#,
                r#""anonymous_id":"0190b2a4-7c11-7{browser:03x}-9d3e-5f60718293a4","#,
                r#""session_id":"{session}","page_view_id":"{view}","#,
                r#""page":{{"url":"https://forum.example/t/a-post/{post}","path":"/t/a-post/{post}","#,
                r#""title":"A post on the forum","referrer":"https://forum.example/"}},"#,
                r#""screen":{{"width":1440,"height":900,"density":2}},"locale":"en-GB","timezone":"Europe/London","#,
                r#""sdk":{{"name":"footfall-js","version":"0.1.0"}}}},"events":["#
            ),
            now = now,
            batch = new_id(now, &mut self.random),
            browser = browser,
            session = new_id(now, &mut self.random),
            view = new_id(now, &mut self.random),
            post = post,
        );
    }

    fn write_event(&mut self, body: &mut String, now: u64) -> EventId {
        let id = new_id(now, &mut self.random);
        let post = self.random.u32(100_000..999_999);
        let kind = self.random.usize(0..NAMES.len());
        self.seq += 1;
        let _ = write!(
            body,
            concat!(
                r#"{{"event_id":"{id}","type":"track","event":"{name}","timestamp":{at},"seq":{seq},"#,
                r#""properties":{{"tag":"a","id":"post-{post}","text":"{text}","href":"/t/{board}/{post}","#,
                r#""role":"link","post_id":"{post}","board":"{board}","position":{position}}}}}"#
            ),
            id = id,
            name = NAMES[kind],
            at = now.saturating_sub(self.random.u64(0..5000)),
            seq = self.seq,
            post = post,
            text = TEXTS[kind],
            board = BOARDS[kind],
            position = self.random.u32(0..40),
        );
        id.as_u128()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footfall_event_model::wire::{decode_batch, decode_event};

    #[test]
    fn every_batch_is_one_that_the_server_takes_whole() {
        let batch = Writer::new().next(20);
        let mut body = batch.body.to_vec();
        let decoded = decode_batch(&mut body).expect("a batch");
        assert_eq!((decoded.batch.events.len(), decoded.unknown_fields), (20, 0));
        for (raw, id) in decoded.batch.events.iter().zip(&batch.ids) {
            let event = decode_event(raw).expect("an event");
            assert_eq!(event.unknown_fields, 0);
            let sent = event.event.event_id.expect("an id");
            assert_eq!(uuid::Uuid::parse_str(&sent).expect("a UUID").as_u128(), *id);
        }
    }

    #[test]
    fn an_event_has_about_300_bytes() {
        let mut writer = Writer::new();
        let bytes = writer.next(401).body.len() - writer.next(1).body.len();
        let each = bytes / 400;
        assert!((270..=330).contains(&each), "{each} bytes an event");
    }
}
