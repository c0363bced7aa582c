//! Parquet: one record a row, read batch by batch.
//!
//! Strings (plain, large, views, dictionaries, and bytes that are UTF-8) serve as text and id;
//! days and timestamps serve as dates, a timestamp by its day in UTC. Other columns are metadata,
//! where JSON can say what they hold; the rest (byte strings, times of day, maps) are left out.
//! The reader of the format is fenced: should it panic on a hostile file, or take a minute for a step of it, the file
//! is rejected. (A list of 2³¹ booleans in an unknown field of the metadata is 7 bytes long, and it counts them all.)

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde_json::{Map, Number, Value};

use crate::document::{Date, Place, Reject, RejectCode};

use super::fields::{self, Fields, Given};
use super::{Body, IngestOptions, RawRecord, reject};

/// What a batch of rows should take in memory, in bytes, and the most rows it may have.
const BATCH_BYTES: i64 = 8 << 20;
const BATCH_ROWS: i64 = 1024;

/// Most time for the metadata, and for a batch, which take milliseconds.
const MOST_TIME: Duration = Duration::from_secs(60);

const DAY: i64 = 86_400;

/// The rows of a file, as records.
pub(super) struct Rows {
    file: Arc<str>,
    /// `None` once they have ended.
    batches: Option<ParquetRecordBatchReader>,
    batch: Arc<RecordBatch>,
    row: usize,
    record: u64,
}

impl Rows {
    /// Reads the schema of a file and checks that it has the columns we need.
    pub fn open(file: Arc<str>, path: &Path, options: &IngestOptions) -> Result<Rows, Reject> {
        let source = File::open(path).map_err(|error| reject::unreadable(&file, &error))?;
        let (schema, batches) =
            fenced(MOST_TIME, || open(source)).map_err(|reason| bad(&file, &reason))?;
        let names = schema.fields().iter().map(|field| field.name().as_str());
        fields::check_columns(&file, &names.collect::<Vec<_>>(), options)?;
        let batch = Arc::new(RecordBatch::new_empty(schema));
        Ok(Rows { file, batches: Some(batches), batch, row: 0, record: 0 })
    }
}

impl Iterator for Rows {
    type Item = Result<RawRecord, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.row == self.batch.num_rows() {
            let batches = self.batches.take()?;
            match fenced(MOST_TIME, || next_batch(batches)) {
                Ok(Some((batch, batches))) => {
                    (self.batch, self.row, self.batches) = (Arc::new(batch), 0, Some(batches));
                }
                Ok(None) => return None,
                Err(reason) => return Some(Err(bad(&self.file, &reason))),
            }
        }
        self.record += 1;
        self.row += 1;
        let file = Arc::clone(&self.file);
        let place = Place { file, line: None, byte_offset: None, record: self.record };
        let body = Body::ParquetRow(Arc::clone(&self.batch), self.row - 1);
        Some(Ok(RawRecord { place, body, charset: "UTF-8" }))
    }
}

/// The next batch, and what reads those behind it.
fn next_batch(
    mut batches: ParquetRecordBatchReader,
) -> Result<Option<(RecordBatch, ParquetRecordBatchReader)>, String> {
    let batch = batches.next().transpose().map_err(|error| error.to_string())?;
    Ok(batch.map(|batch| (batch, batches)))
}

/// Does `work` on a thread of its own. One that takes longer than `most` is left to itself: it cannot be ended.
fn fenced<T: Send + 'static>(
    most: Duration,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (sender, done) = mpsc::channel();
    let work = move || {
        let outcome = catch_unwind(AssertUnwindSafe(work));
        let failed = |_| Err("the reader of the format failed on it".to_owned());
        // Nobody waits for what took too long.
        let _ = sender.send(outcome.unwrap_or_else(failed));
    };
    let spawned = thread::Builder::new().name("parquet".to_owned()).spawn(work);
    spawned.map_err(|error| error.to_string())?;
    let too_long = |_| Err(format!("a step of reading it took over {most:?}"));
    done.recv_timeout(most).unwrap_or_else(too_long)
}

