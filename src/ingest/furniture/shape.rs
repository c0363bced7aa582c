//! What the shape of one line says: labels, links, counts, names, capitals.

use super::FurnitureKind;

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

/// Labels before a colon, in small letters and in the singular.
const LABELS: [(&[&str], FurnitureKind); 9] = [
    (
        &[
            "photo",
            "photo credit",
            "photo courtesy",
            "photo by",
            "photo source",
            "photograph",
            "image",
            "image credit",
            "image source",
            "picture",
            "pic",
            "picture credit",
            "credit",
            "file photo",
            "illustration",
            "graphic",
            "infographic",
            "video credit",
            "foto",
            "image courtesy",
            "photo and text",
            "text and photo",
            "featured image",
            "cover photo",
        ],
        FurnitureKind::Credit,
    ),
    (&["caption", "photo caption", "image caption", "picture caption"], FurnitureKind::Caption),
    (
        &[
            "source",
            "original source",
            "with input from",
            "via",
            "originally published",
            "adapted from",
        ],
        FurnitureKind::Source,
    ),
    (
        &[
            "reference",
            "bibliography",
            "works cited",
            "further reading",
            "endnote",
            "footnote",
            "citation",
        ],
        FurnitureKind::Reference,
    ),
    (
        &[
            "read more",
            "read also",
            "also read",
            "read",
            "read next",
            "see also",
            "see more",
            "related",
            "related story",
            "related article",
            "related news",
            "related post",
            "related topic",
            "related link",
            "related content",
            "related coverage",
            "more",
            "more on this",
            "more on this topic",
            "watch",
            "watch also",
            "listen",
            "don't miss",
            "you may like",
            "you may also like",
            "recommended",
            "editor's pick",
            "most read",
            "trending",
            "latest news",
            "tag",
            "keyword",
            "topic",
            "category",
            "filed under",
            "more in",
            "in this story",
        ],
        FurnitureKind::Related,
    ),
    (
        &[
            "author",
            "written by",
            "reporter",
            "reported by",
            "reporting by",
            "editor",
            "edited by",
            "editing by",
            "translated by",
            "translator",
            "correspondent",
            "writer",
            "compiled by",
        ],
        FurnitureKind::Byline,
    ),
    (
        &[
            "tel",
            "telephone",
            "phone",
            "fax",
            "email",
            "e-mail",
            "address",
            "website",
            "web",
            "office hour",
            "contact",
            "media contact",
            "press contact",
            "contact person",
            "mobile",
            "hotline",
            "for more information",
            "for media enquiry",
            "for media inquiry",
            "for further information",
            "url",
            "link",
            "whatsapp",
            "facebook",
            "twitter",
            "instagram",
            "telegram",
            "youtube",
        ],
        FurnitureKind::Contact,
    ),
    (&["comment", "share", "view", "like", "rating", "vote"], FurnitureKind::Comments),
    (&["advertisement", "sponsored", "copyright", "disclaimer"], FurnitureKind::Notice),
];

/// `Photo credits: Ana Silva`, `Reference(s):`, `SOURCE: OKP`; a few labels also stand alone.
fn by_label(line: &str) -> Option<FurnitureKind> {
    let (label, colon) = label(line)?;
    let kind = kind_of(&label)?;
    let rest = line[colon..].trim_start_matches([':', '：', '|', ' ']);
    let alone = matches!(kind, FurnitureKind::Reference | FurnitureKind::Related)
        || is_credit_label(&label);
    let marked = colon < line.len();
    (if marked { fits(&label, kind, rest) } else { alone && fits_alone(&label) }).then_some(kind)
}

/// The label of a line in small letters, and where it ends (at its colon).
fn label(line: &str) -> Option<(String, usize)> {
    const LONGEST_LABEL: usize = 40;
    let end = line.find([':', '：', '|']).unwrap_or(line.len());
    if end == 0 || end > LONGEST_LABEL {
        return None;
    }
    let label = line[..end].trim().to_lowercase().replace('’', "'");
    Some((label.trim_end_matches([']', ' ']).to_owned(), end))
}

fn kind_of(label: &str) -> Option<FurnitureKind> {
    let plain = label.replace("photos ", "photo ").replace("images ", "image ");
    let one = plain.strip_suffix("(s)").or_else(|| plain.strip_suffix('s')).unwrap_or(&plain);
    let story = one.strip_suffix("ie").map(|stem| format!("{stem}y"));
    let known = |labels: &[&str]| {
        labels.iter().any(|l| *l == plain || *l == one || story.as_deref() == Some(l))
    };
    LABELS.iter().find(|(labels, _)| known(labels)).map(|&(_, kind)| kind)
}

