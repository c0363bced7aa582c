//! `sample`, and the codes of `compare`: units to code by hand, and what their codes say of shares.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::compare::corrected::design::{self, Drawn, Frame, FrameDocument, FrameUnit};
use crate::compare::corrected::{CodedUnit, correct};
use crate::compare::{CompareOptions, Counted, CountedDocument, ThemeName};
use crate::document::PeriodLength;
use crate::error::{Error, Result};
use crate::report::corrected::CorrectedTrends;
use crate::report::counted::counted_once;
use crate::report::to_code::{self, CodedLines, ToCodeRow, ToCodeTag, frame_of};
use crate::report::units::{self, FoundUnit};
use crate::report::{self, OutputFile};
use crate::theme::ThemeModel;

use super::compare::of_run;
use super::scores::names;

/// What `themeline sample` is asked for.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    /// Units to draw.
    pub n: usize,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// Length of the periods; `None` for that of the run.
    pub by: Option<PeriodLength>,
}

/// Units to code, and what their codes will be worth.
#[derive(Debug, Clone)]
pub struct ToCode {
    /// The lines of `to-code.jsonl`.
    pub lines: Vec<u8>,
    /// How they were drawn.
    pub drawn: Drawn,
    /// Units that could have been drawn.
    pub n_units: u64,
    /// Their documents.
    pub n_documents: u64,
    /// Documents left out because they repeat another, and because they are in no period.
    pub n_left_out: (u64, u64),
    /// (name, share of the text by the scores, 0..1) of each theme of the codebook.
    pub themes: Vec<(String, f64)>,
}

/// `themeline sample`: draws units of a finished run to be coded by hand.
///
/// # Errors
/// Where the folder is not a finished run, its themes were found without a codebook, or it has no unit
/// to draw.
pub fn sample(dir: &Path, request: &SampleRequest) -> Result<ToCode> {
    let run = report::read::run_file(dir)?;
    let by = request.by.or_else(|| of_run(std::slice::from_ref(&run), "by")).unwrap_or_default();
    let themes = themes_of(&ThemeModel::load(&dir.join(OutputFile::Themes.name()))?, dir)?;
    let documents = counted_once(dir, by, None)?;
    let n_all = documents.len();
    let (frame, documents) = frame(dir, documents, &themes)?;
    if frame.units.is_empty() || request.n == 0 {
        return Err(nothing_to_draw(request.n, n_all));
    }
    let drawn = design::draw(&frame, request.n, request.seed);
    let lines = to_code::to_jsonl(&rows(dir, &frame, &drawn, (by, &frame_of(&documents)))?)?;
    Ok(ToCode {
        lines,
        drawn,
        n_units: frame.units.len() as u64,
        n_documents: documents.len() as u64,
        n_left_out: (run.counts.duplicates, (n_all - documents.len()) as u64),
        themes: scored_shares(&documents, &themes),
    })
}

fn nothing_to_draw(n: usize, n_documents: usize) -> Error {
    match n {
        0 => Error::usage("--n 0 draws nothing", "give the number of units to code, such as 400"),
        _ => Error::usage(
            format!("none of {n_documents} documents is in a period and has units to draw"),
            "give documents dates, or draw from all of them with --by all",
        ),
    }
}

/// The themes that a coder can give: those of the codebook, which stand first in the model.
fn themes_of(model: &ThemeModel, dir: &Path) -> Result<Vec<ThemeName>> {
    let themes: Vec<ThemeName> = names(model).into_iter().take(model.n_seeded()).collect();
    match themes.is_empty() {
        true => Err(Error::usage(
            format!("{}: its themes were found without a codebook", dir.display()),
            "codes speak of the themes of a codebook: run again with --codebook",
        )),
        false => Ok(themes),
    }
}

/// All units of documents that are in a period, and these documents.
fn frame(
    dir: &Path,
    documents: Vec<CountedDocument>,
    themes: &[ThemeName],
) -> Result<(Frame, Vec<CountedDocument>)> {
    let mut documents: Vec<CountedDocument> =
        documents.into_iter().filter(|document| document.period.is_some()).collect();
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    let index: HashMap<&str, usize> =
        documents.iter().enumerate().map(|(index, document)| (&*document.id, index)).collect();
    let n_units = |theme: usize| documents.iter().map(|d| d.themes[theme].n_mentions).sum();
    let rarity: HashMap<&str, (u64, usize)> =
        themes.iter().enumerate().map(|(k, theme)| (&*theme.id, (n_units(k), k))).collect();
    let mut found = Vec::new();
    units::each_head(dir, |document, unit, carried| {
        let Some(&document) = index.get(document) else { return };
        let rarest = carried.iter().filter_map(|(id, _)| rarity.get(id)).min();
        found.push(FrameUnit { document, unit, theme: rarest.map(|(_, theme)| *theme) });
    })?;
    found.sort_unstable();
    let of_frame = |document: &CountedDocument| FrameDocument {
        id: document.id.to_string(),
        period: document.period.as_deref().unwrap_or_default().to_owned(),
    };
    let frame = Frame {
        documents: documents.iter().map(of_frame).collect(),
        units: found,
        themes: themes.iter().map(|theme| theme.id.clone()).collect(),
    };
    Ok((frame, documents))
}

