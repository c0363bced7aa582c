//! From scores on the disk to trends: the one way in which `run`, `score` and `compare` compare.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::compare::{
    Besides, CompareOptions, Counted, CountedDocument, Sides, SoleTerms, ThemeName, Trends,
};
use crate::error::Result;
use crate::report::sole_terms::add_sole_terms;
use crate::report::trends::TrendsFile;
use crate::report::{self, OutputFile};
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

    /// What is counted of all documents, and what the user should know of; an id that a second folder has
    /// again counts once.
    pub fn counted(&self, options: &CompareOptions) -> Result<(Counted, Vec<String>)> {
        let read =
            |dir: &PathBuf| report::counted::counted(dir, options.by, options.group.as_deref());
        if let [dir] = self.dirs {
            let mut counted = read(dir)?;
            counted.sort();
            return Ok((counted, Vec::new()));
        }
        let (mut counted, mut n_again) = (Counted::default(), 0);
        // For each id the folder that it was first seen in.
        let mut seen: HashMap<Arc<str>, usize> = HashMap::new();
        for (number, dir) in self.dirs.iter().enumerate() {
            let found = read(dir)?;
            for document in found.documents {
                match *seen.entry(document.id.clone()).or_insert(number) == number {
                    true => counted.documents.push(document),
                    false => n_again += 1,
                }
            }
            let is_first =
                |copy: &CountedDocument| *seen.entry(copy.id.clone()).or_insert(number) == number;
            counted.copies.extend(found.copies.into_iter().filter(is_first));
        }
        counted.sort();
        let warning = (n_again > 0)
            .then(|| format!("{n_again} ids stand in more than one folder: the first one counts"));
        Ok((counted, warning.into_iter().collect()))
    }

    /// What became of every theme. `other`: the same documents scored with another encoder, and the model of
    /// that.
    pub fn trends(
        &self,
        sides: &Sides<'_>,
        other: Option<&(PathBuf, ThemeModel)>,
    ) -> Result<TrendsFile> {
        let mut trends = sides.compare(&names(self.model));
        self.look_closer(&mut trends, sides, other)?;
        let emergence = drift::emergence(&self.units(), self.model, &trends, sides)?;
        Ok(TrendsFile { emergence, ..TrendsFile::from(trends) })
    }

    /// Looks closer at what changed, down to the single terms.
    fn look_closer(
        &self,
        trends: &mut Trends,
        sides: &Sides<'_>,
        other: Option<&(PathBuf, ThemeModel)>,
    ) -> Result<()> {
        let mut terms = SoleTerms::new(sides, trends);
        for path in self.units() {
            add_sole_terms(&path, &self.model.codebook, &mut terms)?;
        }
        let by = trends.options.by;
        let counted_there = other.map(|(dir, _)| report::counted::counted(dir, by, None));
        let counted_there = counted_there.transpose()?;
        let places = other.map_or_else(Vec::new, |(_, there)| self.places_in(there));
        let other = counted_there.as_ref().map(|counted| (counted, places.as_slice()));
        sides.look_closer(trends, Besides { terms: Some(&terms), other });
        Ok(())
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
