//! The headers of a record, held so that those of a whole batch take little: values that stand in one text are not taken
//! apart, and what many records share is there once. Kafka gets each record's own copy.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

/// One header of a record, as Kafka knows it: a name and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The header's name, for example `ce_id`.
    pub name: Cow<'static, str>,
    /// The header's value; any bytes, usually UTF-8 text.
    pub value: Bytes,
}

impl Header {
    /// A header from a name that is known when compiling.
    pub fn new(name: &'static str, value: impl Into<Bytes>) -> Self {
        Self { name: Cow::Borrowed(name), value: value.into() }
    }
}

/// The same, as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRef<'a> {
    /// The header's name.
    pub name: &'a str,
    /// The header's value.
    pub value: &'a [u8],
}

impl<'a> HeaderRef<'a> {
    fn of(header: &'a Header) -> Self {
        Self { name: &header.name, value: &header.value }
    }
}

/// The headers of a record, in the order in which they will stand: its own, then those that it shares with others.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    in_text: Option<InText>,
    /// Empty where there is a text.
    list: Vec<Header>,
    shared: Option<Arc<[Header]>>,
}

/// How many headers stand in one text.
pub const HEADERS_IN_TEXT: usize = 3;

/// Headers whose values stand side by side.
#[derive(Clone, Debug)]
struct InText {
    names: &'static [&'static str; HEADERS_IN_TEXT],
    text: Bytes,
    /// Where each value ends in the text, and the next one begins.
    ends: [usize; HEADERS_IN_TEXT],
}

impl InText {
    /// The name of a header, and where its value stands.
    fn place(&self, index: usize) -> Option<(&'static str, std::ops::Range<usize>)> {
        let (name, end) = (*self.names.get(index)?, *self.ends.get(index)?);
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before).copied());
        Some((name, start.unwrap_or_default()..end))
    }
}

impl Headers {
    /// Headers whose values stand side by side in `text`, each up to its end there, and behind them those that are the same
    /// for many records. Beyond its end a text has no bytes.
    pub fn in_text(
        names: &'static [&'static str; HEADERS_IN_TEXT],
        text: Bytes,
        ends: [usize; HEADERS_IN_TEXT],
        shared: Arc<[Header]>,
    ) -> Self {
        let mut reached = 0;
        let ends = ends.map(|end| {
            reached = end.clamp(reached, text.len());
            reached
        });
        Self { in_text: Some(InText { names, text, ends }), list: Vec::new(), shared: Some(shared) }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = HeaderRef<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The header at that place, counted from 0.
    pub fn get(&self, index: usize) -> Option<HeaderRef<'_>> {
        let Some(behind) = index.checked_sub(self.own_len()) else {
            return match &self.in_text {
                Some(own) => {
                    own.place(index).map(|(name, place)| HeaderRef { name, value: &own.text[place] })
                }
                None => self.list.get(index).map(HeaderRef::of),
            };
        };
        self.shared.as_deref()?.get(behind).map(HeaderRef::of)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.own_len() + self.shared.as_deref().map_or(0, <[_]>::len)
    }

    fn own_len(&self) -> usize {
        self.list.len() + self.in_text.as_ref().map_or(0, |_| HEADERS_IN_TEXT)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, to be changed for this record alone.
    pub fn to_mut(&mut self) -> &mut Vec<Header> {
        if let Some(own) = self.in_text.take() {
            let places = (0..HEADERS_IN_TEXT).filter_map(|index| own.place(index));
            self.list = places.map(|(name, place)| Header::new(name, own.text.slice(place))).collect();
        }
        if let Some(shared) = self.shared.take() {
            self.list.extend_from_slice(&shared);
        }
        &mut self.list
    }
}

/// However they are held.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl From<Vec<Header>> for Headers {
    fn from(own: Vec<Header>) -> Self {
        Self { list: own, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn however_they_are_held_they_read_the_same() {
        let shared: Arc<[Header]> = [Header::new("d", "4"), Header::new("a", "5")].into();
        let mut held = Headers::in_text(&NAMES, Bytes::from_static(b"1222"), [1, 1, 4], Arc::clone(&shared));
        let mut list = vec![Header::new("a", "1"), Header::new("b", ""), Header::new("c", "222")];
        list.extend_from_slice(&shared);
        assert_eq!(held, Headers::from(list.clone()));
        assert_eq!((held.len(), held.is_empty(), held.get(5)), (5, false, None));
        assert_eq!(*held.to_mut(), list);
        held.to_mut().push(Header::new("e", "6"));
        assert_eq!((held.len(), held.get(5).map(|header| header.value)), (6, Some(&b"6"[..])));
        assert!(Headers::default().is_empty());
    }

    #[test]
    fn ends_that_are_none_cut_off_what_is_not_there() {
        let held = Headers::in_text(&NAMES, Bytes::from_static(b"12"), [9, 1, 5], [].into());
        let values: Vec<_> = held.iter().map(|header| header.value).collect();
        assert_eq!(values, [&b"12"[..], b"", b""]);
    }
}
