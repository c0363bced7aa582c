//! From scores on the disk to trends: the one way in which `run`, `score` and `compare` compare.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::compare::{Besides, CompareOptions, Gathering, Sides, SoleTerms, ThemeName, Trends};
use crate::copies;
use crate::error::Result;
use crate::report::OutputFile;
use crate::report::counted::CountedReader;
use crate::report::sole_terms::add_sole_terms;
use crate::report::trends::TrendsFile;
use crate::theme::ThemeModel;

use super::drift;

/// Folders that hold scores, and the model that they were scored with.
#[derive(Clone, Copy)]
pub(super) struct Scores<'s> {
    pub dirs: &'s [PathBuf],
    pub model: &'s ThemeModel,
}

impl Scores<'_> {
    /// The `units.parquet` of each folder.
    pub fn units(&self) -> Vec<PathBuf> {
        self.dirs.iter().map(|dir| dir.join(OutputFile::UnitsParquet.name())).collect()
    }

    /// The documents in their sides, and what the user should know of; an id that a second folder has again counts
    /// once. `room`: a folder for what does not fit in memory; `None`: the system's.
    pub fn sides(
        &self,
        options: &CompareOptions,
        room: Option<&Path>,
    ) -> Result<(Sides, Vec<String>)> {
        let mut reader = CountedReader::new(options.by, options.group.as_deref());
        let (mut gathering, mut n_again) = (Gathering::new(options, room), 0);
        // Of all ids, where there are several folders.
        let mut seen: FxHashSet<u128> = FxHashSet::default();
        for dir in self.dirs {
            reader.read(dir, |whole, once| {
                if self.dirs.len() > 1 && !seen.insert(copies::key(&whole.id)) {
                    n_again += u64::from(once.is_some());
                    return gathering.pass_over(&whole.id);
                }
                gathering.add(&whole, once.as_ref())
            })?;
            gathering.end_folder();
        }
        let mut warnings = gathering.left_out()?;
        warnings.extend(
            (n_again > 0).then(|| {
                format!("{n_again} ids stand in more than one folder: the first one counts")
            }),
        );
        Ok((gathering.sides(|field| reader.is_kind(field))?, warnings))
    }

    /// What became of every theme. `other`: the same documents scored with another encoder, and the model of
    /// that.
    pub fn trends(
        &self,
        sides: &Sides,
        other: Option<(&Sides, &ThemeModel)>,
    ) -> Result<TrendsFile> {
        let mut trends = sides.compare(&names(self.model))?;
        self.look_closer(&mut trends, sides, other)?;
        let emergence = drift::emergence(&self.units(), self.model, &trends, sides)?;
        Ok(TrendsFile { emergence, ..TrendsFile::from(trends) })
    }

    /// Looks closer at what changed, down to the single terms.
    fn look_closer(
        &self,
        trends: &mut Trends,
        sides: &Sides,
        other: Option<(&Sides, &ThemeModel)>,
    ) -> Result<()> {
        let mut terms = SoleTerms::new(sides, trends);
        for path in self.units() {
            add_sole_terms(&path, &self.model.codebook, &mut terms)?;
        }
        let places = other.map_or_else(Vec::new, |(_, there)| self.places_in(there));
        let other = other.map(|(sides, _)| (sides, places.as_slice()));
        sides.look_closer(trends, Besides { terms: Some(&terms), other })
    }

    /// Where each theme stands in another model; emergent themes of two encoders are not the same,
    /// whatever their ids.
    fn places_in(&self, other: &ThemeModel) -> Vec<Option<usize>> {
        let there = |id: &String| other.codebook.themes.iter().position(|own| own.id == *id);
        self.model.theme_ids().iter().map(there).collect()
    }
}

pub(super) fn names(model: &ThemeModel) -> Vec<ThemeName> {
    let name = |(id, name): (&String, &String)| ThemeName { id: id.clone(), name: name.clone() };
    model.themes.iter().map(|theme| name((&theme.id, &theme.name))).collect()
}
