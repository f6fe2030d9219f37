//! What an operator does with the events of the journal beside watching them: `footfall export`, `footfall replay`.
//! Both read in short reads, page by page, so that a server may go on writing; nothing is changed in the journal.

mod export;
mod moment;
mod pages;
mod replay;

pub use export::{Export, Format, export};
pub use moment::Moment;
pub use replay::{Replay, replay};

use serde::Deserialize;
use std::borrow::Cow;

/// Which events are meant; all that fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those that were stored then or later.
    pub since: Option<Moment>,
    /// Those that were stored before.
    pub until: Option<Moment>,
    /// Those of this name, or of this type where they have no name.
    pub event: Option<String>,
}

impl Selection {
    /// Whether a record is of the name that is meant.
    fn takes(&self, payload: &[u8]) -> bool {
        let Some(wanted) = &self.event else { return true };
        let named = serde_json::from_slice::<Named<'_>>(payload).ok();
        named.and_then(|named| named.event.or(named.kind)).is_some_and(|name| name == *wanted)
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_meant_by_its_name_or_by_its_type_where_it_has_none() {
        let of = |event: &str| Selection { event: Some(event.to_owned()), ..Selection::default() };
        let named = br#"{"type":"track","event":"sign\u0020up"}"#;
        assert!(of("sign up").takes(named) && !of("track").takes(named));
        assert!(of("page").takes(br#"{"type":"page"}"#));
        assert!(!of("page").takes(b"no json") && Selection::default().takes(b"no json"));
    }
}
