//! CSV after RFC 4180: a head, lines that end with CRLF, quotes where a value needs them.
//! Times are RFC 3339 in UTC; a value that is not there is empty.

use super::super::Moment;
use super::columns::{COLUMNS, Kind, Value};
use std::io::Write;

pub(super) fn write_head(out: &mut impl Write) -> std::io::Result<()> {
    for (place, column) in COLUMNS.iter().enumerate() {
        separate(out, place)?;
        out.write_all(column.name.as_bytes())?;
    }
    out.write_all(b"\r\n")
}

pub(super) fn write_row(out: &mut impl Write, row: &[Value<'_>]) -> std::io::Result<()> {
    for (place, (column, value)) in COLUMNS.iter().zip(row).enumerate() {
        separate(out, place)?;
        match value {
            Value::Missing => {}
            Value::Text(text) => write_text(out, text)?,
            Value::Integer(ms) if column.kind == Kind::Time => write!(out, "{}", Moment(*ms))?,
            Value::Integer(number) => write!(out, "{number}")?,
            Value::Boolean(is) => write!(out, "{is}")?,
        }
    }
    out.write_all(b"\r\n")
}

fn separate(out: &mut impl Write, place: usize) -> std::io::Result<()> {
    if place > 0 { out.write_all(b",") } else { Ok(()) }
}

/// An empty text is quoted, so that it differs from one that is not there.
fn write_text(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        return out.write_all(text.as_bytes());
    }
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_where_rfc_4180_says_so() {
        for (text, written) in [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("", "\"\""),
        ] {
            let mut out = Vec::new();
            write_text(&mut out, text).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), written);
        }
    }
}
