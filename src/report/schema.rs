//! `themeline schema NAME`: the JSON Schema of an output, from the types that write it, so that the
//! two cannot differ.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::theme::ThemeModel;
use crate::validate::Validation;

use super::copies::CopyRow;
use super::rows::{DocumentRow, RejectRow, ScoreRow, UnitRow};
use super::run::RunFile;
use super::to_code::ToCodeRow;
use super::trends::TrendsFile;

/// Every output with a schema: its name and how its schema is made. A new output gets a line here.
const OUTPUTS: &[(&str, MakeSchema)] = &[
    ("documents", of::<DocumentRow<'static>>),
    ("units", of::<UnitRow<'static>>),
    ("scores", of::<ScoreRow<'static>>),
    ("themes", of::<ThemeModel>),
    ("trends", of::<TrendsFile>),
    ("copies", of::<CopyRow>),
    ("rejects", of::<RejectRow>),
    ("run", of::<RunFile>),
    ("validation", of::<Validation>),
    ("to-code", of::<ToCodeRow<'static>>),
];

type MakeSchema = fn() -> Value;

/// The names that [`schema`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    OUTPUTS.iter().map(|(name, _)| *name)
}

/// The JSON Schema (2020-12) of an output: for files of lines and tables, that of one row.
///
/// # Errors
/// [`Error::Usage`] for a name that is not one of [`names`].
pub fn schema(name: &str) -> Result<Value> {
    let output = OUTPUTS.iter().find(|(known, _)| *known == name);
    output.map(|(_, make)| make()).ok_or_else(|| {
        let known: Vec<&str> = names().collect();
        Error::usage(
            format!("no output is called {name:?}"),
            format!("one of: {}", known.join(", ")),
        )
    })
}

pub(super) fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::{CopyFound, CopyKind};
    use crate::document::{Reject, RejectCode};
    use crate::report::fixture::{corpus, run_file, themes, trends_file};
    use crate::report::rows::RejectsTag;
    use crate::report::to_code::ToCodeTag;
    use serde_json::json;

    /// The first fault that a schema finds in a value: the part of JSON Schema that ours use.
    fn fault(value: &Value, schema: &Value, root: &Value) -> Option<String> {
        schema.as_object()?.iter().find_map(|(rule, wanted)| {
            let fault = || format!("{rule} {wanted}: {value}");
            let own = broken(rule, wanted, value, root).then(fault);
            own.or_else(|| inner_fault(rule, wanted, value, root))
        })
    }

    fn broken(rule: &str, wanted: &Value, value: &Value, root: &Value) -> bool {
        let number = value.as_f64();
        let list = || wanted.as_array().unwrap().iter();
        match rule {
            "type" => !types(wanted).any(|name| is_a(value, name)),
            "const" => value != wanted,
            "enum" => !list().any(|one| one == value),
            "minimum" => number.is_some_and(|x| x < wanted.as_f64().unwrap()),
            "maximum" => number.is_some_and(|x| x > wanted.as_f64().unwrap()),
            "required" => list().any(|key| value.get(key.as_str().unwrap()).is_none()),
            "anyOf" | "oneOf" => !list().any(|one| fault(value, one, root).is_none()),
            "uniqueItems" => value
                .as_array()
                .is_some_and(|list| (1..list.len()).any(|k| list[..k].contains(&list[k]))),
            "$schema"
            | "$defs"
            | "title"
            | "description"
            | "default"
            | "format"
            | "properties"
            | "items"
            | "additionalProperties"
            | "$ref" => false,
            other => panic!("the test does not know the rule {other:?}"),
        }
    }

    fn inner_fault(rule: &str, wanted: &Value, value: &Value, root: &Value) -> Option<String> {
        let all = |mut values: Box<dyn Iterator<Item = &Value> + '_>| {
            values.find_map(|inner| fault(inner, wanted, root))
        };
        let at = |key: &str, rule| fault(value.get(key)?, rule, root);
        match rule {
            "$ref" => fault(value, root.pointer(&wanted.as_str().unwrap()[1..]).unwrap(), root),
            "items" => all(Box::new(value.as_array()?.iter())),
            "properties" => wanted.as_object()?.iter().find_map(|(key, rule)| at(key, rule)),
            // Ours stand alone, never beside `properties`.
            "additionalProperties" => all(Box::new(value.as_object()?.values())),
            _ => None,
        }
    }

    fn types(wanted: &Value) -> impl Iterator<Item = &str> {
        let one = wanted.as_str().into_iter();
        one.chain(wanted.as_array().into_iter().flatten().filter_map(Value::as_str))
    }

    fn is_a(value: &Value, name: &str) -> bool {
        match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("unknown type {other:?}"),
        }
    }

    fn json_of(row: impl serde::Serialize) -> Value {
        serde_json::to_value(row).unwrap()
    }

    /// A produced row for every output.
    fn produced() -> Vec<(&'static str, Value)> {
        let (corpus, themes) = (corpus(2), themes());
        let scored = &corpus[1];
        let reject = Reject {
            file: "a".into(),
            line: None,
            byte_offset: Some(7),
            record: None,
            field: None,
            code: RejectCode::BadJson,
            message: "m".into(),
            excerpt: "e".into(),
        };
        let score = ScoreRow {
            document: "d".into(),
            date: None,
            period: None,
            duplicate_of: None,
            theme: "trade".into(),
            share: 0.5.into(),
            score: 1.0.into(),
            n_mentions: 1,
        };
        let copy = CopyFound {
            kind: CopyKind::Near,
            group: 1,
            document: "b".into(),
            original: "a".into(),
            similarity: 0.9,
            spans: None,
        };
        let unit = UnitRow::new(scored, (1, &scored.units[1]), &themes);
        vec![
            ("documents", json_of(DocumentRow::new(scored, &themes, 2))),
            ("units", json_of(unit)),
            ("scores", json_of(score)),
            ("trends", json_of(trends_file())),
            ("copies", json_of(CopyRow::from(&copy))),
            ("rejects", json_of(RejectRow { schema: RejectsTag::V1, reject })),
            ("run", json_of(run_file())),
            ("to-code", json_of(to_code())),
        ]
    }

    fn to_code() -> ToCodeRow<'static> {
        ToCodeRow {
            schema: ToCodeTag::V1,
            doc: "d0".into(),
            unit: 1,
            start: 23,
            end: 44,
            text: "ports and rails".into(),
            context: "They spoke of ports and rails.".into(),
            themes: None,
            period: "2021".into(),
            by: crate::document::PeriodLength::Year,
            stratum: 7,
            probability: 0.25,
            frame: "0123456789abcdef".into(),
        }
    }

    #[test]
    fn every_produced_row_fits_its_schema() {
        for (name, row) in produced() {
            let schema = schema(name).unwrap();
            assert_eq!(fault(&row, &schema, &schema), None, "{name}");
        }
    }

    #[test]
    fn every_field_that_is_always_written_is_required_and_typed() {
        for (name, row) in produced() {
            let schema = schema(name).unwrap();
            for key in row.as_object().unwrap().keys().filter(|key| *key != "text") {
                let mut without = row.clone();
                without.as_object_mut().unwrap().remove(key);
                assert!(fault(&without, &schema, &schema).is_some(), "{name} without {key}");
                let mut wrong = row.clone();
                wrong[key] = json!([[true]]);
                // `options` is any JSON value.
                let free = key == "options";
                assert_eq!(
                    fault(&wrong, &schema, &schema).is_none(),
                    free,
                    "{name}.{key} = [[true]]"
                );
            }
        }
    }

    #[test]
    fn ranges_are_part_of_the_schema() {
        let schema = schema("documents").unwrap();
        let (_, mut row) = produced().swap_remove(0);
        row["themes"]["trade"]["share"] = json!(1.5);
        let fault = fault(&row, &schema, &schema).unwrap();
        assert!(fault.starts_with("maximum 1"), "{fault}");
    }

    #[test]
    fn every_field_is_described() {
        fn undescribed(path: &str, schema: &Value) -> Vec<String> {
            let object = schema.as_object().into_iter().flatten();
            let inner =
                object.flat_map(|(key, inner)| undescribed(&format!("{path}/{key}"), inner));
            let fields = schema["properties"].as_object().into_iter().flatten();
            let bare = fields
                .filter(|(_, field)| field.is_object() && field.get("description").is_none())
                .map(|(key, _)| format!("{path}.{key}"));
            inner.chain(bare).collect()
        }
        for name in names() {
            assert_eq!(undescribed(name, &schema(name).unwrap()), Vec::<String>::new());
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = schema("document").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            error.hint(),
            Some(
                "one of: documents, units, scores, themes, trends, copies, rejects, run, validation, \
                 to-code"
            )
        );
    }
}
