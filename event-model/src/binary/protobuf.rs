//! Writes the values of a record as Protocol Buffers do (version 3, "Encoding").
//! What is missing is not written; the parts of a message may stand one behind the other.

use super::shape::{Field, Message};
use super::value::Value;
use super::{NoRecord, append_varint};

/// Wire types.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const LENGTH: u32 = 2;

pub(super) fn append(message: &Message, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), NoRecord> {
    for (field, value) in message.fields.iter().zip(values) {
        append_field(field, value, out)?;
    }
    Ok(())
}

fn append_field(field: &Field, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), NoRecord> {
    let tag = |wire_type, out: &mut Vec<u8>| append_varint(u64::from(field.number << 3 | wire_type), out);
    match (value, field.message()) {
        (Value::Missing, _) if field.required => return Err(NoRecord::Missing(field.name)),
        (Value::Missing, _) => {}
        (Value::Text(text), _) => append_text(field.number, text, out),
        (Value::Int(number), _) => {
            tag(VARINT, out);
            append_varint(number.cast_unsigned(), out);
        }
        (Value::UInt(number), _) => {
            tag(VARINT, out);
            append_varint(*number, out);
        }
        (Value::Bool(is_so), _) => {
            tag(VARINT, out);
            append_varint(u64::from(*is_so), out);
        }
        (Value::Double(number), _) => {
            tag(FIXED_64, out);
            out.extend_from_slice(&number.to_le_bytes());
        }
        (Value::Map(pairs), _) => {
            // A map is a list of messages of two fields.
            for (name, value) in pairs {
                tag(LENGTH, out);
                with_length(out, |out| {
                    append_text(1, &name.0, out);
                    append_text(2, &value.0, out);
                    Ok(())
                })?;
            }
        }
        (Value::Message(values), Some(message)) => {
            tag(LENGTH, out);
            with_length(out, |out| append(message, values, out))?;
        }
        // The table says which values are read as a message.
        (Value::Message(_), None) => return Err(NoRecord::Missing(field.name)),
    }
    Ok(())
}

fn append_text(number: u32, text: &str, out: &mut Vec<u8>) {
    append_varint(u64::from(number << 3 | LENGTH), out);
    append_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Puts the length in front of what is written: few bytes are moved, where another piece of memory would be needed.
fn with_length(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), NoRecord>,
) -> Result<(), NoRecord> {
    let start = out.len();
    write(out)?;
    let end = out.len();
    append_varint((end - start) as u64, out);
    let length_bytes = out.len() - end;
    out[start..].rotate_right(length_bytes);
    Ok(())
}
