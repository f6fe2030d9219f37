//! What Segment's clients send: each call becomes an event of ours, or is refused in the names that its sender knows.
//! The first byte chooses: three bits the path's type (6 and 7 are a batch), three bits the site; the rest is the body.

use crate::sites::site;
use crate::verdicts;
use footfall_event_model::EventType;
use ingest_server::decode::Shape;

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else { return };
    let shape = Shape::Segment(EventType::ALL.get(usize::from(choice % 8)).copied());
    verdicts::batch(shape, &mut body.to_vec(), site(choice >> 3));
}
