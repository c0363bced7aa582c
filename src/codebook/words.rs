//! Text → words, as the dictionary sees them: where each stands, its folded letters, and whether
//! it may continue a phrase. Terms and texts go through the same reading, so they meet half-way.
//!
//! Folding lower-cases and drops accents. A possessive 's is passed over, `&` reads as "and",
//! "U.N." as "UN", and a script that is written without spaces yields one word a character.

/// How a comma reads.
pub(super) const COMMA: &str = ",";

/// One word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// First byte of the word.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Whether only spaces, hyphens, slashes or quotes part it from the word before.
    pub joined: bool,
    /// Whether it is written in capitals ("WHO", "U.N.", "NGOs").
    pub capitals: bool,
}

/// Reads the words of a text, one after the other.
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Words<'t> {
    pub fn new(text: &'t str) -> Self {
        Words { text, at: 0 }
    }

    /// The next word; its folded letters replace what `folded` held.
    pub fn next(&mut self, folded: &mut String) -> Option<Word> {
        folded.clear();
        let joined = self.skip_gap()?;
        let start = self.at;
        if let Some(sign) = self.peek().and_then(sign) {
            folded.push_str(sign);
            self.at += 1;
            return Some(Word { start, end: self.at, joined, capitals: false });
        }
        let capitals = self.read_letters(folded);
        let end = self.at;
        self.skip_possessive();
        Some(Word { start, end, joined, capitals })
    }

    fn peek(&self) -> Option<char> {
        char_at(self.text, self.at)
    }

    /// Moves to the next word; says whether the gap lets a phrase run across it.
    fn skip_gap(&mut self) -> Option<bool> {
        let mut joined = self.at > 0;
        let mut n_newlines = 0;
        while let Some(c) = self.peek() {
            if is_letter(c) || sign(c).is_some() {
                return Some(joined && n_newlines < 2);
            }
            n_newlines += usize::from(c == '\n');
            joined &= joins(c);
            self.at += c.len_utf8();
        }
        None
    }

    /// Reads one word into `folded`; says whether it is written in capitals.
    fn read_letters(&mut self, folded: &mut String) -> bool {
        let start = self.at;
        let (mut n_upper, mut n_lower, mut last) = (0, 0, ' ');
        let mut initials = true;
        while let Some(c) = self.peek() {
            if c == '.' && initials && n_upper > 0 && last != '.' {
                if !self.goes_on_as_initials(n_upper) {
                    break;
                }
            } else if is_mark(c) {
                // An accent that stands as a character of its own.
            } else if !is_letter(c) || (stands_alone(c) && self.at > start) {
                break;
            } else {
                initials &= c.is_ascii_uppercase() && (n_upper == 0 || last == '.');
                n_upper += usize::from(c.is_uppercase());
                n_lower += usize::from(c.is_lowercase());
                fold(c, folded);
            }
            last = c;
            self.at += c.len_utf8();
            if stands_alone(c) {
                break;
            }
        }
        let plural = n_lower == 1 && n_upper > 1 && last == 's';
        n_upper > 0 && (n_lower == 0 || plural)
    }

    /// At the dot of what may be "U.N." or "U.S.A.": whether the dot belongs to the word.
    fn goes_on_as_initials(&self, n_upper: usize) -> bool {
        let next = char_at(self.text, self.at + 1);
        if !next.is_some_and(|c| c.is_ascii_uppercase()) {
            return n_upper > 1;
        }
        !char_at(self.text, self.at + 2).is_some_and(is_letter)
    }

    fn skip_possessive(&mut self) {
        let Some(apostrophe) = self.peek().filter(|&c| is_apostrophe(c)) else { return };
        let s = self.at + apostrophe.len_utf8();
        let is_s = matches!(char_at(self.text, s), Some('s' | 'S'));
        if is_s && !char_at(self.text, s + 1).is_some_and(is_letter) {
            self.at = s + 1;
        }
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    match *text.as_bytes().get(at)? {
        byte if byte.is_ascii() => Some(char::from(byte)),
        _ => text[at..].chars().next(),
    }
}