/// The part of all text that each theme takes by the scores.
fn scored_shares(documents: &[CountedDocument], themes: &[ThemeName]) -> Vec<(String, f64)> {
    let total: f64 = documents.iter().map(|document| document.n_bytes as f64).sum();
    let taken = |k: usize| -> f64 {
        documents.iter().map(|document| document.themes[k].share * document.n_bytes as f64).sum()
    };
    let share = |(k, theme): (usize, &ThemeName)| (theme.name.clone(), taken(k) / total.max(1.0));
    themes.iter().enumerate().map(share).collect()
}

fn rows(
    dir: &Path,
    frame: &Frame,
    drawn: &Drawn,
    (by, stamp): (PeriodLength, &str),
) -> Result<Vec<ToCodeRow<'static>>> {
    let place = |unit: usize| {
        let unit = frame.units[unit];
        (&frame.documents[unit.document], unit.unit)
    };
    let ids = drawn.units.iter().map(|drawn| place(drawn.unit).0.id.as_str());
    let found = units::of_documents(dir, ids)?;
    let row = |drawn: &design::DrawnUnit| {
        let (document, number) = place(drawn.unit);
        let units = &found[&document.id];
        let unit = units.iter().find(|unit| unit.unit == number)?;
        Some(ToCodeRow {
            schema: ToCodeTag::V1,
            doc: document.id.clone().into(),
            unit: number,
            start: unit.span.start as u64,
            end: unit.span.end as u64,
            text: unit.text.clone().into(),
            context: context(units, unit).into(),
            themes: None,
            period: document.period.clone().into(),
            by,
            stratum: drawn.stratum as u64,
            probability: drawn.probability,
            frame: stamp.to_owned().into(),
        })
    };
    Ok(drawn.units.iter().filter_map(row).collect())
}

/// The sentence before a unit, its own, and the one after it.
fn context(units: &[FoundUnit], unit: &FoundUnit) -> String {
    let near = units.iter().filter(|other| other.sentence.abs_diff(unit.sentence) <= 1);
    let mut text = String::new();
    let mut end = None;
    for near in near {
        if end.is_some_and(|end| end < near.span.start) {
            text.push(' ');
        }
        text.push_str(&near.text);
        end = Some(near.span.end);
    }
    text
}

