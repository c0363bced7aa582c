//! The values that rows are made of: rounded numbers, maps that keep their order, and the ids of
//! the model's themes.
//!
//! Sums of floating-point numbers differ in their last digits with the order of addition. Outputs
//! must not, so every number passes through [`Rounded`], the one place where precision is decided.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::score::ScoredDocument;

/// A number as it is written: rounded to six decimals, never NaN or infinite, never `-0`.
///
/// A number that is not finite is refused when it is written, not silently turned into null or 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Rounded(f64);

impl Rounded {
    /// Decimals kept.
    pub const DECIMALS: i32 = 6;

    /// Rounds half away from zero.
    pub fn new(x: f64) -> Self {
        let scale = 10f64.powi(Self::DECIMALS);
        Rounded((x * scale).round() / scale + 0.0)
    }

    /// Rounds to three decimals, for columns of many numbers that are looked at in the mass.
    pub fn coarse(x: f64) -> Self {
        Rounded::new((x * 1e3).round() / 1e3)
    }

    /// The rounded number; an error (`InvalidData`) where it is not finite.
    pub fn finite(self) -> io::Result<f64> {
        let Rounded(x) = self;
        x.is_finite()
            .then_some(x)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, NOT_FINITE))
    }

    /// The rounded number, finite or not.
    pub fn get(self) -> f64 {
        self.0
    }
}

const NOT_FINITE: &str = "a number that is not finite has no place in an output";

impl From<f64> for Rounded {
    fn from(x: f64) -> Self {
        Rounded::new(x)
    }
}

impl From<f32> for Rounded {
    fn from(x: f32) -> Self {
        Rounded::new(f64::from(x))
    }
}

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.finite().map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Rounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Rounded::new)
    }
}

impl JsonSchema for Rounded {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rounded".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number"})
    }
}

/// A JSON object whose keys stand in a given order.
#[derive(Debug, Clone, PartialEq)]
pub struct InOrder<T>(pub Vec<(String, T)>);

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        InOrder(Vec::new())
    }
}

impl<T> InOrder<T> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
}

impl<T> FromIterator<(String, T)> for InOrder<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(pairs: I) -> Self {
        InOrder(pairs.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for InOrder<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsOf(PhantomData))
    }
}

struct PairsOf<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsOf<T> {
    type Value = InOrder<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder<T>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(InOrder(pairs))
    }
}

impl<T: JsonSchema> JsonSchema for InOrder<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": generator.subschema_for::<T>()})
    }
}

/// The ids of the model's themes, in its order: what a theme's index in a
/// [`ScoredDocument`] stands for. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeIds(Arc<[String]>);

impl From<&[String]> for ThemeIds {
    fn from(ids: &[String]) -> Self {
        ThemeIds(ids.into())
    }
}

impl ThemeIds {
    /// The id of the theme at `index`, which must be one of a document that passed
    /// [`ThemeIds::check`].
    pub(super) fn get(&self, index: usize) -> &str {
        &self.0[index]
    }

    /// All ids, in the model's order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Number of themes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the model has no theme.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses (`InvalidData`) a document that was scored with another model, or whose spans do not
    /// lie on its text: rows made of it would be wrong, or could not be made at all.
    pub(super) fn check(&self, scored: &ScoredDocument) -> io::Result<()> {
        let fault = |what: &str| {
            let message = format!("document {:?}: {what}", scored.document.id);
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        };
        let known = |theme: &usize| *theme < self.len();
        if scored.themes.len() != self.len() {
            return fault("scores for another number of themes than the model has");
        }
        if !scored
            .units
            .iter()
            .flat_map(|u| u.themes.iter().map(|(t, _)| t).chain(&u.cluster))
            .all(known)
        {
            return fault("a unit with a theme that the model does not have");
        }
        if !scored
            .units
            .iter()
            .all(|u| scored.document.text.get(u.span.start..u.span.end).is_some())
        {
            return fault("a unit that does not lie on the text");
        }
        if !scored.evidence.iter().all(|e| known(&e.theme) && e.unit < scored.units.len()) {
            return fault("evidence for an unknown theme or unit");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once_and_the_same_however_they_were_added() {
        let forwards: f64 = [0.1, 0.2, 0.3].iter().sum();
        let backwards: f64 = [0.3, 0.2, 0.1].iter().sum();
        assert_ne!(forwards, backwards);
        assert_eq!(Rounded::new(forwards), Rounded::new(backwards));
        assert_eq!(serde_json::to_string(&Rounded::new(1.0 / 3.0)).unwrap(), "0.333333");
        assert_eq!(serde_json::to_string(&Rounded::new(-1e-9)).unwrap(), "0.0");
        assert_eq!(serde_json::to_string(&Rounded::from(0.1f32)).unwrap(), "0.1");
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused() {
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = serde_json::to_string(&Rounded::new(x)).unwrap_err();
            assert!(error.to_string().contains("not finite"), "{error}");
            assert!(Rounded::new(x).finite().is_err());
        }
    }

    #[test]
    fn a_map_keeps_its_order_there_and_back() {
        let map: InOrder<u8> = [("z".to_owned(), 1), ("a".to_owned(), 2)].into_iter().collect();
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(json, r#"{"z":1,"a":2}"#);
        assert_eq!(serde_json::from_str::<InOrder<u8>>(&json).unwrap(), map);
        assert_eq!(map.get("a"), Some(&2));
    }
}