fn bad(file: &str, reason: &str) -> Reject {
    let message = format!(
        "the Parquet file cannot be read ({reason}); rows before this place were read, the rest \
         is lost: write or fetch the file again"
    );
    reject::file(file, RejectCode::BadParquet, message)
}

fn open(source: File) -> Result<(SchemaRef, ParquetRecordBatchReader), String> {
    let plain = ArrowReaderOptions::new();
    let metadata =
        ArrowReaderMetadata::load(&source, plain.clone()).map_err(|error| error.to_string())?;
    let schema = without_dictionaries(metadata.schema());
    let file = metadata.metadata();
    let metadata =
        ArrowReaderMetadata::try_new(Arc::clone(file), plain.with_schema(schema.clone()))
            .map_err(|error| error.to_string())?;
    let n_bytes = file
        .row_groups()
        .iter()
        .fold(0i64, |sum, group| sum.saturating_add(group.total_byte_size().max(0)));
    let row_bytes = n_bytes / file.file_metadata().num_rows().max(1);
    let n_rows = (BATCH_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS);
    let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata)
        .with_batch_size(n_rows as usize)
        .build()
        .map_err(|error| error.to_string())?;
    Ok((schema, batches))
}

/// The schema with every dictionary column read as the values that it stands for.
fn without_dictionaries(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, values) => {
            Arc::new(Field::new(field.name(), (**values).clone(), field.is_nullable()))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The fields of one row.
pub(super) fn fields(
    batch: &RecordBatch,
    row: usize,
    place: &Place,
    options: &IngestOptions,
) -> Result<Fields, Reject> {
    let mut record = Map::new();
    let mut exact = None;
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if field.name() == &options.date_field && is_time(field.data_type()) {
            exact = exact_date(column, row, &options.date_field, place)?;
        } else if let Some(value) = cell(column, row) {
            record.insert(field.name().clone(), value);
        }
    }
    let fields = Fields::of_record(record, "UTF-8", options, place)?;
    Ok(Fields { date: exact.map(Given::Exact).or(fields.date), ..fields })
}

fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
}

fn exact_date(
    column: &dyn Array,
    row: usize,
    field: &str,
    place: &Place,
) -> Result<Option<Date>, Reject> {
    if column.is_null(row) {
        return Ok(None);
    }
    let day = seconds(column, row).and_then(|seconds| civil_day(seconds.div_euclid(DAY)));
    let date = day.filter(|day| day.year() >= 1).map(|day| Date {
        year: day.year(),
        month: Some(day.month()),
        day: Some(day.day()),
    });
    date.map(Some).ok_or_else(|| {
        let message =
            format!("`{field}` is a day outside the years 1 to 9999; mend it in the table");
        reject::record(place, RejectCode::BadDate, Some(field), message, b"")
    })
}

/// A day or timestamp as whole seconds since 1970, rounded down.
fn seconds(column: &dyn Array, row: usize) -> Option<i64> {
    Some(match column.data_type() {
        DataType::Date32 => i64::from(column.as_primitive::<Date32Type>().value(row)) * DAY,
        DataType::Date64 => column.as_primitive::<Date64Type>().value(row).div_euclid(1000),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => column.as_primitive::<TimestampSecondType>().value(row),
            TimeUnit::Millisecond => {
                column.as_primitive::<TimestampMillisecondType>().value(row).div_euclid(1000)
            }
            TimeUnit::Microsecond => {
                column.as_primitive::<TimestampMicrosecondType>().value(row).div_euclid(1_000_000)
            }
            TimeUnit::Nanosecond => column
                .as_primitive::<TimestampNanosecondType>()
                .value(row)
                .div_euclid(1_000_000_000),
        },
        _ => return None,
    })
}

fn civil_day(days_since_1970: i64) -> Option<jiff::civil::Date> {
    let days = jiff::Span::new().try_days(days_since_1970).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(days).ok()
}

/// A day, or a day and its time to the second, in ISO 8601.
fn written_time(column: &dyn Array, row: usize) -> Option<Value> {
    let seconds = seconds(column, row)?;
    let day = civil_day(seconds.div_euclid(DAY))?;
    let of_day = seconds.rem_euclid(DAY);
    Some(match column.data_type() {
        DataType::Timestamp(..) => {
            let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
            format!("{day}T{hour:02}:{minute:02}:{second:02}Z").into()
        }
        _ => day.to_string().into(),
    })
}