fn is_credit_label(label: &str) -> bool {
    matches!(
        label,
        "photo credit" | "photo credits" | "photo caption" | "image credit" | "file photo"
    )
}

/// Labels that a crosshead could be need their colon; these do not.
fn fits_alone(label: &str) -> bool {
    !matches!(
        label,
        "more" | "watch" | "listen" | "read" | "topic" | "topics" | "category" | "tag" | "tags"
    )
}

/// Whether what stands behind the colon suits the label: names, not a sentence.
fn fits(label: &str, kind: FurnitureKind, rest: &str) -> bool {
    let words = rest.split_whitespace().count();
    match kind {
        FurnitureKind::Source | FurnitureKind::Byline => words <= 16 && rest.len() <= 200,
        FurnitureKind::Contact => words <= 25,
        FurnitureKind::Comments => words <= 3,
        FurnitureKind::Related if matches!(label, "watch" | "listen" | "read" | "more") => {
            words <= 20
        }
        FurnitureKind::Credit if label == "credit" => words <= 10,
        _ => true,
    }
}

/// What a label on a line of its own opens.
pub(super) enum List {
    /// References: to the end of the text.
    References,
    /// Headlines of other stories.
    Related,
    /// The one line that the label is for.
    One,
}

/// The list that a line opens, if it is a label and nothing else.
pub(super) fn opens_list(line: &str) -> Option<List> {
    let (label, colon) = label(line).filter(|_| line.len() <= 60)?;
    let nothing_behind = line[colon..].trim_matches([':', '：', '|', ' ', ')', ']']).is_empty();
    match kind_of(&label)? {
        _ if !nothing_behind => None,
        FurnitureKind::Reference => Some(List::References),
        FurnitureKind::Source if line.trim_end().to_lowercase().starts_with("sources") => {
            Some(List::References)
        }
        FurnitureKind::Related => Some(List::Related),
        FurnitureKind::Credit | FurnitureKind::Caption | FurnitureKind::Source => Some(List::One),
        _ => None,
    }
}

/// How lines begin that call, sell or refer; only where the line is short.
const PHRASES: [(&str, FurnitureKind); 46] = [
    ("photo credit", FurnitureKind::Credit),
    ("photo courtesy", FurnitureKind::Credit),
    ("photo by ", FurnitureKind::Credit),
    ("photos by ", FurnitureKind::Credit),
    ("photo caption", FurnitureKind::Caption),
    ("all photos ", FurnitureKind::Credit),
    ("image courtesy", FurnitureKind::Credit),
    ("read more", FurnitureKind::Related),
    ("read also", FurnitureKind::Related),
    ("also read", FurnitureKind::Related),
    ("click here", FurnitureKind::Related),
    ("see also", FurnitureKind::Related),
    ("you may also like", FurnitureKind::Related),
    ("most popular", FurnitureKind::Related),
    ("comment (", FurnitureKind::Comments),
    ("comments (", FurnitureKind::Comments),
    ("leave a comment", FurnitureKind::Comments),
    ("leave a reply", FurnitureKind::Comments),
    ("post a comment", FurnitureKind::Comments),
    ("add a comment", FurnitureKind::Comments),
    ("no comments", FurnitureKind::Comments),
    ("share this", FurnitureKind::Comments),
    ("share on ", FurnitureKind::Comments),
    ("like this:", FurnitureKind::Comments),
    ("follow us", FurnitureKind::Comments),
    ("like us on", FurnitureKind::Comments),
    ("join us on", FurnitureKind::Comments),
    ("print this", FurnitureKind::Comments),
    ("do you like the content", FurnitureKind::Comments),
    ("article continues after", FurnitureKind::Notice),
    ("story continues below", FurnitureKind::Notice),
    ("advertisement", FurnitureKind::Notice),
    ("subscribe to ", FurnitureKind::Notice),
    ("subscribe now", FurnitureKind::Notice),
    ("sign up for ", FurnitureKind::Notice),
    ("sign up to ", FurnitureKind::Notice),
    ("download the app", FurnitureKind::Notice),
    ("download our app", FurnitureKind::Notice),
    ("already a subscriber", FurnitureKind::Notice),
    ("all rights reserved", FurnitureKind::Notice),
    ("copyright ©", FurnitureKind::Notice),
    ("copyright (c)", FurnitureKind::Notice),
    ("copyright 2", FurnitureKind::Notice),
    ("©", FurnitureKind::Notice),
    ("for immediate release", FurnitureKind::Notice),
    ("embargoed until", FurnitureKind::Notice),
];

