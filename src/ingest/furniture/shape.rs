//! What the shape of one line says: labels, links, counts, bylines, page numbers.

use super::FurnitureKind;
use super::labels::{by_label, by_phrase};
use super::names::is_capitals;

/// A longer line is never furniture by its shape (bytes).
const LONGEST: usize = 300;

/// The kind that the shape of a line shows. `edge` tells whether it is one of the first or last
/// lines of its text, `first` whether it is the very first.
pub(super) fn of(line: &str, edge: bool, first: bool) -> Option<FurnitureKind> {
    if line.len() > LONGEST {
        return None;
    }
    let bare = line.trim_start_matches(['[', '(', '•', '*', '-', '–', '—', '»', '>', ' ']);
    by_label(bare)
        .or_else(|| by_phrase(bare))
        .or_else(|| is_link(line).then_some(FurnitureKind::Link))
        .or_else(|| is_count(bare).then_some(FurnitureKind::Comments))
        .or_else(|| is_picture_credit(line).then_some(FurnitureKind::Credit))
        .or_else(|| is_page_number(line).then_some(FurnitureKind::PageNumber))
        .or_else(|| is_end_mark(line).then_some(FurnitureKind::EndMark))
        .or_else(|| (edge && is_byline(line, first)).then_some(FurnitureKind::Byline))
}

/// A web or mail address alone on its line: one word, at most with a label's bracket.
fn is_link(line: &str) -> bool {
    let word = line.trim_matches(['(', ')', '[', ']', '<', '>', '.', ' ']);
    if word.is_empty() || word.contains(char::is_whitespace) {
        return false;
    }
    word.starts_with("http://") || word.starts_with("https://") || is_domain(word)
}

/// `name.tld`, perhaps with `www.`, a mail box before or a path behind.
pub(super) fn is_domain(word: &str) -> bool {
    let host = word.rsplit('@').next().unwrap_or(word);
    let host = host.split(['/', '?', ':']).next().unwrap_or(host);
    let labels: Vec<&str> = host.split('.').collect();
    let sound =
        |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let top = labels.last().is_some_and(|top| {
        (2..=12).contains(&top.len()) && top.chars().all(|c| c.is_ascii_alphabetic())
    });
    labels.len() >= 2 && top && labels.iter().all(sound) && labels[0].len() >= 2
}

/// `Comment (0)`, `12 shares`, `1,024 views`, `Comments: 3`.
fn is_count(line: &str) -> bool {
    if line.len() > 60 {
        return false;
    }
    const COUNTED: [&str; 8] =
        ["comment", "share", "view", "like", "reply", "replie", "read", "reaction"];
    let mut numbers = 0;
    let mut counted = 0;
    for word in line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let small = word.to_lowercase();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            numbers += 1;
        } else if COUNTED.contains(&small.strip_suffix('s').unwrap_or(&small)) {
            counted += 1;
        } else {
            return false;
        }
    }
    counted > 0 && (numbers > 0 || counted >= 2)
}

/// `AGENCY/Ana Silva`, `(AGENCY Photo/Ana Silva)`: capitals, a slash, and the name of a person.
fn is_picture_credit(line: &str) -> bool {
    let inner = line.trim_matches(['(', ')', '[', ']', ' ']);
    let Some((agency, name)) = inner.split_once('/') else { return false };
    let named = |part: &str| {
        let mut words = part.split_whitespace().peekable();
        words.peek().is_some() && words.all(|word| word.starts_with(char::is_uppercase))
    };
    inner.len() <= 60
        && named(agency)
        && named(name)
        && is_capitals(first_word(agency))
        && name.split_whitespace().count() >= 2
        && name.chars().any(char::is_lowercase)
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or(text)
}

/// `Page 3 of 12`, `- 3 -`, `3/12`, `14`.
fn is_page_number(line: &str) -> bool {
    let inner = line.trim_matches(['-', '–', '—', ' ', '|', '[', ']']);
    let page = inner.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("page"));
    let rest = if page { &inner[4..] } else { inner };
    let numeric = rest.split_whitespace().all(|word| {
        word.eq_ignore_ascii_case("of") || word.chars().all(|c| c.is_ascii_digit() || c == '/')
    });
    numeric && rest.len() <= 12 && rest.bytes().any(|byte| byte.is_ascii_digit())
}

/// `ENDS`, `- End -`, `###`, `* * *`, `./.`
fn is_end_mark(line: &str) -> bool {
    let letters: String = line.chars().filter(|c| c.is_alphanumeric()).collect();
    let word = matches!(letters.as_str(), "ENDS" | "END" | "End" | "Ends" | "30");
    let signs = letters.is_empty() && line.len() >= 2;
    line.len() <= 24 && (signs || word)
}

/// `By Ana Silva`, `By ANA SILVA in Riverton`, `Ana Silva | Riverton Post`.
fn is_byline(line: &str, first: bool) -> bool {
    const JOINTS: [&str; 6] = ["and", "in", "for", "with", "de", "van"];
    let Some(names) = line.strip_prefix("By ").or_else(|| line.strip_prefix("BY ")) else {
        return false;
    };
    let words: Vec<&str> = names
        .split(|c: char| c.is_whitespace() || ",|&".contains(c))
        .filter(|w| !w.is_empty())
        .collect();
    let joined = words.iter().any(|word| JOINTS.contains(word));
    let named = words.iter().all(|w| w.starts_with(char::is_uppercase) || JOINTS.contains(w));
    let few = (2..=if first { 3 } else { 10 }).contains(&words.len());
    line.len() <= 100 && named && few && !(first && joined) && !line.ends_with(['.', '?', '!'])
}

/// Whether a line looks like an entry of a list of references.
pub(super) fn is_reference(line: &str) -> bool {
    let numbered = line.trim_start_matches(['[', '(']).starts_with(|c: char| c.is_ascii_digit());
    line.len() <= 400 && (numbered || line.contains("http") || line.contains("www."))
}
