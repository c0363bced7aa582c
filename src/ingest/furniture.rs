//! Page furniture: what stands around a text and is no part of it, and scores nothing.
//!
//! A ministry's name under a statement would count as its theme, a caption would count a meeting
//! twice, and a list of related stories would count what the document never says. So datelines,
//! credits, captions, references, links, sign-offs and the like are marked. They are told by
//! general signs only:
//!
//! - **shape** ([`shape`]): a label (`Photo: ...`, `Source: ...`), a link alone on its line, a
//!   count of comments, a date alone;
//! - **position**: a dateline before the first sentence, an agency behind the last, the lines
//!   under `References`, the issuer above the date of a statement, a caption beside a credit;
//! - **repetition** ([`LineCensus`]): short lines that stand at the edges of many documents.
//!
//! Running text must never be marked: where a sign is weak, the line stays text. Headlines and
//! crossheads are text.

mod edges;
mod repeated;
mod shape;

use crate::document::Span;
use crate::ingest::date::{self, Role};
use crate::layout::{Block, BlockKind};

pub use repeated::{LineCensus, RepeatedLines};

/// What a piece of furniture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FurnitureKind {
    /// Place, date and agency before the text, or a date alone on its line.
    Dateline,
    /// Who wrote or edited.
    Byline,
    /// Who took a picture.
    Credit,
    /// What a picture shows.
    Caption,
    /// `Source: ...`, and an agency's name behind the last sentence.
    Source,
    /// `Reference(s):` and what stands under it.
    Reference,
    /// Links to other stories.
    Related,
    /// An address on the web or of mail, alone on its line.
    Link,
    /// Counts and calls for comments, shares, likes.
    Comments,
    /// Telephone, address, office hours.
    Contact,
    /// Copyright, advertisement, subscription.
    Notice,
    /// The name of an outlet or of an issuing office, alone on its line.
    Outlet,
    /// The number of a page.
    PageNumber,
    /// `ENDS`, `###`, `./.`
    EndMark,
    /// A short line that many documents of the corpus share.
    Repeated,
}

/// A part of a document's text that scores nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Furniture {
    /// Bytes of the document's text; never empty.
    pub span: Span,
    /// What it is.
    pub kind: FurnitureKind,
}

/// A line of a block.
struct Line<'t> {
    text: &'t str,
    span: Span,
    /// Whether it is its block's only line.
    alone: bool,
    heading: bool,
    kind: Option<FurnitureKind>,
}

impl Line<'_> {
    /// Whether it closes as a sentence does.
    fn closes(&self) -> bool {
        let end = self.text.trim_end_matches(['"', '\'', '”', '’', ')', ']', '»']);
        end.ends_with(['.', '!', '?', '…', '。', '！', '？'])
    }
}

/// Marks the furniture of a text, in order, without overlap, on char boundaries. A mark covers a
/// whole line of a block, or a part before or behind the running text of one. `blocks` are those
/// of [`crate::layout::blocks`] on the same text. Linear in the length of the text.
pub fn mark(text: &str, blocks: &[Block], repeated: &RepeatedLines) -> Vec<Furniture> {
    let mut lines = lines(text, blocks);
    by_shape(&mut lines);
    by_date(&mut lines);
    by_repetition(&mut lines, repeated);
    issuers(&mut lines);
    lists(&mut lines);
    captions(&mut lines);
    outlets(&mut lines);
    let mut marks = whole(&lines);
    marks.extend(edges::before(text, &lines));
    marks.extend(edges::behind(&lines));
    marks.sort_unstable_by_key(|mark| mark.span);
    marks
}

/// The lines of all blocks, without white space around them.
fn lines<'t>(text: &'t str, blocks: &[Block]) -> Vec<Line<'t>> {
    let mut lines = Vec::with_capacity(blocks.len());
    for block in blocks {
        let inner = block.span.of(text);
        let alone = !inner.contains('\n');
        let mut start = block.span.start;
        for part in inner.split_inclusive('\n') {
            let span = Span::new(start, start + part.len()).trimmed(text);
            start += part.len();
            if !span.is_empty() {
                let heading = block.kind == BlockKind::Heading;
                lines.push(Line { text: span.of(text), span, alone, heading, kind: None });
            }
        }
    }
    lines
}

