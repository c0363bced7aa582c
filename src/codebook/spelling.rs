//! The other forms of a term's word: plurals, and the spelling across the Atlantic. They are worked
//! out once, when the dictionary is built, so that reading a text costs nothing extra and no word
//! of a text is ever changed into another.

/// Where a letter group has to stand for the swap to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    End,
}
use Place::{Anywhere, End};

/// British and American letter groups; each is tried in both directions.
const GROUPS: &[(&str, &str, Place)] = &[
    ("isat", "izat", Anywhere),
    ("ise", "ize", End),
    ("ises", "izes", End),
    ("ised", "ized", End),
    ("iser", "izer", End),
    ("isers", "izers", End),
    ("ising", "izing", End),
    ("yse", "yze", End),
    ("ysed", "yzed", End),
    ("ysing", "yzing", End),
    ("defence", "defense", Anywhere),
    ("offence", "offense", Anywhere),
    ("licence", "license", Anywhere),
    ("pretence", "pretense", Anywhere),
    ("labour", "labor", Anywhere),
    ("harbour", "harbor", Anywhere),
    ("neighbour", "neighbor", Anywhere),
    ("favour", "favor", Anywhere),
    ("honour", "honor", Anywhere),
    ("colour", "color", Anywhere),
    ("behaviour", "behavior", Anywhere),
    ("endeavour", "endeavor", Anywhere),
    ("armour", "armor", Anywhere),
    ("vapour", "vapor", Anywhere),
    ("rumour", "rumor", Anywhere),
    ("tumour", "tumor", Anywhere),
    ("rigour", "rigor", Anywhere),
    ("centre", "center", Anywhere),
    ("theatre", "theater", Anywhere),
    ("litre", "liter", Anywhere),
    ("kilometre", "kilometer", Anywhere),
    ("fibre", "fiber", Anywhere),
    ("programme", "program", End),
    ("programmes", "programs", End),
    ("logue", "log", End),
    ("logues", "logs", End),
    ("fuell", "fuel", Anywhere),
    ("travell", "travel", Anywhere),
    ("labell", "label", Anywhere),
    ("modell", "model", Anywhere),
    ("counsell", "counsel", Anywhere),
    ("signall", "signal", Anywhere),
    ("channell", "channel", Anywhere),
    ("tunnell", "tunnel", Anywhere),
    ("aluminium", "aluminum", Anywhere),
    ("manoeuvre", "maneuver", Anywhere),
    ("sulphur", "sulfur", Anywhere),
    ("sceptic", "skeptic", Anywhere),
    ("judgement", "judgment", Anywhere),
    ("ageing", "aging", End),
    ("paediatr", "pediatr", Anywhere),
    ("plough", "plow", Anywhere),
    ("grey", "gray", Anywhere),
];

/// The word itself, its plural, and both spellings of each. `word` is folded.
pub(super) fn forms(word: &str) -> Vec<String> {
    let mut forms = spellings(word);
    for form in forms.clone() {
        forms.extend(plural(&form));
    }
    forms
}

/// The stem of a wildcard in both spellings. `stem` is folded.
pub(super) fn stems(stem: &str) -> Vec<String> {
    let mut stems = spellings(stem);
    let swapped = match stem.strip_suffix("is") {
        Some(head) => Some(format!("{head}iz")),
        None => stem.strip_suffix("iz").map(|head| format!("{head}is")),
    };
    stems.extend(swapped.filter(|_| stem.len() > 4));
    stems
}

fn spellings(word: &str) -> Vec<String> {
    let mut spellings = vec![word.to_owned()];
    for &(british, american, place) in GROUPS {
        for (from, to) in [(british, american), (american, british)] {
            if let Some(other) = swap(word, from, to, place)
                && !spellings.contains(&other)
            {
                spellings.push(other);
            }
        }
    }
    spellings
}

fn swap(word: &str, from: &str, to: &str, place: Place) -> Option<String> {
    let at = match place {
        Anywhere => word.find(from)?,
        End => word.strip_suffix(from)?.len(),
    };
    let tail = &word[at + from.len()..];
    // "labour" holds "labo" + "ur", not "labor"; but "fuell" holds "fuel": leave what is right.
    let already = word[at..].starts_with(to) && to.len() > from.len();
    (!already).then(|| format!("{}{to}{tail}", &word[..at]))
}

/// The plural of an English noun; `None` for words too short to have one worth matching.
fn plural(word: &str) -> Option<String> {
    if word.len() < 3 || !word.is_ascii() {
        return None;
    }
    let sibilant = ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end));
    match word.strip_suffix('y') {
        Some(head) if !head.ends_with(['a', 'e', 'i', 'o', 'u']) => Some(format!("{head}ies")),
        _ if sibilant || word.ends_with('o') => Some(format!("{word}es")),
        _ => Some(format!("{word}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(word: &str, form: &str) -> bool {
        forms(word).iter().any(|f| f == form)
    }

    #[test]
    fn plurals_follow_the_ending() {
        assert!(has("tariff", "tariffs"));
        assert!(has("country", "countries"));
        assert!(has("railway", "railways"));
        assert!(has("church", "churches"));
        assert!(has("embargo", "embargoes"));
        assert!(!has("of", "ofs"));
        assert!(!has("goods", "good"));
    }

    #[test]
    fn both_spellings_meet_from_either_side() {
        for (british, american) in [
            ("globalisation", "globalization"),
            ("organised", "organized"),
            ("labour", "labor"),
            ("neighbouring", "neighboring"),
            ("defence", "defense"),
            ("centres", "centers"),
            ("programme", "program"),
            ("dialogues", "dialogs"),
            ("refuelling", "refueling"),
        ] {
            assert!(has(british, american), "{british} → {american}");
            assert!(has(american, british), "{american} → {british}");
        }
        assert!(!has("fuelling", "fuellling"));
    }

    #[test]
    fn stems_of_wildcards_swap_too() {
        assert_eq!(stems("organis"), ["organis", "organiz"]);
        assert_eq!(stems("modernizat"), ["modernizat", "modernisat"]);
        assert_eq!(stems("secur"), ["secur"]);
    }
}
