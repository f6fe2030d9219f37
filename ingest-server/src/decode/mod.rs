//! The second step: from what came to a batch and its events, in the one form that the steps after it know.
//! Events come in several shapes, one for each kind of sender; which shape it is, the path of the request says.

mod pixel;
mod unpack;

pub use unpack::{Encoding, unpack};

use crate::refusal::Refused;
use axum::http::Uri;
use footfall_event_model::wire::{self, DecodedBatch, DecodedEvent, EventRefused};
use serde_json::value::RawValue;

/// In which shape events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `POST /v1/events`: a batch, an event, or an array of events.
    Events,
    /// `GET /v1/pixel.gif`: one event in the query.
    Pixel,
}

impl Shape {
    /// The text of a batch, from the body or from wherever this shape carries it.
    ///
    /// # Errors
    /// [`Refused`] where the body is not what its encoding says, or something is larger than it may be.
    pub fn text(self, uri: &Uri, encoding: Encoding, body: Vec<u8>) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Events => unpack(encoding, body),
            Self::Pixel => pixel::text(uri.query().unwrap_or_default()),
        }
    }

    /// The head of the batch, and its events as text.
    ///
    /// # Errors
    /// [`Refused::Batch`] where it must be refused as a whole.
    pub fn batch(self, text: &mut [u8]) -> Result<DecodedBatch<'_>, Refused> {
        Ok(wire::decode_batch(text)?)
    }

    /// Reads and checks one event.
    ///
    /// # Errors
    /// [`EventRefused`] with every violation.
    pub fn event(self, raw: &RawValue) -> Result<DecodedEvent, EventRefused> {
        wire::decode_event(raw)
    }
}
