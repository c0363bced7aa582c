//! Lines of names: offices, people, outlets, and captions, which are little more.

/// Whether every letter with a case is a capital, and there are at least two.
pub(super) fn is_capitals(line: &str) -> bool {
    line.chars().filter(|c| c.is_uppercase()).count() >= 2 && !line.chars().any(char::is_lowercase)
}

/// Whether a short line is nothing but names and names an office.
pub(super) fn is_institution(line: &str) -> bool {
    const OFFICES: [&str; 16] = [
        "ministry",
        "ministère",
        "ministerio",
        "department",
        "office",
        "embassy",
        "government",
        "secretariat",
        "commission",
        "bureau",
        "agency",
        "directorate",
        "council",
        "permanent",
        "presidency",
        "cabinet",
    ];
    let mut words = line.split_whitespace().map(str::to_lowercase).filter(|word| word != "the");
    let office = line.len() <= 120 && words.any(|word| OFFICES.contains(&word.as_str()));
    office && is_names(line)
}

/// Whether a line holds names and what joins them, and so no verb: `Minister Ana Silva at the
/// meeting`, `Ministry of Ports`.
pub(super) fn is_names(line: &str) -> bool {
    const JOINTS: [&str; 24] = [
        "of",
        "and",
        "the",
        "for",
        "at",
        "in",
        "on",
        "with",
        "de",
        "to",
        "a",
        "an",
        "meeting",
        "ceremony",
        "talks",
        "during",
        "before",
        "after",
        "their",
        "press",
        "conference",
        "from",
        "left",
        "right",
    ];
    let mut words = line.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut capitals = 0;
    let named = words.all(|word| {
        let capital = word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
        capitals += usize::from(capital);
        capital || word.is_empty() || JOINTS.contains(&word)
    });
    let person = line.split_whitespace().count() >= 2;
    named && person && capitals >= 2
}

/// Whether a line says that it stands beside a picture.
pub(super) fn shows_picture(line: &str) -> bool {
    const SIGNS: [&str; 26] = [
        "(left)",
        "(right)",
        "(l)",
        "(r)",
        "(centre)",
        "(center)",
        "(c)",
        "left)",
        "right)",
        "from left",
        "from right",
        "first left",
        "pictured",
        "in this photo",
        "in this file photo",
        "file photo",
        "poses for",
        "pose for",
        "posing for",
        "group photo",
        "at the meeting",
        "shakes hands with",
        "shake hands with",
        "shake hands before",
        "an aerial view",
        "photo shows",
    ];
    let small = line.to_lowercase();
    let signed = SIGNS.iter().any(|sign| small.contains(sign));
    let one_sentence = !small.trim_end_matches('.').contains(". ");
    signed && one_sentence && !(small.ends_with("at the meeting.") || small.contains('"'))
}

/// A name of at most four words: an outlet, an agency, a signature.
pub(super) fn is_outlet(line: &str) -> bool {
    let words = line.split_whitespace().count();
    let named = line.split_whitespace().all(|word| {
        word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
            || matches!(word, "of" | "the" | "and" | "de" | "/")
    });
    let digits = line.contains(|c: char| c.is_ascii_digit());
    (1..=4).contains(&words) && named && !digits && !line.ends_with(['.', '?', '!', ':'])
}
