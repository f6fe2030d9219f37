//! Writes the values of a record as Avro 1.11 does ("Binary Encoding").
//! A field that may be missing is a union of null and its type; a map that is missing is an empty one.

use super::NoRecord;
use super::shape::{Field, Message};
use super::value::Value;

/// Which of a union's two types follows.
const NULL: i64 = 0;
const VALUE: i64 = 1;

pub(super) fn append(message: &Message, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), NoRecord> {
    for (field, value) in message.fields.iter().zip(values) {
        append_field(field, value, out)?;
    }
    Ok(())
}

fn append_field(field: &Field, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), NoRecord> {
    if !field.required && !field.is_map() {
        append_long(if value.is_missing() { NULL } else { VALUE }, out);
    }
    match (value, field.message()) {
        (Value::Missing, _) if field.required => return Err(NoRecord::Missing(field.name)),
        // The end of a map without an entry.
        (Value::Missing, _) if field.is_map() => append_long(0, out),
        (Value::Missing, _) => {}
        (Value::Text(text), _) => append_text(text, out),
        (Value::Int(number), _) => append_long(*number, out),
        (Value::UInt(number), _) => append_long(i64::try_from(*number).unwrap_or(i64::MAX), out),
        (Value::Double(number), _) => out.extend_from_slice(&number.to_le_bytes()),
        (Value::Bool(is_so), _) => out.push(u8::from(*is_so)),
        (Value::Map(pairs), _) => {
            // One block, where there is anything in it, and the end.
            if !pairs.is_empty() {
                append_long(pairs.len() as i64, out);
            }
            for (name, value) in pairs {
                append_text(&name.0, out);
                append_text(&value.0, out);
            }
            append_long(0, out);
        }
        (Value::Message(values), Some(message)) => append(message, values, out)?,
        // The table says which values are read as a message.
        (Value::Message(_), None) => return Err(NoRecord::Missing(field.name)),
    }
    Ok(())
}

fn append_text(text: &str, out: &mut Vec<u8>) {
    append_long(text.len() as i64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Small numbers of either sign in few bytes (zigzag), then seven bits a byte.
fn append_long(number: i64, out: &mut Vec<u8>) {
    super::append_varint(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}
