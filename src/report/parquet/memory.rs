//! The rows of `units.parquet` and `scores.parquet` as Arrow batches in memory, for callers that want no
//! files: the same columns, types and numbers.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use crate::score::ScoredDocument;

use super::{Columns, GROUP_BYTES, GROUP_ROWS, SCHEMA_KEY, ScoreColumns, UnitColumns};
use crate::report::value::ThemeIds;

/// A table in memory: batches that all have the columns of `schema`.
#[derive(Debug, Clone)]
pub struct ArrowTable {
    /// Its columns; the metadata says under `themeline.schema` what they mean, where that is known.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
}

/// The tables of units and of scores, while documents are added.
pub struct TablesInMemory {
    themes: ThemeIds,
    units: Gathered<UnitColumns>,
    scores: Gathered<ScoreColumns>,
}

impl TablesInMemory {
    /// Tables for documents scored with these themes.
    pub fn new(themes: ThemeIds) -> Self {
        TablesInMemory { themes, units: Gathered::new(), scores: Gathered::new() }
    }

    /// Adds documents, in their order.
    ///
    /// # Errors
    /// `InvalidData` for a document that does not fit the model, or a number that is not finite.
    pub fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()> {
        for scored in documents {
            self.themes.check(scored)?;
            self.write_units(scored)?;
            self.write_scores(scored)?;
        }
        Ok(())
    }

    fn write_units(&mut self, scored: &ScoredDocument) -> io::Result<()> {
        for unit in scored.units.iter().enumerate() {
            let n_bytes = self.units.columns.push(scored, unit, &self.themes)?;
            self.units.row_added(n_bytes)?;
        }
        Ok(())
    }

    fn write_scores(&mut self, scored: &ScoredDocument) -> io::Result<()> {
        let date = scored.document.date.map(|date| date.to_string());
        for (theme, cell) in self.themes.iter().zip(&scored.themes) {
            let n_bytes = self.scores.columns.push(scored, date.as_deref(), (theme, cell))?;
            self.scores.row_added(n_bytes)?;
        }
        Ok(())
    }

    /// The tables: units, then scores.
    ///
    /// # Errors
    /// Where columns do not fit together, which would be a fault of ours.
    pub fn finish(self) -> io::Result<(ArrowTable, ArrowTable)> {
        Ok((self.units.finish()?, self.scores.finish()?))
    }
}

/// Batches of the size of a row group, so that no column of strings grows over the 2 GiB it can hold.
struct Gathered<C> {
    schema: SchemaRef,
    columns: C,
    batches: Vec<RecordBatch>,
    n_rows: usize,
    n_bytes: usize,
}

impl<C: Columns + Default> Gathered<C> {
    fn new() -> Self {
        let meaning: HashMap<_, _> = [(SCHEMA_KEY.to_owned(), C::SCHEMA.to_owned())].into();
        let schema = Arc::new(Schema::new(C::fields()).with_metadata(meaning));
        Gathered { schema, columns: C::default(), batches: Vec::new(), n_rows: 0, n_bytes: 0 }
    }

    fn row_added(&mut self, n_bytes: usize) -> io::Result<()> {
        self.n_rows += 1;
        self.n_bytes += n_bytes;
        match self.n_rows >= GROUP_ROWS || self.n_bytes >= GROUP_BYTES {
            true => self.close_batch(),
            false => Ok(()),
        }
    }

    fn close_batch(&mut self) -> io::Result<()> {
        let arrays = self.columns.take();
        let rows = RecordBatch::try_new(self.schema.clone(), arrays).map_err(io::Error::other)?;
        self.batches.push(rows);
        (self.n_rows, self.n_bytes) = (0, 0);
        Ok(())
    }

    fn finish(mut self) -> io::Result<ArrowTable> {
        if self.n_rows > 0 {
            self.close_batch()?;
        }
        Ok(ArrowTable { schema: self.schema, batches: self.batches })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{corpus, themes};
    use crate::report::parquet::tests::read;
    use crate::report::{Exporter, ScoresParquet, UnitsParquet};

    fn whole(table: &ArrowTable) -> (Vec<RecordBatch>, Option<&String>) {
        (table.batches.clone(), table.schema.metadata().get(SCHEMA_KEY))
    }

    /// The rows of a file, which the reader cuts into smaller batches, one batch a row.
    fn rows(batches: &[RecordBatch]) -> Vec<Vec<arrow_array::ArrayRef>> {
        let row = |batch: &RecordBatch, i| batch.slice(i, 1).columns().to_vec();
        batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |i| row(batch, i))).collect()
    }

    #[test]
    fn tables_in_memory_hold_what_the_files_hold() {
        let (corpus, themes) = (corpus(20), themes());
        let mut tables = TablesInMemory::new(themes.clone());
        corpus.chunks(7).for_each(|batch| tables.write(batch).unwrap());
        let (units, scores) = tables.finish().unwrap();
        let mut files: [Box<dyn Exporter<Vec<u8>>>; 2] = [
            Box::new(UnitsParquet::new(vec![], themes.clone()).unwrap()),
            Box::new(ScoresParquet::new(vec![], themes).unwrap()),
        ];
        files.iter_mut().for_each(|file| file.write(&corpus).unwrap());
        for (file, table) in files.into_iter().zip([units, scores]) {
            let (batches, _, schema) = read(&file.finish().unwrap());
            let (ours, meaning) = whole(&table);
            assert_eq!(meaning, Some(&schema));
            assert!(!ours.is_empty());
            assert_eq!(rows(&ours), rows(&batches));
        }
    }
}
