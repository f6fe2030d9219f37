//! The second step: from what came to a batch and its events, in the one form that the steps after it know.
//! Events come in several shapes, one for each kind of sender; which shape it is, the path of the request says.

mod pixel;
mod segment;
mod unpack;

pub use unpack::{Encoding, unpack};

use crate::refusal::Refused;
use axum::http::Uri;
use footfall_event_model::wire::{self, DecodedBatch, EventRefused};
use footfall_event_model::{Batch, Event, EventType};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::net::IpAddr;

/// In which shape events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `POST /v1/events`: a batch, an event, or an array of events.
    Events,
    /// `GET /v1/pixel.gif`: one event in the query.
    Pixel,
    /// What a client of Segment sends: a call of that type, or a batch in which each says its own.
    Segment(Option<EventType>),
}

/// A batch whose head was read.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// The batch, its events as text.
    pub batch: Batch<'a>,
    /// The events that were read and checked on the way, each at the place of its text.
    pub read: Vec<Option<Event>>,
    /// Fields outside the events that the wire form does not know.
    pub unknown_fields: u32,
    /// What came beside all its events.
    pub beside: Beside,
    /// What a batch of Segment's clients says of all its calls, as it came.
    pub segment_context: Option<&'a RawValue>,
}

/// An event that was read and checked.
#[derive(Debug)]
pub struct Read {
    /// The event.
    pub event: Event,
    /// Fields that the wire form does not know.
    pub unknown_fields: u32,
    /// What came beside it.
    pub beside: Beside,
}

/// What a shape says of an event beyond our own wire form.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The event's name as the sender wrote it, where ours is another.
    pub original_name: Option<String>,
    /// The visitor's browser, where a server speaks for it; at most 512 bytes.
    pub user_agent: Option<String>,
    /// The visitor's address, where a server speaks for it; a claim that anybody can make.
    pub address: Option<IpAddr>,
}

impl Beside {
    /// The same, with what is said of all events where an event says nothing itself.
    #[must_use]
    pub fn or(self, of_all: &Self) -> Self {
        Self {
            original_name: self.original_name,
            user_agent: self.user_agent.or_else(|| of_all.user_agent.clone()),
            address: self.address.or(of_all.address),
        }
    }
}

impl Shape {
    /// The path that takes its events as JSON. A picture's query has become a batch of our own.
    pub fn path(self) -> Cow<'static, str> {
        match self {
            Self::Events | Self::Pixel => "/v1/events".into(),
            Self::Segment(None) => "/v1/batch".into(),
            Self::Segment(Some(kind)) => format!("/v1/{}", kind.as_str()).into(),
        }
    }

    /// The shape in which a path takes events, as [`Self::path`] names it.
    pub fn of_path(path: &str) -> Option<Self> {
        let calls = EventType::ALL.map(|kind| Self::Segment(Some(kind)));
        let mut all = [Self::Events, Self::Segment(None)].into_iter().chain(calls);
        all.find(|shape| shape.path() == path)
    }

    /// Whether the write key may be the user of Basic authentication.
    pub fn has_basic_key(self) -> bool {
        matches!(self, Self::Segment(_))
    }

    /// The text of a batch, from the body or from wherever this shape carries it.
    ///
    /// # Errors
    /// [`Refused`] where the body is not what its encoding says, or something is larger than it may be.
    pub fn text(self, uri: &Uri, encoding: Encoding, body: Vec<u8>) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Events | Self::Segment(_) => unpack(encoding, body),
            Self::Pixel => pixel::text(uri.query().unwrap_or_default()),
        }
    }

    /// The head of the batch, and its events as text.
    ///
    /// # Errors
    /// [`Refused::Batch`] where it must be refused as a whole.
    pub fn batch(self, text: &mut [u8]) -> Result<Decoded<'_>, Refused> {
        let (batch, beside, segment_context) = match self {
            Self::Events | Self::Pixel => {
                let DecodedBatch { batch, read, unknown_fields } = wire::decode_batch(text)?;
                let (beside, segment_context) = (Beside::default(), None);
                return Ok(Decoded { batch, read, unknown_fields, beside, segment_context });
            }
            Self::Segment(None) => segment::batch(text)?,
            Self::Segment(Some(_)) => (segment::single(text)?, Beside::default(), None),
        };
        Ok(Decoded { batch, read: Vec::new(), unknown_fields: 0, beside, segment_context })
    }

    /// Reads and checks one event.
    ///
    /// # Errors
    /// [`EventRefused`] with every violation.
    pub fn event(self, raw: &RawValue) -> Result<Read, EventRefused> {
        match self {
            Self::Events | Self::Pixel => wire::decode_event(raw).map(|read| Read {
                event: read.event,
                unknown_fields: read.unknown_fields,
                beside: Beside::default(),
            }),
            Self::Segment(kind) => segment::event(kind, raw),
        }
    }
}