/// What a cell holds, as JSON; `None` where it holds nothing or JSON cannot say it.
fn cell(column: &dyn Array, row: usize) -> Option<Value> {
    macro_rules! number {
        ($kind:ty) => {
            Value::from(column.as_primitive::<$kind>().value(row))
        };
    }
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).into(),
        DataType::Utf8View => column.as_string_view().value(row).into(),
        DataType::Binary => text(column.as_binary::<i32>().value(row))?,
        DataType::LargeBinary => text(column.as_binary::<i64>().value(row))?,
        DataType::BinaryView => text(column.as_binary_view().value(row))?,
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => real(f64::from(column.as_primitive::<Float32Type>().value(row)))?,
        DataType::Float64 => real(column.as_primitive::<Float64Type>().value(row))?,
        DataType::Decimal128(..) => {
            column.as_primitive::<Decimal128Type>().value_as_string(row).into()
        }
        DataType::List(_) => array(&*column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => array(&*column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => array(&*column.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(column.as_struct().columns());
            let cells = columns
                .filter_map(|(field, column)| Some((field.name().clone(), cell(column, row)?)));
            Value::Object(cells.collect())
        }
        DataType::Dictionary(..) => {
            let column = column.as_any_dictionary();
            cell(column.values(), key(column.keys(), row)?)?
        }
        kind if is_time(kind) => written_time(column, row)?,
        _ => return None,
    })
}

/// The key of a row in a column of dictionary keys.
fn key(keys: &dyn Array, row: usize) -> Option<usize> {
    cell(keys, row)?.as_u64().and_then(|key| usize::try_from(key).ok())
}

fn text(bytes: &[u8]) -> Option<Value> {
    std::str::from_utf8(bytes).ok().map(Value::from)
}

fn real(number: f64) -> Option<Value> {
    Number::from_f64(number).map(Value::Number)
}

