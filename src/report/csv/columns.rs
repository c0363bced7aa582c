//! The columns of a CSV table, from the type of its rows: what is nested becomes flat, or JSON.

use serde_json::Value;

use crate::report::package::Field;

/// A column: what it means, and where its value stands in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name and meaning.
    pub field: Field,
    /// Keys that lead from the row to the value.
    path: Vec<String>,
}

impl Column {
    /// The column of a row's own field.
    pub fn of(field: Field) -> Self {
        Column { path: vec![field.name.clone()], field }
    }

    /// Its value in a row; null where an object on the way is null or lacks the key.
    pub fn value<'r>(&self, row: &'r Value) -> &'r Value {
        let step = |value: &'r Value, key: &String| value.get(key).unwrap_or(&Value::Null);
        self.path.iter().fold(row, step)
    }
}

/// The columns of rows by their inlined JSON Schema, without some fields of the row. The fields of an object are
/// columns named `object_field`; lists, and objects whose keys are no fields of ours, are JSON text.
pub fn of_row(schema: &Value, without: &[&str]) -> Vec<Column> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let kept = properties.filter(|(name, _)| !without.contains(&name.as_str()));
    kept.flat_map(|(name, property)| of_property(name, property)).collect()
}

fn of_property(name: &str, property: &Value) -> Vec<Column> {
    let field = Field::new(name, property);
    let inner = field.inner().map(|schema| of_row(schema, &[])).unwrap_or_default();
    if inner.is_empty() {
        return vec![Column::of(field)];
    }
    let within = |mut column: Column| {
        column.field.name = format!("{name}_{}", column.field.name);
        column.field.constraints.required &= field.constraints.required;
        column.path.insert(0, name.to_owned());
        column
    };
    inner.into_iter().map(within).collect()
}
