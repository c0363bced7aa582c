//! Which line breaks only wrap a line.
//!
//! A text may be wrapped in one part and have a paragraph on each line in another, so the question
//! is asked of stretches of short lines. A stretch is wrapped where its lines keep running on (no
//! stop at the end, a small letter at the next start) and most are about as long as each other:
//! lists of small-letter items run on, too, but are ragged and short.

use super::lines::{Lead, Line, Tail};

/// A longer line was not wrapped by a typesetter (characters).
const WIDEST_WRAP: u32 = 140;
/// A shorter column is a table or a list (characters).
const NARROWEST_WRAP: u32 = 24;
/// Lines of one stretch; a text may change its ways from one to the next.
const STRETCH: usize = 64;
/// Pairs of lines without which a stretch goes with the whole text.
const ENOUGH_PAIRS: usize = 4;
/// Part of the pairs that run on, in wrapped text (running English: about 0.7).
const RUNS_ON: f64 = 0.35;
/// A line is full where it and the next word take this part of the usual width.
const FULL: f64 = 0.8;
/// A line this long is running text, wherever it stands (characters).
const RUNNING_TEXT: u32 = 40;

/// For every line, the usual width of the wrapped stretch it stands in; `None` outside of such.
pub(super) fn widths(lines: &[Line]) -> Vec<Option<u32>> {
    let mut widths = vec![None; lines.len()];
    let overall = Fit::of(lines.iter().filter(|l| l.width <= WIDEST_WRAP), pairs(lines)).width();
    let mut at = 0;
    for run in lines.chunk_by(|a, b| a.width <= WIDEST_WRAP && b.width <= WIDEST_WRAP) {
        for stretch in run.chunks(STRETCH) {
            let fit = Fit::of(stretch.iter(), pairs(stretch));
            let width =
                if fit.pairs < ENOUGH_PAIRS { fit.width().or(overall) } else { fit.width() };
            let wrapped = width.filter(|_| stretch[0].width <= WIDEST_WRAP);
            widths[at..at + stretch.len()].fill(wrapped);
            at += stretch.len();
        }
    }
    widths
}

/// Neighbouring short lines with no gap between.
fn pairs(lines: &[Line]) -> impl Iterator<Item = (&Line, &Line)> {
    lines
        .windows(2)
        .map(|pair| (&pair[0], &pair[1]))
        .filter(|(a, b)| !b.gap_before && a.width <= WIDEST_WRAP && b.width <= WIDEST_WRAP)
}

/// How far a stretch of lines looks wrapped.
struct Fit {
    usual: u32,
    pairs: usize,
    run_on: usize,
    full: usize,
}

impl Fit {
    fn of<'l>(
        lines: impl Iterator<Item = &'l Line>,
        pairs: impl Iterator<Item = (&'l Line, &'l Line)>,
    ) -> Self {
        let mut fit =
            Fit { usual: median(lines.map(|l| l.width).collect()), pairs: 0, run_on: 0, full: 0 };
        for (a, b) in pairs {
            fit.pairs += 1;
            if a.is_open() && matches!(b.lead, Lead::Lower | Lead::Uncased) {
                fit.run_on += 1;
                fit.full += usize::from(is_full(a, b, fit.usual));
            }
        }
        fit
    }

    fn width(&self) -> Option<u32> {
        let often = self.run_on as f64 >= RUNS_ON * self.pairs as f64;
        let even = 2 * self.full >= self.run_on;
        (self.run_on > 0 && often && even && self.usual >= NARROWEST_WRAP).then_some(self.usual)
    }
}

fn median(mut widths: Vec<u32>) -> u32 {
    let middle = widths.len() / 2;
    if widths.is_empty() { 0 } else { *widths.select_nth_unstable(middle).1 }
}

/// Whether the first word of `b` would hardly have fitted behind `a`.
fn is_full(a: &Line, b: &Line, usual: u32) -> bool {
    f64::from(a.width) + 1.0 + f64::from(b.first_word) >= FULL * f64::from(usual)
}

/// Whether the text of `a` goes on in `b`, the next line that is not blank; `gap`: blank lines
/// stand between.
pub(super) fn goes_on(text: &str, a: &Line, b: &Line, gap: bool, width: Option<u32>) -> bool {
    let full = width.is_some_and(|usual| is_full(a, b, usual));
    if (b.marked && !(full && a.is_open())) || (a.all_caps != b.all_caps && b.lead != Lead::Lower) {
        return false;
    }
    if gap {
        return a.is_open() && b.lead == Lead::Lower && (full || a.width >= RUNNING_TEXT);
    }
    match (a.tail, b.lead) {
        (Tail::Stop, Lead::Lower) => full || ends_in_capital(text, a),
        (Tail::Stop, _) => full,
        (Tail::Colon, lead) => full && lead != Lead::Upper,
        (Tail::Dangling, _) => true,
        (Tail::Open, Lead::Lower) => full || width.is_some() || runs(text, a),
        (Tail::Open, _) => full || (width.is_some() && has_clause(text, a)),
    }
}

/// "the U.S." and a small letter in the next line.
fn ends_in_capital(text: &str, line: &Line) -> bool {
    let inner = text[line.start..line.end].trim_end_matches('.');
    inner.chars().next_back().is_some_and(char::is_uppercase)
}

/// Whether a line has words that no heading has.
fn has_clause(text: &str, line: &Line) -> bool {
    text[line.start..line.end].split_whitespace().any(super::words::is_of_clauses)
}

/// Whether a line by itself reads as part of a sentence.
fn runs(text: &str, line: &Line) -> bool {
    let mut words = text[line.start..line.end].split_whitespace();
    line.width >= RUNNING_TEXT || words.any(super::words::is_closed_class)
}
