//! Parquet: the columns typed, compressed with snappy, in row groups that are written as soon as they are full.
//! A row group is what is held in memory.

use super::columns::{COLUMNS, Kind, Row, Value};
use super::output::Output;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use std::io::{Error, Result};
use std::sync::Arc;

/// A row group ends at one of these.
const GROUP_ROWS: usize = 100_000;
const GROUP_BYTES: usize = 32 << 20;

pub(super) struct Writer {
    file: SerializedFileWriter<Output>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// The values of one column in the row group under way, and for each row 1 where it has one (its definition level).
struct Column {
    values: Values,
    levels: Vec<i16>,
}

enum Values {
    Bytes(Vec<ByteArray>),
    Integers(Vec<i64>),
    Booleans(Vec<bool>),
}

impl Writer {
    pub(super) fn new(output: Output) -> Result<Self> {
        let schema = Arc::new(parse_message_type(&schema()).map_err(failed)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = SerializedFileWriter::new(output, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { file, columns: empty(), rows: 0, bytes: 0 })
    }

    pub(super) fn row(&mut self, row: Row<'_>) -> Result<()> {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.levels.push(i16::from(value != Value::Missing));
            match (&mut column.values, value) {
                (Values::Bytes(all), Value::Text(text)) => {
                    self.bytes += text.len();
                    all.push(ByteArray::from(text.into_owned().into_bytes()));
                }
                (Values::Integers(all), Value::Integer(number)) => all.push(number),
                (Values::Booleans(all), Value::Boolean(is)) => all.push(is),
                (_, Value::Missing) => {}
                (_, other) => return Err(Error::other(format!("{other:?} in a column of another kind"))),
            }
        }
        self.rows += 1;
        if self.rows < GROUP_ROWS && self.bytes < GROUP_BYTES { Ok(()) } else { self.write_group() }
    }

    /// Writes what is left and the file's foot.
    pub(super) fn finish(mut self) -> Result<Output> {
        self.write_group()?;
        self.file.into_inner().map_err(failed)
    }

    fn write_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group().map_err(failed)?;
        for column in std::mem::replace(&mut self.columns, empty()) {
            let Some(mut writer) = group.next_column().map_err(failed)? else { break };
            write(&column, &mut writer).map_err(failed)?;
            writer.close().map_err(failed)?;
        }
        group.close().map_err(failed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

fn write(column: &Column, writer: &mut SerializedColumnWriter<'_>) -> parquet::errors::Result<usize> {
    let levels = Some(column.levels.as_slice());
    match &column.values {
        Values::Bytes(all) => writer.typed::<ByteArrayType>().write_batch(all, levels, None),
        Values::Integers(all) => writer.typed::<Int64Type>().write_batch(all, levels, None),
        Values::Booleans(all) => writer.typed::<BoolType>().write_batch(all, levels, None),
    }
}

fn empty() -> Vec<Column> {
    let values = |kind| match kind {
        Kind::Text | Kind::Json => Values::Bytes(Vec::new()),
        Kind::Time | Kind::Integer => Values::Integers(Vec::new()),
        Kind::Boolean => Values::Booleans(Vec::new()),
    };
    COLUMNS.iter().map(|column| Column { values: values(column.kind), levels: Vec::new() }).collect()
}

/// Parquet's own language for schemas. Every column is optional, so that one that is new fits old files.
fn schema() -> String {
    let field = |kind, name| match kind {
        Kind::Text => format!("optional binary {name} (UTF8);"),
        Kind::Json => format!("optional binary {name} (JSON);"),
        Kind::Time => format!("optional int64 {name} (TIMESTAMP(MILLIS,true));"),
        Kind::Integer => format!("optional int64 {name};"),
        Kind::Boolean => format!("optional boolean {name};"),
    };
    let fields: Vec<String> = COLUMNS.iter().map(|column| field(column.kind, column.name)).collect();
    format!("message event {{ {} }}", fields.join(" "))
}

fn failed(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::other(other),
        },
        other => Error::other(other),
    }
}
