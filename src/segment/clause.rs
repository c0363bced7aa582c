//! Sentence → units: where a sentence lists, each unit speaks of one thing.
//!
//! A cut falls
//!
//! 1. at semicolons, and at dashes and colons between stretches of some length;
//! 2. before a coordinated verb of a programme: "promote X, deepen Y and support Z";
//! 3. between the items of a series of three or more noun phrases: "in trade, energy and culture";
//! 4. before ", and", ", while", "as well as" between stretches of some length.
//!
//! Nothing is cut in brackets and short quotations, in series of names, dates or adjectives, or
//! at clauses that only say more of what stands before ("which …", "he said"). Commas and other
//! closing marks stay with the unit before them; conjunctions and dashes go with the one after.

use super::lexicon::{self, Class};
use super::word::{self, Gap, Word};
use crate::document::Span;

/// Fewer letters are no unit: they stay with a neighbour.
pub(super) const MIN_LETTERS: usize = 3;
/// Words on either side of a comma that joins clauses.
const CLAUSE_WORDS: usize = 6;
/// Words on either side of a dash, or behind "as well as".
const PHRASE_WORDS: usize = 2;
/// Words of an opening like "in other words,".
const LEAD_IN: usize = 4;
/// Words of one item in a series of noun phrases.
const ITEM_WORDS: usize = 8;

/// Cuts sentences into units; keeps its buffers from one to the next.
#[derive(Default)]
pub(super) struct Cutter {
    words: Vec<Word>,
    /// Whether a unit starts at each word.
    starts: Vec<bool>,
}

impl Cutter {
    /// Calls `each` with the units of `sentence`, in order.
    pub fn units(&mut self, text: &str, sentence: Span, mut each: impl FnMut(Span)) {
        if !may_list(text, sentence) {
            return each(sentence);
        }
        word::read(text, sentence, &mut self.words);
        self.starts.clear();
        self.starts.resize(self.words.len(), false);
        let mut cuts = Cuts { text, words: &self.words, starts: &mut self.starts };
        cuts.at_marks();
        cuts.at_verbs();
        cuts.in_series();
        cuts.at_clauses();
        emit(text, sentence, &self.words, &self.starts, &mut each);
    }
}

/// Whether the sentence has a sign of a list at all.
fn may_list(text: &str, sentence: Span) -> bool {
    let inside = sentence.of(text);
    inside.bytes().any(|b| matches!(b, b',' | b';' | b':' | b'-' | 0xE2))
        || ["and", "well", "while"].iter().any(|tie| inside.contains(tie))
}

/// Spans between the starts, those of too few letters joined to a neighbour.
fn emit(text: &str, sentence: Span, words: &[Word], starts: &[bool], each: &mut impl FnMut(Span)) {
    let mut from = sentence.start;
    let mut pending: Option<Span> = None;
    let cuts = words.iter().zip(starts).skip(1).filter(|(_, start)| **start).map(|(w, _)| w.cut);
    for cut in cuts.chain([sentence.end]) {
        let piece = Span::new(from, cut).trimmed(text);
        from = cut;
        let sized = has_letters(piece.of(text));
        match pending {
            Some(before) if !sized || !has_letters(before.of(text)) => {
                pending = Some(Span::new(before.start, piece.end.max(before.end)));
            }
            Some(before) => {
                each(before);
                pending = Some(piece);
            }
            None => pending = Some(piece),
        }
    }
    pending.into_iter().for_each(each);
}

fn has_letters(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).take(MIN_LETTERS).count() == MIN_LETTERS
}

struct Cuts<'c> {
    text: &'c str,
    words: &'c [Word],
    starts: &'c mut [bool],
}

