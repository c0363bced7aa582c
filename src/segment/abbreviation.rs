//! What stands before a full stop: a word, a title, an initial, an abbreviation.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::layout::words::lower_into;

/// How a token behaves when a full stop follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ordinary word: the stop ends the sentence.
    Word,
    /// "Mr": what follows belongs to it.
    Title,
    /// "No", "pp": a number follows; else an ordinary word.
    Numbered,
    /// "Inc", "Jan", "Gen": the stop ends the sentence only before a word that plainly starts one.
    Shortened,
    /// "a.m", "etc": the stop ends the sentence before any capital.
    Closing,
    /// "J", "U.S": like [`Kind::Shortened`].
    Initial,
    /// A number.
    Number,
}

const TITLES: &str = "mr mrs ms mx messrs mme mlle dr drs prof e.g i.e eg ie cf viz vs v \
    f.e p.s ps n.b resp hon rev amb al supt atty";
const NUMBERED: &str = "no nos p pp para paras art arts sec secs vol vols ch chap fig figs eq eqs \
    ed eds op nr nº n° rs res doc cl bk pt";
const SHORTENED: &str = "gen sen rep gov pres col lt maj capt cmdr cdr sgt cpl pvt adm brig st mt \
    ft fr sr jr inc co corp ltd llc plc bros mfg dept univ assn assoc intl natl govt bldg \
    ave blvd rd hwy pkwy ste apt jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed \
    thu thurs fri approx est min max avg tel ext fwd attn ph.d m.d b.a m.a ph md esq insp det \
    asst ca calif tex fla mass penn wash ariz colo conn ind ill minn miss okla ore tenn wis \
    med misc incl cont dist dir div ref vers yr yrs hr hrs mo mos wk wks lb lbs oz sq cu";
const CLOSING: &str = "etc a.m p.m am pm btw";

static KNOWN: LazyLock<FxHashMap<&'static str, Kind>> = LazyLock::new(|| {
    [
        (TITLES, Kind::Title),
        (NUMBERED, Kind::Numbered),
        (SHORTENED, Kind::Shortened),
        (CLOSING, Kind::Closing),
    ]
    .into_iter()
    .flat_map(|(words, kind)| words.split_whitespace().map(move |word| (word, kind)))
    .collect()
});

const LONGEST: usize = 8;

/// The kind of `token`, which stands before a full stop and has no white space.
pub(super) fn kind(token: &str) -> Kind {
    let token = token.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut lowered = [0_u8; LONGEST];
    let known = lower_into(token, &mut lowered).and_then(|lower| KNOWN.get(lower).copied());
    match known {
        _ if token.ends_with(['°', 'º']) => Kind::Numbered,
        Some(kind) if !is_ambiguous(token) => kind,
        _ if is_initial(token) => Kind::Initial,
        _ if !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit()) => Kind::Number,
        _ => Kind::Word,
    }
}

/// Words that are abbreviations only when capitalised ("Sat", "Mass") or only when not.
fn is_ambiguous(token: &str) -> bool {
    let capitalised = token.starts_with(char::is_uppercase);
    match token.to_ascii_lowercase().as_str() {
        "col" | "dec" | "mar" | "mon" | "wed" | "fri" | "mass" | "miss" | "ill" | "ore" | "ind"
        | "wash" | "gov" | "sen" | "jun" | "jan" | "pt" | "fig" | "mt" | "ca" => !capitalised,
        "am" | "ed" | "art" | "max" | "v" => capitalised,
        _ => false,
    }
}

/// "J", "U.S", "J.-P", "Ph.D": letters with stops between, none of them a word.
fn is_initial(token: &str) -> bool {
    let mut parts = 0;
    for part in token.split(['.', '-']) {
        let letters = part.chars().count();
        let fits = part.chars().all(char::is_alphabetic)
            && (letters == 1 || (letters == 2 && part.starts_with(char::is_uppercase)));
        if !fits || (letters == 2 && !token.contains('.')) {
            return false;
        }
        parts += 1;
    }
    parts > 1 || token.chars().all(|c| c.is_uppercase() && c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_before_a_stop_are_told_apart() {
        for (token, expected) in [
            ("Mr", Kind::Title),
            ("(Dr", Kind::Title),
            ("e.g", Kind::Title),
            ("pp", Kind::Numbered),
            ("Inc", Kind::Shortened),
            ("Dec", Kind::Shortened),
            ("p.m", Kind::Closing),
            ("U.S", Kind::Initial),
            ("J", Kind::Initial),
            ("1994", Kind::Number),
            ("peace", Kind::Word),
            ("ill", Kind::Word),
            ("is", Kind::Word),
            ("", Kind::Word),
        ] {
            assert_eq!(kind(token), expected, "{token}");
        }
    }
}
