//! Furniture on a line of running text: a dateline before it, an agency or an end mark behind it.

use super::{Furniture, FurnitureKind, Line, shape};
use crate::document::Span;
use crate::ingest::date::{self, Role};

/// The dateline before the text, on one of its first lines.
pub(super) fn before(text: &str, lines: &[Line<'_>]) -> Option<Furniture> {
    let first = lines.iter().take(5).filter(|line| line.kind.is_none());
    first.take(3).find_map(|line| dateline(text, lines, line))
}

fn dateline(text: &str, lines: &[Line<'_>], line: &Line<'_>) -> Option<Furniture> {
    // A heading that stops at its dash is no headline with a place before it.
    let mark = |end| Furniture {
        span: Span::new(line.span.start, line.span.start + end).trimmed(text),
        kind: FurnitureKind::Dateline,
    };
    if let Some(found) = date::of_line(line.text).filter(|found| found.end < line.text.len()) {
        let listed = found.bare && is_list_label(lines, line);
        let believed = matches!(found.role, Role::Published | Role::Dateline | Role::SignOff);
        return (believed && !listed && found.end > 0).then(|| mark(found.end));
    }
    shape::outlet_prefix(line.text).map(mark)
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
        && let Some(start) = shape::signature(line.text)
    {
        marks.push(part(line, start, FurnitureKind::Source));
    }
    for line in lines.iter().filter(|line| line.kind.is_none()) {
        let signed = last.is_some_and(|last| last.span == line.span) && !marks.is_empty();
        if let Some(start) = shape::credit_behind(line.text).filter(|_| !signed) {
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