/// Signs that read as words of their own: a phrase runs across them only where it holds them too.
fn sign(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("and"),
        ',' => Some(COMMA),
        _ => None,
    }
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric())
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{02bc}')
}

/// Combining accents (U+0300..=U+036F).
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Characters that part two words of one phrase: white space, hyphens, slashes, quotes, and the
/// soft hyphen.
fn joins(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '/' | '"' | '\'' | '\\' | '\u{ad}' | '\u{2bc}')
        || matches!(c, '\u{2010}'..='\u{2013}' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
        || is_mark(c)
}

/// Scripts written without spaces: kana, Han, Hangul is not one of them; Thai to Khmer.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
        || matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
        || matches!(c, '\u{20000}'..='\u{3ffff}')
}

/// Appends the letter in lower case and without accents.
fn fold(c: char, folded: &mut String) {
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
        return;
    }
    for lower in c.to_lowercase() {
        match base_letters(lower) {
            "" if is_mark(lower) => {}
            "" => folded.push(lower),
            base => folded.push_str(base),
        }
    }
}

/// The plain letters of an accented Latin one, in lower case; empty for any other.
fn base_letters(c: char) -> &'static str {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ'..='ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folded words, `+` before those that continue a phrase, `!` after those in capitals.
    fn read(text: &str) -> String {
        let (mut words, mut folded, mut out) = (Words::new(text), String::new(), Vec::new());
        while let Some(word) = words.next(&mut folded) {
            assert!(text.get(word.start..word.end).is_some_and(|slice| !slice.is_empty()));
            let (plus, bang) =
                (if word.joined { "+" } else { "" }, if word.capitals { "!" } else { "" });
            out.push(format!("{plus}{folded}{bang}"));
        }
        out.join(" ")
    }

    #[test]
    fn spaces_hyphens_slashes_and_quotes_join_and_stops_part() {
        assert_eq!(read("people-to-people"), "people +to +people");
        assert_eq!(read("the \u{201c}Belt and\nRoad\u{201d} plan"), "the +belt +and +road +plan");
        assert_eq!(
            read("trade, war. Oil; gas (new) sea/air"),
            "trade +, +war oil gas new sea +air"
        );
        assert_eq!(read("one\n\ntwo"), "one two");
        assert_eq!(read("one \r\n two"), "one +two");
    }

    #[test]
    fn possessives_ampersands_and_initials_read_as_a_person_reads_them() {
        assert_eq!(read("women's rights"), "women +rights");
        assert_eq!(read("ASEAN\u{2019}s role"), "asean! +role");
        assert_eq!(read("countries' debts, don't"), "countries +debts +, +don +t");
        assert_eq!(read("R&D"), "r! +and +d!");
        assert_eq!(read("the U.N. Charter, U.S.-led"), "the +un! +charter +, +us! +led");
        assert_eq!(read("Plan B. Trade"), "plan +b! trade");
        assert_eq!(read("J.Smith"), "j! smith");
    }

    #[test]
    fn capitals_may_carry_a_plural_s_and_digits() {
        assert_eq!(read("NGOs 5G G20 Ngos AIs"), "ngos! +5g! +g20! +ngos +ais!");
    }

    #[test]
    fn accents_fold_whether_they_are_composed_or_not() {
        assert_eq!(read("Việt Nam, Côte d'Ivoire"), "viet +nam +, +cote +d +ivoire");
        assert_eq!(read("Co\u{302}te Straße Øst"), "cote +strasse +ost");
    }

    #[test]
    fn scripts_without_spaces_yield_one_word_a_character() {
        assert_eq!(read("贸易 合作"), "贸 +易 +合 +作");
        assert_eq!(read("торговля 무역"), "торговля +무역");
    }
}
