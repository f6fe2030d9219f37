//! `POST /v1/events`: a body of any encoding is unpacked within its bound and read, and each event gets a verdict.
//! The first byte chooses: two bits the encoding, three bits the site; the rest is the body.

use crate::sites::site;
use crate::verdicts;
use axum::http::Uri;
use footfall_event_model::limits::BATCH_BYTES;
use ingest_server::decode::{Encoding, Shape};

const ENCODINGS: [Encoding; 4] = [Encoding::Identity, Encoding::Gzip, Encoding::Brotli, Encoding::Zstd];

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else { return };
    let encoding = ENCODINGS[usize::from(choice % 4)];
    let packed = body.len();
    let mut text = match Shape::Events.text(&Uri::default(), encoding, body.to_vec()) {
        Ok(text) => text,
        Err(refused) => return verdicts::refusal(&refused),
    };
    if encoding != Encoding::Identity {
        let bound = (200 * packed).clamp(64 * 1024, BATCH_BYTES);
        assert!(text.len() <= bound, "{packed} bytes of {encoding:?} became {}", text.len());
    }
    verdicts::batch(Shape::Events, &mut text, site(choice >> 2));
}
