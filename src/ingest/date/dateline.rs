//! Lines that date a text: datelines, labelled dates, dates alone, and the dates under statements.
//!
//! One grammar serves two readers: [`super::in_text`] wants the date, the furniture wants to know
//! how much of the line is no running text.

use super::scan::{Token, Written, date_at, is_clock, tokens};

/// How a line gives its date, the most believed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Behind a label: `Published: 2024-05-01`.
    Published,
    /// Before the first sentence: `HANOI, 12 March 2023 (Agency) -`.
    Dateline,
    /// Alone on its line, perhaps with a weekday, a time or an author.
    Alone,
    /// Under a statement, behind its issuer in capitals: `MINISTRY OF TRADE 8 MAY 2024`.
    SignOff,
    /// Alone on a line near the end.
    Tail,
    /// Behind a label that speaks of a later change.
    Updated,
}

/// What a line says of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineDate {
    /// How the date stands there.
    pub role: Role,
    /// One past the last byte of the line that is no running text.
    pub end: usize,
    /// Whether nothing but capitals before a dash or colon speaks for a dateline (`ROME: ...`).
    pub bare: bool,
    /// Whether a dateline names an agency.
    pub agency: bool,
    /// The date; a dateline may have none.
    pub(super) written: Option<Written>,
}

/// Reads a line as a dateline, a labelled date, a date alone or a signed date.
pub(crate) fn of_line(line: &str) -> Option<LineDate> {
    let (tokens, whole) = tokens(line);
    let line = Line { text: line, tokens: &tokens, whole };
    line.labelled()
        .or_else(|| line.alone())
        .or_else(|| line.dateline(0))
        .or_else(|| line.in_parts())
        .or_else(|| line.signed())
}

struct Line<'t> {
    text: &'t str,
    tokens: &'t [Token<'t>],
    /// Whether the tokens are the whole line.
    whole: bool,
}

impl Line<'_> {
    fn all(&self, role: Role, written: Written) -> LineDate {
        LineDate { role, end: self.text.len(), bare: false, agency: false, written: Some(written) }
    }

    fn start_of(&self, token: usize) -> usize {
        self.tokens.get(token).map_or(self.text.len(), |t| t.start)
    }

    /// `Published: 2024-05-01 08:00`, and `date 2024-10-15 ROME — The talks ...`.
    fn labelled(&self) -> Option<LineDate> {
        let open = usize::from(self.tokens.first().is_some_and(|t| t.is('(') || t.is('[')));
        let (role, n) = label(&self.tokens[open..])?;
        let colon = self.tokens.get(open + n).is_some_and(|t| t.is(':') || t.is('|'));
        let at = open + n + usize::from(colon);
        let (written, n) = date_at(self.tokens.get(at..)?)?;
        let rest = at + n;
        if self.whole && ends(&self.tokens[rest..], open == 1) {
            return Some(self.all(role, written));
        }
        let plain_label = colon || (rest > 1 && self.tokens[0].says("date"));
        let followed = self.dateline(rest).map(|dateline| dateline.end);
        let end = followed.or(plain_label.then(|| self.start_of(rest)))?;
        Some(LineDate { role, end, bare: false, agency: false, written: Some(written) })
    }

    /// `Tuesday, 15 October 2024 | 14:05 GMT+7`.
    fn alone(&self) -> Option<LineDate> {
        let open = usize::from(self.tokens.first().is_some_and(|t| t.is('(') || t.is('[')));
        let (written, n) = date_at(self.tokens.get(open..)?)?;
        let rest = &self.tokens[open + n..];
        (self.whole && ends(rest, open == 1)).then(|| self.all(Role::Alone, written))
    }

    /// A dateline that starts at token `from`.
    fn dateline(&self, from: usize) -> Option<LineDate> {
        let tokens = self.tokens.get(from..)?;
        let head = Head::read(tokens)?;
        let next = tokens.get(head.n_tokens);
        let accepted = match head.stop {
            Stop::Dash => head.before_dash(next),
            Stop::Colon => head.before_colon(next),
            Stop::End => self.whole && head.whole_line(),
        };
        accepted.then(|| LineDate {
            role: Role::Dateline,
            end: self.start_of(from + head.n_tokens),
            bare: head.date.is_none() && !head.agency,
            agency: head.agency,
            written: head.date,
        })
    }

    /// `By Ana Silva | 5 May 2023`, `5 May 2023 · News`: short parts, one of them a date.
    fn in_parts(&self) -> Option<LineDate> {
        let separators = ['|', '·', '•'];
        if !self.whole || self.text.len() > 200 || !self.text.contains(separators) {
            return self.behind_author();
        }
        let parts = || self.text.split(separators).filter(|part| !part.trim().is_empty());
        if parts().any(|part| part.split_whitespace().count() > 8) {
            return None;
        }
        let dates = parts().filter_map(|part| {
            let (tokens, whole) = tokens(part);
            let line = Line { text: part, tokens: &tokens, whole };
            line.labelled().or_else(|| line.alone()).or_else(|| line.behind_author())
        });
        let best = dates.filter(|found| found.written.is_some()).min_by_key(|found| found.role)?;
        Some(LineDate { end: self.text.len(), ..best })
    }

    /// `By Ana Silva, 5 May 2023`.
    fn behind_author(&self) -> Option<LineDate> {
        let first = self.tokens.first().filter(|t| t.says("by"))?;
        let names = self.tokens[1..].iter().take(8).take_while(|t| starts_capital(**t)).count();
        let comma = 1 + names + usize::from(self.tokens.get(1 + names).is_some_and(|t| t.is(',')));
        let (written, n) = date_at(self.tokens.get(comma..)?)?;
        let fits = first.start < 8 && names > 0 && is_clock(&self.tokens[comma + n..]);
        (fits && self.whole).then(|| self.all(Role::Alone, written))
    }

    /// `MINISTRY OF TRADE RIVERLAND 8 MAY 2024`: capitals, then a day, then nothing or the text.
    fn signed(&self) -> Option<LineDate> {
        let words = self.tokens.iter().take(14);
        let capitals = words.take_while(|t| t.is_capitals() || ",.’'&-()".contains(t.text)).count();
        let (at, (written, n)) =
            (1..=capitals).find_map(|i| Some((i, date_at(self.tokens.get(i..)?)?)))?;
        let day = matches!(written, Written::Known { year: Some(_), day: Some(_), .. });
        let month = self.tokens[at..at + n].iter().any(|t| t.is_capitals() && t.text.len() > 2);
        (day && month).then(|| LineDate {
            role: Role::SignOff,
            end: self.start_of(at + n),
            bare: false,
            agency: false,
            written: Some(written),
        })
    }
}