impl Cuts<'_> {
    fn word(&self, at: usize) -> &str {
        self.words[at].span.of(self.text)
    }

    fn class(&self, at: usize) -> Class {
        self.words.get(at).map_or(Class::NONE, |w| w.class)
    }

    fn is(&self, at: usize, class: Class) -> bool {
        self.class(at).is(class)
    }

    /// Whether the words from `at` read `phrase`, with nothing but space between.
    fn reads(&self, at: usize, phrase: &[&str]) -> bool {
        phrase.iter().enumerate().all(|(i, expected)| {
            let at = at + i;
            at < self.words.len()
                && (i == 0 || self.words[at].gap == Gap::Space)
                && self.word(at).eq_ignore_ascii_case(expected)
        })
    }

    /// "as well as" at `at`.
    fn is_also(&self, at: usize) -> bool {
        self.is(at, Class::PREPOSITION) && self.reads(at, &["as", "well", "as"])
    }

    /// The stretches between the cuts made so far.
    fn stretches(&self) -> Vec<(usize, usize)> {
        let mut stretches = Vec::new();
        let mut from = 0;
        for at in 1..=self.words.len() {
            if at == self.words.len() || self.starts[at] {
                stretches.push((from, at));
                from = at;
            }
        }
        stretches
    }

    /// Cuts at semicolons, and at dashes and colons between stretches of some length.
    fn at_marks(&mut self) {
        let is_comma = |word: &Word| matches!(word.gap, Gap::Comma | Gap::Semicolon);
        let last_comma = self.words.iter().rposition(is_comma).unwrap_or(0);
        let mut last = 0;
        for at in 1..self.words.len() {
            let word = self.words[at];
            let long = at - last > PHRASE_WORDS && self.words.len() - at > PHRASE_WORDS;
            let cut = match word.gap {
                Gap::Semicolon => true,
                Gap::Dash => long && !word.proper && self.words[at + 1].gap == Gap::Space,
                Gap::Colon => at < last_comma && at - last > PHRASE_WORDS && !word.proper,
                _ => false,
            };
            if cut && !word.guarded {
                self.starts[at] = true;
                last = at;
            }
        }
    }

    /// Cuts before coordinated verbs.
    fn at_verbs(&mut self) {
        let mut last = 0;
        for at in 1..self.words.len() {
            if self.starts[at] {
                last = at;
            }
            let start = if self.is_verb(at) { self.coordination(at) } else { None };
            if let Some(start) = start.filter(|&start| start > last && self.ties_verb(start, last))
            {
                self.starts[start] = true;
                last = start;
            }
        }
    }

    /// Whether the coordination at `start` begins something new, after the cut at `last`.
    fn ties_verb(&self, start: usize, last: usize) -> bool {
        let lead_in = start - last <= LEAD_IN && self.is(last, Class::PREPOSITION);
        !(self.shares_object(start) || lead_in || self.words[start].guarded)
    }

    /// Whether what stands before the coordination at `start` is a verb with the same object
    /// ("strengthen and expand ties"), or a preposition with it.
    fn shares_object(&self, start: usize) -> bool {
        let before = self.class(start - 1);
        let plural = before.is(Class::DOUBTFUL) && self.word(start - 1).ends_with('s');
        self.words[start].gap == Gap::Space
            && !plural
            && before.is(Class::VERB.or(Class::PREPOSITION))
    }

    /// Whether the word is a verb of a programme that has something to act on.
    fn is_verb(&self, at: usize) -> bool {
        if !self.is(at, Class::VERB) || self.words[at].proper {
            return false;
        }
        let Some(next) = self.words.get(at + 1) else { return false };
        if next.gap != Gap::Space || self.is(at + 1, Class::COORDINATOR) {
            return false;
        }
        if self.is(at, Class::PARTICIPLE) && !self.is(at + 1, Class::DETERMINER) {
            return false;
        }
        if !self.is(at, Class::DOUBTFUL) {
            return true;
        }
        let nominal = Class::PREPOSITION.or(Class::FINITE).or(Class::SUBJECT);
        let particle = ["up", "out"].contains(&self.word(at + 1));
        let developing = self.word(at).starts_with("develop") && names_countries(self.word(at + 1));
        let third_person = self.word(at).ends_with('s');
        particle || !(self.is(at + 1, nominal) || developing || third_person)
    }

    /// Where the words that tie the verb at `at` to one before start: a comma, "and", "as well
    /// as", then adverbs and "to"; `None` where nothing ties it.
    fn coordination(&self, at: usize) -> Option<usize> {
        let mut start = at;
        while start > 0 && self.words[start].gap == Gap::Space && self.is(start - 1, Class::ADVERB)
        {
            start -= 1;
        }
        let comma = |at: usize| self.words[at].gap == Gap::Comma;
        if start == 0 || comma(start) {
            let participle = self.word(at).ends_with("ed")
                && self.is(at + 1, Class::PREPOSITION.or(Class::ADVERB));
            return (start > 0 && !participle).then_some(start);
        }
        let ties = Class::COORDINATOR.or(Class::CLAUSAL);
        if self.is(start - 1, ties) && start > 1 {
            return Some(start - 1);
        }
        (start > 3 && self.is_also(start - 3)).then(|| start - 3)
    }

    /// Cuts between the items of series of noun phrases.
    fn in_series(&mut self) {
        for (from, to) in self.stretches() {
            let mut pieces = vec![from];
            pieces.extend((from + 1..to).filter(|&at| {
                matches!(self.words[at].gap, Gap::Comma | Gap::Colon) && !self.words[at].guarded
            }));
            pieces.push(to);
            self.in_pieces(&pieces);
        }
    }

    /// `pieces` holds the start of each piece between commas, and the end of the last.
    fn in_pieces(&mut self, pieces: &[usize]) {
        let n = pieces.len() - 1;
        let mut first = 0;
        while first + 1 < n {
            let mut last = first + 1;
            while last < n && self.is_item(pieces[last], pieces[last + 1]) {
                last += 1;
            }
            let alone = last == first + 1;
            let last_and =
                (last < n).then(|| self.closing(pieces[last], pieces[last + 1], alone)).flatten();
            match last_and {
                Some(and) if self.is_series(pieces, first, last, and) => {
                    for &start in &pieces[first + 1..=last] {
                        self.starts[start] = true;
                    }
                    self.starts[and] = true;
                    self.at_example(pieces[first], pieces[first + 1]);
                }
                None if last == n && n - first > 3 && self.is_bare_series(pieces, first) => {
                    for &start in &pieces[first + 1..last] {
                        self.starts[start] = true;
                    }
                }
                _ => {}
            }
            first = last;
        }
    }

    /// Whether the words `from..to`, a whole piece between commas, are a noun phrase of a series.
    fn is_item(&self, from: usize, to: usize) -> bool {
        let pairs_adjectives = |at: usize| at > from && lexicon::is_adjectival(self.word(at - 1));
        to - from <= ITEM_WORDS
            && (from..to).all(|at| !self.is(at, Class::COORDINATOR) || pairs_adjectives(at))
            && !self.is_also(from)
            && self.is_noun_phrase(from, to)
            && (from..to).any(|at| self.is_content(at))
    }

    /// Whether `from..to` starts like a noun phrase and has no verb that makes it a clause.
    fn is_noun_phrase(&self, from: usize, to: usize) -> bool {
        let starters = Class::SUBJECT.or(Class::FINITE).or(Class::CLAUSAL).or(Class::PREPOSITION);
        from < to
            && !self.is(from, starters)
            && !self.reads(from, &["both"])
            && (from..to).all(|at| !self.is(at, Class::FINITE.or(Class::SUBJECT)))
    }

    /// A word in small letters that names something.
    fn is_content(&self, at: usize) -> bool {
        let word = self.words[at];
        !word.proper && word.class == Class::NONE && word.span.len() > 2
            || self.is(at, Class::VERB) && !word.proper
    }

    /// Where the last item of a series starts in the last piece, `from..to`: at "and" or "as well
    /// as", which stands first or behind one item (a short one, where `alone`).
    fn closing(&self, from: usize, to: usize, alone: bool) -> Option<usize> {
        let end = to.min(from + ITEM_WORDS);
        let pairs_adjectives = |at: usize| at > from && lexicon::is_adjectival(self.word(at - 1));
        let and = (from..end).find(|&at| {
            (self.is(at, Class::COORDINATOR) && !pairs_adjectives(at)) || self.is_also(at)
        })?;
        let behind = and + if self.is(and, Class::COORDINATOR) { 1 } else { 3 };
        let short = and - from <= 4 && (from..and).all(|at| !self.is(at, Class::PREPOSITION));
        let item = and == from || (self.is_item(from, and) && (short || !alone));
        let last = behind < to && self.is_noun_phrase(behind, (behind + 2).min(to));
        (item && last && !self.words[and].guarded).then_some(and)
    }

    /// Whether pieces `first..=last` are a series of at least three things, not of names or
    /// adjectives. `and` is where the last thing starts.
    fn is_series(&self, pieces: &[usize], first: usize, last: usize, and: usize) -> bool {
        let inner = and > pieces[last];
        let items = last - first + 1 + usize::from(inner);
        let before_and = if inner { and - 1 } else { pieces[last] - 1 };
        let tails = (first + 1..=last).map(|i| pieces[i] - 1).chain([before_and]);
        let adjectives = tails.into_iter().filter(|&at| self.ends_in_adjective(at)).count();
        let lead_in = self.is(pieces[first], Class::PREPOSITION)
            && pieces[first + 1] - pieces[first] <= LEAD_IN
            && inner
            && first + 1 == last;
        items >= 3 && adjectives == 0 && !lead_in && !self.is(pieces[first + 1] - 1, Class::ADVERB)
    }

    /// Whether the pieces from `first` on are a series without "and".
    fn is_bare_series(&self, pieces: &[usize], first: usize) -> bool {
        (first + 1..pieces.len()).all(|i| !self.ends_in_adjective(pieces[i] - 1))
    }

    fn ends_in_adjective(&self, at: usize) -> bool {
        lexicon::is_adjectival(self.word(at)) || self.is(at, Class::DETERMINER)
    }

    /// Cuts before "such as" or "including" in the piece that a series starts with.
    fn at_example(&mut self, from: usize, to: usize) {
        for at in from + 1..to {
            let opens = self.is(at, Class::EXAMPLE) || self.reads(at, &["such", "as"]);
            if opens && at - from >= PHRASE_WORDS && !self.words[at].guarded {
                self.starts[at] = true;
                return;
            }
        }
        if from > 0 && self.is(from, Class::EXAMPLE) {
            self.starts[from] = true;
        }
    }

    /// Cuts before ", and", ", while" and "as well as" between stretches of some length.
    fn at_clauses(&mut self) {
        for (from, to) in self.stretches() {
            let mut last = from;
            let mut piece = from;
            for at in from + 1..to {
                let word = self.words[at];
                let ties = Class::COORDINATOR.or(Class::CLAUSAL);
                let clause =
                    word.gap == Gap::Comma && self.is(at, ties) && at - piece > PHRASE_WORDS;
                let also = self.is_also(at);
                let least = if also { PHRASE_WORDS + 1 } else { CLAUSE_WORDS };
                let long = at - last >= least && to - at > least;
                if (clause || also) && long && !word.guarded {
                    self.starts[at] = true;
                    last = at;
                }
                if word.gap == Gap::Comma {
                    piece = at;
                }
            }
        }
    }
}