fn array(items: &dyn Array) -> Value {
    let items = (0..items.len()).map(|i| cell(items, i).unwrap_or(Value::Null));
    Value::Array(items.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::*;
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::tests::{codes, documents, options, read_all};

    fn file(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn strings(cells: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(cells.to_vec()))
    }

    #[test]
    fn texts_of_every_string_type_are_read() {
        let words = ["one", "two", "one"];
        let columns: [ArrayRef; 5] = [
            strings(&words),
            Arc::new(LargeStringArray::from(words.to_vec())),
            Arc::new(StringViewArray::from(words.to_vec())),
            Arc::new(BinaryArray::from(words.map(str::as_bytes).to_vec())),
            Arc::new(words.into_iter().collect::<DictionaryArray<Int32Type>>()),
        ];
        for column in columns {
            let kind = column.data_type().clone();
            let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
            let read =
                read_all("in.parquet", &file(vec![("id", ids), ("text", column)]), &options());
            let texts: Vec<_> = documents(read).into_iter().map(|d| (d.id, d.text)).collect();
            let expected = [("1", "one"), ("2", "two"), ("3", "one")];
            assert_eq!(
                texts,
                expected.map(|(id, text)| (id.to_owned(), text.to_owned())),
                "{kind}"
            );
        }
    }

    #[test]
    fn dates_are_read_from_days_timestamps_and_strings() {
        const SECOND: i64 = 1_709_251_199; // 2024-02-29T23:59:59Z
        let columns: [ArrayRef; 7] = [
            Arc::new(Date32Array::from(vec![19_782])),
            Arc::new(Date64Array::from(vec![19_782 * DAY * 1000])),
            Arc::new(TimestampSecondArray::from(vec![SECOND])),
            Arc::new(TimestampMillisecondArray::from(vec![SECOND * 1000 + 999])),
            Arc::new(
                TimestampMicrosecondArray::from(vec![SECOND * 1_000_000]).with_timezone("UTC"),
            ),
            Arc::new(TimestampNanosecondArray::from(vec![SECOND * 1_000_000_000 + 1])),
            strings(&["2024-02-29"]),
        ];
        for column in columns {
            let kind = column.data_type().clone();
            let columns =
                vec![("id", strings(&["a"])), ("text", strings(&["x"])), ("date", column)];
            let documents = documents(read_all("in.parquet", &file(columns), &options()));
            assert_eq!(documents[0].date.unwrap().to_string(), "2024-02-29", "{kind}");
        }
    }

    #[test]
    fn a_day_before_1970_is_not_a_day_late() {
        let column: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![-1]));
        let columns = vec![("id", strings(&["a"])), ("text", strings(&["x"])), ("date", column)];
        let documents = documents(read_all("in.parquet", &file(columns), &options()));
        assert_eq!(documents[0].date.unwrap().to_string(), "1969-12-31");
    }

    #[test]
    fn other_columns_are_metadata() {
        let mut tags = ListBuilder::new(StringBuilder::new());
        tags.values().append_value("x");
        tags.values().append_null();
        tags.append(true);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("z", Arc::new(Float64Array::from(vec![1.5]))),
            ("id", strings(&["a"])),
            ("text", strings(&["x"])),
            ("tags", Arc::new(tags.finish())),
            ("absent", Arc::new(StringArray::from(vec![None::<&str>]))),
            ("nan", Arc::new(Float32Array::from(vec![f32::NAN]))),
            ("at", Arc::new(TimestampSecondArray::from(vec![-1]))),
            ("ok", Arc::new(BooleanArray::from(vec![true]))),
        ];
        let documents = documents(read_all("in.parquet", &file(columns), &options()));
        let metadata = serde_json::to_string(&documents[0].metadata).unwrap();
        let expected = r#"{"z":1.5,"tags":["x",null],"at":"1969-12-31T23:59:59Z","ok":true}"#;
        assert_eq!(metadata, expected);
    }

    #[test]
    fn a_table_without_its_columns_is_rejected_once_and_a_row_without_text_alone() {
        let columns = vec![("id", strings(&["a", "b"])), ("body", strings(&["x", "y"]))];
        let read = read_all("in.parquet", &file(columns), &options());
        assert_eq!(codes(&read), [RejectCode::MissingField]);
        assert!(read[0].as_ref().unwrap_err().message.contains("`id`, `body`"));

        let texts: ArrayRef = Arc::new(StringArray::from(vec![None, Some("y")]));
        let columns = vec![("id", strings(&["a", "b"])), ("text", texts)];
        let read = read_all("in.parquet", &file(columns), &options());
        assert_eq!(
            (codes(&read).as_slice(), read.len()),
            ([RejectCode::MissingField].as_slice(), 2)
        );
    }

    #[test]
    fn many_rows_come_in_order_over_many_batches() {
        let ids: Vec<String> = (0..5000).map(|i| i.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let file = file(vec![("id", strings(&ids)), ("text", strings(&ids))]);
        let documents = documents(read_all("in.parquet", &file, &options()));
        let read: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        assert_eq!(read, ids);
        assert_eq!(documents[4999].place.record, 5000);
    }

    #[test]
    fn a_file_that_is_cut_off_is_rejected() {
        let file = file(vec![("id", strings(&["a"])), ("text", strings(&["x"]))]);
        for n in [0, 3, 12, file.len() / 2, file.len() - 1] {
            let read = read_all("in.parquet", &file[..n], &options());
            assert_eq!(codes(&read), [RejectCode::BadParquet], "{n} bytes");
        }
    }

    #[test]
    fn what_would_be_counted_for_long_is_given_up() {
        // An unknown field of the metadata: a list of 2^31 - 1 booleans.
        let metadata = [0xF9, 0xF1, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0];
        let file = [&b"PAR1"[..], &metadata, &8u32.to_le_bytes(), b"PAR1"].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.parquet");
        std::fs::write(&path, file).unwrap();
        let source = File::open(path).unwrap();
        let fault = fenced(Duration::from_millis(50), || open(source)).err().unwrap();
        assert_eq!(fault, "a step of reading it took over 50ms");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_corrupt_file_never_ends_the_run(
            faults in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let columns = vec![("id", strings(&["a", "b"])), ("text", strings(&["x", "y"]))];
            let mut bytes = file(columns);
            for (at, byte) in faults {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = read_all("in.parquet", &bytes, &options());
        }
    }
}