fn by_phrase(line: &str) -> Option<FurnitureKind> {
    const SHORT: usize = 140;
    if line.len() > SHORT {
        return None;
    }
    let opens = |phrase: &str| {
        line.get(..phrase.len()).is_some_and(|start| start.eq_ignore_ascii_case(phrase))
    };
    PHRASES.iter().find(|(phrase, _)| opens(phrase)).map(|&(_, kind)| kind)
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
fn is_domain(word: &str) -> bool {
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
    line.len() <= 60 && counted > 0 && (numbers > 0 || counted >= 2)
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

/// Whether a line looks like an entry of a list of references.
pub(super) fn is_reference(line: &str) -> bool {
    let numbered = line.trim_start_matches(['[', '(']).starts_with(|c: char| c.is_ascii_digit());
    line.len() <= 400 && (numbered || line.contains("http") || line.contains("www."))
}

/// Where the text starts behind an outlet's name and a dash: `(Post.example) - The minister`.
pub(super) fn outlet_prefix(line: &str) -> Option<usize> {
    let (name, dash) = match line.strip_prefix('(') {
        Some(rest) => {
            let close = rest.get(..rest.floor_char_boundary(40))?.find(')')?;
            (&rest[..close], close + 2)
        }
        None => {
            let end = line.find(char::is_whitespace).filter(|&end| end <= 40)?;
            (&line[..end], end)
        }
    };
    let bracketed = line.starts_with('(') && (is_domain(name) || is_capitals(name));
    let rest = line[dash..].trim_start();
    let behind = rest.trim_start_matches(['-', '–', '—']);
    let dashed = behind.len() < rest.len() && behind.starts_with(' ');
    let known = bracketed || (is_domain(name) && is_domain(&name.to_lowercase()));
    (known && dashed).then(|| line.len() - behind.trim_start().len())
}

/// Where an agency's name or an end mark starts behind the last sentence: `— AGENCY`, `(Agency)`,
/// `. AGENCY`, `/.`.
pub(super) fn signature(line: &str) -> Option<usize> {
    const LONGEST_NAME: usize = 40;
    let tail_start = line.ceil_char_boundary(line.len().saturating_sub(LONGEST_NAME + 8));
    let tail = &line[tail_start..];
    let closing = |text: &str| text.trim_end().ends_with(['.', '!', '?', '"', '”', '’', '…']);
    let ends = ["./.", "/."].iter().find_map(|mark| tail.strip_suffix(mark));
    if let Some(kept) = ends.filter(|kept| closing(kept) || tail.ends_with("./.")) {
        let stop = usize::from(tail.ends_with("./."));
        return Some(tail_start + kept.len() + stop);
    }
    let dash = tail.rfind(['—', '–']).or_else(|| tail.rfind("--")).or_else(|| tail.rfind(" - "));
    let bracket = tail.rfind('(').filter(|_| tail.trim_end_matches('.').ends_with(')'));
    let stop = tail.rfind(". ").map(|i| i + 1);
    let start = dash.or(bracket).or(stop).filter(|&start| closing(&tail[..start]))?;
    let name = tail[start..].trim_matches(|c: char| !c.is_alphanumeric());
    let agency = if dash.is_some() || bracket.is_some() {
        is_outlet(name)
    } else {
        is_capitals(name) && name.len() <= 12 && !name.contains(' ') && !tail.ends_with('.')
    };
    agency.then_some(tail_start + start)
}

/// Where a picture's credit starts behind a text: `(Photo: Agency)`, `Photo: Agency`.
pub(super) fn credit_behind(line: &str) -> Option<usize> {
    const LONGEST_CREDIT: usize = 80;
    let tail_start = line.ceil_char_boundary(line.len().saturating_sub(LONGEST_CREDIT));
    let tail = &line[tail_start..];
    let at = ["Photo: ", "Photo credit: ", "Photo Credit: ", "PHOTO: ", "Image: ", "Picture: "]
        .iter()
        .find_map(|label| tail.rfind(label))
        .filter(|&at| at > 0)?;
    let open = at - usize::from(tail[..at].ends_with(['(', '[']));
    let before = tail[..open].trim_end();
    let apart = open < at || before.ends_with(['.', '!', '?', '”', '"', ')']);
    let names = tail[at..].split_whitespace().count() <= 8;
    (apart && names && !before.is_empty()).then_some(tail_start + open)
}
