//! Dates as people write them, read from a few tokens.
//!
//! Everything here looks at no more than the first [`WINDOW`] bytes of what it is given, so that a
//! line of ten megabytes costs what a short one does. Nothing is checked against the calendar yet.

/// Bytes of a line that are looked at: longer than any dateline.
const WINDOW: usize = 320;

/// A word, a run of ASCII digits, or one other character; white space lies between tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub text: &'t str,
    pub start: usize,
}

impl Token<'_> {
    pub fn end(self) -> usize {
        self.start + self.text.len()
    }

    pub fn is(self, char: char) -> bool {
        self.text.starts_with(char)
    }

    pub fn is_word(self) -> bool {
        self.text.starts_with(char::is_alphabetic)
    }

    pub fn is_number(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether the token says this word, in any case; `word` is lower case.
    pub fn says(self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// Whether every letter that has a case is a capital.
    pub fn is_capitals(self) -> bool {
        self.is_word() && !self.text.chars().any(char::is_lowercase)
    }

    /// The number, where it has `digits` digits.
    fn number(self, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
        (self.is_number() && digits.contains(&self.text.len()))
            .then(|| self.text.parse().ok())
            .flatten()
    }
}

#[derive(PartialEq, Clone, Copy)]
enum Class {
    Letter,
    Digit,
    Other,
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit,
        // Combining marks and the apostrophe of a name belong to their word.
        '\u{300}'..='\u{36f}' | '\'' | '\u{2019}' => Class::Letter,
        c if c.is_alphabetic() => Class::Letter,
        _ => Class::Other,
    }
}

/// The tokens of the first bytes of `text`, and whether that is all of it.
pub(super) fn tokens(text: &str) -> (Vec<Token<'_>>, bool) {
    let window = &text[..text.floor_char_boundary(WINDOW)];
    let mut found = Vec::new();
    let mut chars = window.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let kind = class(first);
        let mut end = start + first.len_utf8();
        while let Some(&(at, next)) = chars.peek() {
            if kind == Class::Other || class(next) != kind {
                break;
            }
            end = at + next.len_utf8();
            chars.next();
        }
        found.push(Token { text: &window[start..end], start });
    }
    (found, window.len() == text.len())
}

/// A date as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The text says which number is which. A month and a day may stand without a year.
    Known { year: Option<u32>, month: Option<u32>, day: Option<u32> },
    /// Two numbers that may be day and month in either order.
    Numbers { first: u32, second: u32, year: u32 },
}

impl Written {
    fn day(year: Option<u32>, month: u32, day: u32) -> Self {
        Written::Known { year, month: Some(month), day: Some(day) }
    }
}

