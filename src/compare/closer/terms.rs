//! What single terms carry: the units of a theme in which no other of its terms stands.

use std::collections::{BTreeMap, HashMap};

use crate::compare::counted::{CountedDocument, Measure};

/// What one term alone carries in one document.
#[derive(Debug, Clone, PartialEq)]
pub struct SoleTerm {
    /// Index of the theme in the model.
    pub theme: usize,
    /// The term, as the codebook has it.
    pub term: String,
    /// Bytes that the theme takes of units in which no other of its terms stands.
    pub n_bytes: f64,
    /// These units.
    pub n_units: u64,
}

/// What single terms carry, by document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SoleTerms {
    /// By the document's id.
    pub of: HashMap<String, Vec<SoleTerm>>,
}

impl SoleTerms {
    /// What the theme would lose in some documents without each of its terms.
    pub(super) fn lost<'t, 'd>(
        &'t self,
        documents: impl Iterator<Item = &'d CountedDocument>,
        theme: usize,
        measure: Measure,
    ) -> BTreeMap<&'t str, f64> {
        let mut lost = BTreeMap::new();
        for document in documents {
            let own = self.of.get(&*document.id).into_iter().flatten();
            for sole in own.filter(|sole| sole.theme == theme) {
                let part = match measure {
                    Measure::Text => sole.n_bytes,
                    Measure::Units => sole.n_units as f64,
                    // The document mentions the theme no more.
                    Measure::Documents => {
                        f64::from(u8::from(sole.n_units >= document.themes[theme].n_mentions))
                    }
                };
                *lost.entry(sole.term.as_str()).or_default() += part;
            }
        }
        lost
    }
}
