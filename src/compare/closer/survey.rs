//! What one pass over the documents of two periods says of them: sums, by the levels of every field.

use std::collections::BTreeMap;

use crate::compare::store::Fields;

use super::{Case, Sums};

/// Of the documents of two periods.
pub(super) struct Survey<'c> {
    pub fields: &'c Fields,
    /// All of them, in either period.
    pub all: [Tally; 2],
    /// For each field; nothing where no document has it.
    pub levels: Vec<LevelTallies>,
    /// Documents of either period by their length in bytes.
    pub lengths: BTreeMap<u64, [usize; 2]>,
}

/// The documents of either period by their level of a field; `None`: they do not have the field.
pub(super) type LevelTallies = BTreeMap<Option<usize>, [Tally; 2]>;

/// Of some documents.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Their number.
    pub n: usize,
    /// For each theme of the case.
    pub sums: Vec<Sums>,
}

impl Tally {
    pub fn add(&mut self, own: &[Sums]) {
        self.n += 1;
        self.sums.resize(own.len(), (0.0, 0.0));
        for (sum, own) in self.sums.iter_mut().zip(own) {
            *sum = (sum.0 + own.0, sum.1 + own.1);
        }
    }

    /// Of a theme of the case, by its place there.
    pub fn of(&self, theme: usize) -> Sums {
        self.sums.get(theme).copied().unwrap_or_default()
    }
}

impl<'c> Survey<'c> {
    pub fn new(case: &Case<'c>) -> Self {
        let fields = &case.sides[0].store.fields;
        let mut survey = Survey {
            fields,
            all: Default::default(),
            levels: vec![BTreeMap::new(); fields.names.len()],
            lengths: BTreeMap::new(),
        };
        let mut own: Vec<Sums> = Vec::new();
        case.each(|side, row| {
            let weight = case.weight(&row.document);
            own.clear();
            own.extend(case.taken(&row.document).map(|taken| (weight, taken)));
            survey.all[side].add(&own);
            for (field, levels) in survey.levels.iter_mut().enumerate() {
                let level = fields.level(row.kind, field);
                levels.entry(level).or_default()[side].add(&own);
            }
            survey.lengths.entry(row.document.n_bytes).or_default()[side] += 1;
        });
        let is_absent = |levels: &LevelTallies| levels.keys().all(Option::is_none);
        survey.levels.iter_mut().filter(|levels| is_absent(levels)).for_each(BTreeMap::clear);
        survey
    }
}
