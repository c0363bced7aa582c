//! Furniture on a line of running text: a dateline before it, an agency or an end mark behind it.

use super::names::{is_capitals, is_outlet};
use super::shape::is_domain;
use super::{Furniture, FurnitureKind, Line};
use crate::document::Span;
use crate::ingest::date::{self, Role};

/// The dateline before the text, on one of its first lines.
pub(super) fn before(text: &str, lines: &[Line<'_>]) -> Option<Furniture> {
    let first = lines.iter().take(5).filter(|line| line.kind.is_none());
    first.take(3).find_map(|line| dateline(text, lines, line))
}

fn dateline(text: &str, lines: &[Line<'_>], line: &Line<'_>) -> Option<Furniture> {
    let mark = |end| Furniture {
        span: Span::new(line.span.start, line.span.start + end).trimmed(text),
        kind: FurnitureKind::Dateline,
    };
    if let Some(found) = date::of_line(line.text).filter(|found| found.end < line.text.len()) {
        // Datelines stand before sentences; capitals before a headline are its theme.
        let listed = found.bare && (line.heading || is_list_label(lines, line));
        let believed = matches!(found.role, Role::Published | Role::Dateline | Role::SignOff);
        return (believed && !listed && found.end > 0).then(|| mark(found.end));
    }
    outlet_prefix(line.text).map(mark)
}

/// Whether other lines open with capitals and a colon or dash too: then they are labels.
fn is_list_label(lines: &[Line<'_>], line: &Line<'_>) -> bool {
    let others = lines.iter().take(100).filter(|other| other.span != line.span);
    others.filter_map(|other| date::of_line(other.text)).any(|found| found.bare)
}

/// What stands behind the last sentence: `— AGENCY`, `(Agency)`, `./.`, `(Photo: Agency)`.
pub(super) fn behind(lines: &[Line<'_>]) -> Vec<Furniture> {
    let mut marks: Vec<Furniture> = Vec::new();
    let last = lines.iter().rev().find(|line| line.kind.is_none());
    if let Some(line) = last
        && let Some(start) = signature(line.text)
    {
        marks.push(part(line, start, FurnitureKind::Source));
    }
    for line in lines.iter().filter(|line| line.kind.is_none()) {
        let signed = last.is_some_and(|last| last.span == line.span) && !marks.is_empty();
        if let Some(start) = credit_behind(line.text).filter(|_| !signed) {
            marks.push(part(line, start, FurnitureKind::Credit));
        }
    }
    marks
}

fn part(line: &Line<'_>, start: usize, kind: FurnitureKind) -> Furniture {
    let inner = &line.text[start..];
    let start = start + inner.len() - inner.trim_start().len();
    Furniture { span: Span::new(line.span.start + start, line.span.end), kind }
}

/// Where the text starts behind an outlet's name and a dash: `(Post.example) - The minister`.
fn outlet_prefix(line: &str) -> Option<usize> {
    let (name, dash) = match line.strip_prefix('(') {
        Some(rest) => {
            let close = rest.get(..rest.floor_char_boundary(40))?.find(')')?;
            (&rest[..close], close + 2)
        }
        None => {
            let end = line.find(char::is_whitespace).filter(|&end| end <= 40)?;
            (&line[..end], end)
        }
    };
    let bracketed = line.starts_with('(') && (is_domain(name) || is_capitals(name));
    let rest = line[dash..].trim_start();
    let behind = rest.trim_start_matches(['-', '–', '—']);
    let dashed = behind.len() < rest.len() && behind.starts_with(' ');
    let known = bracketed || is_domain(name);
    (known && dashed).then(|| line.len() - behind.trim_start().len())
}

/// Where an agency's name or an end mark starts behind the last sentence: `— AGENCY`, `(Agency)`,
/// `. AGENCY`, `/.`.
fn signature(line: &str) -> Option<usize> {
    const LONGEST_NAME: usize = 40;
    let tail_start = line.ceil_char_boundary(line.len().saturating_sub(LONGEST_NAME + 8));
    let tail = &line[tail_start..];
    let closing = |text: &str| text.trim_end().ends_with(['.', '!', '?', '"', '”', '’', '…']);
    let ends = ["./.", "/."].iter().find_map(|mark| tail.strip_suffix(mark));
    if let Some(kept) = ends.filter(|kept| closing(kept) || tail.ends_with("./.")) {
        let stop = usize::from(tail.ends_with("./."));
        return Some(tail_start + kept.len() + stop);
    }
    let dash = tail.rfind(['—', '–']).or_else(|| tail.rfind("--")).or_else(|| tail.rfind(" - "));
    let bracket = tail.rfind('(').filter(|_| tail.trim_end_matches('.').ends_with(')'));
    let stop = tail.rfind(". ").map(|i| i + 1);
    let start = dash.or(bracket).or(stop).filter(|&start| closing(&tail[..start]))?;
    let name = tail[start..].trim_matches(|c: char| !c.is_alphanumeric());
    let agency = if dash.is_some() || bracket.is_some() {
        is_outlet(name)
    } else {
        is_capitals(name) && name.len() <= 12 && !name.contains(' ') && !tail.ends_with('.')
    };
    agency.then_some(tail_start + start)
}

/// Where a picture's credit starts behind a text: `(Photo: Agency)`, `Photo: Agency`.
fn credit_behind(line: &str) -> Option<usize> {
    const LONGEST_CREDIT: usize = 80;
    let tail_start = line.ceil_char_boundary(line.len().saturating_sub(LONGEST_CREDIT));
    let tail = &line[tail_start..];
    tail.rfind(": ")?;
    let at = ["Photo: ", "Photo credit: ", "Photo Credit: ", "PHOTO: ", "Image: ", "Picture: "]
        .iter()
        .find_map(|label| tail.rfind(label))
        .filter(|&at| at > 0)?;
    let open = at - usize::from(tail[..at].ends_with(['(', '[']));
    let before = tail[..open].trim_end();
    let apart = open < at || before.ends_with(['.', '!', '?', '”', '"', ')']);
    let names = tail[at..].split_whitespace().count() <= 8;
    (apart && names && !before.is_empty()).then_some(tail_start + open)
}