/// What codes say of the documents compared, and what the user should know of them.
///
/// # Errors
/// Where there is more than one folder, the codes were not drawn from it, or too few are given.
pub(super) fn corrected(
    dirs: &[PathBuf],
    codes: &Path,
    model: &ThemeModel,
    options: &CompareOptions,
) -> Result<(CorrectedTrends, Vec<String>)> {
    let [dir] = dirs else {
        return Err(Error::usage(
            format!("--codes corrects one folder, and {} are compared", dirs.len()),
            "score all documents into one folder, draw a sample of it and code that",
        ));
    };
    let themes = themes_of(model, dir)?;
    let ids: Vec<String> = themes.iter().map(|theme| theme.id.clone()).collect();
    let mut lines = to_code::read(codes, &ids)?;
    let by = one_sample(codes, &lines)?;
    // Sums are the same to the last digit whatever the order of the lines.
    lines.sort_by(|(_, a), (_, b)| (&a.doc, a.unit).cmp(&(&b.doc, b.unit)));
    let in_frame = in_frame(dir, codes, (by, &lines[0].1.frame))?;
    let is_coded = |(_, row): &&(usize, ToCodeRow<'_>)| row.themes.is_some();
    let n_uncoded = lines.len() - lines.iter().filter(is_coded).count();
    let units = coded_units(dir, codes, &lines, &ids)?;
    let counted = counted_once(dir, options.by, options.group.as_deref())?;
    let (known, other): (Vec<_>, Vec<_>) =
        counted.into_iter().partition(|document| in_frame.contains(&document.id));
    let n_other = other.iter().filter(|document| document.period.is_some()).count();
    let known = Counted { documents: known, ..Counted::default() };
    let found = correct(&known, &units, &themes, options)?;
    let n = lines.len();
    let warnings = warnings((n_uncoded, n), n_other, learned(&units, model));
    Ok((CorrectedTrends::new(&found, n_uncoded as u64), warnings))
}

/// The period length of the sample that all lines are of.
fn one_sample(codes: &Path, lines: &CodedLines) -> Result<PeriodLength> {
    let (first, row) = &lines[0];
    let is_other = |other: &ToCodeRow<'_>| (other.by, &other.frame) != (row.by, &row.frame);
    if let Some((line, _)) = lines.iter().find(|(_, other)| is_other(other)) {
        return Err(Error::malformed(
            codes,
            (*line, 0),
            format!("it was drawn for another sample than line {first}"),
            "give the lines of one sample; probabilities of two cannot be put together",
        ));
    }
    let mut strata: BTreeMap<u64, (usize, f64)> = BTreeMap::new();
    for (line, row) in lines {
        let (first, probability) = *strata.entry(row.stratum).or_insert((*line, row.probability));
        if probability != row.probability {
            return Err(Error::malformed(
                codes,
                (*line, 0),
                format!("its stratum has another probability on line {first}"),
                "leave all but `themes` of a line as it was drawn",
            ));
        }
    }
    Ok(row.by)
}

/// Ids of the documents that the sample was drawn from.
fn in_frame(
    dir: &Path,
    codes: &Path,
    (by, stamp): (PeriodLength, &str),
) -> Result<HashSet<String>> {
    let documents = counted_once(dir, by, None)?;
    let in_frame: Vec<CountedDocument> =
        documents.into_iter().filter(|document| document.period.is_some()).collect();
    if frame_of(&in_frame) != stamp {
        return Err(Error::usage(
            format!(
                "{}: it was not drawn from the documents of {}",
                codes.display(),
                dir.display()
            ),
            "compare the folder that the sample was drawn from (its documents may be scored anew, but \
             must be the same), or draw a sample of this one",
        ));
    }
    Ok(in_frame.into_iter().map(|document| document.id).collect())
}

/// The coded lines with the scores of their units.
fn coded_units(
    dir: &Path,
    codes: &Path,
    lines: &CodedLines,
    themes: &[String],
) -> Result<Vec<CodedUnit>> {
    let found = units::of_documents(dir, lines.iter().map(|(_, row)| &*row.doc))?;
    let index: HashMap<&str, usize> =
        themes.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    // By stratum: lines drawn, and lines coded.
    let mut strata: HashMap<u64, (f64, f64)> = HashMap::new();
    for (_, row) in lines {
        let n = strata.entry(row.stratum).or_default();
        *n = (n.0 + 1.0, n.1 + f64::from(u8::from(row.themes.is_some())));
    }
    let mut coded = Vec::new();
    for (line, row) in lines {
        let units = &found[&*row.doc];
        let unit = units.iter().find(|unit| unit.unit == row.unit);
        let unit = unit.filter(|unit| unit.text == row.text && unit.span.start as u64 == row.start);
        let Some(unit) = unit else { return Err(not_there(codes, *line, row)) };
        let Some(given) = &row.themes else { continue };
        let (n_drawn, n_coded) = strata[&row.stratum];
        let scored = unit.themes.iter();
        coded.push(CodedUnit {
            document: row.doc.to_string(),
            stratum: row.stratum,
            probability: row.probability * n_coded / n_drawn,
            n_bytes: unit.span.len() as u64,
            coded: given.iter().filter_map(|id| index.get(&**id).copied()).collect(),
            scored: scored.filter_map(|(id, score)| Some((*index.get(&**id)?, *score))).collect(),
        });
    }
    match coded.is_empty() {
        true => Err(Error::malformed(
            codes,
            (0, 0),
            "no line is coded: `themes` of all is null",
            "give each unit the list of its themes, [] for none",
        )),
        false => Ok(coded),
    }
}

fn not_there(codes: &Path, line: usize, row: &ToCodeRow<'_>) -> Error {
    Error::malformed(
        codes,
        (line, 0),
        format!("unit {} of `{}` is not in the folder, or has another text", row.unit, row.doc),
        "leave all but `themes` of a line as it was drawn; if documents were split into units anew, \
         draw a sample again",
    )
}

/// Documents of coded units whose codes the themes were fitted with.
fn learned(units: &[CodedUnit], model: &ThemeModel) -> usize {
    let learned: HashSet<&str> =
        model.fitted_on.coded_documents.iter().map(String::as_str).collect();
    let coded: HashSet<&str> = units.iter().map(|unit| unit.document.as_str()).collect();
    coded.intersection(&learned).count()
}

fn warnings((n_uncoded, n): (usize, usize), n_other: usize, n_learned: usize) -> Vec<String> {
    let mut said = Vec::new();
    if n_uncoded > 0 {
        said.push(format!(
            "{n_uncoded} of {n} lines are not coded; the others are taken for a random part of them, as \
             they are if they were coded from the top of the file on"
        ));
    }
    if n_other > 0 {
        said.push(format!(
            "{n_other} documents could not be drawn, since they had no period then: corrected shares are \
             those of the others"
        ));
    }
    if n_learned > 0 {
        said.push(format!(
            "the themes were fitted with codes of {n_learned} of the coded documents: if these are the \
             same codes, scores make fewer errors there than elsewhere, and corrected shares are biased"
        ));
    }
    said
}
