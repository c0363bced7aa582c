//! Tables in memory: one record a row, as a Parquet file would give it, without a file.
//!
//! A table is batches of Arrow arrays, which are shared, not copied: a record is a batch and the number
//! of a row, and its text is first copied when its document is made.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::document::{Place, Reject};

use super::fields;
use super::{Body, IngestOptions, RawRecord};

/// The rows of a table, as records.
pub(super) struct Rows {
    name: Arc<str>,
    batches: std::vec::IntoIter<Arc<RecordBatch>>,
    batch: Option<Arc<RecordBatch>>,
    row: usize,
    record: u64,
}

impl Rows {
    /// Checks that a table has the columns we need; one without batches has no rows.
    pub fn open(
        name: Arc<str>,
        batches: &[Arc<RecordBatch>],
        options: &IngestOptions,
    ) -> Result<Rows, Reject> {
        if let Some(first) = batches.first() {
            let schema = first.schema_ref();
            let names = schema.fields().iter().map(|field| field.name().as_str());
            fields::check_columns(&name, &names.collect::<Vec<_>>(), options)?;
        }
        Ok(Rows { name, batches: Vec::from(batches).into_iter(), batch: None, row: 0, record: 0 })
    }
}

impl Iterator for Rows {
    type Item = Result<RawRecord, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.batch.as_ref().is_none_or(|batch| self.row == batch.num_rows()) {
            (self.batch, self.row) = (Some(self.batches.next()?), 0);
        }
        let batch = Arc::clone(self.batch.as_ref()?);
        self.row += 1;
        self.record += 1;
        let file = Arc::clone(&self.name);
        let place = Place { file, line: None, byte_offset: None, record: self.record };
        Some(Ok(RawRecord { place, body: Body::ParquetRow(batch, self.row - 1), charset: "UTF-8" }))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int8Type;
    use arrow_array::{ArrayRef, DictionaryArray, StringArray, StringViewArray, cast::AsArray};

    use super::*;
    use crate::ingest::{Inputs, parse};

    fn table() -> Vec<RecordBatch> {
        let batch = |from: usize, kinds: [Option<&str>; 2]| {
            let ids: Vec<String> = (from..from + 2).map(|n| n.to_string()).collect();
            let columns: [(&str, ArrayRef); 4] = [
                ("id", Arc::new(StringArray::from(ids))),
                ("text", Arc::new(StringViewArray::from(vec!["Two ministers met.", "Rice came."]))),
                ("date", Arc::new(StringArray::from(vec!["2024", "2024-10"]))),
                ("kind", Arc::new(kinds.into_iter().collect::<DictionaryArray<Int8Type>>())),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        vec![batch(0, [Some("press"), Some("radio")]), batch(2, [None, Some("radio")])]
    }

    #[test]
    fn rows_are_records_as_those_of_a_parquet_file_and_may_be_read_again() {
        let options = IngestOptions::default();
        let inputs = Inputs::of_table("table", table());
        for _ in 0..2 {
            let records = inputs.read(&options).unwrap();
            let documents: Vec<_> =
                records.map(|raw| parse(raw.unwrap(), &options).unwrap()).collect();
            let ids: Vec<&str> = documents.iter().map(|d| d.id.as_str()).collect();
            assert_eq!(ids, ["0", "1", "2", "3"]);
            assert_eq!(documents[3].text, "Rice came.");
            assert_eq!(documents[3].date.unwrap().to_string(), "2024-10");
            assert_eq!(documents[3].place.record, 4);
            assert_eq!(documents[1].metadata["kind"], "radio");
            assert!(!documents[2].metadata.contains_key("kind"));
        }
    }

    #[test]
    fn records_share_the_text_of_the_table() {
        let batches = table();
        let text = batches[0].column(1).as_string_view().value(0).as_ptr();
        let mut records = Inputs::of_table("table", batches).read_once(&IngestOptions::default());
        let Body::ParquetRow(batch, row) = records.next().unwrap().unwrap().body else { panic!() };
        assert_eq!(batch.column(1).as_string_view().value(row).as_ptr(), text);
    }

    #[test]
    fn a_table_without_the_column_of_the_text_is_one_reject() {
        let options = IngestOptions { text_field: "body".to_owned(), ..IngestOptions::default() };
        let rejects: Vec<_> = Inputs::of_table("table", table()).read_once(&options).collect();
        let [Err(reject)] = &rejects[..] else { panic!("{rejects:?}") };
        assert!(reject.message.contains("--text-field"), "{}", reject.message);
    }
}