fn names_countries(word: &str) -> bool {
    ["countr", "nation", "state", "econom", "world", "member", "part"]
        .iter()
        .any(|start| word.to_ascii_lowercase().starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let mut units = Vec::new();
        Cutter::default().units(text, Span::new(0, text.len()), |unit| units.push(unit.of(text)));
        units
    }

    /// Cases are written with `|` at every cut.
    #[test]
    fn lists_are_cut_and_nothing_else() {
        for case in [
            "They will promote trade, |deepen defence ties, |and support young people.",
            "The two sides agreed to build roads; |to train pilots; |and to plant trees.",
            "They spoke of cooperation in trade, |investment, |energy |and culture.",
            "He named four aims: |fair trade, |clean water, |safe ports, |and good schools.",
            "They will widen ties in fields |such as tourism, |fishery |and steel.",
            "It covers transport |— including railways, |roads, |and port works |— and smart customs.",
            "They met on October 14, 2024, in Kuala Lumpur, Malaysia.",
            "Jan Roe, Foreign Minister, said that the talks went well.",
            "They held frank, sincere and constructive talks.",
            "Trade and economic cooperation has grown.",
            "The Ministers of Trade, Industry and Energy met.",
            "China, Laos and Vietnam took part.",
            "The fund, which was set up last year, is small.",
            "The Law of the Sea applies.",
            "They urged developed and developing countries to act.",
            "They will strengthen and expand cooperation.",
            "They can further expand and deepen cooperation in farming.",
            "In other words, to build a dam there is right.",
            "Currently, small homes with four rooms or less are few.",
            "The death of the founder, the leader of the party and the head of the State, was a loss.",
            "Gains in health, |water use |and green and clean power have also come.",
            "Core issues would include conflict in the south, |food supply, |and the ASEAN Power Grid.",
            "Mr Tan Roe: The board follows up, as it must, on reports, and tells us.",
            "He expressed condolences for the flood |and praised the rescue teams.",
            "They will actively study the model |and further speed up the building of the dam.",
            "They will do so by deepening exchanges, |strengthening ties in farming, |and building dams.",
            "They hope for closer cooperation and shared prosperity.",
            "They want a small, equitable, and tidy park in all its corners and at every time.",
            "Beyond economic ties, Roe praised warm and lively contacts.",
            "They meet in areas |such as economy - trade, |heavy industry, |and rail links.",
            "They will consolidate the base ; |coordinate their work.",
            "They value peace and support for the poor.",
            "Yes, we did.",
            "2019, 2020 and 2021 were hard years.",
        ] {
            let text = case.replace('|', "");
            let expected: Vec<&str> = case.split('|').map(str::trim).collect();
            assert_eq!(cut(&text), expected, "{case}");
        }
    }

    #[test]
    fn hostile_lists_take_linear_time() {
        for piece in [
            "a, ",
            "and ",
            "ab; ",
            "(",
            "\"a, ",
            "trade, ",
            "promote, ",
            "— ",
            "as well as ",
            "x: ",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            assert!(!cut(text.trim()).is_empty());
        }
    }
}
