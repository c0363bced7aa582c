//! Arrow tables across the border, by the PyCapsule interface: arrays are shared, not copied.

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow_pyarrow::FromPyArrow;
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde_json::Value;
use themeline::report::{ArrowTable, tables};

use crate::errors::usage;

/// A table on its way in, batch by batch.
pub type Stream = RecordBatchStreamReader;

/// A table: rows in batches of Arrow arrays.
#[pyclass(frozen, module = "themeline._themeline")]
pub struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl From<ArrowTable> for Table {
    fn from(table: ArrowTable) -> Self {
        Table { schema: table.schema, batches: table.batches }
    }
}

#[pymethods]
impl Table {
    /// The rows as an Arrow stream; a requested schema is not followed, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, self.schema.clone());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// The columns and their types.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema.as_ref()).map_err(arrow_fault)?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// Number of rows.
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names of the columns, in their order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The first `n` rows, or all of them, as a JSON list of objects.
    #[pyo3(signature = (n=None))]
    fn json_rows(&self, py: Python<'_>, n: Option<usize>) -> String {
        py.detach(|| json_rows(&self.batches, n.unwrap_or(usize::MAX)))
    }
}

/// Rows as a list of objects.
fn json_rows(batches: &[RecordBatch], n: usize) -> String {
    Value::Array(batches.iter().flat_map(tables::rows_of).take(n).collect()).to_string()
}

/// Opens anything that gives an Arrow stream. A stream can be read once.
pub fn stream(table: &Bound<'_, PyAny>) -> PyResult<Stream> {
    if table.hasattr("__arrow_c_stream__")? {
        return Stream::from_pyarrow_bound(table);
    }
    let message = format!("a {} is no table", table.get_type().qualname()?);
    Err(usage(
        message,
        "give a data frame of pandas, polars or pyarrow, or what has __arrow_c_stream__",
    ))
}

/// The names of the columns of a stream.
pub fn columns_of(stream: &Stream) -> Vec<String> {
    stream.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// The batches of a stream, with the columns of `names` alone.
pub fn batches_of(stream: Stream, names: &[&str]) -> PyResult<Vec<RecordBatch>> {
    let schema = stream.schema();
    let fields = schema.fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| names.contains(&field.name().as_str()));
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let batch = |batch: Result<RecordBatch, ArrowError>| batch?.project(&wanted);
    let batches = stream.map(batch).collect::<Result<Vec<_>, _>>().map_err(arrow_fault)?;
    match batches.iter().any(|batch| batch.num_rows() > 0) {
        true => Ok(batches),
        false => Err(usage("the table has no rows".to_owned(), "give one with documents in it")),
    }
}

/// A fault of the Arrow library.
pub fn arrow_fault(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
