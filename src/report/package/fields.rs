//! The fields of a table, from the JSON Schema of a row or the schema of a Parquet file.

use arrow_schema::{DataType, Fields};
use serde::Serialize;
use serde_json::{Map, Value};

/// A column, as a Table Schema has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    pub(in crate::report) name: String,
    #[serde(rename = "type")]
    pub(in crate::report) kind: &'static str,
    pub(in crate::report) description: String,
    #[serde(skip_serializing_if = "Constraints::is_empty")]
    pub(in crate::report) constraints: Constraints,
}

/// What holds for every value of a column.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Constraints {
    #[serde(skip_serializing_if = "is_false")]
    pub(in crate::report) required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::report) minimum: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::report) maximum: Option<Value>,
    #[serde(rename = "enum", skip_serializing_if = "Option::is_none")]
    pub(in crate::report) values: Option<Vec<Value>>,
    #[serde(rename = "jsonSchema", skip_serializing_if = "Option::is_none")]
    pub(in crate::report) json_schema: Option<Value>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Constraints {
    fn is_empty(&self) -> bool {
        *self == Constraints::default()
    }
}

/// The description of a schema, on one line.
pub fn described(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields of a row by its JSON Schema, in their order.
pub fn of_row(schema: &Value) -> Vec<Field> {
    let whole = inlined(schema, schema);
    let properties = whole.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, property)| Field::new(name, property)).collect()
}

/// The columns of a Parquet file: their types and nulls from the file, their meaning from `described`,
/// fields of the same names.
pub fn of_columns(columns: &Fields, described: &[Field]) -> Vec<Field> {
    let field = |column: &arrow_schema::FieldRef| {
        let known = described.iter().find(|field| field.name == *column.name());
        let mut field = known.cloned().unwrap_or_else(|| Field::bare(column.name()));
        field.kind = kind_of_column(column.data_type());
        field.constraints.required = !column.is_nullable();
        field
    };
    columns.iter().map(field).collect()
}

fn kind_of_column(column: &DataType) -> &'static str {
    match column {
        DataType::Utf8 => "string",
        DataType::Int64 => "integer",
        DataType::Float64 => "number",
        DataType::Boolean => "boolean",
        DataType::List(_) => "array",
        DataType::Struct(_) => "object",
        _ => "any",
    }
}

/// A schema with its `$ref`s replaced by what they stand for, so that each part of it stands alone; what
/// stands beside a `$ref` wins over what it stands for. Our rows hold no type that holds itself.
pub fn inlined(schema: &Value, root: &Value) -> Value {
    match schema {
        Value::Object(parts) => Value::Object(object_inlined(parts, root)),
        Value::Array(list) => list.iter().map(|one| inlined(one, root)).collect(),
        plain => plain.clone(),
    }
}

fn object_inlined(parts: &Map<String, Value>, root: &Value) -> Map<String, Value> {
    let pointer = parts.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
    let target = pointer.and_then(|pointer| root.pointer(pointer)).and_then(Value::as_object);
    let mut whole = target.map_or_else(Map::new, |target| object_inlined(target, root));
    let own = parts.iter().filter(|(key, _)| *key != "$ref" && *key != "$defs");
    whole.extend(own.map(|(key, part)| (key.clone(), inlined(part, root))));
    whole
}

impl Field {
    fn bare(name: &str) -> Self {
        let (name, description) = (name.to_owned(), String::new());
        Field { name, kind: "any", description, constraints: Constraints::default() }
    }

    /// The schema of the object that the field holds, where its keys are fields of ours.
    pub fn inner(&self) -> Option<&Value> {
        self.constraints.json_schema.as_ref().filter(|schema| schema.get("properties").is_some())
    }

    /// The field of a property whose schema is inlined.
    pub fn new(name: &str, property: &Value) -> Self {
        let (value, may_be_null) = present(property);
        let kind = kind(&value);
        let part = |rule: &str| value.get(rule).cloned();
        let constraints = Constraints {
            required: !may_be_null,
            minimum: part("minimum"),
            maximum: part("maximum"),
            values: values(&value),
            json_schema: matches!(kind, "object" | "array").then(|| undescribed(&value)),
        };
        Field { name: name.to_owned(), kind, description: described(property), constraints }
    }
}

/// What holds for values that are not null, and whether null is one too.
fn present(property: &Value) -> (Value, bool) {
    let mut value = property.clone();
    if let Some(kinds) = property.get("type").and_then(Value::as_array) {
        let kinds: Vec<&Value> = kinds.iter().filter(|kind| *kind != "null").collect();
        let may_be_null = property["type"].as_array().is_some_and(|all| all.len() > kinds.len());
        if let [kind] = kinds[..] {
            value["type"] = kind.clone();
        }
        return (value, may_be_null);
    }
    let choices = property.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let (null, others): (Vec<&Value>, Vec<&Value>) =
        choices.partition(|one| one.get("type").is_some_and(|kind| kind == "null"));
    match (null.is_empty(), &others[..]) {
        (false, [one]) => ((*one).clone(), true),
        _ => (value, false),
    }
}

fn kind(value: &Value) -> &'static str {
    match value.get("type").and_then(Value::as_str) {
        Some("string") => "string",
        Some("integer") => "integer",
        Some("number") => "number",
        Some("boolean") => "boolean",
        Some("array") => "array",
        Some("object") => "object",
        _ if values(value).is_some_and(|values| values.iter().all(Value::is_string)) => "string",
        _ => "any",
    }
}

/// The values that there are, where they can be listed.
fn values(value: &Value) -> Option<Vec<Value>> {
    if let Some(listed) = value.get("enum").and_then(Value::as_array) {
        return Some(listed.clone());
    }
    let choices = value.get("oneOf")?.as_array()?;
    let of_choice = |choice: &Value| match choice.get("const") {
        Some(one) => Some(vec![one.clone()]),
        None => choice.get("enum")?.as_array().cloned(),
    };
    Some(choices.iter().map(of_choice).collect::<Option<Vec<_>>>()?.concat())
}

/// A schema without its own description, which stands beside it.
fn undescribed(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(parts) = value.as_object_mut() {
        parts.shift_remove("description");
    }
    value
}
