//! JSON values → Arrow columns, of the types that our tables have.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use serde_json::Value;

/// A column: the field `field` of every row; a row may itself be missing.
///
/// # Errors
/// In words, where a value is of another type, or missing where there must be one.
pub fn of_field(rows: &[Option<&Value>], field: &Field) -> Result<ArrayRef, String> {
    let value = |row: &Option<&'_ Value>| row.is_none_or(|row| row.get(field.name()).is_some());
    if let (false, Some(_)) = (field.is_nullable(), rows.iter().find(|row| !value(row))) {
        return Err(format!("a row has no `{}`", field.name()));
    }
    let cells: Vec<Option<&Value>> =
        rows.iter().map(|row| row.and_then(|row| row.get(field.name()))).collect();
    column(&cells, field)
}

fn column(cells: &[Option<&Value>], field: &Field) -> Result<ArrayRef, String> {
    Ok(match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(read(cells, field, Value::as_str)?)),
        DataType::Int64 => Arc::new(Int64Array::from(read(cells, field, Value::as_i64)?)),
        DataType::Float64 => Arc::new(Float64Array::from(read(cells, field, Value::as_f64)?)),
        DataType::Boolean => Arc::new(BooleanArray::from(read(cells, field, Value::as_bool)?)),
        DataType::List(element) => Arc::new(lists(cells, field, element)?),
        DataType::Struct(fields) => Arc::new(objects(cells, field, fields)?),
        kind => return Err(format!("`{}`: no column of type {kind}", field.name())),
    })
}

/// The cells as one type; null stays null.
fn read<'v, T>(
    cells: &[Option<&'v Value>],
    field: &Field,
    typed: impl Fn(&'v Value) -> Option<T>,
) -> Result<Vec<Option<T>>, String> {
    let cell = |cell: &Option<&'v Value>| match cell.filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => typed(value).map(Some).ok_or_else(|| unlike(field, value)),
    };
    cells.iter().map(cell).collect()
}

fn unlike(field: &Field, value: &Value) -> String {
    let excerpt: String = value.to_string().chars().take(40).collect();
    format!("`{}` is not of type {}: {excerpt}", field.name(), field.data_type())
}

fn lists(cells: &[Option<&Value>], field: &Field, element: &FieldRef) -> Result<ListArray, String> {
    let lists = read(cells, field, Value::as_array)?;
    let lengths = lists.iter().map(|list| list.map_or(0, Vec::len));
    let elements: Vec<Option<&Value>> =
        lists.iter().flatten().copied().flatten().map(Some).collect();
    let nulls = NullBuffer::from_iter(lists.iter().map(Option::is_some));
    let (offsets, values) = (OffsetBuffer::from_lengths(lengths), column(&elements, element)?);
    ListArray::try_new(element.clone(), offsets, values, nulls_of(nulls)).map_err(|e| e.to_string())
}

fn objects(
    cells: &[Option<&Value>],
    field: &Field,
    fields: &Fields,
) -> Result<StructArray, String> {
    let found = read(cells, field, Value::as_object)?;
    let nulls = NullBuffer::from_iter(found.iter().map(Option::is_some));
    let present = |cell: &Option<&'_ Value>| cell.is_some_and(|value| !value.is_null());
    // Where the object is missing, so are its fields, also those that may not be null.
    let rows: Vec<Option<&Value>> =
        cells.iter().map(|cell| cell.filter(|_| present(cell))).collect();
    let columns =
        fields.iter().map(|field| of_field(&rows, field)).collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new(fields.clone(), columns, nulls_of(nulls)).map_err(|e| e.to_string())
}

fn nulls_of(nulls: NullBuffer) -> Option<NullBuffer> {
    (nulls.null_count() > 0).then_some(nulls)
}