/// Whether the rest of a line is a time or nothing, with the bracket that the line opened.
fn ends(rest: &[Token<'_>], bracketed: bool) -> bool {
    match rest.split_last() {
        Some((last, before)) if bracketed && (last.is(')') || last.is(']')) => is_clock(before),
        Some((last, before)) if last.is('.') => is_clock(before),
        _ => is_clock(rest),
    }
}

/// The label at the head of the tokens, and how many it takes.
fn label(tokens: &[Token<'_>]) -> Option<(Role, usize)> {
    const LABELS: [(&[&str], Role); 22] = [
        (&["date", "of", "publication"], Role::Published),
        (&["date", "of", "issue"], Role::Published),
        (&["date", "of", "release"], Role::Published),
        (&["date", "and", "time"], Role::Published),
        (&["date", "published"], Role::Published),
        (&["date", "posted"], Role::Published),
        (&["dated"], Role::Published),
        (&["date"], Role::Published),
        (&["first", "published"], Role::Published),
        (&["publication", "date"], Role::Published),
        (&["publish", "date"], Role::Published),
        (&["published"], Role::Published),
        (&["posted"], Role::Published),
        (&["release", "date"], Role::Published),
        (&["released"], Role::Published),
        (&["issued"], Role::Published),
        (&["created"], Role::Published),
        (&["uploaded"], Role::Published),
        (&["last", "updated"], Role::Updated),
        (&["last", "modified"], Role::Updated),
        (&["updated"], Role::Updated),
        (&["modified"], Role::Updated),
    ];
    let fits = |words: &[&str]| {
        words.len() <= tokens.len() && words.iter().zip(tokens).all(|(word, t)| t.says(word))
    };
    let (words, role) = LABELS.iter().find(|(words, _)| fits(words))?;
    let on = tokens.get(words.len()).is_some_and(|t| t.says("on"));
    Some((*role, words.len() + usize::from(on)))
}

fn starts_capital(token: Token<'_>) -> bool {
    token.text.starts_with(char::is_uppercase)
}

#[derive(PartialEq)]
enum Stop {
    Dash,
    Colon,
    End,
}

/// What stands before the dash of a dateline: place, date and agency, each of which may be absent.
struct Head {
    place: usize,
    /// Whether the place is all capitals.
    capitals: bool,
    letters: usize,
    date: Option<Written>,
    /// `(Agency)`, or words behind the date.
    agency: bool,
    agency_capitals: bool,
    agency_words: usize,
    event: bool,
    stop: Stop,
    /// Tokens up to the end of the dash.
    n_tokens: usize,
}

impl Head {
    /// Reads up to a dash, a colon or the end; `None` at the first sign of running text.
    fn read(tokens: &[Token<'_>]) -> Option<Head> {
        let mut head = Head {
            place: 0,
            capitals: true,
            letters: 0,
            date: None,
            agency: false,
            agency_capitals: true,
            agency_words: 0,
            event: false,
            stop: Stop::End,
            n_tokens: 0,
        };
        while let Some(token) = tokens.get(head.n_tokens) {
            let rest = &tokens[head.n_tokens..];
            if let Some(n) = dash(tokens, head.n_tokens) {
                head.n_tokens += n;
                head.stop = Stop::Dash;
                return Some(head);
            }
            if token.is(':') {
                head.n_tokens += 1;
                head.stop = Stop::Colon;
                return Some(head);
            }
            head.n_tokens += head.part(rest)?;
        }
        Some(head)
    }

    /// Takes one part: a date, an agency in brackets, a word or a mark. The tokens that it takes.
    fn part(&mut self, rest: &[Token<'_>]) -> Option<usize> {
        const PARTICLES: [&str; 11] =
            ["de", "del", "da", "do", "of", "la", "el", "al", "au", "and", "am"];
        let token = rest[0];
        if let Some((date, n)) = date_at(rest).filter(|_| self.date.is_none()) {
            self.date = Some(date);
            return Some(n);
        }
        if token.is('(') {
            return self.bracket(rest);
        }
        if starts_capital(token) {
            self.word(token);
            return (self.place <= 8 && self.agency_words <= 4).then_some(1);
        }
        let particle = self.place > 0 && PARTICLES.iter().any(|p| token.says(p));
        (particle || ",./|-–’&".contains(token.text)).then_some(1)
    }

    fn word(&mut self, token: Token<'_>) {
        if self.date.is_some() && self.place > 0 {
            self.agency = true;
            self.agency_words += 1;
            self.agency_capitals &= token.is_capitals();
            return;
        }
        self.place += 1;
        self.capitals &= token.is_capitals();
        self.letters += token.text.len();
        self.event |= is_event(token.text);
    }

    /// `(Agency)` or `(Agency/Other Agency)`.
    fn bracket(&mut self, rest: &[Token<'_>]) -> Option<usize> {
        let close = rest.iter().take(9).position(|t| t.is(')'))?;
        let inner = &rest[1..close];
        let named = inner.iter().all(|t| starts_capital(*t) || "./-& ".contains(t.text));
        self.agency = true;
        self.agency_capitals &= inner.iter().all(|t| !t.is_word() || t.is_capitals());
        (named && !inner.is_empty()).then_some(close + 1)
    }

    fn has_day(&self) -> bool {
        match self.date {
            Some(Written::Known { day, .. }) => day.is_some(),
            Some(Written::Numbers { .. }) => true,
            None => false,
        }
    }

    fn before_dash(&self, next: Option<&Token<'_>>) -> bool {
        let sentence = next.is_none_or(|t| !t.text.starts_with(char::is_lowercase));
        let capitals = self.capitals && self.place > 0 && self.letters >= 3;
        let known = self.has_day() && (self.agency || !self.event);
        let placed = self.place <= 4 && capitals && (self.agency || sentence);
        let filed = self.agency && self.agency_capitals && self.place <= 3;
        known || placed || filed
    }

    fn before_colon(&self, next: Option<&Token<'_>>) -> bool {
        let text = next.is_some_and(|t| !t.is_number() && !t.text.starts_with(char::is_lowercase));
        let capitals = self.capitals && (1..=3).contains(&self.place) && self.letters >= 3;
        text && capitals && (self.date.is_none() || self.has_day())
    }

    /// A whole line of place and day, such as `Rome, 5 May 2023`; a headline names its event.
    fn whole_line(&self) -> bool {
        self.has_day() && !self.event && (1..=3).contains(&self.place)
    }
}

/// The tokens of a dash at `at`: one long one, two hyphens, or a hyphen between spaces.
fn dash(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let token = tokens[at];
    if token.is('—') || token.is('–') || token.is('―') {
        let run = tokens[at..].iter().take_while(|t| "—–―-".contains(t.text)).count();
        return Some(run);
    }
    if !token.is('-') {
        return None;
    }
    let next = tokens.get(at + 1);
    if next.is_some_and(|t| t.is('-')) {
        return Some(2);
    }
    let apart = next.is_none_or(|t| t.start > token.end());
    let before = at == 0 || tokens[at - 1].end() < token.start;
    let behind_bracket = at > 0 && tokens[at - 1].is(')');
    (apart && (before || behind_bracket)).then_some(1)
}

/// Words that name what a headline is about, which no place is called.
fn is_event(word: &str) -> bool {
    const EVENTS: [&str; 26] = [
        "summit",
        "meeting",
        "dialogue",
        "talks",
        "visit",
        "forum",
        "conference",
        "session",
        "statement",
        "agreement",
        "report",
        "trade",
        "remarks",
        "speech",
        "address",
        "week",
        "interview",
        "election",
        "elections",
        "exercise",
        "exchange",
        "cooperation",
        "festival",
        "ceremony",
        "readout",
        "communique",
    ];
    let word = word.to_lowercase();
    EVENTS.contains(&word.as_str())
}