/// Reads the date that starts at the first token; how many tokens it takes.
pub(super) fn date_at(tokens: &[Token<'_>]) -> Option<(Written, usize)> {
    let skipped = weekday(tokens);
    let rest = &tokens[skipped..];
    let forms = [year_first, numbers, chinese, day_month, month_day];
    forms.iter().find_map(|form| form(rest)).map(|(date, n)| (date, n + skipped))
}

/// `Tuesday,` or `Tue.`: the tokens that it takes.
fn weekday(tokens: &[Token<'_>]) -> usize {
    const DAYS: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let named = tokens.first().is_some_and(|t| {
        let word = t.text.to_lowercase();
        word.len() >= 3 && DAYS.iter().any(|day| day.starts_with(&word))
    });
    match tokens.get(1) {
        Some(t) if named && (t.is(',') || t.is('.')) => 2,
        _ => usize::from(named),
    }
}

fn glued(pair: &[Token<'_>]) -> bool {
    pair[0].end() == pair[1].start
}

/// `2024-10-15`, `2024/10/15`, `2024.10.15`, `2024-10`, `20241015`.
fn year_first(tokens: &[Token<'_>]) -> Option<(Written, usize)> {
    let first = tokens.first()?;
    if let Some(packed) = first.number(8..=8) {
        return Some((Written::day(Some(packed / 10_000), packed / 100 % 100, packed % 100), 1));
    }
    let year = first.number(4..=4)?;
    let separator = tokens.get(1).filter(|t| t.is('-') || t.is('/') || t.is('.'))?;
    let month = tokens.get(2)?.number(1..=2)?;
    if !tokens[..3].windows(2).all(glued) {
        return None;
    }
    let day = tokens.get(4).filter(|_| tokens[3].text == separator.text);
    match day.and_then(|t| t.number(1..=2)) {
        Some(day) if tokens[2..5].windows(2).all(glued) => {
            Some((Written::day(Some(year), month, day), 5))
        }
        _ if separator.is('-') => {
            Some((Written::Known { year: Some(year), month: Some(month), day: None }, 3))
        }
        _ => None,
    }
}

/// `15/10/2024`, `15.10.2024`, `15. 10. 2024`, `15-10-2024`: the order may be open.
fn numbers(tokens: &[Token<'_>]) -> Option<(Written, usize)> {
    let [a, s, b, t, c, ..] = tokens else { return None };
    let separated = s.text == t.text && (s.is('/') || s.is('.') || s.is('-'));
    let close = s.is('.') || tokens[..5].windows(2).all(glued);
    let (first, second, year) = (a.number(1..=2)?, b.number(1..=2)?, c.number(4..=4)?);
    (separated && close).then_some((Written::Numbers { first, second, year }, 5))
}

/// `2024年10月15日`.
fn chinese(tokens: &[Token<'_>]) -> Option<(Written, usize)> {
    let [year, y, month, m, rest @ ..] = tokens else { return None };
    if y.text != "年" || !m.is('月') {
        return None;
    }
    let (year, month) = (year.number(4..=4)?, month.number(1..=2)?);
    match rest {
        [day, d, ..] if d.is('日') => {
            Some((Written::day(Some(year), month, day.number(1..=2)?), 6))
        }
        _ => Some((Written::Known { year: Some(year), month: Some(month), day: None }, 4)),
    }
}

/// Tokens of `at..` that may stand between the parts of a date.
fn skip(tokens: &[Token<'_>], at: usize, allowed: &[&str]) -> usize {
    let n = tokens[at.min(tokens.len())..]
        .iter()
        .take_while(|t| allowed.iter().any(|word| t.says(word)))
        .count();
    at + n.min(2)
}

/// The day at the head of `tokens`, with its ending (`15th`); the tokens that it takes.
fn day_number(tokens: &[Token<'_>]) -> Option<(u32, usize)> {
    let day = tokens.first()?.number(1..=2)?;
    let ending = tokens.get(1).is_some_and(|t| {
        glued(&tokens[..2]) && ["st", "nd", "rd", "th", "er"].iter().any(|e| t.says(e))
    });
    Some((day, 1 + usize::from(ending)))
}

/// `15 October 2024`, `15th of October, 2024`, `15-Oct-2024`, `15 de octubre de 2024`, `15 Oct`.
fn day_month(tokens: &[Token<'_>]) -> Option<(Written, usize)> {
    let (day, n) = day_number(tokens)?;
    let at = skip(tokens, n, &["of", "de", ".", "-"]);
    let month = month(tokens.get(at)?.text)?;
    let year_at = skip(tokens, at + 1, &[",", ".", "de", "del", "-"]);
    match tokens.get(year_at).and_then(|t| t.number(4..=4)) {
        Some(year) => Some((Written::day(Some(year), month, day), year_at + 1)),
        None => Some((Written::day(None, month, day), at + 1)),
    }
}

/// `October 15, 2024`, `Oct. 15 2024`, `October 15`, `October 2024`; never a range of days.
fn month_day(tokens: &[Token<'_>]) -> Option<(Written, usize)> {
    let month = month(tokens.first()?.text)?;
    let at = skip(tokens, 1, &[".", ",", "de", "-"]);
    if let Some(year) = tokens.get(at)?.number(4..=4) {
        return Some((Written::Known { year: Some(year), month: Some(month), day: None }, at + 1));
    }
    let (day, n) = day_number(&tokens[at..])?;
    let end = at + n;
    let range = tokens.get(end).is_some_and(|t| t.is('-') || t.is('–') || t.says("to"));
    if range && tokens.get(end + 1).is_some_and(|t| t.is_number()) {
        return None;
    }
    let year_at = skip(tokens, end, &[",", ".", "-"]);
    match tokens.get(year_at).and_then(|t| t.number(4..=4)) {
        Some(year) => Some((Written::day(Some(year), month, day), year_at + 1)),
        None => Some((Written::day(None, month, day), end)),
    }
}

/// Names of the months as headers and metadata write them, in seven languages.
const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "enero", "janvier", "januar", "janeiro", "gennaio", "januari"],
    &["february", "feb", "febrero", "février", "februar", "fevereiro", "febbraio", "februari"],
    &["march", "mar", "marzo", "mars", "märz", "março", "maret"],
    &["april", "apr", "abril", "avril", "aprile"],
    &["may", "mayo", "mai", "maio", "maggio", "mei"],
    &["june", "jun", "junio", "juin", "juni", "junho", "giugno"],
    &["july", "jul", "julio", "juillet", "juli", "julho", "luglio"],
    &["august", "aug", "agosto", "août", "agustus"],
    &["september", "sep", "sept", "septiembre", "septembre", "setembro", "settembre"],
    &["october", "oct", "octubre", "octobre", "oktober", "outubro", "ottobre"],
    &["november", "nov", "noviembre", "novembre", "novembro"],
    &["december", "dec", "diciembre", "décembre", "dezember", "dezembro", "dicembre", "desember"],
];

/// The number of the month, 1..=12.
fn month(word: &str) -> Option<u32> {
    if word.len() < 3 || word.len() > 12 {
        return None;
    }
    let word = word.to_lowercase();
    MONTHS.iter().position(|names| names.contains(&word.as_str())).map(|i| i as u32 + 1)
}

/// Whether the tokens are a time of day and a zone, or nothing: `T08:00:00+07:00`, `at 4:30 p.m.`,
/// `| 14:05 GMT+7`, `08:00:00 GMT+0700 (Indochina Time)`, `Z`.
pub(super) fn is_clock(tokens: &[Token<'_>]) -> bool {
    const WORDS: [&str; 11] = ["t", "z", "at", "am", "pm", "a", "p", "m", "h", "hrs", "hours"];
    let open = tokens.iter().position(|t| t.is('(')).unwrap_or(tokens.len());
    let (clock, zone) = tokens.split_at(open);
    if !zone.is_empty() && !zone.last().is_some_and(|t| t.is(')')) {
        return false;
    }
    let plain = clock.iter().all(|t| match () {
        () if t.is_number() => t.text.len() <= 9,
        () if t.is_word() => {
            WORDS.iter().any(|w| t.says(w)) || (t.is_capitals() && t.text.len() <= 5)
        }
        () => ":.,+-–|/@·".contains(t.text),
    });
    plain && (clock.is_empty() || has_hour(clock))
}

/// `8:30`, `8.30`, `T080000`, `4 pm`, or the `Z` of a day.
fn has_hour(tokens: &[Token<'_>]) -> bool {
    let pair = |t: &[Token<'_>]| {
        let parts = t[0].number(1..=2).is_some() && t[2].number(2..=2).is_some();
        parts && (t[1].is(':') || t[1].is('.'))
    };
    let packed = tokens[0].says("t") && tokens.get(1).is_some_and(|t| t.is_number());
    let half = tokens.iter().any(|t| t.says("am") || t.says("pm"));
    packed || half || tokens.windows(3).any(pair) || (tokens.len() == 1 && tokens[0].says("z"))
}
