//! A server as `docs/wire.md` describes it: stores a batch once, remembers what it stored of it, and answers receipts.

use crate::core::{Answer, Priority};
use footfall_event_model::wire;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A request as it left a page.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) handle: u64,
    pub(super) priority: Priority,
    pub(super) body: String,
}

impl Request {
    pub(super) fn batch(&self) -> &str {
        let start = self.body.find("\"batch_id\":\"").unwrap() + 12;
        &self.body[start..start + 36]
    }
}

#[derive(Default)]
pub(super) struct Server {
    /// Places in a batch that are stored, by the batch's id.
    batches: HashMap<String, BTreeSet<usize>>,
    /// How many events each had.
    sizes: HashMap<String, usize>,
    /// Ids that it has forgotten.
    forgotten: BTreeSet<String>,
    /// How often each event was stored, and how often of these with the mark of a possible duplicate.
    pub(super) events: BTreeMap<String, (u32, u32)>,
    /// The numbers that events were recorded with, in the order in which they first arrived.
    pub(super) order: Vec<u64>,
    /// Dropped events that senders told of.
    pub(super) reported: u64,
    /// Event ids of each batch id that was ever sent.
    sent: HashMap<String, Vec<String>>,
}

/// What an event was recorded with: its page and its user.
pub(super) type Expected = BTreeMap<u64, (String, Option<String>)>;

impl Server {
    /// What holds for every request that leaves.
    pub(super) fn inspect(&mut self, request: &Request, expected: &Expected) {
        let body = &request.body;
        let lone = body.matches("\"event_id\"").count() == 1;
        assert!(body.len() <= if lone { 42 } else { 33 } * 1024, "a batch of {} bytes", body.len());
        let mut bytes = body.as_bytes().to_vec();
        let decoded = wire::decode_batch(&mut bytes).expect("the server's own decoder takes it");
        assert_eq!(decoded.unknown_fields, 0);
        let context = decoded.batch.context.unwrap();
        let mut ids = vec![];
        for raw in &decoded.batch.events {
            let read = wire::decode_event(raw).expect("the server's own check takes it");
            assert_eq!(read.unknown_fields, 0);
            let event = read.event;
            assert_eq!(
                event.key_event == Some(true),
                request.priority == Priority::Key,
                "one priority a batch"
            );
            let own = event.context.as_deref().cloned().unwrap_or_default();
            let effective = context.overridden_by(&own);
            let said = (effective.page.unwrap().path.unwrap(), effective.user_id);
            let number = number_of(&event);
            assert_eq!(Some(&said), expected.get(&number), "said with its own page and user");
            ids.push(event.event_id.unwrap());
        }
        assert!(!ids.is_empty());
        let same = self.sent.entry(decoded.batch.batch_id.unwrap()).or_insert_with(|| ids.clone());
        assert!(*same == ids, "a batch id stands for the same events for ever");
    }

    /// Takes a request; `takes` says which places in the batch it can store now.
    pub(super) fn take(&mut self, request: &Request, takes: impl Fn(usize) -> bool) -> Answer {
        let mut bytes = request.body.as_bytes().to_vec();
        let batch = wire::decode_batch(&mut bytes).unwrap().batch;
        let batch_id = batch.batch_id.unwrap();
        let known = self.batches.entry(batch_id.clone()).or_default();
        if !self.sizes.contains_key(&batch_id) {
            self.reported += u64::from(batch.dropped.unwrap_or(0));
        }
        let mut answer = Answer { status: 200, ..Answer::default() };
        for (index, raw) in batch.events.iter().enumerate() {
            if known.contains(&index) {
                continue;
            }
            if !takes(index) {
                answer.status = 503;
                continue;
            }
            known.insert(index);
            let event = wire::decode_event(raw).unwrap().event;
            let number = number_of(&event);
            let copies = self.events.entry(event.event_id.unwrap()).or_default();
            copies.0 += 1;
            copies.1 += u32::from(event.possible_duplicate == Some(true));
            if copies.0 == 1 {
                self.order.push(number);
            }
        }
        if answer.status == 503 {
            answer.retry_after_ms = 500;
        }
        self.sizes.insert(batch_id, batch.events.len());
        for id in &batch.unconfirmed {
            let status = match self.batches.get(id) {
                Some(stored) if stored.len() >= self.sizes[id] => "s",
                Some(_) => "u",
                None if self.forgotten.contains(id) => "e",
                None => "u",
            };
            answer.receipts.push_str(&format!("{id} {status}\n"));
        }
        answer
    }

    /// Whether anything of the request's batch is stored.
    pub(super) fn knows(&self, request: &Request) -> bool {
        self.batches.contains_key(request.batch())
    }

    /// Forgets all batches.
    pub(super) fn forget(&mut self) {
        self.forgotten.extend(self.batches.drain().map(|(id, _)| id));
    }

    pub(super) fn assert_each_once(&self, expected: &Expected) {
        self.assert_none_twice();
        self.assert_all(expected);
    }

    fn assert_all(&self, expected: &Expected) {
        let lost: Vec<_> = expected.keys().filter(|number| !self.order.contains(number)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }

    pub(super) fn assert_none_twice(&self) {
        let twice: Vec<_> = self.events.iter().filter(|(_, copies)| copies.0 > 1).collect();
        assert!(twice.is_empty(), "stored twice: {twice:?}");
    }

    pub(super) fn assert_all_and_copies_marked(&self, expected: &Expected) {
        self.assert_all(expected);
        for (id, (copies, marked)) in &self.events {
            assert!(copies - marked <= 1, "{id}: {copies} copies, of which {marked} are marked");
        }
    }
}

/// The number that the world recorded an event with.
fn number_of(event: &footfall_event_model::Event) -> u64 {
    let told = event.properties.as_ref().or(event.traits.as_ref()).expect("each event has a number").text();
    let digits: String =
        told.chars().skip_while(|char| !char.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