fn by_shape(lines: &mut [Line<'_>]) {
    let n = lines.len();
    for (i, line) in lines.iter_mut().enumerate() {
        let edge = i < 5 || i + 5 >= n;
        line.kind = shape::of(line.text, edge, i == 0).filter(|kind| line.alone || strong(*kind));
    }
}

/// Whether a shape is believed of a line within a wrapped block too.
fn strong(kind: FurnitureKind) -> bool {
    use FurnitureKind::{Caption, Comments, Credit, Link, Source};
    matches!(kind, Caption | Comments | Credit | Link | Source)
}

/// Lines that hold a date and nothing else but a place, an author or an issuer.
fn by_date(lines: &mut [Line<'_>]) {
    const LONGEST: usize = 200;
    for i in 0..lines.len() {
        let line = &lines[i];
        if line.kind.is_some() || line.text.len() > LONGEST || !has_digit(line.text) {
            continue;
        }
        let Some(found) = date::of_line(line.text) else { continue };
        let whole = found.end == line.text.len();
        let headline = i < 3 && !shape::is_institution(line.text);
        let kept = match found.role {
            Role::SignOff => headline,
            Role::Dateline => i >= 4 || line.heading && i == 0,
            _ => false,
        };
        if whole && line.alone && !kept {
            lines[i].kind = Some(FurnitureKind::Dateline);
        }
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn by_repetition(lines: &mut [Line<'_>], repeated: &RepeatedLines) {
    for line in lines.iter_mut().filter(|line| line.alone && line.kind.is_none()) {
        if repeated.contains(line.text) {
            line.kind = Some(FurnitureKind::Repeated);
        }
    }
}

/// The issuer of a statement: lines in capitals, or that begin as an office does, right above its
/// date. A headline above a date stays text.
fn issuers(lines: &mut [Line<'_>]) {
    for i in 1..lines.len() {
        if lines[i].kind != Some(FurnitureKind::Dateline) {
            continue;
        }
        for j in (i.saturating_sub(4)..i).rev() {
            let line = &lines[j];
            let office = shape::is_institution(line.text);
            let capitals = shape::is_capitals(line.text) && (j >= 3 || office);
            let name = line.text.len() <= 90 && !line.closes();
            if line.kind.is_some() || !name || !(office || capitals) {
                break;
            }
            lines[j].kind = Some(FurnitureKind::Outlet);
        }
    }
}

/// Lines under a label that opens a list: references to the end of the text, related stories and
/// the pair of an empty label (`Photo caption:`) as far as they go.
fn lists(lines: &mut [Line<'_>]) {
    for i in 0..lines.len() {
        let Some(opened) = shape::opens_list(lines[i].text) else { continue };
        if !lines[i].alone || lines[i].kind.is_none() {
            continue;
        }
        let rest = &mut lines[i + 1..];
        let n = match opened {
            shape::List::References => references(rest),
            shape::List::Related => related(rest),
            shape::List::One => usize::from(rest.first().is_some_and(|l| l.text.len() <= 300)),
        };
        let kind = lines[i].kind;
        for line in &mut lines[i + 1..=i + n] {
            line.kind = line.kind.or(kind);
        }
    }
}

/// How many lines under `References` belong to it: all to the end where they are all short or
/// look like references, else those up to the first that closes like a sentence.
fn references(rest: &[Line<'_>]) -> usize {
    let entry = |line: &Line<'_>| line.text.len() <= 160 || shape::is_reference(line.text);
    if rest.iter().all(entry) {
        return rest.len();
    }
    rest.iter().take_while(|line| entry(line) && !line.closes()).count()
}

/// How many lines under `Related stories` are headlines of other stories: those that do not
/// close, where text that does follows at once or nothing follows at all.
fn related(rest: &[Line<'_>]) -> usize {
    let n = rest.iter().take_while(|line| line.text.len() <= 160 && !line.closes()).count();
    // The last one may be the crosshead of the text that follows.
    if n < rest.len() { n.saturating_sub(1).clamp(usize::from(n > 0), 5) } else { n }
}

/// Captions stand above their credit, or under it where they say so.
fn captions(lines: &mut [Line<'_>]) {
    let signed = lines.iter().position(|l| l.kind == Some(FurnitureKind::Dateline)).unwrap_or(0);
    for i in 0..lines.len() {
        if lines[i].kind != Some(FurnitureKind::Credit) {
            continue;
        }
        let above = i.checked_sub(1).filter(|&j| j > 0 && lines[j].kind.is_none());
        if let Some(j) = above {
            // Under the date of a statement nothing but letters and pictures follows.
            let end_matter = signed > 3 && j > signed && lines[j - 1].kind.is_some();
            if is_caption(&lines[j], end_matter) {
                lines[j].kind = Some(FurnitureKind::Caption);
            }
        }
        if let Some(below) = lines.get_mut(i + 1)
            && below.kind.is_none()
            && below.text.len() <= 250
            && shape::shows_picture(below.text)
        {
            below.kind = Some(FurnitureKind::Caption);
        }
    }
}

fn is_caption(line: &Line<'_>, end_matter: bool) -> bool {
    let short = line.text.len() <= 300 && line.alone;
    let names = !line.closes() && line.text.len() <= 200 && shape::is_names(line.text);
    let one_sentence = end_matter && !line.text.trim_end_matches('.').contains(". ");
    short && (names || one_sentence || shape::shows_picture(line.text))
}

/// A short last line of names beside other furniture, or of capitals: an outlet or a signature.
fn outlets(lines: &mut [Line<'_>]) {
    for i in (1..lines.len()).rev() {
        let line = &lines[i];
        if line.kind.is_some() {
            continue;
        }
        let beside = i + 1 < lines.len() || lines[i - 1].kind.is_some();
        let name = line.text.len() <= 60 && line.alone && shape::is_outlet(line.text);
        let letters = line.text.len() <= 8 && shape::is_capitals(line.text);
        if !(name && beside || letters && line.alone) {
            break;
        }
        lines[i].kind = Some(FurnitureKind::Outlet);
    }
}

/// The marks of whole lines.
fn whole<'l>(lines: &'l [Line<'_>]) -> Vec<Furniture> {
    let marked = lines.iter().filter_map(|line| Some((line.span, line.kind?)));
    marked.map(|(span, kind)| Furniture { span, kind }).collect()
}
