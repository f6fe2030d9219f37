//! The dead letter of a record that Kafka refused for good, and the record that such a letter was.
//! Where letters go is decided elsewhere.

use std::sync::Arc;

use bytes::Bytes;

use crate::headers::Header;
use crate::receipt::RecordFailure;
use crate::record::Record;

/// Values above it are left out of a letter, whose topic or table has bounds as well.
const LETTER_MAX_BYTES: usize = 64 << 10;

/// What a letter says in the header `step`.
const STEP: &str = "delivery";

/// The letter of a record: the record itself, and why it was refused.
pub(crate) fn dead_letter(record: &Record, failure: &RecordFailure) -> Record {
    let mut letter = Record { topic: None, ..record.clone() };
    let headers = letter.headers.to_mut();
    headers.push(Header::new("step", STEP));
    headers.push(Header::new("code", failure.code));
    headers.push(Header::new("reason", failure.reason.clone()));
    headers.extend(record.topic.as_ref().map(|topic| Header::new("topic", topic.to_string())));
    if letter.payload.len() > LETTER_MAX_BYTES {
        headers.push(Header::new("omitted_bytes", letter.payload.len().to_string()));
        letter.payload = Bytes::new();
    }
    letter
}

/// Whether a dead letter with these headers is a record that Kafka refused.
pub fn is_refused_record(headers: &[Header]) -> bool {
    headers.iter().any(|header| header.name == "step" && header.value == STEP)
}

/// The record that a dead letter was, to be sent again; `None` where its value was too large to be kept.
pub fn refused_record(mut letter: Record) -> Option<Record> {
    // What a letter says stands behind the record's own headers, which may have the same names.
    let headers = letter.headers.to_mut();
    let own = headers.iter().rposition(|header| header.name == "step")?;
    let added = headers.split_off(own);
    let of = |name: &str| added.iter().find(|header| header.name == name);
    if of("omitted_bytes").is_some() {
        return None;
    }
    let topic = of("topic").and_then(|header| str::from_utf8(&header.value).ok()).map(Arc::from);
    Some(Record { topic, ..letter })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: usize, topic: Option<&str>) -> Record {
        Record {
            key: Some(Bytes::from_static(b"u")),
            headers: vec![Header::new("ce_id", "1"), Header::new("reason", "its own")].into(),
            payload: vec![b'x'; bytes].into(),
            topic: topic.map(Arc::from),
            ..Record::default()
        }
    }

    #[test]
    fn a_letter_becomes_the_record_that_it_was() {
        let failure =
            RecordFailure { code: "record_too_large", reason: "too large".to_owned(), retry: false };
        for topic in [None, Some("orders")] {
            let record = refused(10, topic);
            let letter = dead_letter(&record, &failure);
            assert!(is_refused_record(letter.clone().headers.to_mut()));
            assert!(!is_refused_record(record.clone().headers.to_mut()));
            assert_eq!((&letter.payload, &letter.topic), (&record.payload, &None));
            assert_eq!(refused_record(letter), Some(record));
        }
        let letter = dead_letter(&refused(LETTER_MAX_BYTES + 1, None), &failure);
        assert!(letter.payload.is_empty());
        assert_eq!(refused_record(letter), None);
        assert_eq!(refused_record(refused(10, None)), None, "it is no letter");
    }
}
